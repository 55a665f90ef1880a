# SPDX-License-Identifier: Apache-2.0
"""Whatever the bytes are: an answer or an InputError, soon, and in bounded memory."""

from __future__ import annotations

import random
import struct
import sys
import tracemalloc
from array import array
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.btf import Btf, BtfExt, Kind
from preflight.btf.c_decl import declare
from preflight.btf.distilled import parse_over_distilled
from preflight.btf.fields import name_words
from preflight.btf.index import Index
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, ExtWriter, field, one_of_every_kind, standard_layout

pytestmark = pytest.mark.usefixtures("reader")

HOST = Path("/sys/kernel/btf/vmlinux")


def host_slice(types: int) -> bytes:
    """The first types of this host's BTF with the strings they use; the made one where the host has none."""
    if not HOST.exists():
        return one_of_every_kind().bytes()
    btf = Btf.parse(HOST.read_bytes())
    boundaries = btf.records.all()[: types + 1]
    words = array("I", btf.records.words[: boundaries[-1] - 1])
    w = BtfWriter(btf.byteorder)
    for place in boundaries[:-1]:
        for at in name_words(words, place):
            words[at] = w.string(btf.strings.get(words[at]))
    if btf.byteorder != sys.byteorder:
        words.byteswap()
    return w.bytes(types=words.tobytes())


def test_the_slice_of_real_btf_is_sound() -> None:
    btf = Btf.parse(host_slice(400))
    assert sum(1 for _ in btf.types()) == btf.type_count - 1


def ask_everything(data: bytes, base: Btf | None = None) -> None:
    """Every public query; anything but InputError escapes and fails the test."""
    queries = [
        lambda b: b.validate(),
        lambda b: b.format_level(),
        lambda b: b.ids_by_name("int"),
        lambda b: b.ids_by_essential_name("list", {Kind.STRUCT}),
        lambda b: b.ids_of_kind(Kind.FUNC),
        lambda b: list(b.functions()),
        lambda b: b.pointer_size,
        lambda b: Index.load(Index.build(b)),
        lambda b: list(b.types()),
    ]
    try:
        btf = Btf.parse(data, base)
    except InputError:
        return
    for query in queries:
        with suppress(InputError):
            query(btf)
    for type_id in range(40):
        for single in (btf.size_of, btf.resolve, lambda i: declare(btf, i)):
            with suppress(InputError):
                single(type_id)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes(data: bytes) -> None:
    ask_everything(data)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_types_behind_a_sound_header(types: bytes, big: bool) -> None:
    w = BtfWriter("big" if big else "little")
    ask_everything(w.bytes(types=types, strings=b"\0int\0list___x\0"))


words = st.integers(0, 0xFFFFFFFF) | st.integers(0, 40)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 21), st.integers(0, 12), st.booleans(), words, st.lists(words, max_size=14)),
        max_size=12,
    )
)
def test_arbitrary_records(records: list[tuple[int, int, bool, int, list[int]]]) -> None:
    w = BtfWriter()
    w.int()
    for kind, vlen, kflag, value, trailer in records:
        w.raw(kind, len(trailer), vlen=vlen, kflag=kflag, value=value, words=trailer)
    ask_everything(w.bytes(layout=standard_layout()))
    ask_everything(w.bytes())


def mutations(data: bytes, count: int, seed: int) -> list[bytes]:
    """Copies with a few bits, bytes or words damaged, half of them in the first records, some cut short."""
    rng = random.Random(seed)
    out = []
    for number in range(count):
        bad = bytearray(data)
        span = min(len(data), 600) if number % 2 else len(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(span)
            word = min(at & ~3, len(data) - 8)
            match rng.randrange(4):
                case 0:
                    bad[at] ^= 1 << rng.randrange(8)
                case 1:
                    bad[at] = rng.choice((0, 0xFF, 0x80, rng.randrange(256)))
                case 2:
                    bad[word : word + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f"))
                case _:
                    bad[word : word + 4] = bad[word + 4 : word + 8]
        out.append(bytes(bad[: rng.randrange(len(data))] if number % 10 == 9 else bad))
    return out


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_mutations_of_every_kind(byteorder: str) -> None:
    data = one_of_every_kind(byteorder).bytes(layout=standard_layout())
    for bad in mutations(data, 1500, seed=1):
        ask_everything(bad)


def test_mutations_of_real_btf() -> None:
    for bad in mutations(host_slice(400), 150, seed=2):
        ask_everything(bad)


def test_mutations_of_split_btf() -> None:
    base_w = one_of_every_kind()
    base = Btf.parse(base_w.bytes())
    split = BtfWriter(base=base_w)
    split.struct("own", [field("int", 1, at=0), field("x", 4, at=8)], size=24)
    split.func("g", split.func_proto(4))
    for bad in mutations(split.bytes(), 500, seed=3):
        ask_everything(bad, base)


def test_mutations_of_distilled_btf() -> None:
    base = Btf.parse(one_of_every_kind().bytes())
    small = BtfWriter()
    small.int("int")
    small.struct("list___x", size=16)
    split = BtfWriter(base=small)
    split.struct("own", [field("int", 1, at=0), field("x", 2, at=8)], size=24)
    good = split.bytes(), small.bytes()
    parse_over_distilled(*good, base).validate()
    for place in (0, 1):
        for bad in mutations(good[place], 400, seed=4):
            pair = (bad, good[1]) if place == 0 else (good[0], bad)
            try:
                parse_over_distilled(*pair, base).validate()
            except InputError:
                continue


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_mutations_of_btf_ext(byteorder: str) -> None:
    w = one_of_every_kind(byteorder)
    ext = ExtWriter(w)
    ext.func("a", 0, 1)
    ext.line("a", 0, "f.c", 3, "text")
    ext.line("b", 2, "f.c", 4)
    ext.core("a", 1, 4, "0:1", 0)
    good = ext.bytes()
    btf = Btf.parse(w.bytes())
    for bad in mutations(good, 1500, seed=5):
        try:
            BtfExt.parse(bad, btf).line_at("a", 1)
        except InputError:
            continue


def peak_of(data: bytes) -> int:
    tracemalloc.start()
    try:
        ask_everything(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_one_long_string_named_by_everybody_stays_small() -> None:
    long = b"\0" + b"_" * 400_000 + b"\0"
    structs = b"".join(struct.pack("<III", 1 + n, 4 << 24, 0) for n in range(20_000))
    assert peak_of(BtfWriter().bytes(types=structs, strings=long)) < 64 << 20


def test_names_at_the_limit_add_up_to_an_error() -> None:
    long = (b"\0" + b"a" * 4000) * 4 + b"\0"
    structs = b"".join(struct.pack("<III", 1 + n % 9, 4 << 24, 0) for n in range(30_000))
    btf = Btf.parse(BtfWriter().bytes(types=structs, strings=long))
    with pytest.raises(InputError, match="add up"):
        btf.ids_by_name("x")


def test_members_that_share_one_long_string_are_refused() -> None:
    long = b"\0" + b"a" * 100_000 + b"\0"
    members = b"".join(struct.pack("<III", 1 + n, 0, 0) for n in range(50_000))
    data = BtfWriter().bytes(types=struct.pack("<III", 0, 4 << 24 | 50_000, 0) + members, strings=long)
    with pytest.raises(InputError, match="overlap"):
        Btf.parse(data).type(1)
    assert peak_of(data) < 64 << 20


def test_a_string_of_two_megabytes_is_refused() -> None:
    data = BtfWriter().bytes(
        types=struct.pack("<III", 1, 4 << 24, 0), strings=b"\0" + b"a" * (2 << 20) + b"\0"
    )
    btf = Btf.parse(data)
    for query in (lambda: btf.name(1), lambda: btf.ids_by_name("x")):
        with pytest.raises(InputError, match="longer than"):
            query()


def test_a_vlen_of_16_million_allocates_nothing() -> None:
    w = BtfWriter()
    for kind in (Kind.STRUCT, Kind.ENUM, Kind.FUNC_PROTO, Kind.DATASEC, Kind.ENUM64):
        w.raw(kind, vlen=0xFFFFFF)
    assert peak_of(w.bytes()) < 4 << 20
