# SPDX-License-Identifier: Apache-2.0
"""Opening objects from files, directories, executables and commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from preflight.errors import InputError
from preflight.objects import open_objects, sources
from preflight.objects.carve import find
from tests import elfwriter as e
from tests.elfwriter import ElfWriter


def an_object(name: str = "entry", byteorder: str = "little") -> bytes:
    w = ElfWriter(byteorder)
    w.code("xdp", [e.mov(0, 0), e.exit_()], functions=[name])
    return w.bytes()


def host_elf(*embedded: bytes) -> bytes:
    """Something like an executable: an ELF header of another machine, then objects in its data."""
    return (
        ElfWriter().bytes(e_machine=62) + b"".join(b"\0padding\x7fELF" + data for data in embedded) + b"end"
    )


def test_an_object_file(tmp_path: Path) -> None:
    (tmp_path / "a.bpf.o").write_bytes(an_object())
    (obj,) = open_objects(tmp_path / "a.bpf.o")
    assert (obj.name, obj.programs[0].name) == ("a.bpf.o", "entry")
    assert str(tmp_path) not in json.dumps(obj.to_dict())


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_objects_embedded_in_an_executable(tmp_path: Path, byteorder: str) -> None:
    data = [an_object("one", byteorder), an_object("two", byteorder)]
    (tmp_path / "tool").write_bytes(host_elf(*data))
    found = open_objects(tmp_path / "tool")
    assert [(o.name, o.programs[0].name, o.data) for o in found] == [
        ("tool#1", "one", data[0]),
        ("tool#2", "two", data[1]),
    ]


def test_a_single_embedded_object_carries_the_commands_name(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(host_elf(an_object()))
    assert [o.name for o in open_objects(tmp_path / "tool")] == ["tool"]


def test_what_merely_looks_like_an_object_is_passed_over() -> None:
    real = an_object()
    fakes = [real[:64], real[:30], an_object().replace(b"\xf7\0", b"\x3e\0", 1)]
    data = b"x" + b"".join(fakes) + real
    assert [raw for _, raw in find(data)][-1] == real


def test_a_command_is_found_in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mytool").write_bytes(host_elf(an_object()))
    (tmp_path / "mytool").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir("/")
    assert [o.name for o in open_objects("mytool")] == ["mytool"]


def test_a_directory_is_searched_below_and_equal_objects_are_one(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.bpf.o").write_bytes(an_object())
    (tmp_path / "sub" / "a.bpf.o").write_bytes(an_object())
    (tmp_path / "sub" / "other.bpf.o").write_bytes(an_object("other"))
    (tmp_path / "alias").symlink_to("b.bpf.o")
    (tmp_path / "notes.txt").write_text("no ELF")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    found = open_objects(tmp_path)
    assert [(o.name, o.aliases) for o in found] == [("alias", ("b.bpf.o", "a.bpf.o")), ("other.bpf.o", ())]


def test_one_malformed_object_in_a_directory_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.bpf.o").write_bytes(an_object()[:200])
    (tmp_path / "good.bpf.o").write_bytes(an_object())
    with pytest.raises(InputError, match=r"bad\.bpf\.o"):
        open_objects(tmp_path)
    errors: list[InputError] = []
    assert [o.name for o in open_objects(tmp_path, errors)] == ["good.bpf.o"]
    assert [error.subject for error in errors] == ["bad.bpf.o"]


def test_an_error_inside_an_executable_is_given_in_its_own_offsets(tmp_path: Path) -> None:
    w = ElfWriter()
    section = w.code("xdp", [e.exit_()])
    w.symbol("entry", section, 4, 4, type=e.FUNC)
    data = host_elf(w.bytes())
    (tmp_path / "tool").write_bytes(data)
    with pytest.raises(InputError) as caught:
        open_objects(tmp_path / "tool")
    at = data.index(w.bytes())
    assert caught.value.offset == at + 64 + 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an ELF"),
        (b"#!/bin/sh\n", "not an ELF"),
        (b"\x7fELF", "no BPF object"),
        (None, "no such file"),
    ],
)
def test_a_file_without_objects_is_one_clear_error(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "thing"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_objects(path)


def test_an_empty_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no BPF object"):
        open_objects(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        open_objects(tmp_path / "pipe")


def test_a_nul_byte_in_a_path_is_refused() -> None:
    with pytest.raises(InputError, match="NUL"):
        open_objects("a\0b")


def test_a_file_name_that_is_no_utf8_comes_out_escaped(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.o"
    with open(path, "wb") as stream:
        stream.write(an_object())
    assert open_objects(os.fsdecode(path))[0].name == "\\xff.o"


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        (tmp_path / f"{n}.o").write_bytes(an_object())
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    with pytest.raises(InputError, match="more than 2 files"):
        open_objects(tmp_path)
    monkeypatch.setattr(sources, "MAX_CONTAINER", 10)
    with pytest.raises(InputError, match="over the limit of 10"):
        open_objects(tmp_path / "0.o")
