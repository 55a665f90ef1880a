# SPDX-License-Identifier: Apache-2.0
"""PC305 and following: a case in which each does not arise, and one in which it does."""

from __future__ import annotations

from dataclasses import replace

from preflight.kernels.blob import Blob
from preflight.kernels.model import Kernel
from tests.btfwriter import BtfWriter, field
from tests.elfwriter import Ins, mov
from tests.host.cases import Case
from tests.predict.worlds import findings, program, world

EXITS = {"do_exit": 1}
#: r1 = ctx[0]; r0 = *(u64 *)(r1 + 8); r0 = 0
FOLLOW = [Ins(0x79, 1, 1), Ins(0x79, 0, 1, off=8), mov(0, 0)]
FILE = {"file": ["first", "second"]}


def page_allocs(*symbols: str) -> Kernel:
    """A kernel with the tracepoint mm_page_alloc, whose first argument is a struct page."""
    types = BtfWriter()
    number = types.int("long", 8)
    page = types.struct("page", [field("first", number, at=0), field("second", number, at=8)], size=16)
    given = [("__data", types.ptr(0)), ("page", types.ptr(page))]
    types.typedef("btf_trace_mm_page_alloc", types.ptr(types.func_proto(0, given)))
    base = world(symbols=symbols)
    return replace(base, contents=replace(base.contents, btf=Blob(data=types.bytes())))


CASES = {
    "PC305": Case(
        passing=lambda: findings(
            program("fentry/work", FOLLOW), world(taking={"work": ["struct file *"]}, structs=FILE)
        ),
        failing=lambda: findings(program("fentry/work", FOLLOW), world(taking={"work": ["long"]})),
    ),
    "PC307": Case(
        passing=lambda: findings(program("tp_btf/mm_page_alloc", FOLLOW), page_allocs()),
        failing=lambda: findings(program("tp_btf/mm_page_alloc", FOLLOW), page_allocs("d raw_tp_null_args")),
    ),
    "PC517": Case(
        passing=lambda: findings(
            program("kprobe/work", [Ins(0x79, 0, 1, off=104)]), world(functions={"work": 2})
        ),
        failing=lambda: findings(
            program("kprobe/work", [Ins(0x79, 0, 1, off=104)]), world(functions={"work": 1})
        ),
    ),
    "PC306": Case(
        passing=lambda: findings(program("fexit/do_exit"), world(functions=EXITS, symbols=["T do_exit"])),
        failing=lambda: findings(
            program("fexit/do_exit"), world(functions=EXITS, symbols=["T do_exit", "r noreturn_deny"])
        ),
    ),
}
