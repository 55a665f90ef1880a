# SPDX-License-Identifier: Apache-2.0
"""The compiled loops give what the Python ones give, answers and errors alike, whatever the bytes are."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.btf import Btf, Kind, asked, quick
from preflight.btf.index import Index
from preflight.btf.names import essential_name
from preflight.errors import InputError
from tests.btf.test_hostile import host_slice
from tests.btfwriter import BtfWriter, field, one_of_every_kind, standard_layout

pytestmark = pytest.mark.skipif(
    quick.native is None, reason="native/btf_quick.c is not compiled here: no C compiler, or no Python.h"
)
NAMES = ("int", "task_struct", "a___b", "list", "", "long unsigned int", "s")


@contextmanager
def by_python_alone() -> Iterator[None]:
    built, quick.native = quick.native, None
    try:
        yield
    finally:
        quick.native = built


@contextmanager
def as_one_of_many_kernels() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "MANY", 0)
        patch.setattr(asked, "_asked", {})
        yield


def _asked(ask: Callable[[Btf], Any], data: bytes) -> Any:
    try:
        return ask(Btf.parse(data))
    except InputError as error:
        return str(error), error.offset


#: Each on a BTF of its own, so that none profits from what another found out.
QUESTIONS: tuple[Callable[[Btf], Any], ...] = (
    lambda b: list(b.records.all()),
    lambda b: b.format_level(),
    lambda b: b.type(1),
    lambda b: b.type(7),
    lambda b: b.ids_of_kind(Kind.STRUCT),
    lambda b: [b.ids_by_name(name) for name in NAMES],
    lambda b: [b.ids_by_essential_name(name, {Kind.STRUCT, Kind.UNION}) for name in NAMES],
    lambda b: b.ids_by_name("vfs_read", {Kind.FUNC}),
    lambda b: b.separated_names(),
    Index.build,
)


def both_agree(data: bytes) -> None:
    for ask in QUESTIONS:
        quickly = _asked(ask, data)
        with by_python_alone():
            assert _asked(ask, data) == quickly
        with as_one_of_many_kernels():
            assert _asked(ask, data) == quickly  # from the index, and remembered as asked
            assert _asked(ask, data) == quickly  # looked up


def test_on_a_slice_of_real_btf() -> None:
    data = host_slice(1500)
    both_agree(data)
    assert isinstance(Btf.parse(data).records.all(), memoryview)


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_on_every_kind(byteorder: str) -> None:
    both_agree(one_of_every_kind(byteorder).bytes())
    both_agree(one_of_every_kind(byteorder).bytes(layout=standard_layout()))


@pytest.mark.parametrize("cut", range(4, 61, 4))
def test_on_records_cut_short(cut: int) -> None:
    w = one_of_every_kind()
    whole = w.bytes()
    start, length = struct.unpack_from("<II", whole, 8)
    both_agree(w.bytes(types=whole[24 + start : 24 + start + length - cut]))


def test_on_a_split_btf_whose_names_lie_in_its_base() -> None:
    base = BtfWriter()
    base.int("list")
    split = BtfWriter(base=base)
    split.struct("list")
    split.struct("own")

    def ids() -> list[list[int]]:
        whole = Btf.parse(split.bytes(), Btf.parse(base.bytes()))
        return [whole.ids_by_name(name) for name in ("list", "own", "absent")]

    quickly = ids()
    with by_python_alone():
        assert ids() == quickly
    assert quickly[0] == [1, 2]


@given(st.lists(st.text("_ab", max_size=12), min_size=1, max_size=8))
@settings(deadline=None)
def test_on_flavours(names: list[str]) -> None:
    w = BtfWriter()
    for name in names:
        w.struct(name)
    data = w.bytes()
    both_agree(data)
    for name in filter(None, names):
        cut = essential_name(name)
        expected = [i for i, n in enumerate(names, 1) if n and essential_name(n) == cut]
        if essential_name(cut) == cut:
            assert Btf.parse(data).ids_by_essential_name(cut) == expected


@given(st.integers(0, 2**32), st.integers(1, 6))
@settings(deadline=None, max_examples=60)
def test_on_damaged_bytes(seed: int, faults: int) -> None:
    chance = random.Random(seed)
    data = bytearray(one_of_every_kind(chance.choice(["little", "big"])).bytes())
    for _ in range(faults):
        at = chance.randrange(24, len(data))
        data[at] = chance.choice([0, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    both_agree(bytes(data))


def test_names_that_overlap_too_much_are_left_to_python() -> None:
    w = BtfWriter()
    long = w.string("x" * 60_000)
    for shift in range(2000):
        w.raw(Kind.STRUCT, long + shift)
    both_agree(w.bytes())


@given(st.binary(max_size=90), st.text("ab_\0", max_size=12), st.integers(0, 100))
@settings(deadline=None)
def test_searches_through_strings(data: bytes, word: str, start: int) -> None:
    wanted = word.encode()
    for text in (
        data,
        data + wanted,
        wanted * 9,
        b"ab_\0" * 20 + wanted + data,
        data * 4 + wanted + data * 2,
    ):
        assert quick.find(text, wanted, start) == text.find(wanted, start)


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_searches_for_words(byteorder: str) -> None:
    records = Btf.parse(one_of_every_kind(byteorder).bytes()).records
    for wanted in {*records.words, 0x04000000, 0xFFFFFFFF}:
        start = found = 0
        while found >= 0:
            found = records.find_word(wanted, start)
            with by_python_alone():
                assert records.find_word(wanted, start) == found
            start = found + 1


@given(st.lists(st.text("ab_\\é", max_size=3), max_size=6), st.text("ab_\\é", min_size=1, max_size=3))
@settings(deadline=None)
def test_members_by_name(names: list[str], wanted: str) -> None:
    w = BtfWriter()
    number = w.int()
    holder = w.struct("s", [field(name, number, at=8 * n) for n, name in enumerate(names)], size=9)
    btf = Btf.parse(w.bytes())
    assert btf.member_count(holder) == len(names)
    assert btf.member_count(number) is None
    for first in range(len(names) + 1):
        expected = next((n for n in range(first, len(names)) if names[n] in (wanted, "")), -1)
        assert btf.find_member(holder, wanted, first) == expected
        with by_python_alone():
            assert btf.find_member(holder, wanted, first) == expected
    members = [btf.member(holder, n) for n in range(len(names))]
    assert tuple(members) == btf.type(holder).members  # type: ignore[attr-defined]


def test_members_that_are_corrupt_are_found_so_only_when_met() -> None:
    w = BtfWriter()
    number = w.int()
    outside = [w.string("a"), number, 0, 1 << 20, number, 32]
    w.raw(Kind.STRUCT, "s", vlen=2, value=8, words=outside)

    def asked() -> list[Any]:
        ask = [lambda b, n=name: b.find_member(2, n, 0) for name in ("a", "b")]
        return [_asked(one, w.bytes()) for one in [*ask, lambda b: b.member(2, 1), lambda b: b.member(2, 5)]]

    quickly = asked()
    with by_python_alone():
        assert asked() == quickly
    assert quickly[0] == 0
    assert all("outside the string section" in text for text, _ in quickly[1:3])
