# SPDX-License-Identifier: Apache-2.0
"""Builds of one object: each kernel gets the one that was made for it, and none gets another's."""

from __future__ import annotations

import pytest

from preflight.matrix.subjects import Build, Subject, merge, subject_of
from tests.matrix.scene import ATTACHES, TRACEPOINT

SET = Subject("tool", (), (
    Build("x86_64", "little", b"x"), Build("aarch64", "little", b"a"), Build(None, "big", b"b"),
))  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "order", "data"),
    [("x86_64", "little", b"x"), ("aarch64", "little", b"a"), ("s390x", "big", b"b"), (None, "big", b"b")],
)
def test_the_build_for_a_machine_is_chosen(machine: str | None, order: str, data: bytes) -> None:
    build, why = SET.choose(machine, order)
    assert build is not None
    assert (build.data, why) == (data, "")


@pytest.mark.parametrize(("machine", "words"), [("riscv64", "no build for riscv64"), (None, "not known")])
def test_no_build_is_said_and_none_is_guessed(machine: str | None, words: str) -> None:
    build, why = SET.choose(machine, "little")
    assert build is None
    assert words in why


def test_a_single_build_is_judged_everywhere() -> None:
    one = subject_of(ATTACHES)
    assert one.choose("s390x", "big")[0] == one.builds[0]
    assert one.sha256 == ATTACHES.sha256


def test_equal_objects_are_one_under_their_first_name() -> None:
    first, second = subject_of(ATTACHES), subject_of(ATTACHES)
    renamed = Subject("a", (), second.builds)
    assert merge([first, renamed]) == merge([renamed, first])
    (one,) = merge([first, renamed])
    assert (one.name, one.aliases) == ("a", ("made.bpf.o",))


def test_the_order_of_builds_does_not_matter() -> None:
    other = Subject("tool", (), SET.builds[::-1])
    assert merge([other, subject_of(TRACEPOINT)]) == merge([subject_of(TRACEPOINT), SET])
