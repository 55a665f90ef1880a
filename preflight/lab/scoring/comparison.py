# SPDX-License-Identifier: Apache-2.0
"""One object on one kernel, predicted and measured: every question that both sides answer, as a pair. Pure.

A prediction is a result of `preflight predict` in the JSON contract's form; a measurement is what the lab
returns. A measurement that decided nothing (EPERM, a user program that was not there) is left out, and
counted as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from preflight.findings.model import BAD_VERDICTS, Severity, Verdict
from preflight.findings.registry import codes
from preflight.lab.findings import last_words
from preflight.lab.results import ObjectMeasurement, ProgramMeasurement, errno_name

_WORDS = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: `bad` and `good` are what a kernel can answer, `title` names it in reports."""

    key: str
    title: str
    good: str
    bad: str = "fails"


OBJECT = Question("load-object", "objects as they are", "loads")
PROGRAM = Question("load-program", "programs loaded alone", "loads")
ATTACH = Question("attach", "programs attached", "ok")
QUESTIONS = (OBJECT, PROGRAM, ATTACH)


@dataclass(frozen=True, slots=True)
class Pair:
    """One question about one object (`program` is "") or one of its programs on one kernel.

    `predicted` is the question's bad or good word or `unknown`; `measured` bad or good. `codes` are the codes
    the prediction rests on, `why` their titles; `errno` and `words` are the kernel's own answer.
    """

    question: Question
    kernel: str
    object: str
    program: str
    predicted: str
    measured: str
    codes: tuple[str, ...]
    why: str
    errno: str | None
    words: str

    @property
    def kind(self) -> str:
        """`right`, `open` (predicted unknown), `false-good` (the worst) or `false-bad`."""
        if self.predicted == self.measured:
            return "right"
        if self.predicted == "unknown":
            return "open"
        return "false-good" if self.predicted == self.question.good else "false-bad"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that cannot be compared, and why; the same reasons are counted together."""

    reason: str


#: What the verifier says where nobody mapped an arena, which libbpf does since 1.4.
_UNMAPPED: Final = "arena's user address must be set via map_extra or mmap()"
_ARENA: Final = "arenas, which the loader's libbpf does not map"


def _wants_newer_loader(*texts: str) -> bool:
    return any(_UNMAPPED in text for text in texts)


def compare(
    predicted: Mapping[str, Any], measured: ObjectMeasurement, kernel: str
) -> Iterator[Pair | LeftOut]:
    """Every question about one object on one kernel."""
    shared = predicted["findings"]
    programs = {str(one["name"]): one for one in predicted["programs"]}
    if _wants_newer_loader(measured.messages, measured.log):
        yield LeftOut(_ARENA)
    elif any(program.newer_section for program in measured.programs):
        # The loader's libbpf knows fewer section names than the prediction: it refuses the whole object.
        yield LeftOut("objects with a section newer than the loader's libbpf")
    else:
        loaded = [one for one in predicted["programs"] if one.get("autoload", True)]
        yield _pair(
            OBJECT,
            (kernel, measured.object, ""),
            str(predicted["verdict"]),
            measured.verdict,
            _loading([*shared, *(f for one in loaded for f in one["findings"])]),
            (measured.errno, last_words(measured.log, measured.messages)),
        )
    for program in measured.programs:
        judged = programs.get(program.name)
        if judged is None:
            yield LeftOut("programs that the prediction does not mention")
            continue
        yield from _program((kernel, measured.object, program.name), shared, judged, program)


def _program(
    place: tuple[str, str, str],
    shared: list[Mapping[str, Any]],
    judged: Mapping[str, Any],
    program: ProgramMeasurement,
) -> Iterator[Pair | LeftOut]:
    if _wants_newer_loader(program.messages, program.log):
        yield LeftOut(_ARENA)
        return
    found = [*shared, *judged["findings"]]
    words = program.errno, last_words(program.log, program.messages)
    yield _pair(PROGRAM, place, str(judged["verdict"]), program.verdict, _loading(found), words)
    if program.verdict != "loads" or judged["verdict"] == "fails":
        return
    attached = program.attach
    predicted = str(judged["attach"])
    if attached.how not in ("auto", None):
        # The lab named a target that the section leaves open: what counts is the adjusted prediction.
        predicted = str(judged["adjusted_attach"])
        found = [one for one in found if not one["data"].get("open")]
    words = attached.errno, last_words("", attached.messages)
    yield _pair(ATTACH, place, predicted, attached.state, found, words)


def _loading(findings: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The findings that say something about loading."""
    return [one for one in findings if not _is_attach(str(one["code"]))]


def _is_attach(code: str) -> bool:
    known = codes().get(code)
    return known is not None and known.area == "attach"


def _pair(
    question: Question,
    place: tuple[str, str, str],
    predicted: str,
    measured: str,
    findings: list[Mapping[str, Any]],
    answer: tuple[int, str],
) -> Pair | LeftOut:
    if measured not in (question.good, question.bad):
        return LeftOut(f"{question.title}: measured as {measured}")
    if predicted not in (question.good, question.bad, "unknown"):
        return LeftOut(f"{question.title}: predicted as {predicted}")
    told = _told(findings, predicted)
    return Pair(
        question,
        *place,
        predicted,
        measured,
        tuple(dict.fromkeys(str(one["code"]) for one in told)),
        "; ".join(list(dict.fromkeys(f"{one['code']} {one['title']}" for one in told))[:2]),
        errno_name(answer[0]),
        answer[1][:_WORDS],
    )


_BAD = frozenset(verdict.value for verdict in BAD_VERDICTS)


def _told(findings: list[Mapping[str, Any]], predicted: str) -> list[Mapping[str, Any]]:
    """The findings a prediction rests on: what says no, or what leaves it open; none for the good word."""
    required = [one for one in findings if one["severity"] == Severity.REQUIRED.value]
    if predicted == "unknown":
        return [one for one in required if one["verdict"] == Verdict.UNKNOWN.value]
    if predicted != "fails":
        return []
    # A placeholder target is no failure of anybody's, and still nothing loads as it is.
    bad = [one for one in required if one["verdict"] in _BAD]
    return bad or [one for one in findings if one["verdict"] == Verdict.NOT_APPLICABLE.value]
