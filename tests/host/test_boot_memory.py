# SPDX-License-Identifier: Apache-2.0
"""The remembered digest of the kernel's BTF: for this boot and this very file, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.host.collect import session as session_module
from preflight.host.collect.boot_memory import BootMemory
from preflight.host.collect.btf import collect
from preflight.host.collect.session import VMLINUX_BTF, Options, Session
from preflight.host.system import System
from tests.host.fakeroot import FakeRoot

DIGEST = "ab" * 32


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/preflight/kernel/boot.json"


def memory(release: str = "", path: str = VMLINUX_BTF) -> BootMemory:
    return BootMemory(System(release=release or None), path)


@pytest.fixture
def kept(cache: Path) -> Path:
    memory().keep(DIGEST)
    if not cache.exists():
        pytest.skip("the running kernel shows no BTF in sysfs, or no boot id")
    return cache


def test_it_is_the_same_in_the_same_boot(kept: Path) -> None:
    assert memory().digest() == DIGEST


@pytest.mark.parametrize(
    "other", [{"release": "6.99.0"}, {"path": "/sys/kernel/notes"}, {"path": "/proc/version"}]
)
def test_another_kernel_or_file_is_another_question(kept: Path, other: dict[str, str]) -> None:
    assert memory(**other).digest() is None


def test_another_boot_is_another_question(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.host.collect.boot_memory._BOOT_ID", "/proc/version")
    assert memory().digest() is None


def test_a_changed_byte_is_not_believed(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes().replace(b"abab", b"abac", 1))
    assert memory().digest() is None


def test_only_files_of_sysfs_are_remembered(cache: Path) -> None:
    memory(path="/proc/version").keep(DIGEST)
    assert not cache.exists()


def test_a_moved_root_is_not_remembered(tmp_path: Path, cache: Path) -> None:
    root = FakeRoot(tmp_path / "root")
    root.file(VMLINUX_BTF, b"x")
    root.file("/proc/sys/kernel/random/boot_id", "1")
    BootMemory(root.system(magics={VMLINUX_BTF: 0x62656572}), VMLINUX_BTF).keep(DIGEST)
    assert not cache.exists()


def test_the_second_run_says_the_same_without_reading_all_bytes(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.unlink()
    first = Session(options=Options(cache=True))
    said = collect(first).vmlinux
    first.types.keep()
    monkeypatch.setattr(session_module, "BTF_LIMIT", 1)
    assert collect(Session(options=Options(cache=True))).vmlinux == said


def test_without_a_cache_or_in_full_the_bytes_are_read(kept: Path) -> None:
    for options in (Options(cache=False), Options(cache=True, full=True)):
        assert Session(options=options).vmlinux_digest != DIGEST
