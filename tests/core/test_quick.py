# SPDX-License-Identifier: Apache-2.0
"""Fields found by compiled code are those that `match_field` finds: answers, misses, and what they cost."""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.btf import Btf, Kind, quick
from preflight.btf.types import Array, Composite
from preflight.core import quick as core_quick
from preflight.core.match import Miss, Nature, Pattern, match_field, nature
from preflight.core.work import Work
from preflight.errors import InputError
from preflight.loaders import essential_name
from tests.btf.test_hostile import host_slice
from tests.btfwriter import BtfWriter, field
from tests.differential.random_worlds import make_world

pytestmark = pytest.mark.skipif(
    quick.native is None, reason="native/btf_quick.c is not compiled here: no C compiler, or no Python.h"
)
_ESSENTIAL = partial(essential_name, core_quick.RULE)
_NATURES: tuple[Nature, ...] = (
    ("composite",),
    ("ptr",),
    ("int", "plain"),
    ("int", "bitfield"),
    ("enum", ""),
    ("enum", "color"),
    ("enum", "ptr"),
    ("fwd", "sock"),
    ("float",),
    ("other",),
    ("array", "int", "plain"),
    ("array", "array", "composite"),
)


def agree(btf: Btf, root: int, pattern: Pattern) -> bool:
    """Whether the compiled code answered; where it did, it must be as the other does."""
    spent, expected = Work(), Work()
    quickly = core_quick.match_field(btf, root, pattern, spent)
    if quickly is None:
        return False
    assert match_field(btf, root, pattern, _ESSENTIAL, expected) == quickly
    assert spent.left == expected.left
    return True


def _pattern(btf: Btf, root: int, pick: random.Random) -> Pattern:
    """A way down from a type, at times with a wrong name, index or nature."""
    parts: list[int | tuple[str, Nature]] = [pick.choice((0, 0, 0, 3))]
    here = btf.resolve(root)
    for _ in range(pick.randrange(1, 5)):
        found = btf.type(here)
        if isinstance(found, Array):
            parts.append(pick.choice((0, 0, 1, 7, 1 << 20)))
            here = btf.resolve(found.type)
        elif isinstance(found, Composite) and found.members:
            member = pick.choice(found.members)
            like = nature(btf, member.type, _ESSENTIAL) if pick.random() < 0.8 else pick.choice(_NATURES)
            if member.name:
                parts.append(
                    (member.name if pick.random() < 0.9 else pick.choice(("gone", "a", "len")), like)
                )
            here = btf.resolve(member.type)
        else:
            break
    return tuple(parts)


def compared(data: bytes, seed: int, rounds: int) -> int:
    """How many of random questions about a BTF the compiled code answered."""
    pick, answered = random.Random(seed), 0
    try:
        btf = Btf.parse(data)
        roots = [i for kind in (Kind.STRUCT, Kind.UNION, Kind.TYPEDEF) for i in btf.ids_of_kind(kind)]
    except InputError:
        return 0
    for root in pick.choices(roots or [1], k=rounds):
        try:
            pattern = _pattern(btf, root, pick)
        except InputError:
            continue  # a reference to nowhere
        answered += agree(btf, root, pattern)
    return answered


def test_on_a_slice_of_real_btf() -> None:
    assert compared(host_slice(3000), 1, 3000) > 1000


@pytest.mark.parametrize("seed", range(6))
def test_on_random_worlds(seed: int) -> None:
    assert compared(make_world(seed).vmlinux, seed, 600) > 200


@given(st.integers(0, 1 << 16), st.integers(0, 1 << 32), st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_are(seed: int, at: int, byte: int) -> None:
    """One byte changed anywhere: nothing is read beyond the buffers, and no answer differs."""
    data = bytearray(make_world(3).vmlinux)
    data[at % len(data)] = byte
    compared(bytes(data), seed, 40)


def test_what_libbpf_leaves_half_done_shows_in_both() -> None:
    """A member of the name but not of the nature in an anonymous struct, and one that fits behind it."""
    w = BtfWriter()
    integer, pointer = w.int("int", 4), w.ptr(0)
    first = w.struct("", [field("pad", integer, at=0), field("pid", pointer, at=8)], size=16)
    second = w.struct("", [field("pid", integer, at=0)], size=4)
    w.struct("task", [field("", first, at=0), field("", second, at=16)], size=24)
    btf = Btf.parse(w.bytes())
    (root,) = btf.ids_by_name("task", {Kind.STRUCT})
    assert agree(btf, root, (0, ("pid", ("int", "plain"))))
    assert agree(btf, root, (0, ("pid", ("ptr",))))
    assert agree(btf, root, (0, ("pid", ("float",))))
    assert isinstance(core_quick.match_field(btf, root, (0, ("pid", ("float",))), Work()), Miss)


def test_names_that_read_like_natures_are_left_to_python() -> None:
    w = BtfWriter()
    w.struct("task", [field("kind", w.enum("ptr", [("A", 0)]), at=0)], size=4)
    btf = Btf.parse(w.bytes())
    (root,) = btf.ids_by_name("task", {Kind.STRUCT})
    assert core_quick.match_field(btf, root, (0, ("kind", ("enum", "ptr"))), Work()) is None
    assert agree(btf, root, (0, ("kind", ("enum", "other_name"))))


def test_types_nested_without_end_are_left_to_python() -> None:
    w = BtfWriter()
    w.struct("a", [field("", 1, at=0)], size=4)
    btf = Btf.parse(w.bytes())
    assert core_quick.match_field(btf, 1, (0, ("pid", ("ptr",))), Work()) is None


def test_split_btf_is_left_to_python() -> None:
    base = BtfWriter()
    integer = base.int("int", 4)
    more = BtfWriter(base=base)
    more.struct("task", [field("pid", integer, at=0)], size=4)
    btf = Btf.parse(more.bytes(), Btf.parse(base.bytes()))
    (root,) = btf.ids_by_name("task", {Kind.STRUCT})
    assert core_quick.match_field(btf, root, (0, ("pid", ("int", "plain"))), Work()) is None
