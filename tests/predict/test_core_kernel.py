# SPDX-License-Identifier: Apache-2.0
"""On the running kernel: tools that `core` calls stopped by a field are refused for that very field."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.kernels.host import running
from preflight.objects.sources import open_objects
from preflight.predict.core_findings import core_findings
from preflight.predict.relocated import relocated
from preflight.predict.target import KernelTarget

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not Path("/sys/kernel/btf/vmlinux").exists(), reason="this host shows no kernel BTF"),
]

#: Tools that lost a field on some kernel, and the struct it was in.
TOOLS = {"bindsnoop": "struct inet_sock", "runqlen": "struct cfs_rq"}


@pytest.mark.parametrize(("tool", "struct"), TOOLS.items())
def test_the_kernel_refuses_the_tool_for_the_field_that_was_named(tool: str, struct: str) -> None:
    command = shutil.which(tool, path="/usr/sbin:/usr/bin")
    if command is None:
        pytest.skip(f"{tool} of libbpf-tools is not installed")
    (obj,) = open_objects(command)
    findings = core_findings(relocated(obj, KernelTarget(running())))
    fatal = [f for f in findings if f.code == "PC201"]
    if not fatal:
        pytest.skip(f"this kernel still has every field {tool} reads")
    done = subprocess.run([command], check=False, capture_output=True, text=True, timeout=60)
    if "Operation not permitted" in done.stderr:
        pytest.skip("this process may not load programs")
    named = [str(f.data["access"]) for f in fatal]
    assert done.returncode != 0
    assert any(f"{access} (" in done.stderr for access in named), done.stderr[-2000:]
    assert all(access.startswith(struct) for access in named)
    assert all(f.data["nearest"] for f in fatal)
