# SPDX-License-Identifier: Apache-2.0
"""The escapers hold for any text a stranger can put into an object."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.render import safe

HOSTILE = [
    "\x1b]0;owned\x07",
    "\x9b2J",
    "\u202egnp.exe",
    "[link=file:///etc/passwd]x[/link]",
    "</script><script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "::error file=x::boo\n::set-output name=a::b",
    "a|b`c`<img src=x>",
    "a\\|<img src=x>",
    "\ud800",
    "x" * 65536,
]

any_text = st.one_of(st.text(), st.sampled_from(HOSTILE))


@given(any_text)
def test_safe_text_is_one_printable_line(text: str) -> None:
    shown = safe.safe_text(text)
    assert all(
        c == " " or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in shown
    )


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200))
def test_safe_text_keeps_printable_ascii(text: str) -> None:
    assert safe.safe_text(text) == text


def test_safe_text_says_how_much_it_cut() -> None:
    assert safe.safe_text("y" * 300).endswith("…(+45 characters)")


@given(any_text)
def test_markdown_has_no_active_html_or_table_break(text: str) -> None:
    shown = safe.markdown(text)
    assert "<" not in shown
    assert ">" not in shown
    assert "|" not in shown.replace("\\|", "")
    assert "\n" not in shown


@given(any_text)
def test_markdown_code_is_one_span_or_escaped_text(text: str) -> None:
    shown = safe.markdown_code(text)
    if shown.startswith("`"):
        assert shown.endswith("`")
        assert not set(shown[1:-1]) & set("`|\\<>&")
    else:
        assert shown == safe.markdown(text)


@given(any_text)
def test_markdown_leaves_no_pipe_that_ends_a_cell(text: str) -> None:
    # Two readings are around: a pipe is escaped by the backslash before it, or backslashes pair up first.
    for shown in (safe.markdown(text), safe.markdown_code(text)):
        assert "|" not in re.sub(r"\\.", "", shown)
        assert not re.search(r"(?<!\\)\|", shown)


@given(any_text)
def test_csv_cell_is_no_formula_and_survives_the_reader(text: str) -> None:
    cell = safe.csv_cell(text)
    out = io.StringIO()
    csv.writer(out).writerow([cell])
    (row,) = csv.reader(io.StringIO(out.getvalue()))
    assert row == [cell]
    assert cell.lstrip()[:1] not in {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"}


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_what_a_spreadsheet_takes_as_a_formula_is_quoted(mark: str) -> None:
    assert safe.csv_cell(f" {mark}1") == f"' {mark}1"


@given(any_text)
def test_xml_text_parses(text: str) -> None:
    from xml.etree import ElementTree

    element = ElementTree.Element("e", attrib={"a": safe.xml_text(text)})
    element.text = safe.xml_text(text)
    parsed = ElementTree.fromstring(ElementTree.tostring(element))
    assert parsed.text in (safe.xml_text(text), None)


@pytest.mark.parametrize("text", HOSTILE)
def test_github_command_stays_on_one_line_and_in_its_property(text: str) -> None:
    assert "\n" not in safe.github_message(text)
    value = safe.github_property(text)
    assert ":" not in value
    assert "," not in value
