# SPDX-License-Identifier: Apache-2.0
"""Recording: a kernel is asked for what its file does not have, and what is no longer wanted goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.lab import truth
from preflight.lab.results import BpftoolAnswer, KernelRun, ObjectMeasurement
from preflight.lab.run import Plan, Subject
from tests.kernels.builders import tiny_btf
from tests.lab.test_recorded_truth import _tool

KERNEL = Kernel(
    Identity("debian/x", "little", release="6.99", arch="x86_64"), Contents(Blob(data=tiny_btf()))
)
Asked = list[tuple[str, list[str]]]


def subject(name: str, arch: str | None = None) -> Subject:
    return Subject(name, name[0] * 64, b"", arch)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = _tool()
    monkeypatch.setattr(found, "TRUTH", tmp_path)
    monkeypatch.setattr(found, "versions", lambda: {"libbpf-tools": "1"})
    return found


@pytest.fixture
def asked(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """Replaces booting; the outcomes come in the order given, the last one again and again."""
    heard: Asked = []

    def install(*outcomes: str) -> Asked:
        left = list(outcomes)

        def run(kernels: Sequence[Kernel], plan: Plan, *, done: Any, **_: Any) -> None:
            for kernel in kernels:
                heard.append((kernel.name, [one.name for one in plan.subjects]))
                outcome = left.pop(0) if len(left) > 1 else left[0]
                objects = tuple(
                    ObjectMeasurement(s.name, s.sha256, "loads", bpftool=BpftoolAnswer(0, ""))
                    for s in plan.subjects
                )
                done(KernelRun(kernel.name, outcome, release="6.99", objects=objects))

        monkeypatch.setattr(tool, "run", run)
        return heard

    return install


def names(tool: ModuleType) -> list[str]:
    return [one.object for one in truth.read(tool.file_of(KERNEL)).objects]


def test_only_what_is_missing_is_asked_and_what_is_not_wanted_goes(
    tool: ModuleType, asked: Callable[..., Asked]
) -> None:
    heard = asked("booted")
    old, new = (subject("a"), subject("b")), (subject("c"), subject("b"))
    assert tool.record([KERNEL], old, 1, missing=True) == 0
    assert tool.record([KERNEL], new, 1, missing=True) == 0
    assert heard == [("debian/x", ["a", "b"]), ("debian/x", ["c"])]
    assert names(tool) == ["c", "b"]
    assert tool.record([KERNEL], (subject("b"),), 1, missing=True) == 0
    assert (len(heard), names(tool)) == (2, ["b"])


def test_objects_of_other_machines_are_not_asked_for(tool: ModuleType, asked: Callable[..., Asked]) -> None:
    heard = asked("booted")
    wanted = (subject("a", "aarch64"), subject("b", "x86_64"), subject("c"))
    tool.record([KERNEL], wanted, 1, missing=True)
    assert heard == [("debian/x", ["b", "c"])]


def test_other_packages_make_the_whole_record_old(
    tool: ModuleType, asked: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = asked("booted")
    tool.record([KERNEL], (subject("a"),), 1, missing=True)
    monkeypatch.setattr(tool, "versions", lambda: {"libbpf-tools": "2"})
    tool.record([KERNEL], (subject("a"),), 1, missing=True)
    assert len(heard) == 2


def test_a_panic_is_measured_again_and_what_stays_incomplete_is_not_kept(
    tool: ModuleType, asked: Callable[..., Asked]
) -> None:
    heard = asked("panic", "booted")
    assert tool.record([KERNEL], (subject("a"),), 1, missing=False) == 0
    assert (len(heard), names(tool)) == (2, ["a"])
    asked("panic")
    assert tool.record([KERNEL], (subject("b"),), 1, missing=False) == 1
    assert (len(heard), names(tool)) == (2 + tool.ATTEMPTS, ["a"])
