# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder need of the machine, each with the reason when it is not there."""

from __future__ import annotations

import shutil

import pytest

from tests.bytecode import oracle


@pytest.fixture(scope="session")
def kernel_loads() -> None:
    """Skips unless bpf(2) takes the smallest program there is, with a log of every instruction."""
    from preflight.host.bpf import asm
    from preflight.host.bpf.syscall import prog_load

    made = prog_load(1, asm.mov(0, 0) + asm.exit_(), log_level=2)
    if made.fd is None:
        pytest.skip(f"bpf(2) loads nothing here: errno {made.errno}")
    made.fd.close()


@pytest.fixture(scope="session")
def libbpf_here(kernel_loads: None) -> None:
    """Skips without the system's libbpf or with a kernel without BTF, which CO-RE needs."""
    if oracle.libbpf() is None:
        pytest.skip("no libbpf.so.1 on this system")


@pytest.fixture(scope="session")
def compilers(libbpf_here: None) -> list[tuple[str, str]]:
    """Compilers with their `-mcpu`: at least one clang, and what a newer one adds."""
    variants = [("clang", "v1"), ("clang", "v2"), ("clang", "v3"), ("clang-19", "v3"), ("clang-19", "v4")]
    present = [(name, cpu) for name, cpu in variants if shutil.which(name)]
    if not present:
        pytest.skip("no clang")
    return present
