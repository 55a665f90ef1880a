# SPDX-License-Identifier: Apache-2.0
"""The loader's JSON lines as measurements. A line that is none is skipped and counted, never guessed."""

from __future__ import annotations

import errno as errnos
from collections.abc import Mapping
from typing import Any

from preflight.lab.results import (
    LOG_TAIL,
    Attachment,
    ObjectMeasurement,
    ProgramMeasurement,
    verdict_of,
)
from preflight.objects.hooks import UNKNOWN, hook
from preflight.records import replace

_LINES_LIMIT = 100_000
#: Attach errors that decide nothing about the kernel.
_UNDECIDED_ATTACH = frozenset((errnos.EPERM, errnos.ENOMEM, errnos.EAGAIN, errnos.EINTR, errnos.EMFILE))
#: What libbpf says of a section's name that it does not know; the kernel's own errno for what it lacks.
_NO_TYPE = "missing BPF prog type"
_ENOTSUPP = 524
#: What libbpf says -> the state and the reason it stands for.
_NOT_THE_KERNELS = (
    ("missing ':function[+offset]' specification", "not-tried", "the section names no user program"),
    ("Specified qdisc kind is unknown", "unknown", "sch_ingress is not there; it may be a module"),
)


def parse(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """The records in the loader's output, and how many lines were none."""
    import json

    found: list[dict[str, Any]] = []
    bad = 0
    for line in data.split(b"\n", _LINES_LIMIT)[:_LINES_LIMIT]:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            bad += 1
            continue
        if isinstance(record, dict) and isinstance(record.get("event"), str):
            found.append(record)
        else:
            bad += 1
    return found, bad


def measurement(name: str, sha256: str, data: bytes) -> ObjectMeasurement:
    """One object's measurement from the loader's output about it. Damage leaves `unknown` and a problem."""
    records, bad = parse(data)
    return measurement_of(name, sha256, records, bad)


def measurement_of(
    name: str, sha256: str, records: list[dict[str, Any]], bad: int = 0, *, log_tail: int = LOG_TAIL
) -> ObjectMeasurement:
    """The same from records that are already parsed; of each log the last `log_tail` characters are kept."""
    problems = [f"{bad} lines of the loader's output cannot be read"] if bad else []
    result = ObjectMeasurement(name, sha256, "unknown")
    programs: dict[str, ProgramMeasurement] = {}
    maps: dict[str, Attachment] = {}
    expected: int | None = None
    for record in records:
        match record["event"]:
            case "object":
                expected = _number(record, "programs")
                if number := _number(record, "errno") or 0:
                    result = replace(
                        result,
                        verdict=verdict_of(number, ""),
                        errno=number,
                        messages=_text(record, "messages"),
                    )
            case "whole":
                result = _whole(result, record, log_tail)
            case "program":
                program = _program(record, log_tail)
                programs[program.name] = program
            case "attach":
                named = _text(record, "program")
                if named in programs:
                    alone = programs[named]
                    programs[named] = replace(alone, attach=settled(alone.section, _attachment(record)))
            case "attach_map":
                maps[_text(record, "map")] = _attachment(record)
            case "timeout":
                problems.append("the loader did not come to an end in time")
            case "crash":
                problems.append(_text(record, "why") or f"the loader died of signal {record.get('signal')}")
    opened = result.errno == 0 or bool(programs)
    if opened and not problems and (expected is None or (programs and len(programs) < expected)):
        problems.append("the loader's output ends too early")
    untyped = result.verdict == "fails" and not result.log and _NO_TYPE in result.messages
    if untyped and any(one.newer_section or one.verdict == "unknown" for one in programs.values()):
        result = replace(result, verdict="unknown")
        problems.append("the loader's libbpf does not know all of its sections")
    return replace(result, programs=tuple(programs.values()), maps=maps, problem="; ".join(problems) or None)


def crashed(records: list[dict[str, Any]]) -> bool:
    """Whether the loader's child died on this object, not of its time limit."""
    return any(record["event"] == "crash" for record in records)


def _whole(result: ObjectMeasurement, record: Mapping[str, Any], log_tail: int) -> ObjectMeasurement:
    number = _number(record, "errno") or 0
    log = _text(record, "log")
    return replace(
        result,
        verdict=verdict_of(number, log or _log_in(_text(record, "messages"))),
        errno=number,
        failed_program=_text(record, "failed_program") or None,
        messages=_tail(_text(record, "messages")),
        log=_tail(log, log_tail),
        usec=_number(record, "usec"),
    )


def _program(record: Mapping[str, Any], log_tail: int) -> ProgramMeasurement:
    number = _number(record, "errno") or 0
    log = _text(record, "log")
    messages = _text(record, "messages")
    verdict = verdict_of(number, log or _log_in(messages))
    if verdict == "fails" and _is_loaders(_text(record, "section"), number, log, messages):
        verdict = "unknown"
    return ProgramMeasurement(
        name=_text(record, "program"),
        section=_text(record, "section"),
        verdict=verdict,
        errno=number,
        attach=Attachment("not-tried", reason=None if verdict == "loads" else "it did not load"),
        log=_tail(log, log_tail),
        log_truncated=bool(record.get("log_truncated")),
        messages=_tail(messages),
        type=_number(record, "type") or 0,
        expected_attach_type=_number(record, "expected_attach_type") or 0,
        newer_section=bool(record.get("newer_section")),
        insns=_number(record, "insns"),
        insns_sha256=_text(record, "insns_sha256") or None,
        insns_processed=_count(record, "insns_processed"),
        states_total=_count(record, "states_total"),
        states_peak=_count(record, "states_peak"),
        verification_usec=_count(record, "verification_usec"),
        stack=_text(record, "stack") or None,
        usec=_number(record, "usec"),
    )


def _is_loaders(section: str, number: int, log: str, messages: str) -> bool:
    """Whether no kernel was asked, as the loader's libbpf is older than what the object has: a section's name
    that newer ones know, or struct_ops with a link (`.struct_ops.link`), whose programs it ties to none."""
    known = hook(section)
    if log or known.program_type == UNKNOWN:
        return False
    return _NO_TYPE in messages or (known.program_type == "struct_ops" and number == _ENOTSUPP)


def _attachment(record: Mapping[str, Any]) -> Attachment:
    reason = _text(record, "not_tried") or None
    number = _number(record, "errno") or 0
    if reason:
        state = "not-tried"
    elif number in _UNDECIDED_ATTACH:
        state, reason = "unknown", "refused for a reason that need not be the kernel's"
    else:
        state = "fails" if number else "ok"
    how = _text(record, "how") or None
    return Attachment(state, how, number, reason, _tail(_text(record, "messages")))


def settled(section: str, attached: Attachment) -> Attachment:
    """An attachment whose failure is not the kernel's as what it is.

    A section that names no target (`kprobe`, `uretprobe/readline`) leaves that to user space; a queueing
    discipline that is unknown may be a module that is not loaded.
    """
    if attached.state != "fails":
        return attached
    if attached.errno == errnos.EOPNOTSUPP and "/" not in section and attached.how == "auto":
        return replace(attached, state="not-tried", reason="the section names no target")
    for words, state, reason in _NOT_THE_KERNELS:
        if words in attached.messages:
            return replace(attached, state=state, reason=reason)
    return attached


def _log_in(messages: str) -> str:
    """libbpf prints the verifier's log among its own messages when it retried the load itself."""
    return messages if "BEGIN PROG LOAD LOG" in messages else ""


def _tail(text: str, kept: int = LOG_TAIL) -> str:
    return text[-kept:]


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _number(record: Mapping[str, Any], key: str) -> int | None:
    value = record.get(key)
    return value if isinstance(value, int) else None


def _count(record: Mapping[str, Any], key: str) -> int | None:
    """-1 stands for a number that this kernel does not print."""
    value = _number(record, key)
    return value if value is not None and value >= 0 else None
