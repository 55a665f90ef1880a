# SPDX-License-Identifier: Apache-2.0
"""Trace sites of the newest cloud kernel at hand, against what it lists when it is booted.

With PREFLIGHT_LAB_ALL set also of the oldest; `tools/trace_site_accuracy.py` does it for any kernel.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from preflight.kernels import image
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Kernel
from tests.lab.boots import bootable_kernels

ROOT = Path(__file__).parent.parent.parent

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the lab boots x86-64 kernels only"),
]


def _tool() -> ModuleType:
    path = ROOT / "tools" / "trace_site_accuracy.py"
    spec = importlib.util.spec_from_file_location("trace_site_accuracy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("which", [0, -1] if os.environ.get("PREFLIGHT_LAB_ALL") else [-1])
def test_every_listed_function_has_its_mark_and_no_other(
    which: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tool = _tool()
    kernel = bootable_kernels(tmp_path_factory)[which]
    ((_, measured, data),) = tool.measure([kernel])
    sites = image.unpack(data).trace_sites
    assert sites is not None
    read_now = Kernel(kernel.identity, Contents(kernel.contents.btf, sites=Blob(data=sites)))
    for found in tool.compare(read_now, measured, data):
        assert (found.only_listed, found.only_marked) == ((), ())
        assert found.listed > 100
        assert found.explained["marked as not known"] <= 1
