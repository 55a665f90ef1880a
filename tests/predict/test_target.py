# SPDX-License-Identifier: Apache-2.0
"""A kernel held for prediction is let go at once, and is asked once."""

from __future__ import annotations

import gc
import weakref

from preflight.core import find_attach_target
from preflight.predict.relocated import relocated
from preflight.predict.target import KernelTarget
from tests.predict import scenes


def test_a_kernel_is_freed_without_the_collector() -> None:
    """Its BTF has megabytes, and a run holds one kernel after the other."""
    gc.collect()
    gc.disable()
    try:
        target = KernelTarget(scenes.kernel(("pid",)))
        on_kernel = relocated(scenes.reader("pid"), target)
        assert on_kernel.relocation.relocations
        gone = weakref.ref(target.relocation), weakref.ref(target)
        del target, on_kernel
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


def test_an_attach_target_is_looked_up_once() -> None:
    target = KernelTarget(scenes.kernel(functions=("vfs_read",))).relocation
    first = find_attach_target(target, "trace_fentry", "vfs_read")
    assert first.error is None
    assert find_attach_target(target, "trace_fentry", "vfs_read") is first
    assert find_attach_target(target, "trace_fexit", "vfs_write").error == "ESRCH"
