# SPDX-License-Identifier: Apache-2.0
"""Split BTF: ids and string offsets continue, over one base or several."""

from __future__ import annotations

import pytest

from preflight.btf import Btf, Kind, types
from preflight.btf.index import Index
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, field

pytestmark = pytest.mark.usefixtures("reader")


def levels(byteorder: str) -> tuple[BtfWriter, BtfWriter, BtfWriter]:
    base = BtfWriter(byteorder)
    i = base.int()
    base.struct("shared", [field("a", i, at=0)], size=4)
    base.struct("shared___v1")
    module = BtfWriter(base=base)
    module.struct("own", [field("a", i, at=0), field("extra", 2, at=4)], size=8)
    module.struct("shared", [field("extra", i, at=0)], size=4)
    module.func("shared", module.func_proto())
    top = BtfWriter(base=module)
    top.ptr(4)
    top.struct("own___v2")
    return base, module, top


@pytest.fixture(params=["little", "big"])
def stack(request: pytest.FixtureRequest) -> tuple[Btf, Btf, Btf]:
    base_w, module_w, top_w = levels(request.param)
    base = Btf.parse(base_w.bytes())
    module = Btf.parse(module_w.bytes(), base)
    return base, module, Btf.parse(top_w.bytes(), module)


def test_ids_continue(stack: tuple[Btf, Btf, Btf]) -> None:
    base, module, top = stack
    assert (base.start_id, module.start_id, top.start_id) == (1, 4, 8)
    assert (base.type_count, module.type_count, top.type_count) == (4, 8, 10)
    assert top.base is module
    assert module.base is base


def test_types_and_names_come_from_the_level_they_are_on(stack: tuple[Btf, Btf, Btf]) -> None:
    _, module, top = stack
    assert top.type(1).name == "int"
    assert top.type(8) == types.Ptr(8, "", 4)
    own = module.type(4)
    assert isinstance(own, types.Struct)
    assert [m.name for m in own.members] == ["a", "extra"]
    assert [t.id for t in top.types()] == list(range(1, 10))
    assert [t.id for t in module.types(own=True)] == [4, 5, 6, 7]


def test_lookup_sees_the_base_first_and_can_leave_it_out(stack: tuple[Btf, Btf, Btf]) -> None:
    _, module, top = stack
    assert module.ids_by_name("shared") == [2, 5, 7]
    assert module.ids_by_name("shared", own=True) == [5, 7]
    assert module.ids_by_essential_name("shared", {Kind.STRUCT}) == [2, 3, 5]
    assert module.ids_by_essential_name("shared", {Kind.STRUCT}, own=True) == [5]
    assert top.ids_by_essential_name("own", {Kind.STRUCT}) == [4, 9]
    assert top.ids_of_kind(Kind.PTR) == (8,)
    assert module.ids_of_kind(Kind.STRUCT, own=True) == (4, 5)


def test_flavours_are_seen_on_every_level(stack: tuple[Btf, Btf, Btf]) -> None:
    _, module, top = stack
    assert top.separated_names() == {"shared___v1", "own___v2"}
    assert module.separated_names(own=True) == set()


def test_a_module_may_borrow_a_flavoured_name_from_its_base() -> None:
    base_w = BtfWriter()
    base_w.func("conn___new", base_w.func_proto())
    module_w = BtfWriter(base=base_w)
    module_w.struct("conn___new")
    module = Btf.parse(module_w.bytes(), Btf.parse(base_w.bytes()))
    assert module.separated_names(own=True) == {"conn___new"}
    assert module.ids_by_essential_name("conn", {Kind.STRUCT}, own=True) == [3]


def test_sizes_and_references_cross_the_levels(stack: tuple[Btf, Btf, Btf]) -> None:
    _, _, top = stack
    assert top.size_of(8) == 8
    assert top.size_of(4) == 8
    assert top.resolve(1) == 1


def test_a_split_with_an_index_answers_the_same(stack: tuple[Btf, Btf, Btf]) -> None:
    base_w, module_w, _ = levels(stack[0].byteorder)
    base = Btf.parse(base_w.bytes())
    module = Btf.parse(module_w.bytes(), base)
    indexed = Btf.parse(module_w.bytes(), base, index=Index.load(Index.build(module)))
    for name in ("shared", "own", "none"):
        assert indexed.ids_by_name(name) == module.ids_by_name(name)
        assert indexed.ids_by_essential_name(name) == module.ids_by_essential_name(name)


def test_a_split_over_a_base_that_is_too_small() -> None:
    _, module_w, _ = levels("little")
    alone = BtfWriter()
    alone.int()
    with pytest.raises(InputError):
        Btf.parse(module_w.bytes(), Btf.parse(alone.bytes())).validate()


def test_byte_orders_cannot_be_mixed() -> None:
    with pytest.raises(InputError, match="endian"):
        Btf.parse(BtfWriter("big").bytes(), Btf.parse(BtfWriter().bytes()))


def test_only_own_types_count_towards_the_format() -> None:
    base_w, _, _ = levels("little")
    module_w = BtfWriter(base=base_w)
    module_w.enum64("e", [("a", 1)], signed=True)
    level = Btf.parse(module_w.bytes(), Btf.parse(base_w.bytes())).format_level()
    assert level.kinds == {Kind.ENUM64}
    assert level.enum64
    assert level.kflag_enums
    assert level.max_vlen == 1
