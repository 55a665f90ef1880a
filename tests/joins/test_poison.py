# SPDX-License-Identifier: Apache-2.0
"""The statement for which a poisoned offset was made."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from preflight.bytecode.image import Origin, ProgramImage
from preflight.joins.object import with_object
from preflight.joins.poison import use_of
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from tests.btfwriter import BtfWriter, ExtWriter, field
from tests.elfwriter import ElfWriter, Ins, exit_, mov
from tests.predict.scenes import BYTE_OFF, SECTION
from tests.verifier.logs import STATS, only

MADE = mov(2, 0)  # r2 = the offset
ADDED = Ins(0x0F, 3, 2)  # r3 += r2
READ = Ins(0x85, imm=113)  # call bpf_probe_read_kernel
KEPT = Ins(0x7B, 10, 2, off=-8)  # *(u64 *)(r10 - 8) = r2
LOADED = Ins(0x79, 0, 3)  # r0 = *(u64 *)(r3 + 0)


def image(insns: Sequence[Ins], *, functions: Sequence[int] = (0,)) -> ProgramImage:
    code = b"".join(insn.encode("little") for insn in insns)
    origins = tuple(Origin(SECTION, slot) for slot in range(len(code) // 8))
    return ProgramImage("read_it", SECTION, code, "little", tuple(functions), origins)


@pytest.mark.parametrize(
    ("insns", "use"),
    [
        pytest.param([LOADED, exit_()], 0, id="a load uses its own offset"),
        pytest.param([MADE, ADDED, LOADED, exit_()], 2, id="a load through the sum"),
        pytest.param([MADE, mov(1, 5), ADDED, READ, exit_()], 3, id="a call that takes the sum"),
        pytest.param([MADE, Ins(0x15, 2, off=0, imm=0), exit_()], 1, id="a comparison"),
        pytest.param([MADE, Ins(0xBF, 0, 2), exit_()], 2, id="a result"),
        pytest.param([MADE, KEPT, Ins(0x1D, 2, 4, off=0), exit_()], 2, id="kept on the stack, then compared"),
        pytest.param([MADE, Ins(0x7B, 6, 2), exit_()], 1, id="stored in memory"),
    ],
)
def test_the_use_of_an_offset(insns: list[Ins], use: int) -> None:
    assert use_of(image(insns), 0) == use


@pytest.mark.parametrize(
    "insns",
    [
        pytest.param([MADE, mov(2, 7), LOADED, exit_()], id="overwritten"),
        pytest.param([MADE, Ins(0x05, off=0), ADDED, LOADED, exit_()], id="jumped away"),
        pytest.param([mov(9, 0), mov(0, 0), exit_()], id="not used"),
        pytest.param([mov(0, 0), READ, exit_()], id="destroyed by a call"),
    ],
)
def test_an_offset_that_is_lost_has_no_use(insns: list[Ins]) -> None:
    assert use_of(image(insns), 0) is None


def test_the_next_function_is_not_looked_at() -> None:
    assert use_of(image([MADE, ADDED, LOADED, exit_()], functions=(0, 2)), 0) is None


def object_with(*, used_in: str) -> BpfObject:
    """A program whose relocated constant carries the line of the head, and its use another one."""
    types = BtfWriter()
    integer = types.int("int", 4)
    task = types.struct("task_struct", [field("pid", integer, at=8)], size=64)
    program = types.func("read_it", types.func_proto(integer), linkage=1)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    ext.line(SECTION, 0, "read.bpf.c", 10, "int BPF_PROG(read_it, void *task)")
    ext.line(SECTION, 2, "read.bpf.c", 14, used_in)
    ext.core(SECTION, 0, task, "0:0", BYTE_OFF)
    writer = ElfWriter()
    writer.code(SECTION, [MADE, ADDED, LOADED, exit_()], functions=["read_it"])
    writer.license()
    writer.btf(types, ext)
    return load(writer.bytes(), "read.bpf.o")


POISONED = (
    "0: R1=ctx() R10=fp0\n; int BPF_PROG(read_it, void *task) @ read.bpf.c:10\n"
    f"0: (85) call unknown#195896080\ninvalid func unknown#195896080\n{STATS}"
)


def test_a_poison_gets_the_line_of_the_access() -> None:
    found = with_object(only(POISONED), object_with(used_in="value = task->pid;"))
    assert found.source.line == 14
    assert found.root is not None
    assert found.root.source == found.source


def test_a_head_of_a_function_is_no_better_than_what_the_log_has() -> None:
    found = with_object(only(POISONED), object_with(used_in="int BPF_PROG(read_it, void *task)"))
    assert found.source == only(POISONED).source
