# SPDX-License-Identifier: Apache-2.0
"""Where libbpf cuts a flavour off, and that lookups by essential name agree with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.btf import Btf, Kind, essential_name
from preflight.btf.names import essential_bytes, has_flavour
from tests.btfwriter import BtfWriter

pytestmark = pytest.mark.usefixtures("reader")


@pytest.mark.parametrize(
    ("name", "essential"),
    [
        ("", ""),
        ("task_struct", "task_struct"),
        ("a___b", "a"),
        ("a___b___c", "a___b"),
        ("a____b", "a____b"),
        ("___a", "___a"),
        ("a___", "a___"),
        ("___", "___"),
        ("foo____bar", "foo____bar"),
        ("a___b____c", "a"),
        ("a___b___", "a"),
        ("nf_conn___init", "nf_conn"),
        ("a_b___c_d", "a_b"),
    ],
)
def test_essential_name(name: str, essential: str) -> None:
    assert essential_name(name) == essential
    assert essential_bytes(name.encode()) == essential.encode()
    assert has_flavour(name) is (essential != name)


def slow_essential_name(name: str) -> str:
    """libbpf's loop written out: five characters at a time from the right."""
    for i in range(len(name) - 5, -1, -1):
        window = name[i : i + 5]
        if window[0] != "_" and window[1:4] == "___" and window[4] != "_":
            return name[: i + 1]
    return name


@given(st.text(alphabet="ab_", max_size=14))
def test_essential_name_is_libbpfs_loop(name: str) -> None:
    assert essential_name(name) == slow_essential_name(name)


@pytest.fixture
def flavoured() -> Btf:
    w = BtfWriter()
    w.struct("nf_conn")  # 1
    w.int("int")  # 2
    w.struct("nf_conn___init")  # 3
    w.union("nf_conn")  # 4
    w.struct("nf_conn____odd")  # 5
    w.struct("nf_conn___a___b")  # 6
    w.struct("nf_conn")  # 7
    w.fwd("nf_conn")  # 8
    w.func("nf_conn", w.func_proto())  # 10
    w.struct("")  # 11
    return Btf.parse(w.bytes())


def test_candidates_are_in_id_order_with_the_targets_own_flavours(flavoured: Btf) -> None:
    assert flavoured.ids_by_essential_name("nf_conn", {Kind.STRUCT}) == [1, 3, 7]


def test_candidates_are_of_the_kinds_asked_for(flavoured: Btf) -> None:
    assert flavoured.ids_by_essential_name("nf_conn", {Kind.UNION}) == [4]
    assert flavoured.ids_by_essential_name("nf_conn", {Kind.FWD, Kind.UNION}) == [4, 8]
    assert flavoured.ids_by_essential_name("nf_conn") == [1, 3, 4, 7, 8, 10]


def test_a_name_cut_once_is_not_cut_again(flavoured: Btf) -> None:
    assert flavoured.ids_by_essential_name("nf_conn___a", {Kind.STRUCT}) == [6]


def test_exact_lookup_does_not_know_flavours(flavoured: Btf) -> None:
    assert flavoured.ids_by_name("nf_conn", {Kind.STRUCT}) == [1, 7]
    assert flavoured.ids_by_name("nf_conn___init") == [3]


def test_anonymous_types_cannot_be_asked_for(flavoured: Btf) -> None:
    assert flavoured.ids_by_name("") == []
    assert flavoured.ids_by_essential_name("") == []


def test_functions_and_kinds(flavoured: Btf) -> None:
    assert [f.id for f in flavoured.functions()] == [10]
    assert flavoured.ids_of_kind(Kind.STRUCT) == (1, 3, 5, 6, 7, 11)


def test_a_string_may_be_the_tail_of_another() -> None:
    w = BtfWriter()
    longer = w.string("my_file")
    w.raw(Kind.STRUCT, longer)
    tail = w.raw(Kind.STRUCT, longer + 3)
    btf = Btf.parse(w.bytes())
    assert btf.name(tail) == "file"
    assert btf.ids_by_name("file") == [tail]


def test_the_same_string_may_be_stored_twice() -> None:
    w = BtfWriter()
    w.raw(Kind.STRUCT, w.string("file"))
    w._offsets.clear()
    w.raw(Kind.STRUCT, w.string("file"))
    assert Btf.parse(w.bytes()).ids_by_name("file") == [1, 2]


names = st.sampled_from(["a", "b", "a___x", "a___y", "b___x___y", "a____x", "", "c"])
adders = st.sampled_from(["struct", "union", "fwd"])


@given(st.lists(st.tuples(adders, names), max_size=30), names, st.sampled_from(["little", "big"]))
def test_lookups_agree_with_reading_everything(
    content: list[tuple[str, str]], wanted: str, byteorder: str
) -> None:
    w = BtfWriter(byteorder)
    for adder, name in content:
        getattr(w, adder)(name)
    btf = Btf.parse(w.bytes())
    named = [t for t in btf.types() if t.name]
    assert btf.ids_by_name(wanted, {Kind.STRUCT}) == [
        t.id for t in named if t.name == wanted and t.kind == Kind.STRUCT
    ]
    assert btf.ids_by_essential_name(wanted) == [t.id for t in named if essential_name(t.name) == wanted]
