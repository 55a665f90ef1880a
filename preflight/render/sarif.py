# SPDX-License-Identifier: Apache-2.0
"""SARIF 2.1.0 (OASIS) from problems: one run, the codes that occur as rules.

What code scanning asks for: stable rule ids with help, relative paths, partial fingerprints that do
not change when a line moves, and at most 25,000 results.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from preflight.findings.registry import Code, codes
from preflight.render.problem import Problem, relative, worst_first
from preflight.render.safe import safe_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: What GitHub takes of one run.
LIMIT = 25_000
_TEXT = 4000
_SEVERITY_LEVEL = {"required": "error", "recommended": "warning", "info": "note"}


def render_problems(problems: Iterable[Problem], tool: Mapping[str, Any], generated_at: str) -> str:
    """The document, with a final newline. `tool` and `generated_at` as in the JSON contract.

    Beyond LIMIT results the last ones are left out, and a notification says how many.
    """
    ordered = worst_first(problems)
    shown = ordered[:LIMIT]
    ids = sorted({problem.code for problem in shown})
    places = {code: number for number, code in enumerate(ids)}
    invocation: dict[str, Any] = {"executionSuccessful": True, "endTimeUtc": generated_at}
    if len(ordered) > LIMIT:
        text = f"{len(ordered) - LIMIT} more results were left out"
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    run = {
        "tool": {
            "driver": {
                "name": str(tool["name"]),
                "version": str(tool["version"]),
                "semanticVersion": str(tool["version"]),
                "rules": [_rule(code) for code in ids],
            }
        },
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, places[problem.code]) for problem in shown],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, sort_keys=True, ensure_ascii=True, indent=1) + "\n"


def _rule(code: str) -> dict[str, Any]:
    known = codes().get(code)
    if known is None:
        return {"id": code}
    text = f"{known.cause}\n\nFix: {known.fix}"
    return {
        "id": code,
        "name": _camel(known.name),
        "shortDescription": {"text": _one_line(known.summary)},
        "fullDescription": {"text": _one_line(known.cause)},
        "help": {"text": text, "markdown": _help(known)},
        "defaultConfiguration": {"level": _SEVERITY_LEVEL.get(known.severity.value, "warning")},
        "properties": {"tags": ["ebpf", known.area], "area": known.area},
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _camel(name: str) -> str:
    """`packet-access-not-proven` -> `PacketAccessNotProven`, as rule names are written."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace("_", "-").split("-"))


def _help(code: Code) -> str:
    lines = [
        f"**{_one_line(code.summary)}**",
        "",
        _one_line(code.cause),
        "",
        f"**Fix:** {_one_line(code.fix)}",
    ]
    if code.references:
        lines += ["", *(f"* {reference}" for reference in code.references)]
    return "\n".join(lines)


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        # SARIF 3.27.9: what the tool could not determine is `open`, and then has no level
        "kind": "open" if problem.level == "none" else "fail",
        "level": problem.level,
        "message": {"text": _lines(problem.message) or problem.code},
        "locations": [_location(problem)],
        "partialFingerprints": {"preflight/v1": _fingerprint(problem)},
    }
    if problem.accepted is not None:
        found["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": _lines(problem.accepted)}
        ]
    properties = {"title": _lines(problem.title), **problem.data}
    return {**found, "properties": properties}


def _lines(text: str) -> str:
    """Foreign text line by line, so that only line feeds of ours are left."""
    return "\n".join(safe_text(line, limit=_TEXT) for line in text.split("\n"))


def _location(problem: Problem) -> dict[str, Any]:
    location: dict[str, Any] = {}
    path = relative(problem.file)
    if path is not None:
        physical: dict[str, Any] = {
            "artifactLocation": {"uri": quote(path.encode("utf-8", "replace")), "uriBaseId": "%SRCROOT%"}
        }
        if problem.line is not None and problem.line > 0:
            region: dict[str, Any] = {"startLine": problem.line}
            if problem.column is not None and problem.column > 0:
                region["startColumn"] = problem.column
            if problem.snippet:
                region["snippet"] = {"text": safe_text(problem.snippet, limit=_TEXT)}
            physical["region"] = region
        location["physicalLocation"] = physical
    if problem.subject:
        location["logicalLocations"] = [{"name": safe_text(problem.subject), "kind": "function"}]
    return location


def _fingerprint(problem: Problem) -> str:
    parts = problem.identity or (problem.code, problem.subject, problem.file or "", problem.title)
    raw = "\x00".join((problem.code, *parts)).encode("utf-8", "replace")
    return hashlib.sha256(raw).hexdigest()[:32]
