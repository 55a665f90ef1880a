# SPDX-License-Identifier: Apache-2.0
"""A placeholder target is open, never a failure by itself."""

from __future__ import annotations

import pytest

from preflight.findings.model import Severity, Verdict
from preflight.objects.load import load
from preflight.predict.hooks import hook_findings
from preflight.predict.open_targets import is_placeholder
from tests.btfwriter import BtfWriter
from tests.elfwriter import ElfWriter, exit_, mov
from tests.predict.scenes import kernel, on


@pytest.mark.parametrize(
    ("name", "expected"), [("dummy_file_read", True), ("vfs_read", False), ("foo", True)]
)
def test_names_of_placeholders(name: str, expected: bool) -> None:
    assert is_placeholder(name) is expected


@pytest.mark.parametrize(
    ("target", "verdict", "severity"),
    [
        ("dummy_file_read", Verdict.NOT_APPLICABLE, Severity.INFO),
        ("vfs_gone", Verdict.MISSING, Severity.REQUIRED),
    ],
)
def test_a_hook_on_a_placeholder_is_open(target: str, verdict: Verdict, severity: Severity) -> None:
    writer = ElfWriter()
    writer.code(f"fentry/{target}", [mov(0, 0), exit_()], functions=["prog"])
    writer.license()
    writer.btf(BtfWriter())
    (found,) = hook_findings(on(load(writer.bytes(), "x.bpf.o"), kernel()))
    assert (found.code, found.verdict, found.severity) == ("PC301", verdict, severity)
