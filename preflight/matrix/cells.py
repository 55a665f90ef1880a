# SPDX-License-Identifier: Apache-2.0
"""One object on one kernel in a few words, and the causes behind them. Pure.

A cell has one evidence level. What was predicted and what was measured of the same pair are two cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

PREDICTED, MEASURED = "predicted", "measured"

#: State of a cell, worst first: what loading and attaching come to together.
STATES = ("fails", "attach-fails", "unknown", "not-tested", "fine")
#: States in which something is known to be wrong.
RED = ("fails", "attach-fails")

_STOPS = ("missing", "blocked", "degraded")
#: How predictions name what user space decides (preflight.predict.verdict).
_PROGRAM, _MAP = "program ", "map "


class Cell(NamedTuple):
    """`verdict` and `attach` are as it is, the `adjusted` ones with what user space sets set.

    `attach` is the worst of the programs that load by default: `ok`, `fails`, `unknown` or `not-tried`.
    `programs` counts all, those that load, those that attach. `causes` and `warnings` are ids of causes.
    `reason` says why nothing is known, for `not-tested`. `build` is the digest of the object that was judged.
    """

    evidence: str
    verdict: str
    adjusted: str
    attach: str
    adjusted_attach: str
    state: str
    programs: tuple[int, int, int]
    open: tuple[str, ...]
    causes: tuple[str, ...]
    warnings: tuple[str, ...]
    reason: str | None = None
    build: str | None = None

    @classmethod
    def from_list(cls, values: list[Any]) -> Cell:
        """From the list that JSON makes of a cell."""
        programs, left, causes, warnings = (tuple(value) for value in values[6:10])
        return cls._make((*values[:6], programs, left, causes, warnings, *values[10:]))


def untested(reason: str, evidence: str = PREDICTED) -> Cell:
    """A cell nobody has looked at; never counted as a pass."""
    return Cell(
        evidence,
        "unknown",
        "unknown",
        "unknown",
        "unknown",
        "not-tested",
        (0, 0, 0),
        (),
        (),
        (),
        reason[:300],
    )


class Judged(NamedTuple):
    """A cell and the causes it names: id -> description."""

    cell: Cell
    causes: dict[str, dict[str, Any]]


def predicted(result: Mapping[str, Any], judge: str) -> Judged:
    """From one result of `predict`; `judge` is `adjusted` or `as-is`."""
    adjusted = judge == "adjusted"
    prefix = "adjusted_" if adjusted else ""
    served = served_programs(result["open"])
    counted = [p for p in result["programs"] if p["autoload"] and not (adjusted and p["name"] in served)]
    attach, adjusted_attach = (_worst_attach(p[f"{p_}attach"] for p in counted) for p_ in ("", "adjusted_"))
    state = state_of(str(result[f"{prefix}verdict"]), adjusted_attach if adjusted else attach)
    found = [*result["findings"], *(f for program in counted for f in program["findings"])]
    causes, warnings = _sorted_findings(found, state, adjusted, str(result["object"]))
    programs = result["programs"]
    loading = [p for p in programs if p[f"{prefix}verdict"] == "loads"]
    cell = Cell(
        PREDICTED,
        str(result["verdict"]),
        str(result["adjusted_verdict"]),
        attach,
        adjusted_attach,
        state,
        (len(programs), len(loading), sum(p[f"{prefix}attach"] == "ok" for p in loading)),
        tuple(result["open"]),
        tuple(causes),
        tuple(warnings),
        None,
        str(result["sha256"]),
    )
    return Judged(cell, causes | warnings)


def measured(result: Mapping[str, Any], judge: str, left: tuple[str, ...] | None) -> Judged:
    """From one result of `lab run`; `left` is what user space sets for this object, None when not known.

    An object that fails as it is, while user space would have set a map's size, says nothing about the
    object as it is used: its adjusted verdict is `unknown`.
    """
    adjusted = judge == "adjusted" and left is not None
    named = _programs_in(left or ())
    counted = [p for p in result["programs"] if not (adjusted and p["name"] in named)]
    verdict = str(result["verdict"])
    sensible = verdict
    if verdict == "fails" and left:
        sizes = any(text.startswith(_MAP) for text in left)
        sensible = "unknown" if sizes else _worst_load(p["verdict"] for p in counted)
    attach = _worst_attach(p["attach"] for p in result["programs"])
    adjusted_attach = _worst_attach(p["attach"] for p in counted)
    if result.get("problem"):
        state = "not-tested"
    elif adjusted:
        state = state_of(sensible, adjusted_attach)
    else:
        state = state_of(verdict, attach)
    names = {p["name"] for p in counted}
    found = [f for f in result["findings"] if _program_of(f, result) in names or not counted or not adjusted]
    causes, warnings = _sorted_findings(found, state, adjusted, str(result["object"]))
    loading = [p for p in result["programs"] if p["verdict"] == "loads"]
    cell = Cell(
        MEASURED,
        verdict,
        sensible,
        attach,
        adjusted_attach,
        state,
        (len(result["programs"]), len(loading), sum(p["attach"] == "ok" for p in loading)),
        left or (),
        tuple(causes),
        tuple(warnings),
        result.get("problem"),
        str(result["sha256"]),
    )
    return Judged(cell, causes | warnings)


def state_of(verdict: str, attach: str) -> str:
    """One word for loading and attaching together."""
    if verdict == "fails":
        return "fails"
    if attach == "fails":
        return "attach-fails"
    return "unknown" if "unknown" in (verdict, attach) else "fine"


def cause_id(code: str, title: str) -> str:
    """A stable name for a cause: its code, and a digest of what is wrong."""
    return f"{code}-{hashlib.sha256(title.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def served_programs(left: Iterable[str]) -> frozenset[str]:
    """Programs that do not count, because another one serves the same event."""
    return frozenset(
        name
        for text in left
        for name, mark, _ in [text.removeprefix(_PROGRAM).partition(": another program serves")]
        if mark
    )


def _programs_in(left: Iterable[str]) -> frozenset[str]:
    return frozenset(
        text.removeprefix(_PROGRAM).partition(": ")[0] for text in left if text.startswith(_PROGRAM)
    )


def _program_of(finding: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """The program of a measured finding: its subject is `OBJECT/PROGRAM`."""
    return str(finding["subject"]).removeprefix(f"{result['object']}/")


def _worst_attach(words: Iterable[str]) -> str:
    given = set(words)
    return next((word for word in ("fails", "unknown", "ok") if word in given), "not-tried")


def _worst_load(words: Iterable[str]) -> str:
    given = set(words)
    return next((word for word in ("fails", "unknown") if word in given), "loads")


def _sorted_findings(
    findings: Iterable[Mapping[str, Any]], state: str, adjusted: bool, name: str
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """What makes the state, and what does no more than warn, each by id.

    An open question beside a known failure is not what fails. An object for another machine has one cause,
    and not one for each register that is called otherwise.
    """
    verdicts = _STOPS if state in RED else ("unknown",) if state == "unknown" else ()
    counted = [f for f in findings if not (adjusted and f["data"].get("open"))]
    foreign = [f for f in counted if f["code"] == _OTHER_MACHINE]
    refused = any(f["verdict"] == "missing" for f in foreign)
    causes: dict[str, dict[str, Any]] = {}
    warnings: dict[str, dict[str, Any]] = {}
    for finding in counted:
        if finding["severity"] == "required" and finding["verdict"] in verdicts:
            registers = foreign and not refused and finding["data"].get("type") == "struct pt_regs"
            causes.update(_described(_stopping(foreign[0]) if registers else finding, name))
        elif finding["severity"] != "info" and finding["verdict"] == "degraded":
            warnings.update(_described(finding, name))
    if refused:
        causes = {key: cause for key, cause in causes.items() if cause["code"] == _OTHER_MACHINE}
    elif any(cause["code"] == _OTHER_MACHINE for cause in causes.values()):
        warnings = {key: one for key, one in warnings.items() if one["code"] != _OTHER_MACHINE}
    return dict(sorted(causes.items())), dict(sorted(warnings.items()))


#: The object was built for another machine than the kernel's.
_OTHER_MACHINE = "PC211"


def _stopping(foreign: Mapping[str, Any]) -> Mapping[str, Any]:
    """The finding about the other machine, as the reason why registers are not found."""
    return {**foreign, "verdict": "missing", "title": f"{foreign['title']}; those it reads are not there"}


def _described(finding: Mapping[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cause that a finding stands for, without the object and kernel it was found with."""
    data, title = finding["data"], str(finding["title"])
    if title.startswith(f"{name} "):
        title = f"the object {title.removeprefix(name).lstrip()}"
    yield (
        cause_id(str(finding["code"]), title),
        {
            "code": finding["code"],
            "name": finding["name"],
            "title": title,
            "verdict": finding["verdict"],
            "severity": finding["severity"],
            "cause": " ".join(str(finding["cause"]).split()),
            "fix": " ".join(str(finding["fix"]).split()),
            "fix_code": data.get("code"),
            "expected": data.get("local"),
            "found": data.get("kernel"),
            "nearest": data.get("nearest") or [],
            "location": finding["location"],
            "evidence": finding["evidence"],
        },
    )
