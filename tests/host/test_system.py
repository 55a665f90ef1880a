# SPDX-License-Identifier: Apache-2.0
"""Reading a host's files: what was seen of a path is never guessed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from preflight.host.system import MAGICS, Seen, System
from tests.host.fakeroot import MOUNTS, FakeRoot


def test_a_file_is_present_with_its_contents(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file("/proc/sys/net/core/bpf_jit_enable", "1\n")
    reading = root.system().sysctl("net.core.bpf_jit_enable")
    assert (reading.seen, reading.number, reading.text) == (Seen.PRESENT, 1, "1")


def test_a_missing_file_on_a_mounted_file_system_is_absent(tmp_path: Path) -> None:
    reading = FakeRoot(tmp_path).system().read("/sys/kernel/btf/vmlinux")
    assert (reading.seen, reading.errno) == (Seen.ABSENT, "ENOENT")


def test_a_missing_ordinary_file_is_absent_without_any_mounts(tmp_path: Path) -> None:
    assert FakeRoot(tmp_path, None).system().read("/boot/config-x").seen is Seen.ABSENT


@pytest.mark.parametrize(
    ("path", "filesystem"),
    [
        ("/sys/kernel/security/lockdown", "securityfs"),
        ("/sys/kernel/tracing/events", "tracefs"),
        ("/sys/firmware/efi/efivars/SecureBoot", "efivarfs"),
        ("/sys/kernel/btf/vmlinux", "sysfs"),
        ("/proc/config.gz", "proc"),
    ],
)
def test_a_missing_file_says_which_file_system_is_not_mounted(
    tmp_path: Path, path: str, filesystem: str
) -> None:
    reading = FakeRoot(tmp_path, {"/": "ext4"}).system().read(path)
    assert (reading.seen, reading.filesystem) == (Seen.NOT_MOUNTED, filesystem)
    assert filesystem in reading.why


def test_a_tmpfs_over_a_part_of_sys_masks_it(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path, {**MOUNTS, "/sys/kernel/btf": "tmpfs"})
    root.folder("/sys/kernel/btf")
    assert root.system().read("/sys/kernel/btf/vmlinux").seen is Seen.MASKED
    assert root.system().names("/sys/kernel/btf").seen is Seen.MASKED


def test_the_tmpfs_that_holds_version_1_control_groups_masks_nothing(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path, {**MOUNTS, "/sys/fs/cgroup": "tmpfs"})
    root.folder("/sys/fs/cgroup")
    assert root.system().read("/sys/fs/cgroup/cgroup.controllers").seen is Seen.ABSENT
    assert root.system().names("/sys/fs/cgroup").seen is Seen.PRESENT


@pytest.mark.skipif(os.geteuid() != 0, reason="making a device node needs root")
def test_a_device_over_a_file_masks_it(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.folder("/proc")
    os.mknod(tmp_path / "proc/kallsyms", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    assert root.system().read("/proc/kallsyms").seen is Seen.MASKED


def test_a_fifo_is_an_error_and_does_not_hang(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    assert root.system().read("/fifo").seen is Seen.ERROR


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.folder("/boot")
    assert root.system().read("/boot").errno == "EISDIR"


def test_a_loop_of_links_is_an_error(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.link("/boot/a", "b")
    root.link("/boot/b", "a")
    reading = root.system().read("/boot/a")
    assert (reading.seen, reading.errno) == (Seen.ERROR, "ELOOP")


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file("/boot/big", b"x" * 100)
    reading = root.system().read("/boot/big", limit=10)
    assert (reading.data, reading.truncated) == (b"x" * 10, True)
    assert not root.system().read("/boot/big", limit=100).truncated


def test_listing_is_sorted_and_stops_at_the_limit(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    for name in "cab":
        root.file(f"/boot/{name}")
    assert root.system().names("/boot").names == ("a", "b", "c")
    assert root.system().names("/boot", limit=2).truncated


@pytest.mark.parametrize("text", ["", "x", "--1", "1" * 30, "1.5", "²"])
def test_what_is_not_a_number_is_none(tmp_path: Path, text: str) -> None:
    root = FakeRoot(tmp_path)
    root.file("/proc/sys/kernel/odd", text)
    assert root.system().sysctl("kernel.odd").number is None


def test_negative_sysctls_are_numbers(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file("/proc/sys/kernel/perf_event_paranoid", "-1\n")
    assert root.system().sysctl("kernel.perf_event_paranoid").number == -1


def test_the_innermost_mount_wins(tmp_path: Path) -> None:
    system = FakeRoot(tmp_path, {**MOUNTS, "/sys/fs/bpf": "tmpfs"}).system()
    assert not system.is_mounted("bpf", "/sys/fs/bpf")
    assert system.is_mounted("tmpfs", "/sys/fs/bpf")


def test_without_mountinfo_the_magic_number_decides(tmp_path: Path) -> None:
    system = FakeRoot(tmp_path, None).system(magics={"/sys": MAGICS["sysfs"]})
    (tmp_path / "sys").mkdir()
    assert system.is_mounted("sysfs", "/sys")
    assert not system.is_mounted("securityfs", "/sys/kernel/security")


def test_statfs_tells_proc_of_the_running_system() -> None:
    seen = System().filesystem("/proc")
    assert seen is not None
    assert seen.magic == MAGICS["proc"]


def test_a_moved_root_is_not_live(tmp_path: Path) -> None:
    assert System().is_live
    assert not System(tmp_path).is_live
