# SPDX-License-Identifier: Apache-2.0
"""The compiled searches in a kernel's symbols give what Python's own give, for any text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.kernels import symbols
from preflight.kernels.symbols import beginning_with, parse_symbols
from tests.sanitizer import assert_stays_within_its_bytes

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(
    symbols.native is None,
    reason="native/symbols_quick.c is not compiled here: no C compiler, or no Python.h",
)

NAMES = ("a", "ab", "work", "work.part.0", "a_name_of_some_length", "a_name_of_some_lengti", "__key.1")
_LINES = st.lists(st.tuples(st.sampled_from("tTdDbB"), st.sampled_from(NAMES)), max_size=40)
_ASKED = (*NAMES, "absent", "", "t work", "work\n", "wörk", "\udcff", "a_name_of_some_length_and_more")


def _by_python(monkeypatch: pytest.MonkeyPatch, text: bytes) -> Mapping[str, str]:
    with monkeypatch.context() as patch:
        patch.setattr(symbols, "native", None)
        return parse_symbols(text)


@settings(max_examples=60, deadline=None)
@given(lines=_LINES, end=st.booleans(), before=st.sets(st.sampled_from(_ASKED)))
def test_plain_lists(lines: list[tuple[str, str]], end: bool, before: set[str]) -> None:
    text = "\n".join(f"{letter} {name}" for letter, name in lines).encode() + b"\n" * end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(symbols, "_asked", {name.encode("utf-8", "surrogatepass") for name in before})
        found, wanted = parse_symbols(text), _by_python(patch, text)
        assert type(found).__name__ == ("SearchedSymbols" if lines else "dict")
        assert {name: found.get(name) for name in _ASKED} == {name: wanted.get(name) for name in _ASKED}
        assert (len(found), list(found)) == (len(wanted), list(wanted))
        for prefix in ("work.", "work.part", ".", "__key.1", "a", "_", "zz"):
            assert beginning_with(found, prefix) == beginning_with(wanted, prefix)


@settings(max_examples=100, deadline=None)
@given(text=st.lists(st.sampled_from((b"t work", b"\n", b" ", b"\xff", b"T", b"\t", b"x", b"ffff ", b"t a"))))
def test_any_text(text: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        found, wanted = parse_symbols(b"".join(text)), _by_python(patch, b"".join(text))
        assert dict(found) == dict(wanted)
        assert len(found) == len(wanted)
        assert {name: found.get(name) for name in _ASKED} == {name: wanted.get(name) for name in _ASKED}


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"t", b"t ", b"t\n", b"tt work", b"t work\n\n", b"t  work", b"t work x"]
)
def test_what_is_no_plain_list_is_left_to_python(text: bytes) -> None:
    assert symbols.native is not None
    assert symbols.native.look_up(text, b"work\n", 1) is None


def test_many_equal_names_and_many_different_ones() -> None:
    text = b"".join(b"t same\n" for _ in range(3000)) + b"".join(b"T name_%d\n" % n for n in range(5000))
    found = parse_symbols(text)
    assert (found["same"], found["name_4999"], len(found)) == ("t" * 3000, "T", 5001)


@given(st.lists(st.sampled_from((b"", b".", b"a.b", b"t work", b"t work.isra.0", b"\xff.")), max_size=12))
def test_lines_with_a_character(lines: list[bytes]) -> None:
    assert symbols.native is not None
    wanted = b"".join(line + b"\n" for line in lines if b"." in line)
    for text in (b"\n".join(lines), b"\n".join(lines) + b"\n"):
        assert symbols.native.lines_with(text, ord(".")) == wanted


_ANY_LIST = """
look_up, lines_with = module("_symbols").look_up, module("_symbols").lines_with
chance = random.Random(5)
letters = b"ab._1"
pieces = [b"t work", b"\\n", b" ", b"\\xff", b"T", b"t a", b"D name_of_something", b"\\nt q\\n"]
def name():
    return bytes(chance.choices(letters, k=chance.randrange(24)))
for _ in range(5_000):
    plain = b"\\n".join(b"%c %s" % (chance.choice(b"tTdD"), name()) for _ in range(chance.randrange(40)))
    names = [name() for _ in range(chance.randrange(20))]
    asked = b"".join(one + b"\\n" for one in names)
    for text in (plain, b"".join(chance.choices(pieces, k=chance.randrange(30)))):
        look_up(text, asked, chance.randrange(1 << 64))
        look_up(text, asked[:-1], chance.randrange(1 << 64))
        lines_with(text, chance.randrange(256))
"""


def test_searches_read_nothing_beyond_the_list(tmp_path: Path) -> None:
    assert_stays_within_its_bytes(ROOT / "native" / "symbols_quick.c", _ANY_LIST, tmp_path)
