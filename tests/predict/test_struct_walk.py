# SPDX-License-Identifier: Apache-2.0
"""Where the verifier lets a program read in a kernel struct."""

from __future__ import annotations

import pytest

from preflight.btf import Btf, Kind
from preflight.predict.struct_walk import refusal
from tests.btfwriter import BtfWriter, field


def kernel() -> tuple[Btf, int]:
    """struct outer with a long, a struct with a pointer and an int, and four ints; and its id."""
    types = BtfWriter()
    number, integer = types.int("long", 8), types.int("int", 4)
    inner = types.struct("inner", [field("p", types.ptr(0), at=0), field("n", integer, at=8)], size=16)
    members = [
        field("a", number, at=0),
        field("in", inner, at=8),
        field("list", types.array(integer, 4, index=integer), at=24),
    ]
    types.struct("outer", members, size=40)
    btf = Btf.parse(types.bytes())
    return btf, btf.ids_by_name("outer", {Kind.STRUCT})[0]


@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [
        (0, 8, None),
        (4, 4, None),  # part of a number
        (4, 8, "access beyond the end of member a"),
        (8, 8, None),
        (8, 4, "cannot access ptr member p in struct inner"),
        (12, 4, "cannot access ptr member p in struct inner"),
        (16, 4, None),
        (20, 4, "struct inner doesn't have field at offset 12"),
        (36, 4, None),
        (28, 8, None),  # across elements
        (36, 8, "access beyond struct outer at off 36"),
        (400, 1, "access beyond struct outer at off 400"),
        (-8, 8, "outer is read in front of its beginning"),
    ],
)
def test_reads_of_a_struct(offset: int, size: int, expected: str | None) -> None:
    btf, outer = kernel()
    assert refusal(btf, outer, offset, size) == expected


REFUSED = "access beyond struct ended at off"


@pytest.mark.parametrize(
    ("element", "newer", "offset", "size", "expected"),
    [
        # measured: 6.1 refuses `char []`, 6.12 and 7.3 take it
        ("char", False, 16, 1, f"{REFUSED} 16"),
        ("char", True, 16, 1, None),
        ("char", True, 400, 8, None),
        ("char", True, 4, 8, "access beyond the end of member a"),
        ("pointer", True, 16, 8, f"{REFUSED} 16"),
        ("enum", True, 16, 4, f"{REFUSED} 16"),
        ("struct", False, 20, 4, None),
        ("struct", False, 36, 4, None),  # the same of another element
        ("struct", False, 32, 4, "cannot access ptr member p in struct inner"),
        ("struct", False, 28, 8, None),
        ("struct", False, 24, 8, "access beyond struct inner at off 12"),
    ],
)
def test_an_array_without_a_length_is_read_beyond_the_struct(
    element: str, newer: bool, offset: int, size: int, expected: str | None
) -> None:
    types = BtfWriter()
    number, integer = types.int("long", 8), types.int("int", 4)
    inner = [field("p", types.ptr(0), at=0), field("n", integer, at=8)]
    elements = {
        "char": types.int("char", 1),
        "pointer": types.ptr(0),
        "enum": types.enum("kind", [("ONE", 1)]),
        "struct": types.struct("inner", inner, size=16),
    }
    tail = types.array(elements[element], 0, index=integer)
    types.struct("ended", [field("a", number, at=0), field("tail", tail, at=12)], size=12)
    if newer:
        types.func("bpf_dynptr_adjust", types.func_proto(integer))
    btf = Btf.parse(types.bytes())
    assert refusal(btf, btf.ids_by_name("ended", {Kind.STRUCT})[0], offset, size) == expected


def test_an_array_that_lies_deeper_ends_with_its_struct() -> None:
    types = BtfWriter()
    char = types.int("char", 1)
    tail = types.array(char, 0, index=char)
    inner = types.union(
        "", [field("least", types.array(char, 14, index=char), at=0), field("all", tail, at=0)], size=14
    )
    types.struct("outer", [field("inner", inner, at=2)], size=16)
    types.struct("one", [field("tail", types.array(char, 1, index=char), at=0)], size=1)
    btf = Btf.parse(types.bytes())
    outer, one = (btf.ids_by_name(name, {Kind.STRUCT})[0] for name in ("outer", "one"))
    assert refusal(btf, outer, 16, 1) == "access beyond struct outer at off 16"
    assert refusal(btf, one, 1, 1) == "access beyond struct one at off 1"


def test_what_is_no_struct_is_not_judged() -> None:
    btf, _ = kernel()
    assert refusal(btf, btf.ids_by_name("long", {Kind.INT})[0], 0, 8) is None


def test_behind_a_union_numbers_may_be_read_across_their_end() -> None:
    # measured on 6.12 and 7.3: eight bytes from the middle of a struct uid_gid_extent
    types = BtfWriter()
    number, integer = types.int("long", 8), types.int("int", 4)
    pair = types.struct("pair", [field("a", integer, at=0), field("b", integer, at=4)], size=8)
    either = types.union("either", [field("pair", pair, at=0), field("whole", number, at=0)], size=8)
    types.struct("plain", [field("in", pair, at=0)], size=8)
    types.struct("outer", [field("in", either, at=0)], size=8)
    btf = Btf.parse(types.bytes())
    ids = {name: btf.ids_by_name(name, {Kind.STRUCT})[0] for name in ("plain", "outer")}
    assert refusal(btf, ids["plain"], 0, 8) == "access beyond the end of member a"
    assert refusal(btf, ids["outer"], 0, 8) is None
