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
    import json
    from hashlib import sha256

    text = path.read_bytes()
    kept = cachefiles.directory("tables") / f"{sha256(text).hexdigest()}.json"
    content = cachefiles.read(kept, _LIMIT)
    if content is not None:
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
    import tomllib

    table = tomllib.loads(text.decode("utf-8"))
    cachefiles.write(kept, json.dumps(table).encode())
    return table
