# SPDX-License-Identifier: Apache-2.0
"""The machine, told by the registers the source looks at."""

from __future__ import annotations

import pytest

from preflight.btf import Btf, BtfExt
from preflight.objects.arch import infer
from tests.btfwriter import BtfWriter, ExtWriter, field


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
        ("pt_regs", ["bx", "si", "di", "ax", "orig_ax", "ip", "sp", "ds", "__dsh"], "i686"),
        ("pt_regs", ["bx", "si", "di", "ax", "orig_ax", "ip", "sp"], None),
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


BYTE_OFF, FIELD_EXISTS, TYPE_EXISTS = 0, 2, 8


def asking(*questions: tuple[str, int], access: str = "0:0") -> str | None:
    """The machine of an object that reads x86-64's registers, and asks this of a struct called so."""
    types = BtfWriter()
    long = types.int("long unsigned int", 8, encoding=0)
    ids = {
        "pt_regs": types.struct("pt_regs", [field(n, long, at=0) for n in ("r15", "r14", "di")], size=168),
        "user_pt_regs": types.struct("user_pt_regs", [field("pstate", long, at=0)], size=272),
    }
    ext = ExtWriter(types)
    for number, (name, kind) in enumerate(questions):
        ext.core("kprobe/x", number, ids[name], "0" if kind == TYPE_EXISTS else access, kind)
    records = ext.bytes()
    btf = Btf.parse(types.bytes())
    return infer(btf, BtfExt.parse(records, btf))


@pytest.mark.parametrize("kind", [FIELD_EXISTS, TYPE_EXISTS])
def test_registers_that_are_asked_for_tell_nothing(kind: int) -> None:
    assert asking(("user_pt_regs", kind), ("user_pt_regs", BYTE_OFF), ("pt_regs", BYTE_OFF)) == "x86_64"


def test_registers_that_are_read_without_asking_tell() -> None:
    assert asking(("user_pt_regs", BYTE_OFF), ("pt_regs", FIELD_EXISTS)) == "aarch64"


def test_both_machines_asked_for_name_none() -> None:
    assert asking(("user_pt_regs", FIELD_EXISTS), ("pt_regs", TYPE_EXISTS)) is None
