# SPDX-License-Identifier: Apache-2.0
"""Rows from verifier logs: a refusal has its family, an accepted program its numbers."""

from __future__ import annotations

import io

from preflight.errors import InputError
from preflight.gate.lab import stack_bytes
from preflight.gate.measured import FAILS, LOADS, UNKNOWN, Key, Row
from preflight.verifier.decode import decode
from preflight.verifier.model import ProgramLog, Rejection
from preflight.verifier.reader import read_logs

#: Refusals that speak of who asked, or of the moment: they decide nothing about the program.
_CIRCUMSTANCES = frozenset(("L-EPERM-NOLOG", "L-EACCES-NOLOG", "L-ENOMEM", "L-EAGAIN", "L-ENOSPC"))


def rows(data: bytes, kernel: str, name: str, obj: str) -> list[Row]:
    """The rows of a log called `name`, of the programs of `obj` on `kernel`. InputError when it is no log.

    A program without a name in the log is `program N`, N counting from 1. A log need not speak of every
    program: a loader stops at the first that is refused, and says little of those that load.
    """
    decoded = decode(io.BytesIO(data), name)
    if not decoded.is_log:
        raise InputError("is not a verifier log", subject=name)
    left = list(decoded.rejections)
    found: list[Row] = []
    unnamed = 0
    for log in read_logs(io.BytesIO(data)):
        own = [one for one in left if log.first_line <= one.terminal.number <= log.last_line]
        left = [one for one in left if one not in own]
        if not own and not _accepted(log):
            continue
        program = log.name or next((one.program for one in own if one.program), None)
        unnamed += program is None
        key = Key(kernel, obj, program or f"program {unnamed}")
        found += [_refused(key, log, one) for one in own] or [_loaded(key, log)]
    # what a loader says outside of any log
    for one in left:
        key = Key(kernel, obj, one.program or f"line {one.terminal.number}")
        found.append(_refused(key, ProgramLog(), one))
    if not found:
        raise InputError("does not say what became of any program", subject=name)
    return found


def _accepted(log: ProgramLog) -> bool:
    """Whether it ends as a log of an accepted program does; what it does not say is not accepted."""
    return log.ended and log.errno is None and log.closing is None and not log.btf


def _loaded(key: Key, log: ProgramLog) -> Row:
    stats = log.stats
    return Row(
        key,
        LOADS,
        insns=stats.get("insns_processed"),
        states=stats.get("total_states"),
        peak_states=stats.get("peak_states"),
        stack=stack_bytes(stats.get("stack_depth")),
        whole=False,
    )


def _refused(key: Key, log: ProgramLog, one: Rejection) -> Row:
    """Refused is also what nobody can explain, when an errno says so; a log cut short decides nothing."""
    if one.family == "L-TRUNC-HEAD":
        return Row(key, UNKNOWN, reason="the log is cut before it says how it ended", whole=False)
    if one.family in _CIRCUMSTANCES:
        return Row(
            key,
            UNKNOWN,
            reason=f"refused for a reason that need not be the kernel's ({one.family})",
            whole=False,
        )
    said = one.errno or log.errno or log.closing
    if one.family == "V-UNKNOWN" and not said:
        return Row(key, UNKNOWN, reason="the log does not say why it was refused", whole=False)
    return Row(key, FAILS, family=one.family, whole=False)
