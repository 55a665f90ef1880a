# SPDX-License-Identifier: Apache-2.0
"""Every kind is read as written, in both byte orders."""

from __future__ import annotations

import pytest

from preflight.btf import Btf, Kind, types
from tests.btfwriter import BtfWriter, bitfield, field

pytestmark = pytest.mark.usefixtures("reader")


@pytest.fixture(params=["little", "big"])
def w(request: pytest.FixtureRequest) -> BtfWriter:
    return BtfWriter(request.param)


def read(w: BtfWriter, type_id: int) -> types.Type:
    btf = Btf.parse(w.bytes())
    assert btf.byteorder == w.byteorder
    btf.validate()
    found = btf.type(type_id)
    assert found.kind == btf.kind(type_id)
    assert found.name == btf.name(type_id)
    return found


def test_void_is_type_zero() -> None:
    btf = Btf.parse(BtfWriter().bytes())
    assert btf.type(0) == types.Void(0, "")
    assert btf.kind(0) == Kind.VOID
    assert btf.type_count == 1


def test_int(w: BtfWriter) -> None:
    i = w.int("short", 2, encoding=types.INT_SIGNED)
    assert read(w, i) == types.Int(i, "short", 2, types.INT_SIGNED, 16, 0)


def test_int_bitfield_of_the_old_style(w: BtfWriter) -> None:
    i = w.int("", 4, encoding=0, bits=3, offset=5)
    assert read(w, i) == types.Int(i, "", 4, 0, 3, 5)


@pytest.mark.parametrize(
    ("encoding", "signed"),
    [(0, False), (1, True), (types.INT_CHAR, False), (types.INT_BOOL, False), (3, True)],
)
def test_only_the_signed_bit_makes_an_int_signed(encoding: int, signed: bool) -> None:
    w = BtfWriter()
    found = read(w, w.int("x", 1, encoding=encoding))
    assert isinstance(found, types.Int)
    assert found.signed is signed


@pytest.mark.parametrize(
    ("method", "cls"),
    [
        ("ptr", types.Ptr),
        ("const", types.Const),
        ("volatile", types.Volatile),
        ("restrict", types.Restrict),
    ],
)
def test_unnamed_references(w: BtfWriter, method: str, cls: type[types.Reference]) -> None:
    i = w.int()
    r = getattr(w, method)(i)
    assert read(w, r) == cls(r, "", i)


def test_typedef(w: BtfWriter) -> None:
    i = w.int()
    t = w.typedef("pid_t", i)
    assert read(w, t) == types.Typedef(t, "pid_t", i)


@pytest.mark.parametrize("kflag", [False, True])
def test_type_tag(w: BtfWriter, kflag: bool) -> None:
    i = w.int()
    t = w.type_tag("rcu", i, kflag=kflag)
    assert read(w, t) == types.TypeTag(t, "rcu", i, kflag)


@pytest.mark.parametrize("component", [-1, 0, 7])
def test_decl_tag(w: BtfWriter, component: int) -> None:
    s = w.struct("s")
    t = w.decl_tag("kptr", s, component)
    assert read(w, t) == types.DeclTag(t, "kptr", s, component, False)


def test_array(w: BtfWriter) -> None:
    i = w.int()
    a = w.array(i, 16, index=i)
    assert read(w, a) == types.Array(a, "", i, i, 16)


def test_struct(w: BtfWriter) -> None:
    i = w.int()
    s = w.struct("pair", [field("a", i, at=0), field("b", i, at=4)], size=8)
    members = types.Member("a", i, 0, 0), types.Member("b", i, 32, 0)
    assert read(w, s) == types.Struct(s, "pair", 8, members, False)


def test_kflag_splits_the_offset_word_of_members(w: BtfWriter) -> None:
    i = w.int()
    s = w.struct("bits", [bitfield("a", i, bit=3, width=5), field("b", i, at=4)], size=8)
    members = types.Member("a", i, 3, 5), types.Member("b", i, 32, 0)
    assert read(w, s) == types.Struct(s, "bits", 8, members, True)


def test_without_kflag_the_whole_word_is_an_offset(w: BtfWriter) -> None:
    i = w.int()
    s = w.struct("huge", [("far", i, 0x05000003, 0)], size=0xA000004)
    found = read(w, s)
    assert isinstance(found, types.Struct)
    assert found.members == (types.Member("far", i, 0x05000003, 0),)


def test_union_is_no_struct(w: BtfWriter) -> None:
    i = w.int()
    u = w.union("either", [field("a", i, at=0)], size=4)
    found = read(w, u)
    assert isinstance(found, types.Union)
    assert not isinstance(found, types.Struct)


def test_enum_without_kflag_is_unsigned(w: BtfWriter) -> None:
    e = w.enum("e", [("A", 1), ("B", 0xFF000000)])
    values = types.Enumerator("A", 1), types.Enumerator("B", 0xFF000000)
    assert read(w, e) == types.Enum(e, "e", 4, values, False)


def test_enum_with_kflag_is_signed(w: BtfWriter) -> None:
    e = w.enum("e", [("A", -1), ("B", 0x7FFFFFFF)], signed=True)
    values = types.Enumerator("A", -1), types.Enumerator("B", 0x7FFFFFFF)
    assert read(w, e) == types.Enum(e, "e", 4, values, True)


def test_enum64_joins_both_halves(w: BtfWriter) -> None:
    e = w.enum64("e", [("A", 0x1_0000_0002), ("B", 1 << 63)])
    values = types.Enumerator("A", 0x1_0000_0002), types.Enumerator("B", 1 << 63)
    assert read(w, e) == types.Enum64(e, "e", 8, values, False)


def test_enum64_signed(w: BtfWriter) -> None:
    e = w.enum64("e", [("A", -2)], signed=True)
    found = read(w, e)
    assert isinstance(found, types.Enum)
    assert found.values == (types.Enumerator("A", -2),)


@pytest.mark.parametrize("union", [False, True])
def test_fwd(w: BtfWriter, union: bool) -> None:
    f = w.fwd("later", union=union)
    assert read(w, f) == types.Fwd(f, "later", union)


@pytest.mark.parametrize("linkage", [types.FUNC_STATIC, types.FUNC_GLOBAL, types.FUNC_EXTERN])
def test_func_keeps_its_linkage_in_vlen(w: BtfWriter, linkage: int) -> None:
    p = w.func_proto()
    f = w.func("do_it", p, linkage)
    after = w.int()
    assert read(w, f) == types.Func(f, "do_it", p, linkage)
    assert read(w, after) == types.Int(after, "int", 4, 1, 32, 0)


def test_func_proto(w: BtfWriter) -> None:
    i = w.int()
    p = w.func_proto(i, [("a", i), ("", 0)])
    found = read(w, p)
    assert found == types.FuncProto(p, "", (types.Param("a", i), types.Param("", 0)), i)
    assert isinstance(found, types.FuncProto)
    assert found.variadic


def test_a_proto_without_dots_is_not_variadic(w: BtfWriter) -> None:
    i = w.int()
    found = read(w, w.func_proto(0, [("a", i)]))
    assert isinstance(found, types.FuncProto)
    assert not found.variadic


def test_var_and_datasec(w: BtfWriter) -> None:
    i = w.int()
    v = w.var("counter", i, 1)
    d = w.datasec(".bss", [(v, 8, 4)], 16)
    assert read(w, v) == types.Var(v, "counter", i, 1)
    assert read(w, d) == types.Datasec(d, ".bss", 16, (types.DatasecVar(v, 8, 4),))


def test_float(w: BtfWriter) -> None:
    f = w.float("double", 8)
    assert read(w, f) == types.Float(f, "double", 8)


def test_more_than_65535_members_need_the_wide_vlen(w: BtfWriter) -> None:
    count = 70_000
    e = w.enum("big", [("", n) for n in range(count)])
    after = w.int()
    found = read(w, e)
    assert isinstance(found, types.Enum)
    assert len(found.values) == count
    assert read(w, after).name == "int"


def test_a_name_that_is_not_utf8_comes_out_escaped() -> None:
    w = BtfWriter()
    s = w.struct("a\udcffb")
    assert Btf.parse(w.bytes()).name(s) == "a\\xffb"
