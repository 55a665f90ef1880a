# SPDX-License-Identifier: Apache-2.0
"""Preflight's own tables in TOML: read in one place, and remembered parsed.

Parsing them takes longer than most questions take to answer, so each is kept as JSON under
`$XDG_CACHE_HOME/preflight/tables`, named after the digest of its text: another text is another name.
"""

from __future__ import annotations

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
    import tomllib

    table = tomllib.loads(text)
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
    import tomllib

    read = {path.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}
    cachefiles.write_json(kept, {"of": of, "tables": read})
    return read
