# SPDX-License-Identifier: Apache-2.0
"""The shipped tracers: their catalogue, which variant suits a kernel, and running one for a while.

    load.catalogue()                 every tracer as a `model.Tracer`, from catalogue/*.toml
    load.tracer("syscalls")          one of them
    session.run(...)                 load, attach, collect and detach one variant

May import facts, `predict` and `host`; nothing here knows a renderer.
"""
