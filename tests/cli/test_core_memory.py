# SPDX-License-Identifier: Apache-2.0
"""What `preflight core` remembers: the same answer without asking, and never one to another question."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight import cachefiles
from preflight.cli import core_memory, core_run
from preflight.cli.core_memory import Answered, CoreMemory, finding_of
from preflight.cli.main import run
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from tests.predict import scenes

Core = Callable[..., tuple[dict[str, Any], int]]


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Core:
    """Runs the command on files that are there already; the result, and how many kernels were asked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked: list[object] = []
    ready = core_run._Ready

    def counting(kernel: Any, request: Any, **how: Any) -> Any:
        asked.append(kernel)
        return ready(kernel, request, **how)

    monkeypatch.setattr(core_run, "_Ready", counting)

    def call(*words: str) -> tuple[dict[str, Any], int]:
        asked.clear()
        monkeypatch.setattr(sys, "argv", ["preflight", "core", *words, "--format", "json"])
        run()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        result.pop("generated_at")
        return result, len(asked)

    return call


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The words that name one object and two kernels, which differ in what they have."""
    (tmp_path / "read.bpf.o").write_bytes(scenes.reader("pid").data)
    words = [str(tmp_path / "read.bpf.o")]
    for name, members in (("a.btf", ["pid"]), ("b.btf", ["x"])):
        (tmp_path / name).write_bytes(scenes.kernel(members).contents.btf.read())
        words += ["--kernel", str(tmp_path / name)]
    return words


@pytest.mark.parametrize("options", [(), ("--loader", "all"), ("--only", "misses"), ("--show-commands",)])
def test_the_second_run_asks_no_kernel_and_says_the_same(
    core: Core, files: list[str], options: tuple[str, ...]
) -> None:
    first, asked = core(*files, *options)
    assert asked == 2
    assert first["summary"]["exit_code"] == 1
    assert core(*files, *options) == (first, 0)


def test_another_kernel_is_asked_alone(core: Core, files: list[str]) -> None:
    first, asked = core(*files[:3])
    both, asked_then = core(*files)
    assert (asked, asked_then) == (1, 1)
    assert both["results"][0] == first["results"][0]


@pytest.mark.parametrize("options", [("--only", "misses"), ("--loader", "cilium"), ("--type", "task_struct")])
def test_other_options_are_another_question(core: Core, files: list[str], options: tuple[str, ...]) -> None:
    core(*files)
    assert core(*files, *options)[1] == 2


def test_a_replaced_object_is_another_question(core: Core, files: list[str]) -> None:
    core(*files)
    Path(files[0]).write_bytes(scenes.reader("gone").data)
    result, asked = core(*files)
    assert asked == 2
    assert result["summary"]["verdicts"]["fails"] == 2


def test_a_replaced_kernel_is_another_question(core: Core, files: list[str]) -> None:
    core(*files)
    Path(files[4]).write_bytes(scenes.kernel(["pid"]).contents.btf.read())
    result, asked = core(*files)
    assert asked == 1
    assert result["summary"]["verdicts"]["fails"] == 0


def test_changed_code_is_another_question(
    core: Core, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    core(*files)
    monkeypatch.setattr(cachefiles, "own_identity", lambda: "another")
    assert core(*files)[1] == 2


def test_a_damaged_file_is_as_good_as_none(core: Core, files: list[str], tmp_path: Path) -> None:
    first, _ = core(*files)
    for path in (tmp_path / "cache/preflight/core").iterdir():
        path.write_bytes(path.read_bytes().replace(b"poisoned", b"patched!"))
    result, asked = core(*files)
    assert (result, asked > 0) == (first, True)


def test_a_directory_is_not_remembered(core: Core, files: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    os.rename(files[0], folder / "read.bpf.o")
    core(str(folder), *files[1:])
    assert core(str(folder), *files[1:])[1] == 2


def _kernel(tmp_path: Path, name: str, kind: str = "deb", config: bytes | None = b"") -> Kernel:
    path = tmp_path / f"{name}.btf"
    if not path.exists():
        path.write_bytes(b"btf")
    known = None if config is None else Blob(data=config)
    return Kernel(Identity(name, "little"), Contents(Blob(path), known), Provenance(kind))


def _memory(tmp_path: Path, *options: str) -> CoreMemory:
    obj = tmp_path / "one.bpf.o"
    if not obj.exists():
        obj.touch()
    return CoreMemory([str(obj)], options, tmp_path / "kept")


def test_the_running_host_is_not_remembered(tmp_path: Path) -> None:
    host = _kernel(tmp_path, "host", "host")
    memory = _memory(tmp_path)
    assert memory.recall(host) is None
    memory.keep(host, [])
    assert _memory(tmp_path).recall(host) is None


def test_an_unknown_configuration_is_not_an_empty_one(tmp_path: Path) -> None:
    memory = _memory(tmp_path)
    known = _kernel(tmp_path, "k")
    memory.recall(known)
    memory.keep(known, [Answered({}, [])])
    assert _memory(tmp_path).recall(known) == [Answered({}, [])]
    assert _memory(tmp_path).recall(_kernel(tmp_path, "k", config=None)) is None


def test_only_so_many_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_memory, "_KEPT", 3)
    for number in range(5):
        memory, kernel = _memory(tmp_path, str(number)), _kernel(tmp_path, "k")
        memory.recall(kernel)
        memory.keep(kernel, [])
    assert len(list((tmp_path / "kept").iterdir())) == 3


def test_a_finding_survives_its_json_form(core: Core, files: list[str]) -> None:
    result, _ = core(*files)
    for shown in [*result["findings"], *(found for one in result["results"] for found in one["findings"])]:
        assert finding_of(shown).to_dict() == shown
