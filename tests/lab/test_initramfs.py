# SPDX-License-Identifier: Apache-2.0
"""The archive is what the kernel's `newc` reader expects."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import InstrumentError
from preflight.lab import initramfs
from preflight.lab.initramfs import Node, archive


def unpack(data: bytes) -> dict[str, Node]:
    """A reader of its own, after the format's description."""
    found = {}
    at = 0
    while True:
        assert at % 4 == 0
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, device, name_size = fields[1], fields[6], (fields[9], fields[10]), fields[11]
        name = data[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        at += 110 + name_size
        at += -at % 4
        content = data[at : at + size]
        at += size
        at += -at % 4
        if name == b"TRAILER!!!\0":
            assert at == len(data)
            return found
        found[name[:-1].decode()] = Node(mode, content, device)


def test_a_file_comes_with_the_folders_it_lies_in() -> None:
    found = unpack(archive({"a/b/c": initramfs.file(b"hello", executable=True)}))
    assert list(found) == ["a", "a/b", "a/b/c"]
    assert stat.S_ISDIR(found["a/b"].mode)
    assert found["a/b/c"] == Node(stat.S_IFREG | 0o755, b"hello")


def test_the_console_is_a_device() -> None:
    console = unpack(archive({"dev/console": initramfs.console()}))["dev/console"]
    assert stat.S_ISCHR(console.mode)
    assert console.device == (5, 1)


def test_commands_are_links_to_busybox() -> None:
    link = unpack(archive(initramfs.busybox_links(["ls"])))["bin/ls"]
    assert stat.S_ISLNK(link.mode)
    assert link.data == b"busybox"


@given(st.dictionaries(st.text("abc", min_size=1, max_size=9), st.binary(max_size=20), max_size=5))
def test_every_content_comes_back(files: dict[str, bytes]) -> None:
    found = unpack(archive({name: initramfs.file(data) for name, data in files.items()}))
    assert {name: node.data for name, node in found.items()} == files


def test_the_same_nodes_give_the_same_bytes() -> None:
    nodes = {"b": initramfs.file(b"1"), "a": initramfs.file(b"2")}
    assert archive(nodes) == archive(dict(reversed(nodes.items())))


@pytest.mark.parametrize("path", ["/etc", "a//b", "../up", "a/./b", ""])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        archive({path: initramfs.file(b"")})


def test_a_program_brings_its_libraries() -> None:
    shell = Path("/bin/sh").resolve()
    interpreter, names = initramfs.needed(shell)
    if interpreter is None:
        pytest.skip("this host's shell is static")
    found = initramfs.with_libraries(shell, os.uname().machine)
    assert found[f"bin/{shell.name}"].data == shell.read_bytes()
    assert interpreter.lstrip("/") in found
    assert {f"lib/{name}" for name in names} <= set(found)


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no ELF")
    with pytest.raises(InstrumentError, match="text"):
        initramfs.needed(path)
