# SPDX-License-Identifier: Apache-2.0
"""One problem as SARIF, GitHub annotations and JUnit see it: a code, a level, a message, a place.

A command turns its own results into problems; the renderers of these formats know nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: Worst first. `none` is for what was not decided: neither a failure nor a pass.
LEVELS = ("error", "warning", "note", "none")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is reported at one place.

    `code` is an entry of the registry, `level` one of LEVELS, `title` one line, `message` plain text that
    stands alone. `file` is a path relative to the user's source tree as far as anybody knows, None when there
    is none; `line` and `column` are 1-based. `subject` is what is spoken of, such as a program's name.
    `identity` are the parts that make this the same problem in the next run, whatever line it moved to.
    `accepted` is the reason why it is accepted, None when it is not. `data` goes into property bags.
    """

    code: str
    level: str
    title: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    snippet: str | None = None
    subject: str = ""
    identity: tuple[str, ...] = ()
    accepted: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


def worst_first(problems: Iterable[Problem]) -> list[Problem]:
    """The order of every format: accepted ones last, then level, place and code."""
    return sorted(
        problems,
        key=lambda p: (
            p.accepted is not None,
            LEVELS.index(p.level),
            p.file or "",
            p.line or 0,
            p.code,
            p.subject,
            p.title,
        ),
    )


def relative(path: str | None) -> str | None:
    """A path as it can stand in a repository: forward slashes, no root, no way up; None when empty."""
    if not path:
        return None
    parts = [part for part in path.replace("\\", "/").split("/") if part not in {"", "."}]
    if path.startswith(("/", "\\")) or ".." in parts or (parts and parts[0].endswith(":")):
        parts = parts[-1:]
    return "/".join(parts) if parts and parts != [".."] else None
