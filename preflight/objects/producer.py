# SPDX-License-Identifier: Apache-2.0
"""Which compiler made an object, in its own words: from `.comment` or the DWARF strings, where kept."""

from __future__ import annotations

import re

#: clang's and GCC's own version texts, as they end up in .comment and DW_AT_producer.
_PRODUCER = re.compile(rb"(?:[A-Z][\w.+-]{0,40} )?clang version [\w.+~:-]{1,60}|GNU C\d{0,2} [\w.+~:-]{1,60}")


def producer(data: bytes) -> str | None:
    """`Debian clang version 14.0.6`; None when nothing names it (distributions strip it). Never raises.

    The text is looked for in the whole file: `.comment` and `.debug_str` are plain strings, and no other
    section of a BPF object holds such a text but by the programmer's own will.
    """
    found = _PRODUCER.search(data)
    return found[0].decode("ascii", "replace") if found else None
