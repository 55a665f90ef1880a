# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight fleet`: the sentence, what stops most hosts, and the matrix of kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.render import matrix_view as view
from preflight.render.console import Page, Style

#: Causes, kernels and other rows shown by default.
_FIRST = 5
_COLOURS = {"missing": "red", "blocked": "red", "unknown": "magenta", "degraded": "yellow"}


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result of `fleet` (the JSON contract's object) as text."""
    page = Page(style)
    summary, tool = result["summary"], result["tool"]
    page.line((f"{tool['name']} {tool['version']} · predicted from facts, by hosts", "bold"))
    mark, colour = page.mark(str(summary["verdict"]))
    page.line((f"{mark} ", colour), (str(summary["sentence"]), f"bold {colour}"))
    if summary["hosts_by"] is not None:
        page.line(f"hosts: {_counts(summary['hosts_by'])}")
    _objects(page, result)
    _causes(page, "what stops most hosts, first", view.stopping(result["causes"]))
    _causes(page, "what is undecided", view.others(result["causes"], "unknown"))
    _causes(page, "loads, and may read wrong data", view.others(result["causes"], "degraded"))
    _kernels(page, result)
    _policies(page, result)
    _checks(page, result)
    _labels(page, result)
    _skipped(page, result)
    for note in summary["notes"]:
        page.line(("note: ", "yellow"), str(note))
    return page.text()


def render_diff(result: Mapping[str, Any], style: Style) -> str:
    """The result of `fleet --diff` as text."""
    page = Page(style)
    summary, tool = result["summary"], result["tool"]
    page.line((f"{tool['name']} {tool['version']} · predicted from facts, before and after", "bold"))
    mark, colour = page.mark(str(summary["verdict"]))
    page.line((f"{mark} ", colour), (str(summary["sentence"]), f"bold {colour}"))
    page.blank()
    rows: list[list[str | tuple[str, str]]] = [
        [
            str(one["object"]),
            *(f"{one['before'][word]} -> {one['after'][word]}" for word in ("pass", "fail")),
            " -> ".join(
                str(one[side]["undecided"] + one[side]["not_tested"]) for side in ("before", "after")
            ),
            (str(one["worse"]), "red" if one["worse"] else ""),
            (str(one["better"]), "green" if one["better"] else ""),
            (str(one["undecided"]), "magenta" if one["undecided"] else ""),
        ]
        for one in result["results"]
        if style.verbose or one["worse"] or one["better"] or one["undecided"]
    ]
    if rows:
        page.table(["object", "pass", "fail", "open", "worse", "better", "undecided"], rows)
    hidden = len(result["results"]) - len(rows)
    if hidden:
        page.line((f"{hidden} objects come out as before (-v shows them)", "dim"))
    page.blank()
    moved = [one for one in result["kernels"] if style.verbose or one["before"] != one["after"]]
    if moved:
        page.table(
            ["kernel", "hosts before", "hosts after"],
            [
                [str(one["kernel"]), str(one["before"]), str(one["after"])]
                for one in moved[: _limit(page, 20)]
            ],
        )
    _moves(page, result)
    changed = [one for one in result["causes"] if one["before"] != one["after"]]
    for one in changed[: _limit(page)]:
        page.line((f"{one['code']} ", f"bold {_COLOURS.get(str(one['verdict']), '')}"), str(one["title"]))
        page.line((f"hosts {one['before']} -> {one['after']}", "dim"), indent=6)
        if one["fix"] and one["after"]:
            page.line(("fix: ", "green"), str(one["fix"]), indent=6, hang=11)
    _skipped(page, result)
    return page.text()


def _moves(page: Page, result: Mapping[str, Any]) -> None:
    """From which kernel to which the hosts went whose answers changed."""
    moves = [
        one
        for one in result.get("moves", ())
        if page.style.verbose or one["worse"] or one["better"] or one["undecided"]
    ]
    if not moves:
        return
    rows: list[list[str | tuple[str, str]]] = [
        [
            str(one["before"]),
            str(one["after"]),
            str(one["hosts"]),
            (str(one["worse"]), "red" if one["worse"] else ""),
            (str(one["better"]), "green" if one["better"] else ""),
            (str(one["undecided"]), "magenta" if one["undecided"] else ""),
        ]
        for one in moves[: _limit(page, 10)]
    ]
    page.table(["from kernel", "to kernel", "hosts", "worse", "better", "undecided"], rows)
    _left(page, moves, 10)


def _hosts(count: int) -> str:
    return f"{count:,} {'host' if count == 1 else 'hosts'}"


def _counts(counts: Mapping[str, int]) -> str:
    return (
        f"{counts['pass']:,} pass · {counts['fail']:,} fail · {counts['undecided']:,} undecided · "
        f"{counts['not_tested']:,} not tested"
    )


def _limit(page: Page, first: int = _FIRST) -> int | None:
    return None if page.style.verbose else first


def _left(page: Page, every: Sequence[object], first: int = _FIRST) -> None:
    if not page.style.verbose and len(every) > first:
        page.line((f"… and {len(every) - first} more (-v shows them)", "dim"))


def _objects(page: Page, result: Mapping[str, Any]) -> None:
    bad = sorted(
        (one for one in result["by_object"] if one["hosts"]["pass"] != result["summary"]["hosts"]),
        key=lambda one: (-one["hosts"]["fail"], -one["hosts"]["undecided"], one["object"]),
    )
    shown = result["by_object"] if page.style.verbose else bad[:10]
    if not shown:
        return
    page.blank()
    rows: list[list[str | tuple[str, str]]] = [
        [
            str(one["object"]),
            str(one["hosts"]["pass"]),
            (str(one["hosts"]["fail"]), "red" if one["hosts"]["fail"] else ""),
            str(one["blocked"]),
            (str(one["hosts"]["undecided"]), "magenta" if one["hosts"]["undecided"] else ""),
            str(one["hosts"]["not_tested"]),
        ]
        for one in shown
    ]
    page.table(["object", "pass", "fail", "by policy", "undecided", "not tested"], rows)
    _left(page, bad, 10)


def _causes(page: Page, heading: str, causes: Sequence[Mapping[str, Any]]) -> None:
    if not causes:
        return
    page.blank()
    page.line((heading, "bold"))
    groups = [(cause, 0) for cause in causes] if page.style.verbose else view.together(causes)
    for cause, like in groups[: _limit(page)]:
        more = f" (and {like} more of this kind)" if like else ""
        page.line(
            (f"{cause['code']} ", f"bold {_COLOURS.get(str(cause['verdict']), '')}"), str(cause["title"])
        )
        where = (
            f"{_hosts(cause['hosts'])}{more}: {view.few(cause['objects'])} on {view.few(cause['kernels'])}"
        )
        page.line((where, "dim"), indent=6)
        if cause["fix"]:
            page.line(("fix: ", "green"), " ".join(str(cause["fix"]).split()), indent=6, hang=11)
    _left(page, groups)


def _kernels(page: Page, result: Mapping[str, Any]) -> None:
    bad: dict[str, int] = {}
    for one in result["results"]:
        if one["state"] in ("fails", "attach-fails", "blocked"):
            bad[one["kernel"]] = bad.get(one["kernel"], 0) + 1
    kernels = sorted(result["kernels"], key=lambda one: (-one["hosts"], one["kernel"]))
    page.blank()
    rows: list[list[str | tuple[str, str]]] = [
        [
            str(one["kernel"]),
            str(one["hosts"]),
            str(one["btf_sha256"] or "none")[:12],
            str(one["btf_from"]),
            (str(bad.get(one["kernel"], 0)), "red" if bad.get(one["kernel"]) else ""),
        ]
        for one in kernels[: _limit(page, 10)]
    ]
    page.table(["kernel", "hosts", "BTF", "BTF from", "failing cells"], rows)
    _left(page, kernels, 10)


def _policies(page: Page, result: Mapping[str, Any]) -> None:
    policies = result["policies"]
    page.blank()
    page.line((f"{len(policies)} policy classes", "bold"))
    common = _common(policies)
    for one in policies[: _limit(page)]:
        own = ", ".join(f"{k}={_plain(v)}" for k, v in one["values"].items() if common.get(k) != [v])
        page.line(f"{one['digest']} ", (f"{_hosts(one['hosts'])} ", "bold"), own or "", indent=2)
    _left(page, policies)


def _common(policies: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Values of each setting over all classes; a single one needs no mention where there are several."""
    found: dict[str, list[Any]] = {}
    for one in policies:
        for key, value in one["values"].items():
            values = found.setdefault(key, [])
            if value not in values:
                values.append(value)
    return found if len(policies) > 1 else {}


def _plain(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def _checks(page: Page, result: Mapping[str, Any]) -> None:
    checks = result["checks"]
    if not checks:
        return
    page.blank()
    page.line(("host checks that do not pass", "bold"))
    for one in checks[: _limit(page)]:
        subject = f"[{one['subject']}]" if one["subject"] else ""
        page.line(
            (f"{one['code']}{subject} ", f"bold {_COLOURS.get(str(one['verdict']), '')}"),
            f"{one['verdict']} on {_hosts(one['hosts'])}: {one['title']}",
            indent=2,
        )
    _left(page, checks)


def _labels(page: Page, result: Mapping[str, Any]) -> None:
    for one in result["labels"]:
        page.blank()
        rows: list[list[str | tuple[str, str]]] = [
            [
                str(value["value"]), str(value["hosts"]),
                *(str(value["hosts_by"][word]) for word in ("pass", "fail", "undecided", "not_tested")),
            ]
            for value in one["values"][: _limit(page, 10)]
        ]  # fmt: skip
        page.table([str(one["label"]), "hosts", "pass", "fail", "undecided", "not tested"], rows)
        _left(page, one["values"], 10)


def _skipped(page: Page, result: Mapping[str, Any]) -> None:
    skipped = result["skipped"]
    if not skipped:
        return
    page.blank()
    page.line(("skipped", "bold"))
    for one in skipped[: _limit(page)]:
        page.line((f"{one['kind']} ", "yellow"), f"{one['source']} {one['reason']}", indent=2)
    _left(page, skipped)
