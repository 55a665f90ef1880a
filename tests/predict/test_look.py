# SPDX-License-Identifier: Apache-2.0
"""The look that decides which programs are walked misses nothing that the walk objects to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.bytecode.reach import Environment, MapShape
from preflight.errors import InputError
from preflight.objects.kinds import INDEXED_MAPS
from preflight.objects.load import load
from preflight.objects.model import BpfObject, Program
from preflight.predict.look_ranges import FULL, HIGHEST, LOWEST, compared, computed
from preflight.predict.pointer_findings import maps_of
from preflight.predict.pointer_suspicion import may_misuse
from preflight.predict.pointer_values import Asked, Misuse
from preflight.predict.pointer_walk import misuses
from preflight.predict.relocated import places_of
from tests.elfwriter import Ins, load_address, mov
from tests.predict.pointers import ARRAY, HASH, LOOKUP, looked_up
from tests.predict.test_blind_recorded import objects
from tests.predict.worlds import call, program

SHIPPED = Path(__file__).resolve().parents[2] / "preflight" / "_bpf" / "tracers" / "bpfel"
#: Bytes of saved registers that every architecture with BPF has where it matters.
_REGISTERS = 168
_U64 = (1 << 64) - 1


def walked(obj: BpfObject, one: Program) -> list[Misuse]:
    """What the walk objects to, but for what a kernel has to tell: how many registers are saved, and where
    fields lie that relocation looks up."""
    shapes = {
        m.name: MapShape(m.key_size, m.value_size, m.type in INDEXED_MAPS)
        for m in obj.all_maps
        if m.value_size
    }
    iterator = one.hook.target.text if one.attach_type == "trace_iter" and one.hook.target else ""
    types = (one.program_type, one.attach_type, iterator)
    found: Sequence[Misuse] = misuses(obj.image(one), Environment(maps=shapes), Asked(maps_of(obj), *types))
    relocated = dict(places_of(obj, one))
    found = [m for m in found if m.kind != "context" or m.slot not in relocated]
    return [m for m in found if m.kind != "end" or int(m.about) > _REGISTERS]


def looked(obj: BpfObject, one: Program) -> bool:
    return may_misuse(obj, one, maps_of(obj), dict(places_of(obj, one)))


def missed(obj: BpfObject) -> Iterator[tuple[str, list[Misuse]]]:
    """Programs that are not looked at further, and what the walk finds in them."""
    for one in obj.programs:
        if any(m.type == "arena" for m in maps_of(obj)) or looked(obj, one):
            continue
        found = walked(obj, one)
        if found:
            yield f"{obj.name}/{one.name}", found


@pytest.mark.parametrize("of", [".", "third", "fourth", "fifth", "sixth"])
def test_programs_written_to_be_refused(of: str) -> None:
    assert [one for obj in objects(of).values() for one in missed(obj)] == []


def test_shipped_tracers_are_clean_and_most_are_not_walked() -> None:
    shipped = [load(file.read_bytes(), file.name) for file in sorted(SHIPPED.glob("*.bpf.o"))]
    assert [one for obj in shipped for one in missed(obj)] == []
    each = [looked(obj, one) for obj in shipped for one in obj.programs]
    assert each.count(True) < 0.25 * len(each)


def fragments(pick: random.Random) -> list[Ins]:
    """A few instructions of one shape, on registers and offsets that may or may not be right."""
    left, right = pick.randrange(10), pick.choice([0, 1, 2, 3, 6, 7, 8, 9])
    off, small = pick.choice([0, 0, 4, 8, 12, 16, -8, -16]), pick.choice([0, 1, 3, 8, 16, 24])
    over = pick.randrange(1, 9)
    shapes = [
        lambda: [*LOOKUP],
        lambda: [*LOOKUP, Ins(0xBF, 6, 0)],
        lambda: [*LOOKUP, Ins(0x15, 0, off=over, imm=0)],
        lambda: [Ins(0x15, left, off=over, imm=0)],
        lambda: [Ins(0x55, left, off=over, imm=0)],
        lambda: [Ins(pick.choice([0x25, 0x35, 0xA5, 0xB5, 0x65, 0xC5]), left, off=over, imm=small)],
        lambda: [Ins(pick.choice([0x2D, 0xAD, 0x6D, 0xCD]), left, right, off=over)],
        lambda: [Ins(pick.choice([0x79, 0x61, 0x69, 0x71]), left, right, off)],
        lambda: [Ins(pick.choice([0x7B, 0x63]), left, right, off)],
        lambda: [Ins(0x7B, 10, right, pick.choice([-16, -24])), Ins(0x79, left, 10, pick.choice([-16, -24]))],
        lambda: [Ins(pick.choice([0xBF, 0xBC]), left, right)],
        lambda: [mov(left, small)],
        lambda: [Ins(pick.choice([0x0F, 0x1F]), left, right)],
        lambda: [Ins(pick.choice([0x07, 0x17, 0x57, 0x77, 0x67, 0x47, 0x54, 0x27]), left, imm=small)],
        lambda: [load_address(left, "map0")],
        lambda: [Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-small), mov(2, small), mov(3, 0), call(4)],
        lambda: [Ins(0xBF, 1, right), mov(2, 8), mov(3, 0), call(4)],
        lambda: [call(7), Ins(0x57, 0, imm=small), Ins(0xBF, left, 0)],
        lambda: [Ins(0xDB, left, right, off)],
    ]
    return pick.choice(shapes)()


def made(seed: int) -> BpfObject:
    pick = random.Random(seed)
    insns = [one for _ in range(pick.randrange(4, 16)) for one in fragments(pick)]
    known = [Ins(0xBF, 9, 1), *(mov(n, 0) for n in (2, 3, 6, 7, 8))] if pick.random() < 0.7 else []
    end = [mov(0, 0)] * 9
    section = pick.choice(["raw_tp/made", "kprobe/work", "tp_btf/made"])
    data = program(section, [*known, *looked_up(*insns), *end], maps=[pick.choice([HASH, ARRAY])])
    return data if isinstance(data, BpfObject) else load(data, "made")


def test_random_programs() -> None:
    found = walks = 0
    for seed in range(600):
        obj = made(seed)
        (one,) = obj.programs
        try:
            objections = walked(obj, one)
        except InputError:
            continue  # a jump into the middle of an instruction
        found += bool(objections)
        walks += looked(obj, one)
        assert not objections or looked(obj, one), (seed, objections)
    assert 100 < found <= walks < 500


NUMBERS = st.integers(0, _U64) | st.integers(0, 40) | st.integers(_U64 - 40, _U64)


def signed(number: int) -> int:
    number &= _U64
    return number - (1 << 64) if number >> 63 else number


def around(pick: st.DataObject, number: int) -> tuple[int, int]:
    """Bounds that include a number."""
    low = pick.draw(st.integers(LOWEST, signed(number)) | st.just(signed(number)))
    return low, pick.draw(st.integers(signed(number), HIGHEST) | st.just(signed(number)))


_ALU: dict[int, Callable[[int, int, int], int]] = {
    0x00: lambda a, b, bits: a + b, 0x10: lambda a, b, bits: a - b, 0x20: lambda a, b, bits: a * b,
    0x40: lambda a, b, bits: a | b, 0x50: lambda a, b, bits: a & b, 0xA0: lambda a, b, bits: a ^ b,
    0x60: lambda a, b, bits: a << (b % bits), 0x70: lambda a, b, bits: a >> (b % bits),
    0x90: lambda a, b, bits: a % b if b else a, 0x30: lambda a, b, bits: a // b if b else 0,
    0xC0: lambda a, b, bits: (a - (1 << bits) if a >> (bits - 1) else a) >> (b % bits),
}  # fmt: skip


@given(st.sampled_from(sorted(_ALU)), st.booleans(), NUMBERS, NUMBERS, st.data())
def test_bounds_include_what_arithmetic_gives(
    op: int, wide: bool, left: int, right: int, pick: st.DataObject
) -> None:
    bits = 64 if wide else 32
    mask = (1 << bits) - 1
    result = signed(_ALU[op](left & mask, right & mask, bits) & mask)
    low, high = computed(op | (7 if wide else 4), around(pick, left), around(pick, right))
    assert low <= result <= high


_CONDITIONS: dict[int, Callable[[int, int], bool]] = {
    0x10: lambda a, b: a == b, 0x50: lambda a, b: a != b, 0x40: lambda a, b: bool(a & b),
    0x20: lambda a, b: a & _U64 > b & _U64, 0x30: lambda a, b: a & _U64 >= b & _U64,
    0xA0: lambda a, b: a & _U64 < b & _U64, 0xB0: lambda a, b: a & _U64 <= b & _U64,
    0x60: lambda a, b: a > b, 0x70: lambda a, b: a >= b, 0xC0: lambda a, b: a < b, 0xD0: lambda a, b: a <= b,
}  # fmt: skip


@given(st.sampled_from(sorted(_CONDITIONS)), st.booleans(), NUMBERS, NUMBERS, st.data())
def test_bounds_behind_a_comparison_include_the_number(
    op: int, wide: bool, left: int, right: int, pick: st.DataObject
) -> None:
    known, other = around(pick, left), around(pick, right)
    a, b = signed(left), signed(right)
    if not wide:
        a, b = ((n & 0xFFFFFFFF) - (1 << 32 if n & 0x80000000 else 0) for n in (left, right))
        if op in (0x20, 0x30, 0xA0, 0xB0):
            a, b = left & 0xFFFFFFFF, right & 0xFFFFFFFF
    taken = _CONDITIONS[op](a, b)
    low, high = compared(op | (5 if wide else 6), known, other, taken=taken)
    assert low <= signed(left) <= high


def test_a_masked_number_is_bounded() -> None:
    assert computed(0x57, FULL, (15, 15)) == (0, 15)


def test_a_comparison_bounds_a_number() -> None:
    assert compared(0x25, FULL, (26, 26), taken=False) == (0, 26)


def test_half_of_all_words_are_below_0_when_they_are_signed() -> None:
    word = (0, 0xFFFFFFFF)
    for op, taken in ((0xC6, True), (0xD6, True), (0x66, False), (0x76, False)):
        assert compared(op, word, (26, 26), taken=taken) == word
    assert compared(0xC6, (0, 0x7FFFFFFF), (26, 26), taken=True) == (0, 25)
    assert compared(0xC5, word, (26, 26), taken=True) == (0, 25)
