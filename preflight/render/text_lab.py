# SPDX-License-Identifier: Apache-2.0
"""The text forms of `preflight lab run`, `boot` and `probe`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from preflight.render.console import Page, Style, plural

_GOOD = "booted"


def render(result: Mapping[str, Any], style: Style) -> str:
    """Kernel by kernel: what became of it, then its objects, worst first."""
    page = Page(style)
    by_kernel: dict[str, list[Mapping[str, Any]]] = {}
    for record in result["results"]:
        by_kernel.setdefault(str(record["kernel"]), []).append(record)
    if result.get("summary", {}).get("partial"):
        page.line(("PARTIAL: not every kernel was measured", "yellow"))
        page.blank()
    for number, kernel in enumerate(result["kernels"]):
        if number:
            page.blank()
        _kernel(page, kernel)
        _objects(page, by_kernel.get(str(kernel["kernel"]), []))
    return page.text()


def _kernel(page: Page, kernel: Mapping[str, Any]) -> None:
    colour = "green" if kernel["outcome"] == _GOOD else "red"
    how = f"{kernel['seconds']} s" + (f", {kernel['accel']}" if kernel["accel"] else "")
    page.line((str(kernel["kernel"]), "bold"), "  ", (str(kernel["outcome"]), colour), f"  {how}")
    if kernel["outcome"] != _GOOD:
        page.line(": ".join(filter(None, (str(kernel["meaning"]), str(kernel["detail"])))), indent=2)
    if kernel["btf_identical"] is not None:
        same = "identical to" if kernel["btf_identical"] else "different from"
        page.line((f"its BTF is {same} the one its facts have", "dim"), indent=2)
    for name, state in kernel["modules"].items():
        page.line(f"module {name}: {state}", indent=2)
    for note in kernel["notes"]:
        page.line((f"note: {note}", "dim"), indent=2)


def _objects(page: Page, records: list[Mapping[str, Any]]) -> None:
    if not records:
        return
    counts = Counter(str(record["verdict"]) for record in records)
    page.line(
        f"{plural(len(records), 'object')} as {'it is' if len(records) == 1 else 'they are'}: "
        + ", ".join(f"{counts[v]} {v}" for v in ("loads", "fails", "unknown") if counts[v]),
        indent=2,
    )
    order = {"fails": 0, "unknown": 1, "loads": 2}
    for record in sorted(records, key=lambda r: (order.get(str(r["verdict"]), 9), str(r["object"]))):
        mark, colour = page.mark(str(record["verdict"]))
        programs = record["programs"]
        loaded = sum(p["verdict"] == "loads" for p in programs)
        attached = sum(p["attach"] == "ok" for p in programs)
        tried = sum(p["attach"] in ("ok", "fails", "unknown") for p in programs)
        alone = (
            f"  {loaded} of {len(programs)} programs load alone, {attached} of {tried} attach"
            if programs
            else ""
        )
        page.line(
            (f"{mark} ", colour), (str(record["object"]), "bold"), f"  {record['verdict']}{alone}", indent=2
        )
        if record["problem"]:
            page.line((str(record["problem"]), "yellow"), indent=6)
        findings = record["findings"]
        limit = len(findings) if page.style.verbose else 3
        for finding in findings[:limit]:
            page.line(f"{finding['code']} {finding['title']}", indent=6)
        if len(findings) > limit:
            page.line((f"… and {len(findings) - limit} more (-v shows them)", "dim"), indent=6)
