# SPDX-License-Identifier: Apache-2.0
"""Names of addresses: the kernel's symbol list, a process's mappings, an ELF file's symbol tables."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.tracers import binaries
from preflight.tracers.symbols import (
    NO_NAME,
    KernelSymbols,
    UserSymbols,
    _table,
    function_at,
    look_at,
    offsets_of,
)

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="the library with known functions needs a C compiler"
)


@pytest.fixture
def kallsyms(tmp_path: Path) -> Path:
    path = tmp_path / "kallsyms"
    path.write_text(
        "ffffffff81000200 T second\nffffffff81000100 t first\nffffffff81000300 D data\nbad line\n"
        "ffffffff81000280 t inside\t[module]\n",
        encoding="ascii",
    )
    return path


def test_an_address_belongs_to_the_function_before_it(kallsyms: Path) -> None:
    symbols = KernelSymbols(kallsyms)
    assert symbols.name(0xFFFFFFFF81000100) == "first"
    assert symbols.name(0xFFFFFFFF810001FF) == "first"
    assert symbols.name(0xFFFFFFFF81000350) == "inside"


def test_an_address_far_from_any_function_has_no_name(kallsyms: Path) -> None:
    symbols = KernelSymbols(kallsyms)
    assert symbols.name(0xFFFFFFFF81000000) == NO_NAME
    assert symbols.name(0xFFFFFFFF82000000) == NO_NAME


def test_hidden_addresses_name_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kallsyms"
    path.write_text("0000000000000000 T _text\n0000000000000000 T second\n", encoding="ascii")
    assert KernelSymbols(path).name(0) == NO_NAME
    assert KernelSymbols(tmp_path / "none").name(5) == NO_NAME


def test_a_function_of_this_process_is_found() -> None:
    libc = ctypes.CDLL(None)
    address = ctypes.cast(libc.getppid, ctypes.c_void_p).value
    assert address is not None
    assert UserSymbols().name(os.getpid(), address) in ("getppid", "__getppid")


def test_a_process_keeps_the_names_it_had_while_it_lived() -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"its libraries are there\n")
    child.stdin.flush()
    child.stdout.readline()
    try:
        process = look_at(child.pid)
    finally:
        child.kill()
        child.communicate()
    assert process is not None
    code = next(one for one in process.mappings if "libc" in one.path)
    (offset, *_) = offsets_of(code.path, "getppid")
    name = UserSymbols({child.pid: process}).name(child.pid, code.start - code.offset + offset)
    assert name in {found for start, _, found in _table(code.path) if start == offset}


def test_a_process_that_is_gone_has_no_names() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert UserSymbols().name(child.pid, 0x400000) == NO_NAME


@needs_compiler
def test_offsets_of_a_function_by_name(tmp_path: Path) -> None:
    source, library = tmp_path / "one.c", tmp_path / "libone.so"
    source.write_text("int answer(void) { return 42; }\nint other(void) { return 1; }\n", encoding="ascii")
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    (offset,) = offsets_of(str(library), "answer")
    assert function_at(str(library), offset) == "answer"
    assert offsets_of(str(library), "nothing") == ()
    assert offsets_of(str(library), "other") != (offset,)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_file_has_functions_or_none(tmp_path: Path, noise: bytes, cut: int) -> None:
    head = Path("/proc/self/exe").read_bytes()[:4096]
    path = tmp_path / "file"
    path.write_bytes(head[:cut] + noise + head[cut + len(noise) :])
    _table.cache_clear()
    assert isinstance(offsets_of(str(path), "main"), tuple)


def test_what_is_no_file_has_no_functions(tmp_path: Path) -> None:
    assert offsets_of(str(tmp_path), "main") == ()
    assert offsets_of(str(tmp_path / "none"), "main") == ()


def test_the_library_of_this_process_is_found() -> None:
    found = list(binaries.library("libc", None))
    assert found
    assert all(Path(one.path).is_file() for one in found)
    assert "containers" in found[0].note


def test_the_library_of_another_process_needs_no_caution() -> None:
    found = list(binaries.library("libc", os.getpid()))
    assert found
    assert found[0].note == ""
