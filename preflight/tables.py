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
