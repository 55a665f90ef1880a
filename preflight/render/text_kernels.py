# SPDX-License-Identifier: Apache-2.0
"""The text forms of `preflight kernels list`, `show`, `fetch`, `add`, `remove` and `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Page, Style


def render_list(result: Mapping[str, Any], style: Style) -> str:
    """One line per kernel."""
    page = Page(style)
    rows: list[list[str | tuple[str, str]]] = [
        [
            str(kernel["name"]),
            str(kernel["arch"] or kernel["byteorder"]),
            str(kernel["version"] or ""),
            str(kernel["suite"] or ""),
            _known(kernel["known"]),
        ]
        for kernel in result["results"]
    ]
    if rows:
        page.table(["NAME", "ARCH", "VERSION", "SUITE", "KNOWN BESIDES BTF"], rows)
        old = sum(
            bool(k["known"]["symbols"]) and not k["known"]["trace_sites"]
            for k in result["results"]
            if k["source"]["kind"] in ("deb", "image")
        )
        if old:
            page.line(
                f"{old} of them were added before images were read for trace sites: `preflight kernels renew`"
            )
    elif result["summary"].get("damaged"):
        page.line(f"No kernel in the catalogue {result['summary']['store']} can be read.")
    elif result["summary"]["pattern"] != "*":
        summary = result["summary"]
        page.line(f"No kernel in the catalogue {summary['store']} matches {summary['pattern']!r}.")
    else:
        how = "`preflight kernels fetch debian --suite SUITE` or `preflight kernels add FILE` fills it"
        page.line(f"The catalogue {result['summary']['store']} is empty: {how}.")
    return page.text()


def _known(known: Mapping[str, Any]) -> str:
    words = []
    for fact, value in known.items():
        if fact == "modules":
            words += [f"{value} modules"] if value is not None else []
        elif value:
            words.append(fact.replace("_", " "))
    return ", ".join(words)


_SHOWN = ("release", "arch", "byteorder", "distribution", "suite", "flavour", "package", "version")


def render_show(result: Mapping[str, Any], style: Style) -> str:
    """Everything known of each kernel, and what is unknown."""
    page = Page(style)
    for number, kernel in enumerate(result["results"]):
        if number:
            page.blank()
        page.line((str(kernel["name"]), "bold"))
        for field in _SHOWN:
            page.line(f"{field:13} {kernel[field] if kernel[field] is not None else 'unknown'}", indent=2)
        page.line(f"{'btf sha256':13} {kernel['btf_sha256']}", indent=2)
        page.line(f"{'btf':13} {kernel['btf_types']} types, {kernel['btf_size']} bytes", indent=2)
        for fact, count in kernel["counts"].items():
            shown = "unknown" if count is None else f"{count}"
            page.line(f"{fact.replace('_', ' '):13} {shown}", indent=2)
        for file in kernel["source"]["files"]:
            page.line(f"from {file['name']}, {file['size']} bytes, sha256 {file['sha256']}", indent=2)
        for note in kernel["source"]["notes"]:
            page.line(f"note: {note}", indent=2)
    return page.text()


_STATES = {
    "added": "green",
    "renewed": "green",
    "removed": "green",
    "present": "dim",
    "ok": "green",
    "lost": "yellow",
    "failed": "red",
    "damaged": "red",
}


def render_outcomes(result: Mapping[str, Any], style: Style) -> str:
    """One line per kernel with what became of it, and a line of totals."""
    page = Page(style)
    for outcome in result["results"]:
        state = str(outcome["state"])
        page.line((f"{state:8}", _STATES.get(state, "")), str(outcome["name"]))
        for detail in outcome["details"]:
            page.line(str(detail), indent=9)
    counts = result["summary"]["counts"]
    words = ", ".join(f"{count} {state}" for state, count in counts.items()) or "nothing to do"
    if result["summary"].get("partial"):
        words = f"interrupted, and so partial: {words if counts else 'nothing was done'}"
    page.line(words)
    return page.text()
