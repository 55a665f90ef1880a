# SPDX-License-Identifier: Apache-2.0
"""From a census and what was judged to the members of the result; every number counts hosts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from preflight.fleet.census import SKIPS, Census, Group
from preflight.fleet.distinct import FROM_CATALOGUE, FROM_FACTS, WHY, Kernels
from preflight.fleet.drill import labels
from preflight.fleet.judge import BLOCKED, COUNTED, Result
from preflight.matrix.assemble import kernel_order

#: What hosts and pairs count as, worst first; a host counts as its worst object.
WORDS = ("fail", "undecided", "not_tested", "pass")
_LANES = {"unknown": 1, "degraded": 2}


def members(
    census: Census, kernels: Kernels, matrix: Mapping[str, Any], results: Sequence[Result],
    host_causes: Mapping[str, Mapping[str, Any]], partial: bool,
) -> dict[str, Any]:  # fmt: skip
    """`summary` (without its exit code) and all lists of the result.

    `matrix` has the members of `preflight matrix` for the kernels; `host_causes` describes the causes
    that facts added. Groups from which every host was taken back are left out.
    """
    groups = in_order(census, kernels)
    weight = {group.number: census.hosts[group.number] for group in groups}
    alive = set(weight)
    results = [one for one in results if one.group in alive]
    worst = worst_of(groups, results)
    name = {group.number: kernels.names[group.kernel] for group in groups}
    position = {group.number: number for number, group in enumerate(groups)}
    causes = _causes(matrix, host_causes, results, weight, name)
    hosts = sum(weight.values())
    pairs = _count((one.state, weight[one.group]) for one in results)
    by_host = _counted((worst[number], count) for number, count in weight.items())
    summary = {
        "hosts": hosts,
        "hosts_by": by_host if results else None,
        "pairs": pairs,
        "kernels": len(set(name.values())),
        "policies": len({group.policy for group in groups}),
        "groups": len(groups),
        "objects": len(matrix["objects"]),
        "skipped": sum(census.skips.values()),
        "skipped_by": {kind: census.skips[kind] for kind in SKIPS},
        "partial": partial,
    }
    return {
        "summary": {
            **matrix["summary"],
            **summary,
            "sentence": _sentence(summary, results, worst, weight, name),
            "verdict": _word(by_host) if results else "unknown",
            "causes": [cause["id"] for cause in causes],
            "notes": sorted({*matrix["summary"]["notes"], *_notes(groups, kernels, census)}),
        },
        "objects": matrix["objects"],
        "kernels": _kernels(census, kernels, matrix, groups),
        "rows": matrix["rows"],
        "columns": matrix["columns"],
        "cells": matrix["results"],
        "causes": causes,
        "by_object": _by_object(matrix["objects"], results, weight),
        "policies": _policies(census, groups, worst),
        "groups": [_group(group, position, census, name) for group in groups],
        "labels": labels(census.labels, worst, name, results),
        "checks": _checks(groups, weight),
        "skipped": [{"source": s.source, "kind": s.kind, "reason": s.reason} for s in census.skipped],
        "results": sorted(
            (_result(one, position, census, name) for one in results),
            key=lambda one: (one["object"], one["sha256"], one["group"]),
        ),
    }


def in_order(census: Census, kernels: Kernels) -> list[Group]:
    """Groups that have hosts, in an order that does not depend on that of the files."""
    alive = [(key, group) for key, group in census.groups.items() if census.hosts[group.number] > 0]
    alive.sort(key=lambda one: (kernels.names[one[1].kernel], one[1].policy, one[0][2]))
    return [group for _, group in alive]


def worst_of(groups: Iterable[Group], results: Iterable[Result]) -> dict[int, str]:
    """What each group's hosts count as: the worst that any object comes to there."""
    found = dict.fromkeys((group.number for group in groups), "pass")
    for one in results:
        word = COUNTED[one.state]
        if WORDS.index(word) < WORDS.index(found[one.group]):
            found[one.group] = word
    return found


def _count(states: Iterable[tuple[str, int]]) -> dict[str, int]:
    return _counted((COUNTED[state], count) for state, count in states)


def _counted(words: Iterable[tuple[str, int]]) -> dict[str, int]:
    given: Counter[str] = Counter()
    for word, count in words:
        given[word] += count
    return {word: given[word] for word in ("pass", "fail", "undecided", "not_tested")}


def _word(counts: Mapping[str, int]) -> str:
    if counts["fail"]:
        return "fails"
    return "unknown" if counts["undecided"] or counts["not_tested"] else "loads"


def _sentence(
    summary: Mapping[str, Any], results: Sequence[Result], worst: Mapping[int, str],
    weight: Mapping[int, int], name: Mapping[int, str],
) -> str:  # fmt: skip
    lead = "Interrupted, and so partial: " if summary["partial"] else ""
    what = f"{_plural(summary['hosts'], 'host')} with {_plural(summary['kernels'], 'kernel')}"
    tail = f". {_plural(summary['skipped'], 'facts document')} skipped." if summary["skipped"] else "."
    if not results:
        return f"{lead}{what}; no object was named{tail}"
    red = [one for one in results if COUNTED[one.state] == "fail"]
    by = summary["hosts_by"]
    objects = _plural(summary["objects"], "object")
    rest = [
        f"{_plural(by[word], 'host')} {said}"
        for word, said in (("undecided", "undecided"), ("not_tested", "not tested"))
        if by[word]
    ]
    open_ = f"; {', '.join(rest)}" if rest else ""
    if red:
        bad_kernels = {name[one.group] for one in red}
        bad = len({one.sha256 for one in red})
        return (
            f"{lead}{bad} of {objects} {'fails' if bad == 1 else 'fail'} on {by['fail']} of "
            f"{_plural(summary['hosts'], 'host')} ({len(bad_kernels)} of "
            f"{_plural(summary['kernels'], 'kernel')}){open_}{tail}"
        )
    if by["pass"]:
        return f"{lead}Nothing known stops {objects} on {by['pass']} of {what}{open_}{tail}"
    return f"{lead}Nothing is decided of {objects} on {what}{open_}{tail}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _causes(
    matrix: Mapping[str, Any], host_causes: Mapping[str, Mapping[str, Any]], results: Sequence[Result],
    weight: Mapping[int, int], name: Mapping[int, str],
) -> list[dict[str, Any]]:  # fmt: skip
    """All causes, what stops most hosts first. Those of the matrix keep their cells; warnings come last."""
    groups: dict[str, set[int]] = {}
    objects: dict[str, set[str]] = {}
    alone: Counter[str] = Counter()
    cells: Counter[str] = Counter()
    for one in results:
        for key in one.causes:
            groups.setdefault(key, set()).add(one.group)
            objects.setdefault(key, set()).add(one.object)
            cells[key] += 1
        if COUNTED[one.state] == "fail" and len(one.causes) == 1:
            alone[one.causes[0]] += 1
    found = []
    for cause in matrix["causes"]:
        hit = groups.get(cause["id"])
        if hit is not None:
            found.append({**cause, "hosts": sum(weight[number] for number in hit)})
        elif cause["verdict"] == "degraded":
            names = set(cause["kernels"])
            hosts = sum(count for number, count in weight.items() if name[number] in names)
            found.append({**cause, "hosts": hosts})
    for key, described in host_causes.items():
        hit = groups.get(key)
        if hit is None:
            continue
        kernels = sorted({name[number] for number in hit})
        found.append(
            {
                "id": key,
                **described,
                "kernel": kernels[0],
                "cells": cells[key],
                "alone": alone[key],
                "explained": False,
                "objects": sorted(objects[key]),
                "kernels": kernels,
                "hosts": sum(weight[number] for number in hit),
            }
        )
    return sorted(
        found,
        key=lambda one: (
            _LANES.get(one["verdict"], 0),
            -one["hosts"],
            -one["cells"],
            one["code"],
            one["title"],
        ),
    )


def _kernels(
    census: Census, kernels: Kernels, matrix: Mapping[str, Any], groups: Sequence[Group]
) -> list[dict[str, Any]]:
    """Distinct kernels, newest first: as the matrix knows them, and where their BTF came from."""
    known = {one["kernel"]: one for one in matrix["kernels"]}
    hosts: Counter[Any] = Counter()
    for group in groups:
        hosts[group.kernel] += census.hosts[group.number]
    found = []
    for key, count in hosts.items():
        release, arch, distribution = census.releases[key].most_common(1)[0][0]
        source = kernels.sources[key]
        own = known.get(kernels.names[key], {})
        found.append(
            {
                "release": release, "arch": arch, "distribution": distribution, "known": None, "note": "",
                **own,
                "kernel": kernels.names[key], "btf_sha256": key.btf, "config_sha256": key.config,
                "btf_from": source, "hosts": count,
                "releases": sorted({str(one[0]) for one in census.releases[key] if one[0]})[:50],
            }
        )  # fmt: skip
        if source in WHY and not own.get("note"):
            found[-1]["note"] = WHY[source]
    return sorted(found, key=kernel_order)


def _by_object(
    objects: Iterable[Mapping[str, Any]], results: Iterable[Result], weight: Mapping[int, int]
) -> list[dict[str, Any]]:
    counts: dict[str, Counter[str]] = {}
    for one in results:
        counts.setdefault(one.sha256, Counter())[one.state] += weight[one.group]
    found = []
    for known in objects:
        states = counts.get(known["sha256"], Counter())
        found.append(
            {
                "object": known["object"],
                "sha256": known["sha256"],
                "hosts": _count(states.items()),
                "blocked": states[BLOCKED],
            }
        )
    return found


def _policies(census: Census, groups: Iterable[Group], worst: Mapping[int, str]) -> list[dict[str, Any]]:
    counts: dict[str, Counter[str]] = {}
    for group in groups:
        counts.setdefault(group.policy, Counter())[worst[group.number]] += census.hosts[group.number]
    found = [
        {
            "digest": digest,
            "hosts": sum(given.values()),
            "hosts_by": _counted(given.items()),
            "values": dict(sorted(census.policies[digest].items())),
        }
        for digest, given in counts.items()
    ]
    return sorted(found, key=lambda one: (-one["hosts"], one["digest"]))


def _group(
    group: Group, position: Mapping[int, int], census: Census, name: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "group": position[group.number],
        "kernel": name[group.number],
        "policy": group.policy,
        "hosts": census.hosts[group.number],
    }


def _checks(groups: Iterable[Group], weight: Mapping[int, int]) -> list[dict[str, Any]]:
    """Host checks that do not pass, by how many hosts: required ones first."""
    hosts: Counter[tuple[str, str, str, str]] = Counter()
    titles: dict[tuple[str, str, str, str], str] = {}
    for group in groups:
        for check in group.checks:
            if check.verdict in ("missing", "blocked", "degraded", "unknown") and check.severity != "info":
                key = (check.code, check.subject, check.verdict, check.severity)
                hosts[key] += weight[group.number]
                titles.setdefault(key, check.title)
    order = ("required", "recommended")
    found: list[dict[str, Any]] = [
        {"code": key[0], "subject": key[1], "verdict": key[2], "severity": key[3], "title": titles[key],
         "hosts": count}
        for key, count in hosts.items()
    ]  # fmt: skip
    return sorted(
        found,
        key=lambda one: (
            order.index(one["severity"]) if one["severity"] in order else len(order),
            one["verdict"] == "unknown",
            -one["hosts"],
            one["code"],
            one["subject"],
            one["verdict"],
        ),
    )[:500]


def _result(
    one: Result, position: Mapping[int, int], census: Census, name: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "object": one.object,
        "sha256": one.sha256,
        "group": position[one.group],
        "kernel": name[one.group],
        "hosts": census.hosts[one.group],
        "evidence": "predicted",
        "state": one.state,
        "causes": list(one.causes),
        "reason": one.reason,
    }


def _notes(groups: Sequence[Group], kernels: Kernels, census: Census) -> list[str]:
    notes = []
    lost = Counter[str]()
    for group in groups:
        source = kernels.sources[group.kernel]
        if source not in (FROM_FACTS, FROM_CATALOGUE):
            lost[source] += census.hosts[group.number]
    notes += [
        f"{_plural(count, 'host')} cannot be predicted: {WHY[source]}" for source, count in lost.items()
    ]
    if any(key is None for key in (group.kernel.config for group in groups)):
        notes.append("of some kernels the configuration is not known; what depends on it is undecided")
    return notes
