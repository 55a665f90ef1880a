# SPDX-License-Identifier: Apache-2.0
"""JUnit XML of a gate's result: a suite per object and kernel, a case per program, without times.

What was not tested is `skipped`, or an `error` when the gate was told that it fails (--undecided fail).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as Xml

from preflight.render.console import Style
from preflight.render.safe import xml_text

_LIMIT = 4000

Record = Mapping[str, Any]


def render(result: Record, style: Style) -> str:
    """The document, with a final newline."""
    rows = sorted(result["results"], key=lambda row: (row["kernel"], row["object"], row["program"]))
    totals = _totals(rows, result)
    # `skipped` is an attribute of suites only
    root = Xml.Element(
        "testsuites", {k: v for k, v in totals.items() if k != "skipped"} | {"name": "preflight gate"}
    )
    for (kernel, obj), group in groupby(rows, key=lambda row: (row["kernel"], row["object"])):
        members = list(group)
        name = _text(" on ".join(part for part in (obj, kernel) if part))
        suite = Xml.SubElement(root, "testsuite", {"name": name} | _totals(members, result))
        for row in members:
            _case(suite, row, name, result)
    Xml.indent(root, space=" ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _totals(rows: list[Record], result: Record) -> dict[str, str]:
    words = [_word(row, result) for row in rows]
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(rows))} | {name: str(words.count(word)) for name, word in counts.items()}


def _word(row: Record, result: Record) -> str:
    """The element that a case gets, empty for one that passes."""
    if row["outcome"] == "undecided":
        return "error" if result["summary"]["undecided_fails"] else "skipped"
    return "failure" if row["outcome"] == "fail" else ""


def _case(suite: Xml.Element, row: Record, name: str, result: Record) -> None:
    case = Xml.SubElement(suite, "testcase", {"classname": name, "name": _text(row["program"] or "kernel")})
    word = _word(row, result)
    bad = [f for f in row["findings"] if f["accepted"] is None and f["severity"] == "required"]
    known = [f for f in row["findings"] if f["accepted"] is None and f["severity"] != "required"]
    lines = [f"{f['code']} {f['evidence'][0]['detail']}" for f in bad]
    if word:
        element = Xml.SubElement(case, word, {"message": _text("; ".join(lines))})
        if word != "skipped":
            element.set("type", _text(bad[0]["code"]))
            element.text = _text(
                "\n".join([*lines, *(f"fix: {fix}" for fix in dict.fromkeys(f["fix"] for f in bad))])
            )
    accepted = [
        f"{f['code']} accepted: {f['accepted']}" for f in row["findings"] if f["accepted"] is not None
    ]
    numbers = [
        f"{name}: {values['after']}"
        for name, values in sorted(row["metrics"].items())
        if values["after"] is not None
    ]
    told = [f"{f['code']} {f['evidence'][0]['detail']}" for f in known]
    if accepted or told or numbers:
        out = Xml.SubElement(case, "system-out")
        out.text = _text("\n".join([*accepted, *told, *numbers]))


def _text(text: str) -> str:
    """Foreign text for XML, line by line: what XML does not have becomes visible escapes."""
    return "\n".join(xml_text(line, limit=_LIMIT) for line in text.split("\n"))
