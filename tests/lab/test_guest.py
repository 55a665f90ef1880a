# SPDX-License-Identifier: Apache-2.0
"""The guest's script and archive hold what the job says, and nothing a stranger wrote reaches the script."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.lab import guest, initramfs
from preflight.lab.guest import Job, Tools
from tests.lab.test_initramfs import unpack


def test_each_object_is_loaded_by_its_number_only() -> None:
    text = guest.script(Job(objects=(b"one", b"two")), target=True)
    assert "loader --level 1 --timeout 180" in text
    assert [line for line in text.splitlines() if "/in/1.bpf.o" in line]
    assert "/in/2.bpf.o" not in text
    assert f"--binary {guest.TARGET}" in text


def test_no_placeholder_is_left_and_every_command_is_in_the_archive() -> None:
    job = Job(objects=(b"x",), modules=(("md_mod", b"m"),), probe=True, bpftool=True)
    text = guest.script(job, target=True)
    assert "@" not in text.replace('"$@"', "")
    assert "insmod /modules/md_mod.ko" in text


def test_the_script_is_sound_shell() -> None:
    job = Job(objects=(b"x",), modules=(("md_mod", b"m"),), probe=True, bpftool=True)
    done = subprocess.run(
        ["/bin/sh", "-n"], input=guest.script(job, target=True), text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_guest_ends_by_itself_in_any_case() -> None:
    assert "(sleep 77; poweroff -f) &" in guest.script(Job(limit=77), target=False)


def test_the_archive_holds_objects_modules_and_tools(tmp_path: Path) -> None:
    for name in ("busybox", "loader", "target"):
        (tmp_path / name).write_bytes(name.encode())
    tools = Tools(tmp_path / "busybox", tmp_path / "loader", tmp_path / "target")
    found = unpack(guest.build(Job(objects=(b"obj",), modules=(("md_mod", b"mod"),)), tools))
    assert found["in/0.bpf.o"].data == b"obj"
    assert found["modules/md_mod.ko"].data == b"mod"
    assert found["bin/loader"].data == b"loader"
    assert found["init"].mode & 0o111
    assert found["bin/sh"].data == b"busybox"


@pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")
def test_busybox_has_every_command_the_script_calls() -> None:
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert set(guest.COMMANDS) <= set(listed)


@pytest.mark.parametrize(
    ("name", "number"),
    [("object.1", 1), ("0.bpf.o", 0), ("1", 1), ("object.2", None), ("object.-1", None), ("x", None)],
)
def test_only_the_jobs_own_objects_have_numbers(name: str, number: int | None) -> None:
    assert guest.object_number(name, 2) == number


def test_the_output_goes_to_the_port_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "busybox").write_bytes(b"")
    for arch, port in (("x86_64", "ttyS1"), ("aarch64", "ttyS0")):
        text = unpack(guest.build(Job(), Tools(tmp_path / "busybox", arch=arch)))["init"].data
        assert f"exec 3>/dev/{port}\n".encode() in text


def test_a_probe_takes_the_collection_along_and_without_one_asks_bpftool(tmp_path: Path) -> None:
    (tmp_path / "busybox").write_bytes(b"")
    collector = {"py/collect.py": initramfs.file(b"collect")}
    found = unpack(guest.build(Job(probe=True), Tools(tmp_path / "busybox", collector=collector)))
    assert found["py/collect.py"].data == b"collect"
    assert b"python3 -S" in found["init"].data
    without = unpack(guest.build(Job(probe=True), Tools(tmp_path / "busybox")))
    assert b"bpftool -j feature probe" in without["init"].data
    assert "py/collect.py" not in unpack(guest.build(Job(), Tools(tmp_path / "busybox", collector=collector)))
