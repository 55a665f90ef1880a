# SPDX-License-Identifier: Apache-2.0
"""Two fleets, before and after a rollout: what got better, worse or undecided, by hosts. Pure.

Hosts that have a name on both sides are followed one by one. Of the others only the totals are known, and
these are compared; the result says how many hosts each way was taken for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from preflight.fleet.judge import COUNTED, Result
from preflight.fleet.report import in_order

if TYPE_CHECKING:
    from preflight.fleet.census import Census
    from preflight.fleet.distinct import Kernels
    from preflight.fleet.run import Judged

_WORDS = ("pass", "fail", "undecided", "not_tested")
_OPEN = ("undecided", "not_tested")


def direction(before: str, after: str) -> str:
    """`better`, `worse`, `undecided` or `same`, from what a host counted as on both sides."""
    if before == after or (before in _OPEN and after in _OPEN):
        return "same"
    if after in _OPEN:
        return "undecided"
    return "worse" if after == "fail" else "better"


def members(sides: tuple[Census, Census], kernels: Kernels, judged: Judged, partial: bool) -> dict[str, Any]:
    """`summary` (without its exit code), `results` (one per object), `causes` and `kernels`."""
    before, after = sides
    results = judged.results
    tables = [_table(found) for found in results]
    both = sorted(before.named.keys() & after.named.keys())
    moves = Counter((before.named[name].group, after.named[name].group) for name in both)
    objects = judged.matrix["objects"]
    rows = [_row(one, sides, tables, moves) for one in objects]
    ways = {pair: _host_direction(pair, tables, objects) for pair in moves}
    hosts: Counter[str] = Counter()
    for pair, count in moves.items():
        hosts[ways[pair]] += count
    summary = {
        "before": _side(before, kernels),
        "after": _side(after, kernels),
        "objects": len(objects),
        "followed": len(both),
        "gone": len(before.named.keys() - after.named.keys()),
        "new": len(after.named.keys() - before.named.keys()),
        "unnamed": {
            "before": sum(before.hosts.values()) - len(before.named),
            "after": sum(after.hosts.values()) - len(after.named),
        },
        "better": hosts["better"],
        "worse": hosts["worse"],
        "undecided": hosts["undecided"],
        "same": hosts["same"],
        "net_fail": sum(row["after"]["fail"] - row["before"]["fail"] for row in rows),
        "partial": partial,
        "notes": judged.matrix["summary"]["notes"],
    }
    if not both:
        # nobody can be followed: what the totals show at least
        summary |= {
            word: max((row[word] for row in rows), default=0) for word in ("better", "worse", "undecided")
        }
    return {
        "summary": summary | {"sentence": _sentence(summary), "verdict": _word(summary)},
        "results": rows,
        "kernels": _kernels(sides, kernels),
        "moves": _moves(sides, kernels, moves, ways),
        "causes": _causes(sides, judged),
        "skipped": [
            {"side": side, "source": s.source, "kind": s.kind, "reason": s.reason}
            for side, census in zip(("before", "after"), sides, strict=True)
            for s in census.skipped
        ],
    }


_Table = dict[tuple[int, str], Result]


def _table(results: Iterable[Result]) -> _Table:
    return {(one.group, one.sha256): one for one in results}


def _counts(census: Census, table: _Table, digest: str) -> dict[str, int]:
    given: Counter[str] = Counter()
    for (group, sha256), one in table.items():
        if sha256 == digest:
            given[COUNTED[one.state]] += census.hosts[group]
    return {word: given[word] for word in _WORDS}


def _row(
    one: Mapping[str, Any], sides: tuple[Census, Census], tables: Sequence[_Table],
    moves: Mapping[tuple[int, int], int],
) -> dict[str, Any]:  # fmt: skip
    digest = str(one["sha256"])
    counts = [_counts(census, table, digest) for census, table in zip(sides, tables, strict=True)]
    transitions: Counter[tuple[str, str]] = Counter()
    causes: Counter[str] = Counter()
    for (left, right), hosts in moves.items():
        old, new = tables[0][left, digest], tables[1][right, digest]
        words = (COUNTED[old.state], COUNTED[new.state])
        transitions[words] += hosts
        if direction(*words) in ("worse", "undecided"):
            for cause in new.causes:
                causes[cause] += hosts
    ways: Counter[str] = Counter()
    for words, hosts in transitions.items():
        ways[direction(*words)] += hosts
    if not moves:
        ways["worse"] = max(counts[1]["fail"] - counts[0]["fail"], 0)
        ways["better"] = max(counts[1]["pass"] - counts[0]["pass"], 0)
        ways["undecided"] = max(sum(counts[1][w] - counts[0][w] for w in _OPEN), 0)
    return {
        "object": one["object"],
        "sha256": digest,
        "before": counts[0],
        "after": counts[1],
        **{word: ways[word] for word in ("better", "worse", "undecided", "same")},
        "transitions": [
            {"before": old, "after": new, "hosts": hosts}
            for (old, new), hosts in sorted(transitions.items(), key=lambda item: (-item[1], item[0]))
        ],
        "causes": [
            {"id": key, "hosts": hosts} for key, hosts in sorted(causes.items(), key=lambda c: (-c[1], c[0]))
        ][:50],
    }


def _host_direction(
    pair: tuple[int, int], tables: Sequence[_Table], objects: Iterable[Mapping[str, Any]]
) -> str:
    """A host got worse when any object did, better when one did and none got worse or undecided."""
    ways = {
        direction(
            COUNTED[tables[0][pair[0], o["sha256"]].state], COUNTED[tables[1][pair[1], o["sha256"]].state]
        )
        for o in objects
    }
    return next((way for way in ("worse", "undecided", "better") if way in ways), "same")


def _side(census: Census, kernels: Kernels) -> dict[str, Any]:
    return {
        "hosts": sum(census.hosts.values()),
        "kernels": len(
            {kernels.names[g.kernel] for g in census.groups.values() if census.hosts[g.number] > 0}
        ),
        "skipped": sum(census.skips.values()),
    }


def _kernels(sides: tuple[Census, Census], kernels: Kernels) -> list[dict[str, Any]]:
    """Every kernel of either side, with its hosts before and after."""
    counts: dict[str, list[int]] = {}
    for number, census in enumerate(sides):
        for group in in_order(census, kernels):
            counts.setdefault(kernels.names[group.kernel], [0, 0])[number] += census.hosts[group.number]
    return [{"kernel": name, "before": old, "after": new} for name, (old, new) in sorted(counts.items())]


def _moves(
    sides: tuple[Census, Census], kernels: Kernels, moves: Mapping[tuple[int, int], int],
    ways: Mapping[tuple[int, int], str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Followed hosts by the kernels they had on both sides; most that got worse first."""
    names = [
        {group.number: kernels.names[group.kernel] for group in census.groups.values()} for census in sides
    ]
    counts: dict[tuple[str, str], Counter[str]] = {}
    for (old, new), hosts in moves.items():
        counts.setdefault((names[0][old], names[1][new]), Counter())[ways[old, new]] += hosts
    found: list[dict[str, Any]] = [
        {"before": old, "after": new, "hosts": given.total()}
        | {word: given[word] for word in ("better", "worse", "undecided", "same")}
        for (old, new), given in counts.items()
    ]
    return sorted(found, key=lambda one: (-one["worse"], -one["hosts"], one["before"], one["after"]))[:1000]


def _causes(sides: tuple[Census, Census], judged: Judged) -> list[dict[str, Any]]:
    """Causes by hosts on both sides, those that grew most first."""
    counts: dict[str, list[int]] = {}
    for number, (census, results) in enumerate(zip(sides, judged.results, strict=True)):
        groups: dict[str, set[int]] = {}
        for one in results:
            for key in one.causes:
                groups.setdefault(key, set()).add(one.group)
        for key, hit in groups.items():
            counts.setdefault(key, [0, 0])[number] = sum(census.hosts[group] for group in hit)
    described = {str(cause["id"]): cause for cause in judged.matrix["causes"]} | judged.causes
    found = [
        {
            "id": key,
            **{word: described[key][word] for word in ("code", "name", "title", "verdict", "cause", "fix")},
            "before": old,
            "after": new,
        }
        for key, (old, new) in counts.items()
        if key in described
    ]
    return sorted(found, key=lambda one: (one["before"] - one["after"], one["code"], one["id"]))


def _word(summary: Mapping[str, Any]) -> str:
    if summary["worse"]:
        return "fails"
    return "unknown" if summary["undecided"] else "loads"


def _sentence(summary: Mapping[str, Any]) -> str:
    lead = "Interrupted, and so partial: " if summary["partial"] else ""
    if summary["followed"]:
        moved = (
            f"of {summary['followed']:,} hosts known on both sides {summary['worse']:,} got worse, "
            f"{summary['better']:,} better, {summary['undecided']:,} undecided, "
            f"{summary['same']:,} are the same"
        )
        ends = [f"{summary[word]:,} {word}" for word in ("gone", "new") if summary[word]]
    else:
        moved = (
            f"{summary['before']['hosts']:,} hosts before and {summary['after']['hosts']:,} after, "
            f"none known by name; by the totals of single objects at least {summary['worse']:,} worse, "
            f"{summary['better']:,} better, {summary['undecided']:,} undecided"
        )
        ends = []
    return f"{lead}{moved[0].upper()}{moved[1:]}{'; ' + ', '.join(ends) if ends else ''}."
