# SPDX-License-Identifier: Apache-2.0
"""The page of `preflight matrix`: the sentence, the numbers, what to do first, the matrix, a card per cause.

What can be seen at once stays small: kernels with the same results share a row, objects a column, and beyond
CELL_LIMIT cells the table gives way to a list of what does not pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from preflight.render import html
from preflight.render import matrix_view as view
from preflight.render.console import Style
from preflight.render.safe import safe_text

#: Most cells of the table, after folding; and most lines of the list that stands for a larger one.
CELL_LIMIT = 25_000
#: Most cause cards.
CARD_LIMIT = 400
_FIRST = 5
#: Assets of the page, in their order.
STYLES, SCRIPTS = ("page.css", "matrix.css"), ("page.js", "matrix.js")
#: Names of the files of `--html-dir`.
PAGE, STYLE, SCRIPT = "index.html", "preflight.css", "preflight.js"

_ORDER = {"fails": 0, "attach-fails": 1, "unknown": 2, "not-tested": 3, "fine": 4}
_MEANS = {
    "fine": "loads, and what it loads by default attaches",
    "fails": "does not load",
    "attach-fails": "loads, and something that it loads by default cannot be attached",
    "unknown": "a fact is missing that would decide; never counted as a pass",
    "not-tested": "nobody looked; never counted as a pass",
}
#: Verdict of a cause -> mark, word, class of the style sheet.
_CAUSES = {"unknown": ("?", "undecided", "unknown"), "degraded": ("~", "warns", "degraded")}
_KNOWN = ("config", "symbols", "tracepoints", "available_filter_functions")


def render(result: Mapping[str, Any], style: Style, *, embed: bool = True) -> str:
    """The page as one file."""
    return _page(result, None, embed)


def folder(result: Mapping[str, Any], *, embed: bool = True) -> list[tuple[str, str]]:
    """The page with style sheet and script as files of their own: (name, text)."""
    return [
        (STYLE, html.assets(STYLES)),
        (SCRIPT, html.assets(SCRIPTS)),
        (PAGE, _page(result, (STYLE, SCRIPT), embed)),
    ]


def _page(result: Mapping[str, Any], external: tuple[str, str] | None, embed: bool) -> str:
    return html.page(
        "matrix.html",
        result,
        styles=STYLES,
        scripts=SCRIPTS,
        external=external,
        embed=embed,
        **context(result),
    )


def context(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows of a matrix. Pages that hold one among other things use it too."""
    causes = view.by_id(result)
    objects = view.objects_by_digest(result)
    weights = {str(k["kernel"]): k.get("hosts") for k in result["kernels"]}
    weighted = any(value is not None for value in weights.values())
    columns = _columns(result, objects)
    shown = _cells(result, columns, causes)
    rows = [_row(number, row, columns, shown) for number, row in enumerate(result["rows"])]
    _total(rows, columns, weights if weighted else None)
    cell_count = len(rows) * len(columns)
    listed = None if cell_count <= CELL_LIMIT else _list(rows, columns)
    places = _places(rows, columns, listed)
    cards = [_card(cause, places.get(str(cause["id"]), ())) for cause in result["causes"][:CARD_LIMIT]]
    codes = dict.fromkeys(str(cause["code"]) for cause in result["causes"])
    cells = list(shown.values())
    return {
        "title": "Compatibility matrix",
        "evidence": _evidence(result["summary"]["evidence"]),
        "object_digest": _digest(f"{o['object']} {o['sha256']}" for o in result["objects"]),
        "kernel_digest": _digest(f"{k['kernel']} {k.get('btf_sha256')}" for k in result["kernels"]),
        "first": [
            {**_card(cause, ()), "like": more}
            for cause, more in view.together(view.stopping(result["causes"]))[:_FIRST]
        ],
        "rows": rows,
        "columns": columns,
        "alike": [column for column in columns if len(column["names"]) > 1],
        "listed": None if listed is None else listed[:CELL_LIMIT],
        "unlisted": 0 if listed is None else max(len(listed) - CELL_LIMIT, 0),
        "cell_count": cell_count,
        "weighted": weighted,
        "any_open": any(cell["open"] for cell in cells),
        "any_warning": any(cell["warns"] for cell in cells),
        "cards": cards,
        "more_cards": max(len(result["causes"]) - CARD_LIMIT, 0),
        "legend": [_legend(state) for state in _ORDER],
        "opened": view.left_to_user_space(result),
        "kernels": [_kernel(kernel) for kernel in result["kernels"]],
        "glossary": _glossary(codes),
    }


def _digest(lines: Iterable[str]) -> str:
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:12]


def _evidence(levels: Mapping[str, int]) -> str:
    return ", ".join(f"{count} cells {safe_text(level)}" for level, count in sorted(levels.items()) if count)


def _columns(result: Mapping[str, Any], objects: Mapping[str, Any]) -> list[dict[str, Any]]:
    columns = []
    for digests in result["columns"]:
        names = [str(objects[digest]["object"]) for digest in digests]
        columns.append(
            {
                "digests": digests,
                "names": names,
                "label": view.label(names),
                "search": safe_text(" ".join(names).lower(), limit=100_000),
                "fail": 0,
                "passes": True,
            }
        )
    return columns


def _cells(
    result: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], causes: Mapping[str, Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The cells of the folded table, by first kernel and first object."""
    kernels = {str(row["kernels"][0]) for row in result["rows"]}
    digests = {str(column["digests"][0]) for column in columns}
    records: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for record in result["results"]:
        pair = str(record["kernel"]), str(record["sha256"])
        if pair[0] in kernels and pair[1] in digests:
            records.setdefault(pair, []).append(record)
    shown: dict[tuple[str, str], dict[str, Any]] = {}
    for pair, known in records.items():
        record = next((one for one in known if one["shown"]), known[0])
        shown[pair] = _cell(record, next((one for one in known if one is not record), None), causes, pair)
    return shown


def _cell(
    record: Mapping[str, Any],
    other: Mapping[str, Any] | None,
    causes: Mapping[str, Any],
    pair: tuple[str, str],
) -> dict[str, Any]:
    mark, _, word, _, css = view.look(record["state"])
    codes = view.codes(record, causes)
    warns = record["state"] == "fine" and bool(record["warnings"])
    linked = [key for key in (*record["causes"], *(record["warnings"] if warns else ())) if key in causes]
    return {
        "anchor": _anchor(pair),
        "state": str(record["state"]),
        "mark": mark,
        "word": safe_text(word) + (" ~" if warns else ""),
        "look": css,
        "codes": safe_text(codes),
        "cause": linked[0] if linked else None,
        "ids": _ids(record, other),
        "open": bool(record["open"]),
        "warns": warns,
        "evidence": safe_text(record["evidence"]) if record["state"] != "not-tested" else "",
        "other": _other(other, causes),
        "key": f"{_ORDER.get(str(record['state']), 9)} {safe_text(codes)}",
        "reason": safe_text(record["reason"] or "", limit=60) if record["state"] == "not-tested" else "",
    }


def _ids(record: Mapping[str, Any], other: Mapping[str, Any] | None) -> list[str]:
    """All causes that the cell leads to."""
    more = other["causes"] if other is not None else ()
    return list(dict.fromkeys(str(key) for key in (*record["causes"], *record["warnings"], *more)))


def _anchor(pair: tuple[str, str]) -> str:
    """A cell's address within the page: the same in every page that has the pair."""
    return "c-" + "-".join(hashlib.sha256(p.encode("utf-8", "surrogatepass")).hexdigest()[:8] for p in pair)


def _other(record: Mapping[str, Any] | None, causes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The level that is not shown, in a few words, and the first of its causes."""
    if record is None:
        return None
    _, _, word, _, _ = view.look(record["state"])
    return {
        "words": f"{safe_text(record['evidence'])}: {safe_text(word)}",
        "codes": safe_text(view.codes(record, causes)) if record["causes"] else "",
        "cause": next((key for key in record["causes"] if key in causes), None),
    }


def _row(
    number: int,
    row: Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]],
    shown: Mapping[tuple[str, str], dict[str, Any]],
) -> dict[str, Any]:
    kernels = [str(name) for name in row["kernels"]]
    cells = [shown[kernels[0], str(column["digests"][0])] for column in columns]
    sizes = [len(column["digests"]) for column in columns]
    states = [cell["state"] for cell in cells]
    return {
        "kernels": kernels,
        "key": f"{number:06d}",
        "arch": str(row.get("arch") or "unknown"),
        "hosts": row.get("hosts"),
        "cells": cells,
        "fail": sum(n for n, s in zip(sizes, states, strict=True) if s in ("fails", "attach-fails")),
        "open": sum(n for n, s in zip(sizes, states, strict=True) if s in ("unknown", "not-tested")),
        "passes": all(state == "fine" for state in states),
    }


def _total(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[dict[str, Any]],
    weights: Mapping[str, int | None] | None,
) -> None:
    """Fill in what each column comes to: kernels, or hosts where their numbers are known."""
    for number, column in enumerate(columns):
        for row in rows:
            state = row["cells"][number]["state"]
            column["passes"] &= state == "fine"
            if state in ("fails", "attach-fails"):
                names = row["kernels"]
                column["fail"] += sum((weights[n] or 0) for n in names) if weights is not None else len(names)
    for row in rows:
        for cell, column in zip(row["cells"], columns, strict=True):
            cell["passes_column"] = column["passes"]


def _list(rows: Sequence[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"kernel": view.label(row["kernels"]), "object": column["label"], "cell": cell, "key": row["key"]}
        for row in rows
        for cell, column in zip(row["cells"], columns, strict=True)
        if cell["state"] != "fine"
    ]


def _places(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Mapping[str, Any]],
    listed: Sequence[Mapping[str, Any]] | None,
) -> dict[str, list[dict[str, Any]]]:
    """Where each cause is shown: its cells, with an anchor where the page has them."""
    there = None if listed is None else {item["cell"]["anchor"] for item in listed[:CELL_LIMIT]}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        for cell, column in zip(row["cells"], columns, strict=True):
            place = {
                "anchor": cell["anchor"] if there is None or cell["anchor"] in there else None,
                "kernel": view.label(row["kernels"]),
                "object": column["label"],
            }
            for key in cell["ids"]:
                found.setdefault(key, []).append(place)
    return found


def _card(cause: Mapping[str, Any], places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mark, word, css = _CAUSES.get(str(cause["verdict"]), ("✗", "stops", "missing"))
    expected, found = cause.get("expected"), cause.get("found")
    return {
        **cause,
        "mark": mark,
        "word": word,
        "look": css,
        "reach": view.reach(cause),
        "expected": _differing(expected, found),
        "found": _differing(found, expected),
        "code_lines": str(cause.get("fix_code") or "").splitlines()[:80],
        "places": places,
    }


def _differing(text: object, other: object) -> list[dict[str, Any]]:
    """Lines of a declaration; those whose member the other side does not have in the same way are marked."""
    if not text:
        return []
    theirs = {_member(line) for line in str(other or "").splitlines()}
    lines = str(text).splitlines()[:80]
    last = len(lines) - 1
    return [
        {
            "text": line,
            "differs": 0 < number < last and _member(line) not in theirs and line.strip() not in ("...", "}"),
        }
        for number, line in enumerate(lines)
    ]


def _member(line: str) -> str:
    """A member without its offset."""
    return line.partition("/*")[0].strip()


def _legend(state: str) -> dict[str, Any]:
    mark, _, word, _, css = view.look(state)
    return {"mark": mark, "word": word, "look": css, "means": _MEANS[state]}


def _kernel(kernel: Mapping[str, Any]) -> dict[str, Any]:
    known = kernel.get("known") or {}
    facts = [name.replace("_", " ") for name in _KNOWN if known.get(name)]
    if known.get("modules"):
        facts.append(f"{known['modules']} modules")
    return {
        "kernel": kernel["kernel"],
        "release": kernel.get("release") or "unknown",
        "arch": kernel.get("arch") or "unknown",
        "digest": str(kernel.get("btf_sha256") or "none")[:16],
        "known": ", ".join(safe_text(fact) for fact in facts) or "nothing",
        "note": kernel.get("note") or "",
    }


def _glossary(codes: Iterable[str]) -> list[dict[str, Any]]:
    """What the registry says of each code; a code of a later version has no more than its name."""
    from preflight.findings.registry import codes as registered

    known = registered()
    empty = {"name": "", "summary": "no text for this code here", "checks": "", "cause": "", "fix": ""}
    return [
        known[code].to_dict() if code in known else {"code": safe_text(code), **empty}
        for code in sorted(codes)
    ]
