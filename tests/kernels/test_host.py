# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight.errors import InputError
from preflight.kernels.host import running
from tests.kernels.builders import PACK, tiny_btf, vmlinux

RELEASE = os.uname().release


def _file(root: Path, name: str, data: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_every_fact_from_its_place(tmp_path: Path) -> None:
    _file(tmp_path, "sys/kernel/btf/vmlinux", tiny_btf())
    _file(tmp_path, "sys/kernel/btf/nf_x", b"split")
    _file(tmp_path, "proc/config.gz", PACK["gz"](b"CONFIG_BPF=y\n"))
    _file(tmp_path, "proc/kallsyms", b"ffffffff81000000 T do_exit\n")
    _file(tmp_path, "sys/kernel/tracing/available_events", b"sched:sched_switch\n")
    _file(tmp_path, "sys/kernel/tracing/available_filter_functions", b"vfs_read\n")
    kernel = running(tmp_path)
    assert (kernel.name, kernel.release, kernel.arch) == ("host", RELEASE, os.uname().machine)
    assert kernel.btf_bytes == tiny_btf()
    assert kernel.modules == {"nf_x"}
    assert kernel.config == {"CONFIG_BPF": "y"}
    assert kernel.symbols == {"do_exit": "T"}
    assert kernel.tracepoints == {"sched:sched_switch"}
    assert kernel.available_filter_functions == {"vfs_read"}


def test_what_is_not_there_or_empty_is_unknown(tmp_path: Path) -> None:
    """tracefs that is not mounted, and lists that are closed to this user and read as empty."""
    _file(tmp_path, "sys/kernel/btf/vmlinux", tiny_btf())
    _file(tmp_path, "proc/kallsyms", b"")
    kernel = running(tmp_path)
    assert kernel.config is None
    assert kernel.symbols is None
    assert kernel.tracepoints is None
    assert kernel.available_filter_functions is None


def test_the_configuration_in_boot_is_used_without_procs(tmp_path: Path) -> None:
    _file(tmp_path, "sys/kernel/btf/vmlinux", tiny_btf())
    _file(tmp_path, f"boot/config-{RELEASE}", b"CONFIG_BPF=m\n")
    assert running(tmp_path).config == {"CONFIG_BPF": "m"}


def test_an_installed_vmlinux_stands_in_for_sysfs(tmp_path: Path) -> None:
    _file(tmp_path, f"boot/vmlinux-{RELEASE}", vmlinux(tiny_btf("big"), machine=22, byteorder="big"))
    kernel = running(tmp_path)
    assert kernel.btf_bytes == tiny_btf("big")
    assert kernel.byteorder == "big"


def test_a_host_without_btf_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shows no BTF"):
        running(tmp_path)


@pytest.mark.kernel
def test_the_running_kernel_agrees_with_sysfs() -> None:
    if not Path("/sys/kernel/btf/vmlinux").exists():
        pytest.skip("this kernel shows no BTF in sysfs")
    kernel = running()
    assert kernel.btf_bytes == Path("/sys/kernel/btf/vmlinux").read_bytes()
    assert kernel.btf.ids_by_name("task_struct")
