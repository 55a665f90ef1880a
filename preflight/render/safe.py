# SPDX-License-Identifier: Apache-2.0
"""Making foreign text harmless: the only way data from objects, kernels and logs gets into output.

Names in objects come from strangers. A terminal obeys escape sequences, a CSV reader
formulas, a CI log `::commands::`, Markdown and HTML their markup. Each format has one
escaper here, and property tests hold them to it.
"""

from __future__ import annotations

import re
import unicodedata

#: Categories that never reach a reader as they are: controls, format characters (bidi
#: overrides, zero width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

#: Longest piece of foreign text shown in one place.
LIMIT = 256

_PLAIN = re.compile(r"[ -~]*\Z")


def _visible(character: str) -> str:
    point = ord(character)
    if character == " " or unicodedata.category(character) not in _UNSAFE:
        return character
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{{{point:x}}}"


def safe_text(text: object, *, limit: int = LIMIT) -> str:
    """One line of printable text: everything else becomes `\\xNN` or `\\u{...}`, cut at `limit` characters.

    Lone surrogates (undecodable bytes) are shown as escapes too.
    """
    raw = str(text)
    cut = raw if len(raw) <= limit else raw[: limit - 1]
    shown = cut if _PLAIN.match(cut) else "".join(_visible(c) for c in cut)
    if len(raw) > limit:
        shown += f"…(+{len(raw) - len(cut)} characters)"
    return shown


#: Markdown's active characters; a leading list, heading or quote mark is covered as well.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~@$:&=])")


def markdown(text: object, *, limit: int = LIMIT) -> str:
    """Text for a Markdown document or table cell, with every active character escaped."""
    return _MARKDOWN.sub(r"\\\1", safe_text(text, limit=limit)).replace("\\<", "&lt;").replace("\\>", "&gt;")


#: What a code span cannot hold everywhere: GitHub splits table cells at a pipe, and takes a backslash
#: before one for an escape of its own; a backtick ends the span; markup is nicer escaped twice.
_NO_SPAN = re.compile(r"[`|\\<>&]")


def markdown_code(text: object, *, limit: int = LIMIT) -> str:
    """An inline code span; text that could end it, or the table cell around it, is escaped instead."""
    shown = safe_text(text, limit=limit)
    if not shown.strip() or _NO_SPAN.search(shown):
        return markdown(text, limit=limit)
    return f"`{shown}`"


#: What a formula begins with; East Asian editions of spreadsheets take the wide forms, too.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_cell(text: object, *, limit: int = LIMIT) -> str:
    """Text for a CSV cell: one that a spreadsheet would take as a formula is quoted with an apostrophe."""
    shown = safe_text(text, limit=limit)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def xml_text(text: object, *, limit: int = LIMIT) -> str:
    """Text within XML 1.0's character range; markup is escaped by the XML writer itself."""
    return safe_text(text, limit=limit)


def github_message(text: object, *, limit: int = 4000) -> str:
    """The message part of a GitHub workflow command, from text of one line."""
    return safe_text(text, limit=limit).replace("%", "%25")


def github_property(text: object, *, limit: int = LIMIT) -> str:
    """A property value of a GitHub workflow command (`file=`, `title=`)."""
    return github_message(text, limit=limit).replace(":", "%3A").replace(",", "%2C")
