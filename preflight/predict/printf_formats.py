# SPDX-License-Identifier: Apache-2.0
"""Formats of helpers that print, as the verifier reads those that are constant. Pure.

Source: bpf_bprintf_prepare() of kernel/bpf/helpers.c, which check_bpf_snprintf_call() asks at load; formats
of all other helpers are read when they run.
"""

from __future__ import annotations

import re
import string
from typing import Final

#: Up to here newer kernels write the rest of a pointer's format (%pks, %pus).
_END: Final = rf"(?=[\s{re.escape(string.punctuation)}]|$)"
_POINTER: Final = rf"p(?:[KxsSB]|[iI][46]|[ku]s{_END}|{_END})"
_NUMBER: Final = r"l?l?[diuxX]"
_CONVERSION: Final = re.compile(
    rf"%(?:%|[0+\- ]*(?:[1-9][0-9]*)?(?:{_POINTER}|s{_END}|c|{_NUMBER}))", re.ASCII
)
_PRINTABLE: Final = frozenset(string.printable)


def conversions(text: str) -> int | None:
    """How many numbers a format takes; None for one that no kernel takes."""
    if not _PRINTABLE.issuperset(text):
        return None
    found, place = 0, text.find("%")
    while place >= 0:
        match = _CONVERSION.match(text, place)
        if match is None:
            return None
        found += match[0] != "%%"
        place = text.find("%", match.end())
    return found
