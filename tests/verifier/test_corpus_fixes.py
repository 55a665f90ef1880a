# SPDX-License-Identifier: Apache-2.0
"""Programs before and after a fix: one is refused, the other loads, and the fix is where it was proposed."""

from __future__ import annotations

import difflib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from preflight.verifier.decode import decode
from preflight.verifier.model import Rejection
from preflight.verifier.result import to_dict
from tools.record_corpus import FIXES, LOGS, load_fixes, read_source, without_labels

NAMES = sorted(path.name.removesuffix(".rejected.bpf.c") for path in FIXES.glob("*.rejected.bpf.c"))
#: What is to be changed is in no log: a declaration outside of functions; the log is without lines.
NOT_IN_THE_LOG = {"threshold_store", "two_buffers"}
#: Lines between the one that is named and the one that was changed: a test stands next to what it tests.
NEAR = 2


def _rows() -> dict[str, dict[str, Any]]:
    lines = (LOGS / "fixes.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["source"]: row for row in map(json.loads, lines)}


def _told(log: str) -> Rejection:
    (found,) = decode(io.BytesIO(log.encode()), "fixes").rejections
    return found


def _changed(name: str) -> set[int]:
    """The lines of the refused source that the fix replaces, or between which it inserts."""
    before, after = (
        without_labels(FIXES / f"{name}.{kind}.bpf.c").splitlines() for kind in ("rejected", "fixed")
    )
    lines: set[int] = set()
    for what, start, end, _, _ in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            lines |= set(range(start + 1, end + 1)) or {start, start + 1}
    return lines


def test_there_are_twenty() -> None:
    assert len(NAMES) >= 20
    assert {path.name for path in FIXES.iterdir()} == {
        f"{name}.{kind}.bpf.c" for name in NAMES for kind in ("rejected", "fixed")
    }


@pytest.mark.parametrize("name", NAMES)
def test_one_was_refused_and_the_other_loaded(name: str) -> None:
    rows = _rows()
    assert rows[f"{name}.rejected.bpf.c"]["verdict"] == "fails"
    assert rows[f"{name}.fixed.bpf.c"]["verdict"] == "loads"


@pytest.mark.parametrize("name", NAMES)
def test_the_cause_is_named_and_a_fix_proposed(name: str) -> None:
    (program,) = read_source(FIXES / f"{name}.rejected.bpf.c")
    label = program.label("6.18")
    found = _told(_rows()[f"{name}.rejected.bpf.c"]["log"])
    assert (found.family, found.cause_id) == (label.family, label.cause)
    assert found.confidence != "low"
    assert to_dict(found)["fix"]


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOT_IN_THE_LOG))
def test_the_fix_is_where_it_was_proposed(name: str) -> None:
    found = _told(_rows()[f"{name}.rejected.bpf.c"]["log"])
    named = {place.line for place in (found.source, found.root.source if found.root else None) if place}
    assert any(abs(line - other) <= NEAR for line in named if line for other in _changed(name))


@pytest.mark.kernel
def test_this_kernel_refuses_the_one_and_loads_the_other(tmp_path: Path) -> None:
    from tests.host.live import why_no_loads

    why = "loading programs needs root" if os.geteuid() else why_no_loads()
    if not why and shutil.which("clang") is None:
        why = "clang is not installed"
    if why:
        pytest.skip(why)
    rows = load_fixes(tmp_path)
    verdicts = {
        name: (rows[f"{name}.rejected.bpf.c"]["verdict"], rows[f"{name}.fixed.bpf.c"]["verdict"])
        for name in NAMES
    }
    assert verdicts == dict.fromkeys(NAMES, ("fails", "loads"))
