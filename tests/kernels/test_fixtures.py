# SPDX-License-Identifier: Apache-2.0
"""The recorded kernels are what they say, and read as other tools read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.kernels import Store

STORE = Store(Path(__file__).parent.parent.parent / "fixtures" / "btf")
NAMES = [
    "debian/5.10.0-32-amd64",
    "debian/6.1.0-50-amd64",
    "debian/6.12.107+deb13-s390x",
    "debian/7.3.4+deb13-amd64",
]


def test_all_are_there() -> None:
    assert STORE.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_verifies_and_knows_where_it_is_from(name: str) -> None:
    assert STORE.verify(name) == []
    kernel = STORE.get(name)
    assert kernel.release == name.partition("/")[2]
    assert kernel.provenance.files
    assert kernel.config is not None
    assert kernel.config["CONFIG_DEBUG_INFO_BTF"] == "y"
    assert kernel.byteorder == ("big" if kernel.arch == "s390x" else "little")


@pytest.mark.skipif(shutil.which("bpftool") is None, reason="bpftool is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_bpftool_sees_the_same_number_of_types(name: str, tmp_path: Path) -> None:
    kernel = STORE.get(name)
    raw = tmp_path / "vmlinux.btf"
    raw.write_bytes(kernel.btf_bytes)
    listed = subprocess.run(
        ["bpftool", "btf", "dump", "file", str(raw)], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    last = re.findall(r"^\[(\d+)\]", listed, re.MULTILINE)[-1]
    assert int(last) == kernel.btf.type_count - 1


@pytest.mark.parametrize("name", NAMES)
def test_the_symbols_are_those_of_a_kernel(name: str) -> None:
    symbols = STORE.get(name).symbols
    assert symbols is not None
    assert {"do_exit", "vfs_read", "jiffies"} <= set(symbols)


def test_a_function_in_btf_may_be_split_in_the_kernel() -> None:
    """Why biostacks fails on 7.3: BTF has the function, kallsyms only a part of it."""
    kernel = STORE.get("debian/7.3.4+deb13-amd64")
    assert kernel.symbols is not None
    assert kernel.btf.ids_by_name("blk_account_io_done")
    assert "blk_account_io_done" not in kernel.symbols
    assert "blk_account_io_done.part.0" in kernel.symbols
