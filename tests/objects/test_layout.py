# SPDX-License-Identifier: Apache-2.0
"""Alignment of types, and where variables lie."""

from __future__ import annotations

import pytest

from preflight.btf import Btf
from preflight.errors import InputError
from preflight.objects import layout, load
from preflight.objects.layout import align_of, data_sections
from tests.btfwriter import BtfWriter, field
from tests.elfwriter import ElfWriter


def parsed(types: BtfWriter) -> Btf:
    return Btf.parse(types.bytes(), pointer_size=8)


def test_alignment_follows_the_largest_member_unless_packed() -> None:
    w = BtfWriter()
    char, word, long = w.int("char", 1), w.int("int", 4), w.int("long", 8)
    natural = w.struct("natural", [field("c", char, at=0), field("l", long, at=8)], size=16)
    packed = w.struct("packed", [field("c", char, at=0), field("w", word, at=1)], size=5)
    odd_size = w.struct("odd", [field("w", word, at=0), field("c", char, at=4)], size=5)
    typedef = w.typedef("t", w.const(w.array(word, 3)))
    pointer, void_const = w.ptr(0), w.const(0)
    btf = parsed(w)
    wanted = {
        char: 1,
        word: 4,
        long: 8,
        natural: 8,
        packed: 1,
        odd_size: 1,
        typedef: 4,
        pointer: 8,
        void_const: 0,
    }
    assert {type_id: align_of(btf, type_id) for type_id in wanted} == wanted


def test_a_struct_inside_itself_is_refused() -> None:
    w = BtfWriter()
    w.struct("s", [field("s", 1, at=0)], size=8)
    with pytest.raises(InputError):
        align_of(parsed(w), 1)


def test_doubling_at_each_level_is_walked_once() -> None:
    w = BtfWriter()
    current = w.int("char", 1)
    for n in range(30):
        current = w.struct(f"s{n}", [field("a", current, at=0), field("b", current, at=0)], size=1)
    assert align_of(parsed(w), current) == 1


def test_too_many_variables_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_VARIABLES", 1)
    w = BtfWriter()
    var = w.var("v", w.int())
    w.datasec(".data", [(var, 0, 4), (var, 4, 4)], size=8)
    with pytest.raises(InputError, match="more than 1 global variables"):
        data_sections(parsed(w))


@pytest.mark.parametrize(
    ("size", "filled", "at", "expected"),
    [
        (4, 0, 0, []),
        (None, 0, 0, [".rodata"]),
        (0, 0, 0, [".rodata"]),
        (None, 4, 0, []),
        (None, 0, 4, []),
    ],
)
def test_variables_whose_section_is_not_there(
    size: int | None, filled: int, at: int, expected: list[str]
) -> None:
    types = BtfWriter()
    var = types.var("table", types.int("int", 4), linkage=0)
    types.datasec(".rodata", [(var, at, 4)], size=filled)
    writer = ElfWriter()
    if size is not None:
        writer.section(".rodata", bytes(size))
    writer.btf(types)
    problems = load(writer.bytes(), "o").problems
    assert [one.subject for one in problems if one.kind == "data-section"] == expected
