# SPDX-License-Identifier: Apache-2.0
"""A stream with verifier logs -> the rejections in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from preflight.facts import Evidence
from preflight.verifier import kernel_report
from preflight.verifier.causes import decide
from preflight.verifier.message import Message, recognise
from preflight.verifier.model import NO_SOURCE, Line, ProgramLog, Rejection, Root, Source, Step
from preflight.verifier.place import where_printed
from preflight.verifier.reader import read_logs
from preflight.verifier.stage import stage_of
from preflight.verifier.statement import before_brace, of_offset, signature, statement

#: Recognised lines that only introduce or continue another, or are printed on the way to the cause.
_NOT_A_CAUSE = re.compile(
    r"cannot find btf of tracepoint template|arg#\d+ expects pointer to ctx$|^or |^expected=", re.I
)
#: errno -> family, for refusals that nothing in the log explains.
_LOADER_LEVEL = {
    1: "L-EPERM-NOLOG",
    7: "L-E2BIG-NOLOG",
    11: "L-EAGAIN",
    12: "L-ENOMEM",
    13: "L-EACCES-NOLOG",
    14: "L-EFAULT",
    22: "L-EINVAL-NOLOG",
    28: "L-ENOSPC",
    95: "L-ENOTSUPP",
    524: "L-ENOTSUPP",
}
_MASK = re.compile(r"[0-9a-f]{1,8}")
_AT_INSN = re.compile(r"\b(?:insn|back-edge from insn|at insn) (\d{1,9})\b")


@dataclass(slots=True)
class Decoded:
    """What one stream held: rejections, programs accepted, and whether it is a verifier log at all.

    `stage`: what it reads like when it is none, None when nothing tells.
    """

    rejections: list[Rejection]
    accepted: int = 0
    is_log: bool = False
    stage: str | None = None


def decode(stream: BinaryIO, name: str, *, path: int = 0) -> Decoded:
    """Decode every program's log in `stream`; `name` is how the input is called in results.

    `path`: how many verified instructions to keep of each rejected program, from the last one back.
    """
    found = Decoded([])
    programs = False
    refused: ProgramLog | None = None
    for log in read_logs(stream):
        refused = log if log.closing else refused
        programs = programs or bool(log.steps or log.stats)
        for rejection in _of_program(log, name, found):
            found.is_log = True
            found.rejections.append(_with_path(rejection, log.steps, path) if path else rejection)
        if not found.is_log and found.stage is None:
            found.stage = stage_of(line.text for line in log.block)
    if programs:
        # the load went on without the BTF, so that its log explains nothing
        found.rejections = [one for one in found.rejections if one.family != "V-BTFLOAD"]
    if found.is_log and not found.rejections and refused is not None and refused.closing is not None:
        # a loader gave up, and no log says why: an open question
        unknown = Message("V-UNKNOWN", False, (), False, "")
        found.rejections.append(_rejection(refused, name, [(refused.closing, unknown)], [refused.closing]))
    return found


def _with_path(one: Rejection, steps: list[Step], limit: int) -> Rejection:
    kept = tuple(steps[-limit:])
    return replace(one, path=kept, path_left_out=len(steps) - len(kept))


def _of_program(log: ProgramLog, name: str, found: Decoded) -> Iterator[Rejection]:
    traced = bool(log.steps or log.stats)
    said = [(line, recognise(line.text)) for line in log.block]
    known = [(line, message) for line, message in said if message is not None]
    if not traced and not log.wrapped and not log.report:
        # only what fills a message whole is believed without any trace around it
        known = [(line, message) for line, message in known if message.family != "V-BTFLOAD"]
        if known:
            yield _rejection(log, name, known, [line for line, _ in known])
        return
    found.is_log = True
    if known:
        yield _rejection(log, name, known, _together(said))
        return
    rest = [line for line in log.block if not _NOT_A_CAUSE.search(line.text)]
    if rest and log.ended and (log.errno or log.steps or log.report):
        yield _rejection(log, name, [(rest[0], Message("V-UNKNOWN", False, (), False, ""))], rest)
        return
    if log.errno in _LOADER_LEVEL and not log.steps:
        family = _LOADER_LEVEL[log.errno]
        line = log.refusal or Line(log.first_line or 1, log.last_text)
        yield _rejection(log, name, [(line, Message(family, False, (), False, ""))], [line])
        return
    if log.steps and not log.ended:
        line = Line(log.last_line, log.last_text)
        yield _rejection(log, name, [(line, Message("L-TRUNC-HEAD", False, (), False, ""))], [line])
        return
    if log.btf:
        return
    if log.ended and not rest and log.errno is None:
        found.accepted += 1
        return
    bare = not rest and not log.stats and not log.steps
    if bare and found.rejections and log.name in {None, found.rejections[-1].program}:
        return  # the loader's closing lines about the program just decoded
    # refused, or never finished, and nothing says why: an open question, never "no rejection"
    line = rest[0] if rest else log.refusal or Line(log.last_line or log.first_line or 1, log.last_text)
    yield _rejection(log, name, [(line, Message("V-UNKNOWN", False, (), False, ""))], rest or [line])


def _together(said: list[tuple[Line, Message | None]]) -> list[Line]:
    """The terminal lines: from the first recognised one to the last."""
    places = [n for n, (_, message) in enumerate(said) if message is not None]
    return [line for line, _ in said[places[0] : places[-1] + 1]][:12]


def _main(known: list[tuple[Line, Message]]) -> tuple[Line, Message]:
    """Which of several messages is the cause: the first, unless it only introduces the next."""
    for line, message in known:
        if not _NOT_A_CAUSE.search(line.text):
            return line, message
    return known[0]


def _rejection(log: ProgramLog, name: str, known: list[tuple[Line, Message]], lines: list[Line]) -> Rejection:
    line, message = _main(known)
    text = "\n".join(one.text for one in lines)
    if _UNRESOLVED in text and log.unresolved is not None:
        log.steps.append(log.unresolved)  # said after the walk, about a call somewhere on it
    at = _failing(log, message)
    decision = decide(message.family, text, log, at)
    report = kernel_report.parse(log.report)
    step = log.steps[at] if at >= 0 else None
    source = _source(log, at, report)
    root = decision.root or _reported_root(report)
    offset = _of_offset(log, at, message, text)
    if offset is not None:
        # about there: what the log prints with it is the statement before
        source = offset
        root = Root(log.steps[at].insn, _NEAR_POISON, offset)
    insn = step.insn if step else _named_insn(text)
    if not log.steps and source == NO_SOURCE and log.printed.line is not None:
        source = log.printed  # level 4 has no instructions, and yet some messages come with their line
        root = root or where_printed(decision.cause_id, source)
    if step is None and log.steps and root and root.insn is not None:
        insn = root.insn if insn is None else insn
        source = root.source if source == NO_SOURCE else source
    elif root and message.family == "V-COMPLEXITY":
        source = root.source  # where the limit was reached is chance
    elif root and root.insn == insn and source.line is not None:
        root = Root(root.insn, root.reason, source)
    lost_tail = message.family == "L-TRUNC-HEAD"
    return Rejection(
        file=name,
        program=log.name or _program_in(report),
        family=message.family,
        cause_id=decision.cause_id,
        confidence=_confidence(decision.confidence, log, at),
        mode="trace" if at >= 0 else "terminal-line",
        terminal=line,
        lines=tuple(lines),
        insn=insn,
        insn_text=step.text if step else None,
        source=source,
        root=root,
        errno=log.errno,
        truncated="tail" if lost_tail else "head" if log.head_lost else "no",
        stats=log.stats,
        kernel_report=report,
        seen_in=message.seen_in,
        trail=decision.trail,
        evidence=(*_followed(log, at), *_reported(report)),
    )


_UNRESOLVED = "kernel function call not eliminated"
_NEAR_POISON = "the access to the field, about here: the log has no line for it; --object tells the exact one"
_MISSING = re.compile(r"CO-RE relocation <[a-z_]+> \[\d{1,9}\] (?:struct|union) ([\w.\[\]]+)")


def _of_offset(log: ProgramLog, at: int, message: Message, text: str) -> Source | None:
    """The statement of a poisoned field offset, where the log's line cannot be it."""
    if message.family != "L-CORE-POISON" or at < 0:
        return None
    missing = _MISSING.search(text)
    return of_offset(log.steps, at, missing[1] if missing else "")


def _confidence(confidence: str, log: ProgramLog, at: int) -> str:
    """A cause read off a path that begins somewhere in the middle is worth less."""
    return "medium" if confidence == "high" and at >= 0 and log.head_lost else confidence


#: Families that reject the program as a whole: the last instruction printed is not to blame.
_WHOLE = frozenset(
    [
        "V-STACKSIZE",
        "V-CALLDEPTH",
        "V-CFG",
        "V-FUNCINFO",
        "V-LIMITS",
        "V-ATTACH",
        "V-FREPLACE",
        "V-BTFLOAD",
        "V-SIGNED",
        "V-MAPCREATE",
        "V-STRUCTOPS",
        "V-CORE-INKERNEL",
        "V-MAP-PROG",
        "V-PREALLOC-MAP",
        "V-OFFLOAD",
        "L-ATTACH-TARGET",
    ]
)


def _failing(log: ProgramLog, message: Message) -> int:
    """Position of the rejected step, -1 when the message is about no printed instruction."""
    return -1 if message.family in _WHOLE else len(log.steps) - 1


def _named_insn(text: str) -> int | None:
    found = _AT_INSN.search(text)
    return int(found[1]) if found else None


def _source(log: ProgramLog, at: int, report: dict[str, Any] | None) -> Source:
    """The rejected statement. The kernel's own report names a line that the log may have left out."""
    found = statement(log.steps, at) if at >= 0 else NO_SOURCE
    found = log.behind if log.behind.line is not None and at >= 0 else found
    place = report["at"] if report else None
    if not place or place["line"] is None:
        return found
    reported = Source(place["file"], place["line"], place["source"])
    if at < 0 or found.line == reported.line:
        return found if found.line is not None else reported
    # the same line that stands with the instruction says no more than that
    closing = reported.text == "}" or signature(reported) or reported.line == log.steps[at].source.line
    if closing and found.line is not None:
        return found
    return before_brace(reported) or reported


def _reported_root(report: dict[str, Any] | None) -> Root | None:
    """The last event of the kernel's own causal path, when our walk found none."""
    if not report or not report["causal_path"]:
        return None
    event = report["causal_path"][-1]
    if event["text"] is None:
        return None
    return Root(
        event["insn"], f"the kernel reports: {event['text']}", Source(event["file"], event["line"], None)
    )


def _followed(log: ProgramLog, at: int) -> Iterator[Evidence]:
    """The kernel's own walk back from the rejected instruction, when the log holds it."""
    if at < 0 or not log.precise:
        return
    last = log.precise[-1]
    names = last.registers
    if _MASK.fullmatch(names):
        mask = int(names, 16)
        names = ",".join(f"r{number}" for number in range(16) if mask >> number & 1)
    steps = len(log.precise)
    yield Evidence(
        "precision",
        f"the kernel follows {names} back over {steps} instruction{'s' if steps > 1 else ''} "
        f"to {last.insn}: {last.text}",
    )


#: Causal events of a kernel's report that are shown, from the last one back.
_EVENTS = 5


def _reported(report: dict[str, Any] | None) -> Iterator[Evidence]:
    """The kernel's own causal path, since 7.3."""
    for event in report["causal_path"][-_EVENTS:] if report else ():
        place = f"{event['file']}:{event['line']}: " if event["line"] is not None else ""
        if event["text"]:
            yield Evidence("kernel", f"{place}{event['kind']}: {event['text']}")


def _program_in(report: dict[str, Any] | None) -> str | None:
    at = report["at"] if report else None
    return at["function"] if at else None
