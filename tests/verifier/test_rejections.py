# SPDX-License-Identifier: Apache-2.0
"""The worked examples of docs/rejections: pages as recorded, programs that this kernel judges the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from preflight.verifier.model import Rejection
from tests.verifier.logs import only
from tools.make_rejections import FOLDER, SHAPES, Shape, compiled, load, overview, page, verifier_log

IDS = [shape.name for shape in SHAPES]


def _log(shape: Shape) -> str:
    return (FOLDER / shape.name / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("shape", SHAPES, ids=IDS)
def test_page_is_what_the_recorded_log_gives(shape: Shape) -> None:
    assert (FOLDER / shape.name / "README.md").read_text(encoding="utf-8") == page(shape)


def test_overview_is_current() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == overview()
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(IDS)


@pytest.mark.parametrize("shape", SHAPES, ids=IDS)
def test_recorded_log_has_the_cause_and_a_line_to_change(shape: Shape) -> None:
    found = only(_log(shape))
    assert (found.cause_id, found.confidence == "low") == (shape.cause, False)
    assert found.root is not None
    assert found.root.source.line is not None


def _why_not(shape: Shape) -> str:
    from tests.host.live import why_no_loads

    if os.geteuid():
        return "loading with fewer capabilities needs root"
    for tool in ("bpftool", "clang", "setpriv"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if "sys_admin" in shape.dropped and " /sys/fs/bpf bpf " not in Path("/proc/self/mounts").read_text():
        return "bpftool would mount the BPF file system, which takes the capability that is dropped"
    return why_no_loads()


@pytest.mark.kernel
@pytest.mark.parametrize("shape", SHAPES, ids=IDS)
def test_kernel_rejects_one_program_and_loads_the_other(shape: Shape, tmp_path: Path) -> None:
    if why := _why_not(shape):
        pytest.skip(why)
    accepted, said = load(compiled(FOLDER / shape.name / "rejected.bpf.c", tmp_path), shape.dropped)
    assert not accepted
    assert _judged(only(verifier_log(said))) == _judged(only(_log(shape)))
    assert load(compiled(FOLDER / shape.name / "fixed.bpf.c", tmp_path), shape.dropped) == (True, "")


def _judged(one: Rejection) -> tuple[object, ...]:
    """What does not depend on the compiler: family, cause, the rejected line and the line to change."""
    return (one.family, one.cause_id, one.source.line, one.root and one.root.source.line)
