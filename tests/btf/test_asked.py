# SPDX-License-Identifier: Apache-2.0
"""Names that were asked of one kernel are looked up in the next one in a single pass."""

from __future__ import annotations

import pytest

from preflight.btf import Btf, Kind, asked, quick
from preflight.btf.asked import AskedNames
from preflight.btf.index import names_of
from tests.btfwriter import BtfWriter

pytestmark = pytest.mark.skipif(
    quick.native is None, reason="native/btf_quick.c is not compiled here: no C compiler, or no Python.h"
)
NAMES = (
    "f",
    "fd",
    "abc",
    "task",
    "task_struct",
    "f___x",
    "fd___old",
    "abc___a",
    "task___b___c",
    "fd",
    "abcd",
)


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "_asked", {})


def _names(btf: Btf) -> AskedNames:
    return AskedNames(btf.records, btf.strings, btf.start_id)


def _kernel(*names: str) -> Btf:
    w = BtfWriter()
    for name in names:
        w.struct(name)
    return Btf.parse(w.bytes())


def test_what_was_asked_before_needs_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _names(_kernel(*NAMES)), _kernel("int", *NAMES, "bio")
    words = {name.encode() for name in NAMES} | {b"absent", b"task___b", b"a"}
    for name in words:
        first.exact(name, None), first.essential(name, None)
    expected = names_of(second.records, second.strings, second.start_id)
    found = _names(second)
    monkeypatch.setattr(asked, "names_of", lambda *_: pytest.fail("made an index"))
    for name in words:
        assert found.exact(name, None) == expected.exact(name, None), name
        assert found.essential(name, None) == expected.essential(name, None), name
    assert found.essential(b"fd", None) == [3, 8, 11]


def test_a_name_nobody_foresaw_is_found_too() -> None:
    _names(_kernel("file")).essential(b"file", {Kind.STRUCT})
    found = _names(_kernel("file", "inode", "inode___old"))
    assert found.essential(b"inode", {Kind.STRUCT}) == [2, 3]
    assert set(found.separated()) == {b"inode___old"}


def test_long_names_are_left_to_the_index() -> None:
    _names(_kernel("file")).essential(b"file", {Kind.STRUCT})
    long = "n" * 300
    found = _names(_kernel(long, "file"))
    assert found.essential(b"file", {Kind.STRUCT}) == [2]
    assert found.exact(long.encode(), {Kind.STRUCT}) == [1]


def test_no_more_names_are_remembered_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "_MOST", 2)
    names = _names(_kernel(*NAMES))
    assert [names.essential(name.encode(), None) for name in ("abcd", "task", "fd")] == [
        [11],
        [4],
        [2, 7, 10],
    ]
    assert list(asked._asked) == [b"abcd", b"task"]


def test_lists_that_are_no_lists_are_refused() -> None:
    assert quick.native is not None
    with pytest.raises(ValueError, match="names without an end"):
        quick.native.look_up(b"\0" * 4, b"", b"\0", b"name", 0, 1 << 17, 1 << 26)
