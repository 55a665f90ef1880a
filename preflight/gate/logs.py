# SPDX-License-Identifier: Apache-2.0
"""Rows from verifier logs: a refusal has its family, an accepted program its numbers."""

from __future__ import annotations

import io
from collections import Counter

from preflight.errors import InputError
from preflight.gate.lab import stack_bytes
from preflight.gate.measured import FAILS, LOADS, UNKNOWN, Key, Row
from preflight.verifier.decode import decode
from preflight.verifier.model import ProgramLog
from preflight.verifier.reader import read_logs


def rows(data: bytes, kernel: str, name: str, obj: str) -> list[Row]:
    """The rows of a log called `name`, of the programs of `obj` on `kernel`. InputError when it is no log.

    A program without a name in the log is `program N`, N counting from 1.
    """
    refused = {}
    unnamed = 0
    decoded = decode(io.BytesIO(data), name)
    if not decoded.is_log:
        raise InputError("is not a verifier log", subject=name)
    for one in decoded.rejections:
        refused[one.program or one.terminal.number] = one
    found: list[Row] = []
    seen: Counter[str] = Counter()
    for log in read_logs(io.BytesIO(data)):
        rejection = refused.pop(log.name, None) if log.name else None
        if rejection is None:
            rejection = next(
                (
                    r
                    for line, r in refused.items()
                    if isinstance(line, int) and log.first_line <= line <= log.last_line
                ),
                None,
            )
            if rejection is not None:
                del refused[rejection.terminal.number]
        if rejection is None and not log.ended:
            continue
        unnamed += not log.name
        program = log.name or (rejection.program if rejection else None) or f"program {unnamed}"
        seen[program] += 1
        if seen[program] > 1:
            program = f"{program} ({seen[program]})"
        found.append(_row(Key(kernel, obj, program), log, rejection.family if rejection else None))
    for where, one in refused.items():
        key = Key(kernel, obj, where if isinstance(where, str) else f"line {where}")
        found.append(Row(key, FAILS if one.family != "V-UNKNOWN" else UNKNOWN, family=one.family))
    return found


def _row(key: Key, log: ProgramLog, family: str | None) -> Row:
    stats = log.stats
    verdict = LOADS if family is None and not log.errno else UNKNOWN if family == "V-UNKNOWN" else FAILS
    return Row(
        key,
        verdict,
        insns=stats.get("insns_processed"),
        states=stats.get("total_states"),
        peak_states=stats.get("peak_states"),
        stack=stack_bytes(stats.get("stack_depth")),
        family=family or "",
        reason="the log does not say why it was refused" if verdict == UNKNOWN else "",
    )
