# SPDX-License-Identifier: Apache-2.0
"""The text forms of `preflight tracers list`, `show`, `run` and `runbook`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.render.console import Page, Style
from preflight.render.safe import safe_text

#: Keys, rows and frames shown without -v.
_KEYS, _ROWS, _STACKS = 8, 20, 5
_BAR = 32

_VERDICT_WORD = {"loads": "would run", "fails": "cannot run", "unknown": "undecided"}


def render_list(result: Mapping[str, Any], style: Style) -> str:
    """Kernel by kernel: what would run of each tracer; why not the better variants."""
    page = Page(style)
    summary = result["summary"]
    page.line((str(summary["sentence"]), "bold"))
    kernels = dict.fromkeys(str(one["kernel"]) for one in result["results"])
    for kernel in kernels:
        page.blank()
        page.line(("kernel ", "dim"), (kernel, "bold"))
        for one in result["results"]:
            if str(one["kernel"]) == kernel:
                _listed(page, one)
    return page.text()


def _listed(page: Page, one: Mapping[str, Any]) -> None:
    best = one["runs"]
    words = {str(variant["verdict"]) for variant in one["variants"]}
    verdict = "loads" if best else "fails" if words == {"fails"} else "unknown"
    mark, colour = page.mark(verdict)
    surface = next((str(v["surface"]) for v in one["variants"] if v["name"] == best), "")
    shown = f"{best}" if best == surface else f"{best} ({surface})"
    first = f"{' or '.join(map(str, one.get('may_run', ())))} if that attaches, else as "
    first = first if one.get("may_run") else ""
    what = f"{_VERDICT_WORD[verdict]} as {first}{shown}" if best else _VERDICT_WORD[verdict]
    page.line(
        (f"{mark} ", colour),
        (str(one["name"]), "bold"),
        f"  {what}  ",
        (str(one["question"]), "dim"),
        indent=2,
    )
    for variant in one["variants"]:
        if variant["name"] == best and not page.style.verbose:
            break
        name = str(variant["name"])
        page.line((f"{name}: {variant['verdict']}", "dim"), f"  {variant['reason']}", indent=6)


def render_show(result: Mapping[str, Any], style: Style) -> str:
    """Everything about one or more tracers."""
    page = Page(style)
    for number, one in enumerate(result["results"]):
        if number:
            page.blank()
        _shown(page, one)
    return page.text()


def _shown(page: Page, one: Mapping[str, Any]) -> None:
    page.line((str(one["name"]), "bold"), f"  {one['domain']}  {one['question']}")
    page.line(f"cost {one['overhead']}: {one['overhead_because']}", indent=2)
    for text in one["requires"]:
        page.line(f"requires {text}", indent=2)
    filters = ", ".join(map(str, one["filters"])) or "none needed"
    page.line(f"filters for production, at least one of: {filters}", indent=2)
    for variant in one["variants"]:
        page.blank()
        note = f"  {variant['note']}" if variant["note"] else ""
        page.line(
            ("variant ", "dim"),
            (str(variant["name"]), "bold"),
            f"  {', '.join(variant['surfaces'])}{note}",
            indent=2,
        )
        for entry in variant["attach"]:
            extra = ", optional" if entry["optional"] else ""
            page.line(
                f"{entry['point']}  ", (f"{entry['stability']}: {entry['meaning']}{extra}", "dim"), indent=4
            )
        for need in variant["needs"]:
            page.line(f"needs {need['meaning']}", indent=4)
    for one_map in one["maps"]:
        if one_map["shape"] == "internal" and not page.style.verbose:
            continue
        page.blank()
        page.line(
            ("map ", "dim"),
            (str(one_map["name"]), "bold"),
            f"  {one_map['shape']}  {one_map['title']}",
            indent=2,
        )
        page.line((f"keys: {one_map['cardinality']}", "dim"), indent=4)
        rows: list[list[str | tuple[str, str]]] = [
            [str(f["label"]), str(f["part"]), str(f["privacy"]), str(f["handled"])] for f in one_map["fields"]
        ]
        page.table(["field", "part", "privacy", "by default"], rows, indent=4)
    if one["constants"]:
        page.blank()
        for constant in one["constants"]:
            page.line(f"--set {constant['name']}  ({constant['type']})  {constant['help']}", indent=2)
    if one["better"]:
        page.blank()
        for other in one["better"]:
            page.line(f"better when {other['when']}: {other['tool']}", indent=2)


def render_runbook(result: Mapping[str, Any], style: Style) -> str:
    """The sections, one under the other."""
    page = Page(style)
    for number, one in enumerate(result["results"]):
        if number:
            page.blank()
        page.line((f"Runbook: {one['name']}", "bold"))
        for section in one["sections"]:
            page.blank()
            page.line((str(section["title"]), "bold"), indent=2)
            for text in section["lines"]:
                page.line(f"- {text}", indent=4)
    return page.text()


def render_run(result: Mapping[str, Any], style: Style) -> str:
    """What was found, map by map, and what the tracer says of itself."""
    page = Page(style)
    summary = result["summary"]
    head = str(summary["tracer"]) + (f" ({summary['variant']})" if summary["variant"] else "")
    page.line((head, "bold"), f"  {summary['question']}")
    page.line(str(summary["sentence"]), indent=2)
    for one in summary["fallbacks"]:
        page.line((f"not as {one['variant']}: {one['reason']}", "yellow"), indent=2)
        if summary["variant"] is None or style.verbose:
            for text in one["details"]:
                page.line((str(text), "dim"), indent=6)
    for text in summary["losses"]:
        page.line((f"lost: {text}", "red"), indent=2)
    for text in summary["notes"]:
        page.line((f"note: {text}", "dim"), indent=2)
    for one in result["results"]:
        page.blank()
        _RESULTS.get(str(one["shape"]), _table)(page, one)
    if result["health"]:
        page.blank()
        _health(page, result["health"], summary)
    return page.text()


def _health(page: Page, health: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    counters = ", ".join(
        f"{name} {count:,}"
        for name, count in health["counters"].items()
        if count or name in ("seen", "exported")
    )
    agent = health["agent"]
    page.line(("health ", "dim"), counters)
    page.line(
        ("agent ", "dim"),
        f"{agent['cpu_seconds']:.2f} s CPU, {agent['max_rss_bytes'] / 2**20:.0f} MiB, maps "
        f"{agent['map_bytes'] / 2**20:.1f} MiB, libbpf {health['libbpf']}, detached",
    )
    if page.style.verbose:
        page.line(("attached ", "dim"), ", ".join(map(str, summary["attached"])))
    for handling, labels in summary["privacy"].items():
        page.line(("privacy ", "dim"), f"{handling}: {', '.join(map(str, labels))}")


def _title(page: Page, one: Mapping[str, Any]) -> None:
    page.line((str(one["title"]), "bold"))
    if one.get("full"):
        page.line(("the map is full: other keys are not in it", "red"), indent=2)
    if not one["rows"]:
        page.line(("nothing", "dim"), indent=2)


def _named(fields: Mapping[str, Any]) -> str:
    """Fields as `name value`; what is false, 0 or empty says nothing in a key."""
    return "  ".join(
        str(value) if not isinstance(value, bool) else str(label)
        for label, value in fields.items()
        if value not in (False, "", None)
    )


def _shown_value(value: Any, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int) and unit == "ns":
        return time_text(value)
    if isinstance(value, int):
        return f"{value:,}" if unit else str(value)
    return str(value)


def time_text(nanoseconds: float) -> str:
    """`1.5 ms`; three digits that count."""
    for size, word in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {word}"
    return f"{nanoseconds:.3g} ns"


def _table(page: Page, one: Mapping[str, Any]) -> None:
    _title(page, one)
    rows = one["rows"]
    if not rows:
        return
    limit = len(rows) if page.style.verbose else _ROWS
    units = one["units"]
    is_flat = one["shape"] == "events"
    flat = [dict(row) if is_flat else {**row["key"], **row["value"]} for row in rows[:limit]]
    header = list(dict.fromkeys(label for row in flat for label in row))
    cells: list[list[str | tuple[str, str]]] = [
        [_cell(row.get(label, ""), str(units.get(label, ""))) for label in header] for row in flat
    ]
    page.table(header, cells, indent=2)
    _more(page, len(rows) - limit, "rows")
    if one.get("left_out"):
        page.line((f"{one['left_out']} more events came and were not kept", "red"), indent=2)


def _cell(value: Any, unit: str) -> str:
    if isinstance(value, Mapping):
        mean = value["total"] / value["count"] if value["count"] else 0
        return f"{value['count']:,} (mean {_shown_value(round(mean), unit)})"
    return safe_text(_shown_value(value, unit), limit=80)


def _more(page: Page, count: int, what: str) -> None:
    if count > 0:
        page.line((f"… and {count} more {what} (-v shows them)", "dim"), indent=2)


def _histogram(page: Page, one: Mapping[str, Any]) -> None:
    _title(page, one)
    rows = one["rows"]
    limit = len(rows) if page.style.verbose else _KEYS
    for row in rows[:limit]:
        for label, value in row["value"].items():
            if not isinstance(value, Mapping):
                continue
            unit = str(one["units"].get(label, ""))
            mean = value["total"] / value["count"] if value["count"] else 0
            others = "  ".join(
                f"{name} {_shown_value(other, str(one['units'].get(name, '')))}"
                for name, other in row["value"].items()
                if not isinstance(other, Mapping)
            )
            counts = (
                f"  {value['count']:,} times, mean {_shown_value(round(mean), unit or 'count')}  {others}"
            )
            page.line((_named(row["key"]) or str(label), "bold"), counts.rstrip(), indent=2)
            _bars(page, value["buckets"], unit)
    _more(page, len(rows) - limit, "keys")


def _bars(page: Page, buckets: Sequence[Mapping[str, Any]], unit: str) -> None:
    largest = max((bucket["count"] for bucket in buckets), default=1)
    block = "█" if page.style.unicode else "#"
    counts = [f"{bucket['count']:,}" for bucket in buckets]
    width = max(map(len, counts), default=1)
    for bucket, count in zip(buckets, counts, strict=True):
        start = _shown_value(bucket["low"], unit or "count")
        end = "" if bucket["high"] is None else _shown_value(bucket["high"], unit or "count")
        length = max(1, round(bucket["count"] / largest * _BAR))
        page.line(f"{start:>9} - {end:<9} {count:>{width}} ", (block * length, "cyan"), indent=4)


def _stacks(page: Page, one: Mapping[str, Any]) -> None:
    _title(page, one)
    rows = one["rows"]
    limit = len(rows) if page.style.verbose else _STACKS
    for row in rows[:limit]:
        values = "  ".join(
            f"{label} {_shown_value(value, str(one['units'].get(label, '')))}"
            for label, value in row["value"].items()
        )
        page.line((_named(row["key"]), "bold"), f"  {values}", indent=2)
        for frame in reversed(row["frames"]):
            page.line(str(frame), indent=6)
    _more(page, len(rows) - limit, "stacks")


_RESULTS = {"histogram": _histogram, "stacks": _stacks, "table": _table, "events": _table}
