# SPDX-License-Identifier: Apache-2.0
"""Symbols are the same whether the list is read word by word or only searched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.kernels.symbols import PlainSymbols, beginning_with, parse_symbols

_NAME = st.text(alphabet="ab._$", min_size=1, max_size=3)
_PLAIN_LINE = st.builds("{} {}".format, st.sampled_from("tTd"), _NAME)
_ODD_LINE = st.text(alphabet="tTaf0 \t\r.[]\x0b\x0c\x1c\x85\u2028\udc80", max_size=12)
_END = st.sampled_from(["", "\n", "\n\n"])


def word_by_word(text: str) -> dict[str, str]:
    """What the format means, spelt out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and len(words[0]) > 1:
            del words[0]
        if len(words) >= 2 and len(words[0]) == 1:
            found[words[1]] = found.get(words[1], "") + words[0]
    return found


def packed(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def test_every_type_of_a_name_is_kept() -> None:
    text = b"T do_exit\nt helper\nt helper [mod]\nnoise\n"
    text += b"ffffffff81000000 D jiffies\n0000000000000000 t local\t[nf_x]\n"
    assert parse_symbols(text) == {"do_exit": "T", "helper": "tt", "jiffies": "D", "local": "t"}


def test_the_list_of_an_entry_is_searched() -> None:
    assert isinstance(parse_symbols(b"T do_exit\nt helper\n"), PlainSymbols)


@pytest.mark.parametrize(
    "other", ["t f [mod]\nt\n", "0 t f\n", "t \n", "tt f\n", "t\tf\n", "t f\x0bg h\n", "t f\u00e9\n"]
)
def test_any_other_list_is_taken_apart(other: str) -> None:
    text = "T do_exit\n" + other
    assert isinstance(found := parse_symbols(packed(text)), dict)
    assert found == word_by_word(text)


@given(lines=st.lists(_PLAIN_LINE | _ODD_LINE, max_size=6), end=_END)
def test_any_text_means_the_same(lines: list[str], end: str) -> None:
    text = "\n".join(lines) + end
    found, wanted = parse_symbols(packed(text)), word_by_word(text)
    assert dict(found) == wanted
    assert len(found) == len(wanted)


@given(lines=st.lists(_PLAIN_LINE, min_size=1, max_size=12), asked=st.lists(_NAME, max_size=6))
def test_names_answer_alike_in_any_order_of_asking(lines: list[str], asked: list[str]) -> None:
    text = "\n".join(lines)
    found, wanted = parse_symbols(packed(text)), word_by_word(text)
    assert [found.get(name, "") for name in asked] == [wanted.get(name, "") for name in asked]


@given(
    lines=st.lists(_PLAIN_LINE | _ODD_LINE, max_size=8), prefix=_NAME | st.sampled_from(["a\nt b", "a b", ""])
)
def test_names_are_found_by_their_beginning(lines: list[str], prefix: str) -> None:
    text = "\n".join(lines)
    wanted = {name for name in word_by_word(text) if name.startswith(prefix)}
    assert beginning_with(parse_symbols(packed(text)), prefix) == wanted


def test_names_that_no_kernel_can_have_are_absent() -> None:
    symbols = parse_symbols(b"T do_exit\nt helper\n")
    assert [
        name for name in ("", "do exit", "do_exit\nt helper", "\ud800", "\udc80") if name in symbols
    ] == []
