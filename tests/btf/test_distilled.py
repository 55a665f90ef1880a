# SPDX-License-Identifier: Apache-2.0
""".BTF.base: a module's distilled base tied to the kernel's full BTF."""

from __future__ import annotations

import pytest

from preflight.btf import Btf, Kind, types
from preflight.btf.distilled import parse_over_distilled
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, field


def full_base(byteorder: str = "little") -> BtfWriter:
    w = BtfWriter(byteorder)
    w.string("padding so that string offsets differ")
    w.float("unrelated", 8)  # 1
    i = w.int("int", 4)  # 2
    w.struct("file", [field("a", i, at=0)], size=16)  # 3
    w.enum64("mode", [("A", 1)])  # 4
    w.union("value", [field("a", i, at=0)], size=4)  # 5
    w.fwd("opaque")  # 6
    return w


def module(byteorder: str = "little") -> tuple[BtfWriter, BtfWriter]:
    """A distilled base with int and file, and split BTF that uses both."""
    small = BtfWriter(byteorder)
    i = small.int("int", 4)  # 1
    f = small.struct("file", size=16)  # 2
    split = BtfWriter(base=small)
    p = split.ptr(f)  # 3
    split.struct("private", [field("file", p, at=0), field("n", i, at=8)], size=16)  # 4
    split.array(4, 2, index=i)  # 5
    split.func("open", split.func_proto(i, [("file", p)]))  # 6, 7
    split.enum("int", [("file", 3)])  # 8
    return small, split


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_references_and_names_move_to_the_full_base(byteorder: str) -> None:
    small, split = module(byteorder)
    base = Btf.parse(full_base(byteorder).bytes())
    btf = parse_over_distilled(split.bytes(), small.bytes(), base)
    assert btf.start_id == 7
    assert btf.base is base
    assert btf.type(7) == types.Ptr(7, "", 3)
    members = types.Member("file", 7, 0, 0), types.Member("n", 2, 64, 0)
    assert btf.type(8) == types.Struct(8, "private", 16, members, False)
    assert btf.type(9) == types.Array(9, "", 8, 2, 2)
    assert btf.type(10) == types.FuncProto(10, "", (types.Param("file", 7),), 2)
    assert btf.type(11) == types.Func(11, "open", 10, 1)
    assert btf.type(12) == types.Enum(12, "int", 4, (types.Enumerator("file", 3),), False)
    assert btf.ids_by_name("int") == [2, 12]
    assert btf.ids_by_name("open", {Kind.FUNC}) == [11]
    btf.validate()


def relocate(small: BtfWriter, split: BtfWriter, base: BtfWriter) -> Btf:
    return parse_over_distilled(split.bytes(), small.bytes(), Btf.parse(base.bytes()))


def pointing_at(small: BtfWriter, type_id: int) -> BtfWriter:
    split = BtfWriter(base=small)
    split.ptr(type_id)
    return split


def test_a_struct_behind_a_pointer_may_have_another_size() -> None:
    small = BtfWriter()
    split = pointing_at(small, small.struct("file", size=999))
    assert relocate(small, split, full_base()).referred(7) == 3


@pytest.mark.parametrize("wrapped", ["plain", "array", "typedef"])
def test_an_embedded_struct_must_have_the_same_size(wrapped: str) -> None:
    small = BtfWriter()
    f = small.struct("file", size=999)
    split = BtfWriter(base=small)
    held = {"plain": lambda: f, "array": lambda: split.array(f, 2), "typedef": lambda: split.typedef("t", f)}
    split.struct("holder", [field("x", held[wrapped](), at=0)], size=2000)
    with pytest.raises(InputError, match=r"'file'.* is not in the base"):
        relocate(small, split, full_base())


def test_a_name_the_base_has_twice_is_decided_by_size() -> None:
    base = full_base()
    second = base.struct("file", size=99)
    small = BtfWriter()
    split = pointing_at(small, small.struct("file", size=99))
    assert relocate(small, split, base).referred(second + 1) == second


def test_a_name_and_size_the_base_has_twice_cannot_be_decided() -> None:
    base = full_base()
    base.struct("file", size=16)
    small = BtfWriter()
    split = pointing_at(small, small.struct("file", size=16))
    with pytest.raises(InputError, match="several counterparts in the base: 3, 7"):
        relocate(small, split, base)


def test_an_int_must_agree_in_size_and_encoding() -> None:
    for size, encoding in ((8, 1), (4, 0)):
        small = BtfWriter()
        split = pointing_at(small, small.int("int", size, encoding=encoding))
        with pytest.raises(InputError, match=r"'int'.* is not in the base"):
            relocate(small, split, full_base())


def test_an_enum64_is_distilled_to_an_enum_of_8_bytes() -> None:
    small = BtfWriter()
    split = pointing_at(small, small.enum("mode", [], 8))
    assert relocate(small, split, full_base()).referred(7) == 4


@pytest.mark.parametrize(("name", "union", "found"), [("opaque", False, 6), ("file", False, 3)])
def test_a_forward_declaration(name: str, union: bool, found: int) -> None:
    small = BtfWriter()
    split = pointing_at(small, small.fwd(name, union=union))
    assert relocate(small, split, full_base()).referred(7) == found


def test_a_forward_declaration_of_the_other_kind_is_missing() -> None:
    small = BtfWriter()
    split = pointing_at(small, small.fwd("opaque", union=True))
    with pytest.raises(InputError, match="not in the base"):
        relocate(small, split, full_base())


def test_missing_type() -> None:
    small = BtfWriter()
    split = pointing_at(small, small.struct("gone", size=4))
    with pytest.raises(InputError, match=r"type 1 \('gone'\) is not in the base"):
        relocate(small, split, full_base())


def test_kinds_that_cannot_be_distilled() -> None:
    small = BtfWriter()
    small.ptr(0)
    with pytest.raises(InputError, match="cannot be there: ptr"):
        relocate(small, BtfWriter(base=small), full_base())


def test_a_typedef_loop_inside_a_member_ends() -> None:
    small = BtfWriter()
    split = BtfWriter(base=small)
    loop = split.typedef("loop", split.next_id)
    split.struct("s", [field("x", loop, at=0)])
    with pytest.raises(InputError, match="loop"):
        relocate(small, split, full_base())
