# SPDX-License-Identifier: Apache-2.0
"""Recognising what the verifier said: a line against the formats of `data/table.json`.

A line is compared only with the formats filed under one of its words.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_WORD = re.compile(r"[A-Za-z_][A-Za-z_']+")
#: Characters of a line that are compared.
LIMIT = 600

#: Calls that a loader wrote in place of what it could not resolve (tools/lib/bpf: POISON_LDIMM64_MAP_BASE,
#: POISON_CALL_KFUNC_BASE, relo_core.c's 0xbad2310; cilium/ebpf's 0xdedc0de).
_POISON = re.compile(r"unknown#(195896080|2001000\d{3}|2002000\d{3}|233623774)\b")
_POISON_FAMILIES = {"195": "L-CORE-POISON", "200": "L-MAP-POISON", "233": "L-KFUNC-POISON"}


class Message(NamedTuple):
    """A recognised message: family, whether a kernel bug speaks, kernels whose source holds it."""

    family: str
    internal: bool
    seen_in: tuple[str, ...]
    reported: bool
    where: str


class Table(NamedTuple):
    """The compiled table; see tools/make_verifier_table.py."""

    kernels: list[str]
    places: list[str]
    messages: list[list[Any]]
    words: dict[str, list[int]]
    advice: dict[str, str]
    rules: dict[str, list[list[str]]]
    causes: dict[str, str]


@cache
def table() -> Table:
    """The table, read once."""
    import json

    path = Path(__file__).parent / "data" / "table.json"
    raw = json.loads(path.read_bytes())
    return Table(**{name: raw[name] for name in Table._fields})


@cache
def _compiled(number: int) -> re.Pattern[str]:
    return re.compile(table().messages[number][0])


def recognise(text: str) -> Message | None:
    """The message that a line is, or None. The most specific format that fits decides."""
    line = text.strip()[:LIMIT]
    poison = _POISON.search(line)
    if poison and "invalid func" in line:
        family = _POISON_FAMILIES[poison[1][:3]]
        if poison[1].startswith("2002"):
            family = "L-KFUNC-POISON"
        return Message(family, False, (), False, "tools/lib/bpf/libbpf.c")
    words = table().words
    numbers = sorted({n for word in set(_WORD.findall(line)) for n in words.get(word.strip("'"), ())})
    fitting = [number for number in numbers if _compiled(number).match(line)]
    return _message(fitting) if fitting else None


def _message(fitting: list[int]) -> Message:
    """The first fits best; kernels that word it a little differently hold the message as well."""
    found = table()
    _, family, kind, mask, reported, place = found.messages[fitting[0]]
    for number in fitting[1:]:
        other = found.messages[number]
        if other[1] == family:
            mask |= other[3]
            reported |= other[4]
    seen = tuple(v for bit, v in enumerate(found.kernels) if mask >> bit & 1)
    return Message(family, kind == "internal", seen, bool(reported), found.places[place])


@cache
def texts() -> dict[str, dict[str, str]]:
    """Family -> `summary`, `cause` and `fix` as in the registry of codes, from `data/texts.json`."""
    import json

    loaded: dict[str, dict[str, str]] = json.loads(
        (Path(__file__).parent / "data" / "texts.json").read_bytes()
    )
    return loaded


def by_message(family: str, text: str) -> tuple[str, str]:
    """`cause_id` and confidence as far as the terminal lines alone tell."""
    for pattern, cause, confidence in table().rules.get(family, ()):
        if not pattern or re.search(pattern, text[:4000]):
            return cause, confidence
    return "unknown", "low"
