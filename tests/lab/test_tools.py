# SPDX-License-Identifier: Apache-2.0
"""What the lab needs of its host is found, or named in one line with how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import InstrumentError
from preflight.lab import tools
from preflight.subprocesses import Tool


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of built programs; this machine is an x86-64 one."""
    monkeypatch.setattr("os.uname", lambda: type("U", (), {"machine": "x86_64"}))
    monkeypatch.setenv("PREFLIGHT_LAB_TOOLS", str(tmp_path / "x86_64"))
    return tmp_path


def make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_the_programs_of_another_machine_lie_beside_ours(built: Path) -> None:
    for name in ("loader", "target", "frame", "root/bin/busybox"):
        make(built / "aarch64" / name)
    found = tools.guest_tools(arch="aarch64", objects=True, bpftool=True, collector=True)
    assert found.loader == built / "aarch64/loader"
    assert found.busybox == built / "aarch64/root/bin/busybox"
    assert found.bpftool == built / "aarch64/root/usr/sbin/bpftool"
    assert (found.root, dict(found.collector)) == (built / "aarch64/root", {})


def test_programs_that_were_not_made_are_one_line_with_how_to_make_them(built: Path) -> None:
    with pytest.raises(InstrumentError, match="`make lab-arm64`") as caught:
        tools.guest_tools(arch="aarch64", objects=True, bpftool=False)
    assert "\n" not in str(caught.value)


def test_a_missing_emulator_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.subprocesses.find_tool", lambda _name: Tool(None, "not there"))
    with pytest.raises(InstrumentError, match="apt-get install qemu-system-arm"):
        tools.emulator("aarch64")
    with pytest.raises(InstrumentError, match="apt-get install qemu-system-x86"):
        tools.emulator("x86_64")


def test_a_loader_that_was_not_built_says_so(built: Path) -> None:
    assert tools.built("loader") is None
    with pytest.raises(InstrumentError, match="make build"):
        tools.loader()
