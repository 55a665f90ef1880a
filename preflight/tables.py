# SPDX-License-Identifier: Apache-2.0
"""Preflight's own tables in TOML: read in one place, and remembered parsed.

Parsing them takes longer than most questions take to answer, so each is kept as JSON under
`$XDG_CACHE_HOME/preflight/tables`, named after the digest of its text: another text is another name. The
first time those that use few of TOML's ways to write are read line by line, the others by `tomllib`, which
takes ten milliseconds to load.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from preflight import cachefiles

_LIMIT = 4 << 20


def load(path: Path) -> dict[str, Any]:
    """The table in a TOML file that comes with preflight; it holds no dates, which JSON has not."""
    text = path.read_text(encoding="utf-8")
    kept = cachefiles.directory("tables") / f"{cachefiles.digest_of([text])}.json"
    found = cachefiles.read_json(kept, _LIMIT)
    if isinstance(found, dict):
        return found
    table = _parsed(text)
    cachefiles.write_json(kept, table)
    return table


def load_folder(folder: Path) -> dict[str, dict[str, Any]]:
    """The tables in all TOML files of a folder by file name, in name order; remembered as one."""
    paths = sorted(folder.glob("*.toml"))
    kept = cachefiles.directory("tables") / f"{folder.name}.json"
    of = cachefiles.digest_of([cachefiles.identity(str(path)) for path in paths])
    found = cachefiles.read_json(kept, _LIMIT)
    if isinstance(found, dict) and found.get("of") == of:
        remembered: dict[str, dict[str, Any]] = found["tables"]
        return remembered
    read = {path.name: _parsed(path.read_text(encoding="utf-8")) for path in paths}
    cachefiles.write_json(kept, {"of": of, "tables": read})
    return read


def _parsed(text: str) -> dict[str, Any]:
    table = plain(text)
    if table is None:
        import tomllib

        table = tomllib.loads(text)
    return table


def plain(text: str) -> dict[str, Any] | None:
    """A TOML document of named tables whose values are the same in JSON, or texts of several lines without
    escapes. None for anything else, and wherever it is not certain."""
    tables: dict[str, Any] = {}
    table = tables
    lines = iter(text.split("\n"))
    for line in lines:
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            name = line[1:-1]
            if not line.endswith("]") or not _is_bare(name) or name in tables:
                return None
            table = tables[name] = {}
            continue
        key, equals, value = line.partition(" = ")
        if not equals or not _is_bare(key) or key in table:
            return None
        if value.startswith(_SEVERAL):
            found = _several_lines(value[3:], lines)
        else:
            found = _same_in_json(_list_in_lines(lines) if value == "[" else value)
        if found is None:
            return None
        table[key] = found
    return tables


#: What a text of several lines begins and ends with.
_SEVERAL = '"""'


def _several_lines(begun: str, lines: Iterator[str]) -> str | None:
    """The text of which `begun` is the rest of the first line. None when it has escapes or never ends."""
    taken = [begun]
    while _SEVERAL not in taken[-1]:
        following = next(lines, None)
        if following is None:
            return None
        taken.append(following)
    if taken[0] == "\\" and taken[1][:1].strip():
        taken[0] = ""  # a line's end that is taken back, and so is none of the text either
    last, _, rest = taken[-1].partition(_SEVERAL)
    if rest or not all(line.isprintable() and "\\" not in line for line in taken):
        return None
    # the end of the line of the opening is none of the text
    return "\n".join([*taken[:-1], last][not taken[0] and len(taken) > 1 :])


def _list_in_lines(lines: Iterator[str]) -> str:
    """A list with a value on each line, in one line; "" when it never ends."""
    items: list[str] = []
    for line in lines:
        if line == "]":
            # TOML allows a comma behind the last
            return f"[{' '.join(items).removesuffix(',')}]" if items != [","] else ""
        items.append(line.strip())
    return ""


def _same_in_json(value: str) -> Any:
    """A text, number, truth value or list of texts that JSON reads alike; None where that is not certain."""
    import json

    if not value.isprintable() or "\\/" in value or "\\u" in value or value[:1] not in _FIRST:
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return None if isinstance(found, list) and not all(isinstance(one, str) for one in found) else found


#: What the values that are read begin with.
_FIRST = tuple('"[0123456789tf')


def _is_bare(key: str) -> bool:
    """Whether a key needs no quotes and names no table within a table."""
    return key.isascii() and key.replace("-", "").replace("_", "").isalnum()
