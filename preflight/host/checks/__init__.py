# SPDX-License-Identifier: Apache-2.0
"""The PH checks: pure functions from HostFacts to findings, one module per area.

A check is registered with `@check("PH702")` (see `runner`). It never does I/O and never
decides from a kernel version, a missing file or a bare EPERM.
"""
