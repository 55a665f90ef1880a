# SPDX-License-Identifier: Apache-2.0
"""The results of `preflight predict` as the JSON contract wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from preflight.findings.model import BAD_VERDICTS, Finding, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.predict.verdict import ObjectVerdict, ProgramVerdict

VERDICTS = ("fails", "unknown", "loads")
ATTACHES = ("fails", "unknown", "ok", "not-tried")


def result(judged: ObjectVerdict, kernel: str) -> dict[str, Any]:
    """One object on one kernel."""
    return {
        "object": judged.obj.name,
        "aliases": list(judged.obj.aliases),
        "sha256": judged.obj.sha256,
        "kernel": kernel,
        "evidence": "predicted",
        "verdict": judged.verdict,
        "adjusted_verdict": judged.adjusted,
        "open": list(judged.open),
        "programs": [_program(one) for one in judged.programs],
        "findings": [found.to_dict() for found in judged.findings],
    }


def without_btf(obj: BpfObject, kernel: str, why: str) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The result on a kernel that shows no BTF: it fails where the object needs it, else nobody knows."""
    from preflight.predict.premises import kernel_without_btf, object_without_btf

    findings = (*object_without_btf(obj), *kernel_without_btf(obj, kernel, why))
    fails = any(f.verdict in BAD_VERDICTS and f.severity is Severity.REQUIRED for f in findings)
    word = "fails" if fails else "unknown"
    programs: list[dict[str, Any]] = [
        {
            "name": program.name,
            "section": program.section,
            "autoload": program.autoload,
            "verdict": word,
            "adjusted_verdict": word,
            "attach": "not-tried" if fails else "unknown",
            "adjusted_attach": "not-tried" if fails else "unknown",
            "open": None,
            "findings": [],
        }
        for program in obj.programs
    ]
    shown = {
        "object": obj.name,
        "aliases": list(obj.aliases),
        "sha256": obj.sha256,
        "kernel": kernel,
        "evidence": "predicted",
        "verdict": word,
        "adjusted_verdict": word,
        "open": [],
        "programs": programs,
        "findings": [found.to_dict() for found in findings],
    }
    return shown, findings


def _program(one: ProgramVerdict) -> dict[str, Any]:
    return {
        "name": one.program.name,
        "section": one.program.section,
        "autoload": one.program.autoload,
        "verdict": one.verdict,
        "adjusted_verdict": one.adjusted,
        "attach": one.attach,
        "adjusted_attach": one.attach_adjusted,
        "open": one.open,
        "findings": [found.to_dict() for found in one.findings],
    }


def exit_word(results: Iterable[Mapping[str, Any]], judge: str) -> str:
    """`fails`, `unknown` or `fine` for the run; `judge` is `adjusted` or `as-is`.

    An object counts with its own verdict and with whether what it loads by default attaches.
    """
    words = {word for one in results for word in _words(one, judge)}
    return next((word for word in ("fails", "unknown") if word in words), "fine")


def _words(one: Mapping[str, Any], judge: str) -> Iterable[str]:
    prefix = "adjusted_" if judge == "adjusted" else ""
    yield str(one[f"{prefix}verdict"])
    served = {name for text in one["open"] for name in [_twin(text)] if name} if prefix else set()
    for program in one["programs"]:
        if program["autoload"] and program["name"] not in served:
            yield str(program[f"{prefix}attach"])


def _twin(text: str) -> str | None:
    name, mark, _ = text.removeprefix("program ").partition(": another program serves")
    return name if mark else None


def summarise(
    results: Sequence[Mapping[str, Any]],
    kernels: Sequence[str],
    exit_code: int,
    judge: str = "adjusted",
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Counts, and the causes that turn most cells red, worst first."""
    programs = [program for one in results for program in one["programs"]]
    word = exit_word(results, judge)
    return {
        "sentence": _sentence(results, judge),
        "verdict": "ok" if word == "fine" else word,
        "objects": len({one["sha256"] for one in results}),
        "kernels": list(kernels),
        "verdicts": _counts((one["verdict"] for one in results), VERDICTS),
        "adjusted_verdicts": _counts((one["adjusted_verdict"] for one in results), VERDICTS),
        "programs": _counts((p["verdict"] for p in programs), VERDICTS),
        "attach": _counts((p["attach"] for p in programs), ATTACHES),
        "causes": causes(results),
        "notes": list(notes),
        "exit_code": exit_code,
    }


def _counts(words: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    given = list(words)
    return {word: given.count(word) for word in known}


def _sentence(results: Sequence[Mapping[str, Any]], judge: str) -> str:
    total = len(results)
    verdict = "adjusted_verdict" if judge == "adjusted" else "verdict"
    failing = sum(one[verdict] == "fails" for one in results)
    unknown = sum(one[verdict] == "unknown" for one in results)
    if failing:
        who = "it does" if total == 1 else f"{failing} of {total} do"
        as_it_is = "as it is" if total == 1 else "as they are"
        how = ", whatever user space sets before loading" if judge == "adjusted" else f" {as_it_is}"
        return f"{who} not load{how}"
    if unknown:
        who = "it stays" if total == 1 else f"{unknown} of {total} stay"
        return f"{who} undecided: facts about the kernel are missing"
    loading = f"nothing known stops {'it' if total == 1 else f'any of {total}'} from loading"
    words = [set(_words(one, judge)) for one in results]
    if stuck := sum("fails" in word for word in words):
        return f"{loading}, but {_of(stuck, total)} cannot be attached as a whole"
    if left := sum("unknown" in word for word in words):
        return f"{loading}; whether {_of(left, total)} can be attached as a whole is open"
    return loading


def _of(count: int, total: int) -> str:
    return "it" if total == 1 else f"{count} of them"


def causes(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings that stop something, joined over objects and kernels: the one with most cells first."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for one in results:
        for finding in [*one["findings"], *(f for p in one["programs"] for f in p["findings"])]:
            if finding["severity"] != Severity.REQUIRED.value or finding["verdict"] not in _COUNTED:
                continue
            row = groups.setdefault(
                (finding["code"], finding["title"]),
                {
                    "code": finding["code"],
                    "title": finding["title"],
                    "verdict": finding["verdict"],
                    "fix": finding["fix"],
                    "open": bool(finding["data"].get("open")),
                    "cells": set(),
                    "objects": set(),
                    "kernels": set(),
                },
            )
            row["cells"].add((one["sha256"], one["kernel"]))
            row["objects"].add(one["object"])
            row["kernels"].add(one["kernel"])
    ranked = sorted(
        groups.values(),
        key=lambda row: (
            row["open"],
            row["verdict"] == "unknown",
            -len(row["cells"]),
            row["code"],
            row["title"],
        ),
    )
    return [
        {
            **row,
            "cells": len(row["cells"]),
            "objects": sorted(row["objects"]),
            "kernels": sorted(row["kernels"]),
        }
        for row in ranked
    ]


_COUNTED = (*(verdict.value for verdict in BAD_VERDICTS), Verdict.UNKNOWN.value)
