# SPDX-License-Identifier: Apache-2.0
"""bpffs, JIT and headers, from made-up hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.facts import unknown
from preflight.findings.model import Verdict
from preflight.host.areas.resources import Bpffs
from preflight.host.collect.resources import collect
from preflight.host.system import MAGICS
from tests.host.areas_builder import FORBIDDEN, context, options, resources, seen, verdict
from tests.host.fakeroot import RELEASE, FakeRoot


def bpffs(root: FakeRoot, magic: str) -> Bpffs | None:
    root.folder("/sys/fs/bpf")
    return collect(root.session(magics={"/sys/fs/bpf": MAGICS[magic]})).bpffs.value


def test_a_bpf_file_system_is_told_by_its_magic(tmp_path: Path) -> None:
    assert bpffs(FakeRoot(tmp_path), "bpf") == Bpffs(True, True, False, 0)


def test_the_bare_sysfs_folder_is_no_bpf_file_system(tmp_path: Path) -> None:
    state = bpffs(FakeRoot(tmp_path, {"/sys": "sysfs", "/run/cilium/bpffs": "bpf"}), "sysfs")
    assert state == Bpffs(False, False, False, elsewhere=1)


def test_without_sys_nobody_knows(tmp_path: Path) -> None:
    assert not collect(FakeRoot(tmp_path, {"/proc": "proc"}).session()).bpffs.is_known


@pytest.mark.parametrize("path", [f"/lib/modules/{RELEASE}/build/Makefile", "/sys/kernel/kheaders.tar.xz"])
def test_headers_are_found_in_either_place(tmp_path: Path, path: str) -> None:
    root = FakeRoot(tmp_path)
    root.file(path)
    assert len(collect(root.session()).headers.value or ()) == 1


def test_a_read_only_bpffs_is_blocked_not_missing() -> None:
    found = verdict("PH801", resources=resources(bpffs=seen(Bpffs(True, False, True, 0))))
    assert found.verdict is Verdict.BLOCKED
    assert "remount" in found.fix


def test_a_bpffs_elsewhere_degrades() -> None:
    found = verdict("PH801", resources=resources(bpffs=seen(Bpffs(False, False, False, 2))))
    assert found.verdict is Verdict.DEGRADED


def test_always_on_decides_where_the_sysctl_is_unreadable() -> None:
    facts = resources(jit_enable=FORBIDDEN)
    assert verdict("PH802", resources=facts).verdict is Verdict.UNKNOWN
    always = context(config=options(BPF_JIT_ALWAYS_ON="y"))
    assert verdict("PH802", resources=facts, context=always).verdict is Verdict.OK


def test_the_headers_module_is_offered() -> None:
    facts = resources(headers=seen(()))
    found = verdict("PH803", resources=facts, context=context(config=options(IKHEADERS="m")))
    assert found.fix == "modprobe kheaders"


@pytest.mark.parametrize("code", ["PH801", "PH802", "PH803"])
def test_unknown_facts_stay_unknown_and_say_what_decides(code: str) -> None:
    nothing = unknown("could not look", decided_by="mount it")
    facts = resources(bpffs=nothing, jit_enable=nothing, headers=nothing)
    found = verdict(code, resources=facts)
    assert found.verdict is Verdict.UNKNOWN
    assert "mount it" in found.fix
