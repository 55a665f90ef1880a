# SPDX-License-Identifier: Apache-2.0
"""The report that kernels since 7.3 print after the message (kernel/bpf/diagnostics.c), as data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from preflight.verifier.classify import REPORT
from preflight.verifier.model import Line

_SECTION = re.compile(r"([A-Z][A-Za-z ]{1,40}):\s*$")
_PLACE = re.compile(r"\s{2}(\S+) @ (?:(.+?):(\d+)(?::(\d+))?|(.+))\s*$")
_MARK = re.compile(r"\s*\|?\s*\^-- ([a-z]+): (.*)")
_GOES_ON = re.compile(r"\s*\|\s{3,}(\S.*)")
_INSN = re.compile(r"\s*>>>\s*(\d+) \| \(([0-9a-f]{2})\) (.*)")
_SOURCE = re.compile(r"\s*>>>\s*\d+ \|(?: (.*))?$")
_OMITTED = re.compile(r"\s*(?:\.\.\.\s*)?(\d+) intermediate causal-history events? omitted")


def parse(lines: Sequence[Line]) -> dict[str, Any] | None:
    """The report's parts: `category`, `problem`, `reason`, `at`, `causal_path`, `suggestion`, `sections`.

    None when the lines are no report. `sections` holds the parts of other names as text.
    A report that breaks off is given as far as it goes.
    """
    head = REPORT.match(lines[0].text) if lines else None
    if head is None:
        return None
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines[1:]:
        found = _SECTION.match(line.text)
        if found:
            current = sections.setdefault(found[1], [])
        else:
            current.append(line.text)
    events, omitted = _events(sections.pop("Causal path", []))
    places, _ = _events(sections.pop("At", []))
    return {
        "category": head[1].strip(),
        "problem": head[2].strip(),
        "reason": _prose(sections.pop("Reason", [])),
        "at": places[0] if places else None,
        "causal_path": events,
        "events_omitted": omitted,
        "suggestion": _prose(sections.pop("Suggestion", [])),
        "sections": {name: _prose(body) for name, body in sections.items()},
    }


def _prose(lines: Sequence[str]) -> str | None:
    return " ".join(" ".join(lines).split())[:4000] or None


def _events(lines: Sequence[str]) -> tuple[list[dict[str, Any]], int]:
    events: list[dict[str, Any]] = []
    omitted = 0
    marked = False
    for text in lines:
        skipped = _OMITTED.match(text)
        if skipped:
            omitted += int(skipped[1][:9])
            continue
        place = _PLACE.match(text)
        if place:
            events.append(
                {
                    "function": place[1],
                    "file": place[2] or place[5],
                    "line": int(place[3][:9]) if place[3] else None,
                    "column": int(place[4][:9]) if place[4] else None,
                    "source": None,
                    "kind": None,
                    "text": None,
                    "insn": None,
                    "insn_text": None,
                }
            )
            marked = False
            continue
        if not events:
            continue
        mark = _MARK.match(text)
        if mark:
            events[-1]["kind"], events[-1]["text"] = mark[1], mark[2].strip()
            marked = True
            continue
        more = _GOES_ON.match(text)
        if marked and more and ">>>" not in text:
            # a wrapped word is joined as it was, since the kernel breaks inside words too
            glue = "" if events[-1]["text"].endswith("_") else " "
            events[-1]["text"] = (events[-1]["text"] + glue + more[1].strip())[:1000]
            continue
        marked = False
        insn = _INSN.match(text)
        if insn:
            events[-1]["insn"], events[-1]["insn_text"] = int(insn[1][:9]), insn[3].strip()
            continue
        shown = _SOURCE.match(text)
        if shown and events[-1]["source"] is None:
            events[-1]["source"] = (shown[1] or "").strip() or None
    return events, omitted
