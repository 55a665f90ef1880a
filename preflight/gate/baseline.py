# SPDX-License-Identifier: Apache-2.0
"""The baseline: a TOML file in the user's repository, written by `--update` and reviewed like code.

    schema = "preflight.gate/1"
    [limits.METRIC]   growth_percent, floor, growth, share_percent   (see gate.limits)
    [[exception]]     code, kernel, object, program (shell patterns), reason, expires = 2026-12-31
    [[program]]       kernel, object, program, verdict, attach, insns, states, peak_states, stack,
                      family, bytecode, compiler, release

The same rows give the same bytes. Limits, exceptions and the comment that the file begins with are the user's
and survive an update; a program that could not be tested keeps what was known of it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Any

from preflight.errors import InputError, UsageError
from preflight.findings.registry import codes
from preflight.gate.limits import DEFAULTS, Limit, from_table, to_table
from preflight.gate.measured import FAILS, LOADS, METRICS, UNKNOWN, Key, Row, by_key, tested_whole

SCHEMA = "preflight.gate/1"
LIMIT_BYTES = 16 << 20
#: Longest line, and longest text in it: a TOML reader takes quadratic time for some shapes of one line.
LIMIT_LINE = 16 << 10
_LIMIT_TEXT = 2000
_LIMIT_NUMBER = 1 << 62
_TEXTS = ("attach", "family", "bytecode", "compiler", "release")


@dataclass(frozen=True, slots=True)
class Exemption:
    """What is accepted although it is worse. `expires` is the last day on which it is; None is never."""

    code: str
    reason: str
    kernel: str = "*"
    object: str = "*"
    program: str = "*"
    expires: date | None = None

    def covers(self, code: str, key: Key) -> bool:
        """Whether it speaks of this finding, expired or not."""
        pairs = ((self.kernel, key.kernel), (self.object, key.object), (self.program, key.program))
        return self.code == code and all(fnmatchcase(text, pattern) for pattern, text in pairs)

    def expired(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.expires is not None and today > self.expires


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is expected."""

    rows: Mapping[Key, Row] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=lambda: dict(DEFAULTS))
    exceptions: tuple[Exemption, ...] = ()
    comment: str = ""


def parse(text: str, name: str) -> Baseline:
    """The baseline in a file called `name`. InputError when it is none, UsageError for unknown limits."""
    long = next((n for n, line in enumerate(text.split("\n"), 1) if len(line) > LIMIT_LINE), None)
    if long is not None:
        raise InputError(f"line {long} has more than {LIMIT_LINE} characters", subject=name)
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not TOML: {error}", subject=name) from None
    if document.get("schema") != SCHEMA:
        raise InputError(f"is not a baseline of this version (wanted schema = {SCHEMA!r})", subject=name)
    unknown = sorted(set(document) - {"schema", "limits", "exception", "program"})
    if unknown:
        raise InputError(f"has {unknown[0][:60]!r}, which is nothing here", subject=name)
    rows = [_row(one, f"{name}: program {n}") for n, one in enumerate(_tables(document, "program", name), 1)]
    if len(rows) != len({row.key for row in rows}):
        raise InputError("has one program twice", subject=name)
    exceptions = [
        _exemption(one, f"{name}: exception {n}")
        for n, one in enumerate(_tables(document, "exception", name), 1)
    ]
    return Baseline(
        by_key(rows), from_table(document.get("limits", {}), name), tuple(exceptions), _comment(text)
    )


def _comment(text: str) -> str:
    """The comment that the file begins with, as it is."""
    lines = list(
        takewhile(lambda line: line.startswith("#") or not line.strip(), text.splitlines(keepends=True))
    )
    return "".join(lines).replace("\r\n", "\n")


def _tables(document: Mapping[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(f"[[{key}]] is a list of tables", subject=name)
    return found


def _row(table: Mapping[str, Any], where: str) -> Row:
    key = Key(*(_text(table, part, where, needed=True) for part in Key._fields))
    verdict = _text(table, "verdict", where, needed=True)
    if verdict not in (LOADS, FAILS):
        raise InputError(f"verdict is {verdict[:40]!r}; there are {LOADS} and {FAILS}", subject=where)
    texts = {part: _text(table, part, where) for part in _TEXTS}
    numbers = {name: _number(table, name, where) for name in METRICS}
    return Row(key, verdict, **{**texts, "attach": texts["attach"] or "not-tried"}, **numbers)  # type: ignore[arg-type]


def _exemption(table: Mapping[str, Any], where: str) -> Exemption:
    expires = table.get("expires")
    if expires is not None and (not isinstance(expires, date) or isinstance(expires, datetime)):
        raise InputError("expires is not a date such as 2026-12-31 (without quotes)", subject=where)
    unknown = sorted(set(table) - {"code", "reason", "kernel", "object", "program", "expires"})
    if unknown:
        raise InputError(f"has {unknown[0][:60]!r}, which is nothing here", subject=where)
    patterns = {part: _text(table, part, where) or "*" for part in Key._fields}
    reason = _text(table, "reason", where, needed=True)
    if not reason.strip():
        raise InputError("reason is empty: nobody would know it later", subject=where)
    code = _text(table, "code", where, needed=True)
    if code not in codes() or not code.startswith("PG"):
        raise InputError(f"code is {code[:40]!r}; exceptions are from PG###", subject=where)
    return Exemption(code, reason, expires=expires, **patterns)


def _text(table: Mapping[str, Any], key: str, where: str, *, needed: bool = False) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or (needed and not value):
        raise InputError(f"{key} is missing or no text", subject=where)
    return value


def _number(table: Mapping[str, Any], key: str, where: str) -> int | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LIMIT_NUMBER:
        raise InputError(f"{key} is not a number that anything here can have", subject=where)
    return value


def updated(old: Baseline, measured: Iterable[Row]) -> Baseline:
    """The baseline after a run: what was measured replaces what was known.

    A program that was not seen is gone when its object was tested whole. What could not be tested stays as
    it was.
    """
    rows = by_key(measured)
    whole = tested_whole(rows.values())
    kept = {key: row for key, row in old.rows.items() if (key.kernel, key.object) not in whole or key in rows}
    news = {key: row for key, row in rows.items() if row.verdict != UNKNOWN and key.program}
    return Baseline(dict(sorted({**kept, **news}.items())), old.limits, old.exceptions, old.comment)


def text(baseline: Baseline) -> str:
    """The file. UsageError when a name cannot be written (it is not text)."""
    lines = [f"schema = {_quoted(SCHEMA)}"]
    for name, table in to_table(baseline.limits).items():
        lines += ["", f"[limits.{name}]", *(f"{key} = {value}" for key, value in table.items())]
    for one in baseline.exceptions:
        lines += ["", "[[exception]]", f"code = {_quoted(one.code)}"]
        patterns = (("kernel", one.kernel), ("object", one.object), ("program", one.program))
        lines += [f"{part} = {_quoted(value)}" for part, value in patterns if value != "*"]
        lines.append(f"reason = {_quoted(one.reason)}")
        lines += [f"expires = {one.expires.isoformat()}"] if one.expires else []
    for key, row in sorted(baseline.rows.items()):
        lines += ["", "[[program]]", *(f"{part} = {_quoted(value)}" for part, value in key._asdict().items())]
        lines.append(f"verdict = {_quoted(row.verdict)}")
        lines += [f"{name} = {row.metric(name)}" for name in METRICS if row.metric(name) is not None]
        lines += [
            f"{part} = {_quoted(getattr(row, part))}"
            for part in _TEXTS
            if getattr(row, part) not in ("", "not-tried")
        ]
    return baseline.comment + "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's, but DEL must be escaped too."""
    if len(value) > _LIMIT_TEXT:
        raise UsageError(f"{value[:60]!r}... is too long for a baseline ({len(value)} characters)")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{value[:60]!r} is not text and cannot stand in a baseline") from None
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
