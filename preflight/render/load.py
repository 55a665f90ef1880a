# SPDX-License-Identifier: Apache-2.0
"""Reading a result file back: size-limited, validated, from a stranger as likely as from us."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from preflight.errors import InputError

#: A result larger than this was not made by preflight, or should be rendered where it was made.
LIMIT = 256 * 1024 * 1024


def read_result(path: Path) -> dict[str, Any]:
    """The result object in a file (`-` for standard input).

    InputError when it is no JSON, no result of a command that can be rendered, of another
    major version of the contract, or lacks what its schema requires.
    """
    subject = "standard input" if str(path) == "-" else path.name
    try:
        raw = sys.stdin.buffer.read(LIMIT + 1) if str(path) == "-" else _read(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", subject=subject) from error
    if len(raw) > LIMIT:
        raise InputError(f"is larger than {LIMIT} bytes", subject=subject)
    try:
        loaded = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError("is not JSON", subject=subject, offset=getattr(error, "pos", None)) from error
    return _validated(loaded, subject)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LIMIT + 1)


def _validated(loaded: object, subject: str) -> dict[str, Any]:
    from pydantic import ValidationError

    from preflight.render.contract import COMMANDS, model_of

    command = loaded.get("command") if isinstance(loaded, dict) else None
    if not isinstance(command, str) or command not in COMMANDS:
        raise InputError(f"is not a result of preflight {', '.join(COMMANDS)}", subject=subject)
    try:
        return model_of(command).model_validate(loaded).model_dump()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:120]
        message = f"is not a result this version reads: {where}: {first['msg']}"
        raise InputError(message, subject=subject) from error
