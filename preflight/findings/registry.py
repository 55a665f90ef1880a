# SPDX-License-Identifier: Apache-2.0
"""The registry of codes: one TOML table per code, in `findings/codes/`.

A code is a stable public id and is never reused. Its entry feeds `preflight explain`,
the documentation pages and, later, SARIF rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.errors import UsageError
from preflight.findings.model import Severity
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One registry entry.

    `summary` is one sentence: what the code is about. `checks` says what is read or
    done. `cause`, `fix` are general texts (a finding may carry its own). `command`
    shows the same by hand. `references` name kernel files with commits, or documents.
    """

    code: str
    name: str
    area: str
    severity: Severity
    summary: str
    checks: str
    cause: str
    fix: str
    command: str | None
    references: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON form of the entry."""
        return {
            "code": self.code,
            "name": self.name,
            "area": self.area,
            "severity": self.severity.value,
            "summary": self.summary,
            "checks": self.checks,
            "cause": self.cause,
            "fix": self.fix,
            "command": self.command,
            "references": list(self.references),
        }


def _parse(code: str, raw: dict[str, Any]) -> Code:
    return Code(
        code=code,
        name=raw["name"],
        area=raw["area"],
        severity=Severity(raw["severity"]),
        summary=raw["summary"].strip(),
        checks=raw["checks"].strip(),
        cause=raw["cause"].strip(),
        fix=raw["fix"].strip(),
        command=raw.get("command"),
        references=tuple(raw["references"]),
    )


@cache
def codes() -> dict[str, Code]:
    """All codes by id, in the order of their files and tables."""
    return {code: entry(code) for code in _raw()}


@cache
def _raw() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, table in tables.load_folder(Path(__file__).parent / "codes").items():
        for code, raw in table.items():
            if code in found:
                raise ValueError(f"code {code} is defined twice ({name})")
            found[code] = raw
    return found


@cache
def entry(code: str) -> Code:
    """The entry of a code; KeyError when a rule uses a code nobody registered."""
    return _parse(code, _table_with(code)[code])


@cache
def _texts() -> tuple[tuple[Path, str], ...]:
    folder = Path(__file__).parent / "codes"
    return tuple((path, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml")))


def _table_with(code: str) -> dict[str, Any]:
    """The table that has a code: of its file alone, since most runs show a few codes of one area."""
    heading = f"[{code}]\n"
    for path, text in _texts():
        if heading in text:
            table = _tables_of(path)
            if code in table:
                return table
    return _raw()


@cache
def _tables_of(path: Path) -> dict[str, Any]:
    return tables.load(path)


def find(text: str) -> Code:
    """The entry for what a user typed: a code in any case, or a kebab name. UsageError when unknown."""
    wanted = text.strip()
    for code in codes().values():
        if wanted.upper() == code.code or wanted.lower() == code.name:
            return code
    import difflib

    known = [c.code for c in codes().values()] + [c.name for c in codes().values()]
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    hint = f"; did you mean {', '.join(near)}?" if near else "; `preflight explain` lists all codes"
    raise UsageError(f"no code or name {wanted[:80]!r}{hint}")


def iter_codes() -> Iterator[Code]:
    """All entries in order."""
    return iter(codes().values())
