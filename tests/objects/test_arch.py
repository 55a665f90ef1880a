# SPDX-License-Identifier: Apache-2.0
"""The machine, told by the registers the source looks at."""

from __future__ import annotations

import pytest

from preflight.btf import Btf
from preflight.objects.arch import infer
from tests.btfwriter import BtfWriter, field


def btf_with(*structs: tuple[str, list[str]], byteorder: str = "little") -> Btf:
    types = BtfWriter(byteorder)
    long = types.int("long unsigned int", 8, encoding=0)
    for name, members in structs:
        types.struct(name, [field(m, long, at=8 * n) for n, m in enumerate(members)], size=8 * len(members))
    return Btf.parse(types.bytes())


@pytest.mark.parametrize(
    ("name", "members", "machine"),
    [
        ("pt_regs", ["r15", "r14", "r13", "ip", "orig_ax"], "x86_64"),
        ("pt_regs", ["bx", "si", "di", "ax", "orig_ax", "r8", "ip", "sp"], "x86_64"),
        ("pt_regs", ["bx", "si", "di", "ax", "orig_ax", "ip", "sp"], "i686"),
        ("user_pt_regs", ["regs", "sp", "pc", "pstate"], "aarch64"),
        ("pt_regs___arm64", ["orig_x0"], "aarch64"),
        ("pt_regs___s390", ["orig_gpr2"], "s390x"),
        ("pt_regs", ["epc", "ra", "sp", "gp"], "riscv64"),
        ("pt_regs", ["gpr", "nip", "msr"], "ppc64le"),
        ("pt_regs", ["regs", "orig_a0", "csr_era"], "loongarch64"),
        ("pt_regs", [], None),
        ("task_struct", ["r15", "r14"], None),
    ],
)
def test_registers_name_the_machine(name: str, members: list[str], machine: str | None) -> None:
    assert infer(btf_with((name, members))) == machine


def test_two_machines_at_once_name_none() -> None:
    assert infer(btf_with(("pt_regs", ["r15", "r14"]), ("pt_regs___arm64", ["orig_x0"]))) is None


def test_byte_order_tells_the_two_powerpcs_apart() -> None:
    assert infer(btf_with(("pt_regs", ["gpr", "nip"]), byteorder="big")) == "ppc64"


def test_registers_inside_an_anonymous_union_count() -> None:
    types = BtfWriter()
    long = types.int("long unsigned int", 8, encoding=0)
    inner = types.struct("", [field("pstate", long, at=0)], size=8)
    union = types.union("", [field("", inner, at=0)], size=8)
    types.struct("pt_regs", [field("", union, at=0)], size=8)
    assert infer(Btf.parse(types.bytes())) == "aarch64"
