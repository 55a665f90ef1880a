# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight log`: each rejection like an error of a good compiler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Page, Style

Record = Mapping[str, Any]

#: Rejections shown whole by default; the rest is one line each.
_WHOLE = 10
#: Width of the gutter in which line numbers stand.
_GUTTER = 6


def render(result: Record, style: Style) -> str:
    """The result of `log` (the JSON contract's object) as text."""
    page = Page(style)
    results = result["results"]
    for number, one in enumerate(results):
        if number:
            page.blank()
        if number < _WHOLE or style.verbose:
            _whole(page, one)
        else:
            _title(page, one)
    if results:
        page.blank()
    page.line((str(result["summary"]["sentence"]), "bold"))
    if results:
        family = results[0]["family"]
        page.line((f"-v shows more · explain a code: preflight explain {family}", "dim"))
    return page.text()


def _title(page: Page, one: Record) -> None:
    word, colour = ("undecided", "magenta") if one["cause_id"] == "unknown" else ("error", "red")
    program = f"  in {one['program']}" if one["program"] else ""
    page.line((f"{word}[{one['family']}]", f"bold {colour}"), (f": {one['title']}", "bold"), (program, "dim"))


def _whole(page: Page, one: Record) -> None:
    _title(page, one)
    where = _place(one["source"])
    place = f"{one['file']}:{one['terminal']['line']}"
    page.line(("--> ", "blue"), where or place, (f"  (log {place})" if where else "", "dim"), indent=2)
    _excerpt(page, one["source"], one["insn"], one["insn_text"])
    for line in one["terminal_lines"] or [one["terminal"]]:
        page.line(("= verifier: ", "bold"), str(line["text"]), indent=2, hang=14)
    root = one["root"]
    if root:
        at = _place(root["source"])
        insn = "" if root["insn"] is None else f"insn {root['insn']}: "
        page.line(("= began: ", "bold"), f"{insn}{root['reason']}", (f"  {at}" if at else "", "dim"),
                  indent=2, hang=11)  # fmt: skip
        if root["source"]["text"] and root["source"] != one["source"]:
            _excerpt(page, root["source"], None, None)
    for place in one["trail"]:
        at = _place(place["source"])
        insn = "" if place["insn"] is None else f"insn {place['insn']}: "
        page.line(("= path: ", "bold"), f"{insn}{place['reason']}", (f"  {at}" if at else "", "dim"),
                  indent=2, hang=10)  # fmt: skip
    for seen in one["evidence"]:
        page.line((f"= {seen['source']}: ", "bold"), str(seen["detail"]), indent=2, hang=12)
    sure = f"[{one['cause_id']}, {one['confidence']} confidence, {one['mode']} mode] "
    page.line(("= cause: ", "bold"), (sure, "dim"), str(one["cause"]), indent=2, hang=11)
    page.line(("= help: ", "bold green"), str(one["fix"]), indent=2, hang=10)
    _notes(page, one)
    if page.style.verbose:
        _report(page, one["kernel_report"])


def _place(source: Record) -> str:
    return f"{source['file']}:{source['line']}" if source["file"] else ""


def _excerpt(page: Page, source: Record, insn: int | None, text: str | None) -> None:
    if source["text"]:
        number = "" if source["line"] is None else str(source["line"])
        page.line((f"{number:>{_GUTTER}} | ", "blue"), str(source["text"]))
    if insn is not None and text:
        page.line((f"{'':>{_GUTTER}} | ", "blue"), (f"^ insn {insn}: {text}", "red"))


def _notes(page: Page, one: Record) -> None:
    notes = []
    if one["truncated"] == "head":
        notes.append("the beginning of the log is missing")
    if one["truncated"] == "tail":
        notes.append("the end of the log is missing")
    if one["errno"] is not None:
        notes.append(f"errno {one['errno']}")
    if one["seen_in"]:
        notes.append("message seen in Linux " + ", ".join(map(str, one["seen_in"])))
    processed = one["stats"].get("insns_processed")
    if processed is not None:
        limit = one["stats"].get("limit")
        notes.append(f"{processed:,} instructions processed" + (f" of {limit:,}" if limit else ""))
    if notes:
        page.line(("= note: ", "dim"), ("; ".join(notes), "dim"), indent=2, hang=10)


def _report(page: Page, report: Record | None) -> None:
    if not report:
        return
    page.line(
        ("= kernel: ", "bold"), f"{report['category']}: {report['problem']}. {report['reason'] or ''}",
        indent=2, hang=12,
    )  # fmt: skip
    for event in report["causal_path"]:
        at = f"{event['file']}:{event['line']}" if event["line"] is not None else str(event["file"])
        page.line(f"{at}  {event['kind'] or ''}: {event['text'] or ''}", indent=6, hang=8)
    if report["suggestion"]:
        page.line(("suggestion: ", "bold"), str(report["suggestion"]), indent=6, hang=8)
