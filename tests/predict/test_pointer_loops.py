# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a late round of a loop."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import KfuncRef, MapRef, Ref, SubprogRef
from preflight.bytecode.reach import Environment
from preflight.host.bpf import asm
from preflight.predict.pointer_values import Asked, MapOf
from preflight.predict.pointer_walk import misuses
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, mov
from tests.predict.pointers import looked_up, verdicts

SIZE = 64
LOOP = 181
BYTES = {"type": 1, "key_size": 4, "value_size": SIZE, "max_entries": 4}


def rounds(number: int, *more: Ins) -> list[Ins]:
    """Behind a lookup: r6 = 0; do { *(u8 *)(r0 + r6) = 0; ...; r6++; } while (r6 < number)"""
    body = (Ins(0xBF, 1, 0), Ins(0x0F, 1, 6), Ins(0x72, 1), *more, Ins(0x07, 6, imm=1))
    return [*looked_up(mov(6, 0), *body, Ins(0xA5, 6, off=-len(body) - 1, imm=number))]


@pytest.mark.parametrize(("number", "expected"), [(SIZE, []), (SIZE + 1, [("PC434", "missing")])])
def test_an_index_that_counts_past_the_value(number: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts("tc", *rounds(number), map0=BYTES) == expected


def test_long_loops_are_not_followed_so_far() -> None:
    filler = (mov(7, 1),) * 50
    assert verdicts("tc", *rounds(SIZE + 1, *filler), map0=BYTES) == [("PC434", "missing")]
    assert verdicts("tc", *rounds(SIZE + 1, *filler * 12), map0=BYTES) == []


def counted(number: int, *, once: bool = False, bounded: bool = True) -> list[str]:
    """What is noted where bpf_loop() counts at r10-8 up to NUMBER, and that leads to the bytes behind r10-4.

    Without `bounded` nothing says how often it calls.
    """
    main = (
        asm.store_imm(8, 10, -8, 0),
        *((asm.mov(1, number),) if bounded else (asm.insn(0x85, imm=7), asm.mov_reg(1, 0))),
        asm.ldimm64(2, 0, pseudo=4),
        asm.mov_reg(3, 10),
        asm.alu("add", 3, -8),
        asm.mov(4, 0),
        asm.call(LOOP),
        asm.load(8, 1, 10, -8),
        asm.mov_reg(2, 10),
        asm.alu("add", 2, src=1),
        asm.store_imm(1, 2, -4, 0),
        asm.mov(0, 0),
        asm.exit_(),
    )
    start = sum(len(one) for one in main) // 8
    counts = (asm.load(8, 3, 2, 0), asm.alu("add", 3, 1), asm.store(8, 2, 0, 3), asm.mov(0, 0), asm.exit_())
    refs: dict[int, Ref] = {2 if bounded else 3: SubprogRef(start)}
    linked = image(*main, *counts, refs=refs, subprogs=(0, start))
    found = misuses(linked, Environment(), Asked((), "kprobe", once=once))
    return [f"{one.kind} {one.sure}" for one in found]


def test_what_a_callback_counted_is_used_behind_its_last_round() -> None:
    assert counted(3) == []
    assert counted(4) == ["bounds True"]
    assert counted(500) == ["bounds True"]
    assert counted(0, bounded=False) == ["bounds True"]


def test_verifiers_before_6_7_walk_a_callback_once() -> None:
    assert counted(4, once=True) == []
    assert counted(0, bounded=False, once=True) == []


def test_an_iterators_loop_counts_past_the_value() -> None:
    # for (i = 0; bpf_iter_num_next(&it); i++) value[i] = 0, and with a comparison first
    for compared, expected in ((True, []), (False, ["bounds True"])):
        body = (
            *((asm.jump("gt", 7, SIZE - 1, 4),) if compared else ()),
            asm.mov_reg(1, 8),
            asm.alu("add", 1, src=7),
            asm.store_imm(1, 1, 0, 0),
            asm.alu("add", 7, 1),
        )
        head = (asm.mov_reg(1, 10), asm.alu("add", 1, -8))
        main = (
            *(asm.ldimm64(1, 0), asm.mov_reg(2, 10), asm.alu("add", 2, -16), asm.store_imm(8, 10, -16, 0)),
            *(asm.call(1), asm.jump("ne", 0, 0, 2), asm.mov(0, 0), asm.exit_(), asm.mov_reg(8, 0)),
            *(asm.mov(7, 0), *head, asm.mov(2, 0), asm.mov(3, 9), asm.insn(0x85, src=2, imm=1)),
            *(*head, asm.insn(0x85, src=2, imm=2), asm.jump("eq", 0, 0, len(body) + 1), *body),
            asm.insn(0x05, off=-len(body) - 5),
            *(*head, asm.insn(0x85, src=2, imm=3), asm.mov(0, 0), asm.exit_()),
        )
        slots = [n for n, raw in enumerate(_slots(main)) if raw[0] == 0x85 and raw[1] >> 4 == 2]
        names = ("bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy")
        refs: dict[int, Ref] = {0: MapRef("map0", created=True)}
        refs |= {slot: KfuncRef(name, weak=False) for slot, name in zip(slots, names, strict=True)}
        maps = (MapOf("map0", "hash", SIZE, 4, 0),)
        found = misuses(image(*main, refs=refs), Environment(), Asked(maps, "raw_tracepoint"))
        assert [f"{one.kind} {one.sure}" for one in found] == expected


def _slots(code: tuple[bytes, ...]) -> list[bytes]:
    raw = b"".join(code)
    return [raw[at : at + 8] for at in range(0, len(raw), 8)]
