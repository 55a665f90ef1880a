# SPDX-License-Identifier: Apache-2.0
"""Facts recorded in real guests: Debian's kernels under QEMU, booted with lockdown=confidentiality.

In the guests securityfs was mounted only after the collection; it then said `[confidentiality]`,
so the inference is held against the truth. Facts of every collector version must load for ever.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.findings.model import Finding, Verdict
from preflight.host.checks.runner import run_checks
from preflight.host.codec import loads

RECORDED = sorted((Path(__file__).parents[2] / "fixtures" / "facts").glob("*-confidentiality.json"))


def judged(path: Path) -> dict[str, Finding]:
    facts = loads(path.read_bytes(), path.name)
    codes = ("PH101", "PH102", "PH202", "PH208", "PH301", "PH303", "PH309")
    return {finding.code: finding for finding in run_checks(facts, codes)}


def test_there_are_recorded_guests() -> None:
    assert len(RECORDED) >= 2


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_confidentiality_is_inferred_without_securityfs(path: Path) -> None:
    found = judged(path)["PH301"]
    assert found.verdict is Verdict.BLOCKED
    assert "inferred" in found.title


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_lockdown_refuses_no_program_type(path: Path) -> None:
    assert judged(path)["PH309"].verdict is Verdict.OK


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_boot_list_nobody_could_read_stays_unknown(path: Path) -> None:
    assert judged(path)["PH303"].data["legs"]["boot list"] == "unknown"


@pytest.mark.parametrize(("name", "words"), [("5.10", "RLIMIT_MEMLOCK (64 KiB)"), ("6.1", "memory cgroup")])
def test_the_memory_account_was_probed_right(name: str, words: str) -> None:
    (path,) = [path for path in RECORDED if name in path.stem]
    assert words in judged(path)["PH208"].title
