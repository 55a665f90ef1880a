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
from preflight.cli.core_objects import Key, Objects
from preflight.cli.main import run
from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from preflight.predict.core_report import judge
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


@pytest.mark.parametrize(
    "line", ["[", "[]", "[[[]],[]]", '[[["libbpf",1,{},[{}]]],[]]', "{}", "[" * 3000, "1 2"]
)
def test_answers_no_run_of_ours_wrote_are_as_good_as_none(
    core: Core, files: list[str], tmp_path: Path, line: str
) -> None:
    first, _ = core(*files)
    for path in (tmp_path / "cache/preflight/core").iterdir():
        entries = cachefiles.Entries(path, 10, 1 << 20)
        entries.keep({key.decode(): line for key in entries._lines})
    assert core(*files) == (first, 2)


def _with_another(tmp_path: Path, files: list[str], name: str, member: str) -> list[str]:
    (tmp_path / name).write_bytes(scenes.reader(member).data)
    return [str(tmp_path / name), *files]


def test_a_new_object_is_asked_about_alone(
    core: Core, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core(*files)
    both = _with_another(tmp_path, files, "more.bpf.o", "x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    anew, _ = core(*both)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    judged: list[str] = []
    monkeypatch.setattr(core_run, "judge", lambda on, *rest: judged.append(on.obj.name) or judge(on, *rest))
    assert core(*both)[0] == anew
    assert judged == ["more.bpf.o"] * 2
    assert core(*reversed(both[:2]), *files[1:])[1] == 0


def test_equal_objects_are_one_under_the_first_of_their_names(
    core: Core, files: list[str], tmp_path: Path
) -> None:
    """In whatever order they are typed, remembered or not."""
    core(*files)
    both = _with_another(tmp_path, files, "twin.bpf.o", "pid")
    for typed in (both, [files[0], both[0], *files[1:]]):
        result, _ = core(*typed)
        assert {(one["object"], *one["aliases"]) for one in result["results"]} == {
            ("read.bpf.o", "twin.bpf.o")
        }


def test_a_twin_that_is_new_does_not_rename_the_first(core: Core, files: list[str], tmp_path: Path) -> None:
    """What its file held is remembered, but not what was answered."""
    core(*files)
    for path in (tmp_path / "cache/preflight/core").iterdir():
        path.unlink()
    both = _with_another(tmp_path, files, "twin.bpf.o", "pid")
    result, _ = core(files[0], both[0], *files[1:])
    assert {one["object"] for one in result["results"]} == {"read.bpf.o"}


def test_an_object_that_is_replaced_after_its_name_was_looked_up_is_not_judged(
    tmp_path: Path, files: list[str]
) -> None:
    objects = Objects([files[0]], tmp_path / "kept")
    assert len(objects.keys) == 1
    again = Objects([files[0]], tmp_path / "kept")
    (key,) = again.keys
    Path(files[0]).write_bytes(scenes.reader("gone").data)
    with pytest.raises(InputError, match="changed while it was read"):
        again.open(key)


def test_a_directory_is_looked_through_again(core: Core, files: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    os.rename(files[0], folder / "read.bpf.o")
    first, _ = core(str(folder), *files[1:])
    assert core(str(folder), *files[1:]) == (first, 0)
    (folder / "more.bpf.o").write_bytes(scenes.reader("x").data)
    result, asked = core(str(folder), *files[1:])
    assert asked == 2
    assert len(result["results"]) == 4


def _kernel(tmp_path: Path, name: str, kind: str = "deb", config: bytes | None = b"") -> Kernel:
    path = tmp_path / f"{name}.btf"
    if not path.exists():
        path.write_bytes(b"btf")
    known = None if config is None else Blob(data=config)
    return Kernel(Identity(name, "little"), Contents(Blob(path), known), Provenance(kind))


_KEY = Key("00" * 32, "one.bpf.o")


def _memory(tmp_path: Path, *options: str) -> CoreMemory:
    return CoreMemory(options, tmp_path / "kept")


def test_the_running_host_is_not_remembered(tmp_path: Path) -> None:
    host = _kernel(tmp_path, "host", "host")
    memory = _memory(tmp_path).of(host)
    assert memory.recall([_KEY]) == {}
    memory.keep({_KEY: Answered({}, [])})
    assert _memory(tmp_path).of(host).recall([_KEY]) == {}


def test_an_unknown_configuration_is_not_an_empty_one(tmp_path: Path) -> None:
    known = _kernel(tmp_path, "k")
    _memory(tmp_path).of(known).keep({_KEY: Answered({}, [])})
    assert _memory(tmp_path).of(known).recall([_KEY]) == {_KEY: Answered({}, [])}
    assert _memory(tmp_path).of(_kernel(tmp_path, "k", config=None)).recall([_KEY]) == {}


def test_an_object_under_another_name_is_another(tmp_path: Path) -> None:
    kernel = _kernel(tmp_path, "k")
    _memory(tmp_path).of(kernel).keep({_KEY: Answered({}, [])})
    assert _memory(tmp_path).of(kernel).recall([_KEY._replace(name="two.bpf.o")]) == {}


def test_only_so_many_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_memory, "_KEPT", 3)
    for number in range(5):
        _memory(tmp_path, str(number)).of(_kernel(tmp_path, "k")).keep({_KEY: Answered({}, [])})
    assert len(list((tmp_path / "kept").iterdir())) == 3


def test_a_finding_survives_its_json_form(core: Core, files: list[str]) -> None:
    result, _ = core(*files)
    for shown in [*result["findings"], *(found for one in result["results"] for found in one["findings"])]:
        assert finding_of(shown).to_dict() == shown
