# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight core`: like a compiler's errors, worst first, what is harmless as a count."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from preflight.render.console import Page, Style, plural
from preflight.render.core_groups import Problem, data_of, listed, problems, quiet, text_lines
from preflight.render.same_bytes import same_bytes

#: Problems shown whole by default; the rest is one line each, then a count.
_WHOLE = 3
_LINES = 12
_WORDS = {"required": ("error", "red"), "recommended": ("warning", "yellow"), "info": ("note", "cyan")}


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result of `core` (the JSON contract's object) as text."""
    page = Page(style)
    summary = result["summary"]
    _headline(page, result, summary)
    found = problems(result)
    whole = found if style.verbose else [p for p in found if p.finding["severity"] != "info"][:_WHOLE]
    for problem in whole:
        page.blank()
        _whole(page, problem)
    rest = [problem for problem in found if problem not in whole]
    if rest:
        page.blank()
        for problem in rest[:_LINES]:
            _title(page, problem)
        if len(rest) > _LINES:
            page.line((f"… and {len(rest) - _LINES} more", "dim"))
    if style.verbose:
        _harmless(page, result)
        for one in result["results"]:
            _relocations(page, one)
    _footer(page, result, summary, found)
    return page.text()


def _headline(page: Page, result: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    tool = result["tool"]
    parts = [f"{tool['name']} {tool['version']}", plural(summary["objects"], "object")]
    parts.append("kernel " + listed(map(str, summary["kernels"]), 4))
    parts.append("loader " + listed(map(str, summary["loaders"])))
    page.line((" · ".join(parts), "bold"))
    verdicts = summary["verdicts"]
    word = "fails" if verdicts.get("fails") else "unknown" if verdicts.get("unknown") else "ok"
    mark, colour = page.mark(word)
    page.line((f"{mark} ", colour), (str(summary["sentence"]), f"bold {colour}"))
    for line in same_bytes(result["results"], every=page.style.verbose > 0):
        page.line((line, "dim"))


def _word(problem: Problem) -> tuple[str, str]:
    finding = problem.finding
    if finding["verdict"] == "unknown":
        return "undecided", "magenta"
    return _WORDS.get(str(finding["severity"]), ("note", "cyan"))


def _title(page: Page, problem: Problem) -> None:
    finding = problem.finding
    word, colour = _word(problem)
    page.line(
        (f"{word}[{finding['code']}]", f"bold {colour}"), (f": {finding['title']}", "bold"), _where(problem)
    )


def _where(problem: Problem) -> str:
    if not problem.objects:
        return ""
    return f"  [{listed(problem.objects)} on {listed(problem.kernels, 4)}, {listed(problem.loaders)}]"


def _whole(page: Page, problem: Problem) -> None:
    finding = problem.finding
    _title(page, problem)
    place = finding.get("location") or {}
    if place.get("file"):
        number = str(place.get("line"))
        program = str(finding["subject"]).partition("/")[0]
        page.line(("--> ", "blue"), f"{place['file']}:{number}", (f"  in {program}", "dim"), indent=2)
        page.line((f"{number:>5} | ", "blue"), str(place.get("text") or "").strip(), indent=2)
    local, kernel, code = data_of(finding)
    if local is not None or kernel is not None:
        _declarations(page, local, kernel)
    if finding.get("cause"):
        page.line(("= cause: ", "bold"), _flat(finding["cause"]), indent=2, hang=11)
    for item in _evidence(page, finding):
        page.line((f"= {item['source']}: ", "dim"), str(item["detail"]), indent=2, hang=11)
    if finding.get("fix"):
        page.line(("= help: ", "bold green"), _flat(finding["fix"]), indent=2, hang=10)
    if code is not None:
        for line in text_lines(code):
            if line.strip():
                page.line((line, "green"), indent=8)
            else:
                page.blank()


def _evidence(page: Page, finding: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the cause does not say already; everything with -v."""
    known = _flat(finding.get("cause") or "")
    evidence = [item for item in finding.get("evidence") or [] if str(item["detail"]) not in known]
    return evidence if page.style.verbose else evidence[:3]


def _declarations(page: Page, local: str | None, kernel: str | None) -> None:
    left, right = (text_lines(text or "(nothing of that name)") for text in (local, kernel))
    titles = ("the object expects", "this kernel has")
    wide = sum(max(map(len, (title, *lines))) for title, lines in zip(titles, (left, right), strict=True))
    if page.style.width is not None and wide + 10 > page.style.width:
        for title, lines, colour in zip(titles, (left, right), ("red", "green"), strict=True):
            page.line((f"{title}:", "bold"), indent=4)
            for line in lines:
                page.line((line, colour), indent=8)
        return
    rows: list[list[str | tuple[str, str]]] = [
        [(one, "red"), (other, "green")] for one, other in zip_longest(left, right, fillvalue="")
    ]
    page.table(list(titles), rows, indent=8)


def _flat(text: object) -> str:
    return " ".join(str(text).split())


def _harmless(page: Page, result: Mapping[str, Any]) -> None:
    found = quiet(result)
    if not found:
        return
    page.blank()
    page.line((f"{len(found)} harmless", "bold"))
    for one, finding in found[:200]:
        mark, colour = page.mark("ok")
        page.line(
            (f"{mark} ", colour), f"{finding['code']} {finding['title']}",
            f"  [{one['object']} on {one['kernel']}, {one['loader']}]",
        )  # fmt: skip
        for item in finding.get("evidence") or []:
            page.line((f"{item['source']}: ", "dim"), str(item["detail"]), indent=4, hang=6)


def _relocations(page: Page, one: Mapping[str, Any]) -> None:
    records = one["relocations"]
    if not records:
        return
    page.blank()
    page.line((f"{one['object']} on {one['kernel']}, {one['loader']}: {len(records)} relocations", "bold"))
    rows: list[list[str | tuple[str, str]]] = []
    for record in records:
        source = record["source"]
        line = f"{str(source['file']).rpartition('/')[2]}:{source['line']}" if source.get("file") else ""
        rows.append(
            [
                f"{record['section']}+{record['section_insn']}",
                str(record["program"]),
                str(record["kind"]),
                str(record["access"]),
                (str(record["outcome"]), _OUTCOMES.get(str(record["outcome"]), "")),
                str(record["reachable"]),
                str(record["after"]),
                line,
            ]
        )
    page.table(["place", "function", "kind", "access", "outcome", "reachable", "bytes", "line"], rows)


_OUTCOMES = {"poisoned": "red", "error": "red", "absent": "yellow", "patched": "green"}


def _footer(page: Page, result: Mapping[str, Any], summary: Mapping[str, Any], found: list[Problem]) -> None:
    page.blank()
    counts = summary["counts"]
    order = ("unchanged", "patched", "absent", "poisoned", "error")
    words = [f"{counts[word]} {word}" for word in order if counts.get(word)]
    if counts.get("guarded"):
        words.append(f"{counts['guarded']} of the poisoned guarded, which is harmless")
    page.line(("relocations: " + (", ".join(words) or "none"), "dim"))
    parts = [] if page.style.verbose else ["-v lists all of them"]
    if found:
        parts.append(f"explain a code: preflight explain {found[0].finding['code']}")
    parts.append("judged are CO-RE, externs and BTF hooks; the verifier has its own say")
    page.line((" · ".join(parts), "dim"))
    for command in result.get("commands") or []:
        page.line(("by hand  ", "dim"), str(command), hang=9)
