# SPDX-License-Identifier: Apache-2.0
"""From all cells to the result: order, folding, causes by how much they stop, and the first sentence. Pure.

The result depends on what was asked, and not on the order it was asked in or answered in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from preflight.matrix.cells import MEASURED, PREDICTED, RED, STATES, Cell
from preflight.matrix.plan import hosts_of

Pair = tuple[str, str]
VERDICTS = ("fails", "unknown", "loads")
ATTACHES = ("fails", "unknown", "ok", "not-tried")
#: What a state counts as, in the four numbers.
COUNTED = {"fails": "fail", "attach-fails": "fail", "unknown": "undecided", "not-tested": "not_tested",
           "fine": "pass"}  # fmt: skip


class Matrix:
    """Everything judged so far. Cells are by kernel and digest of the object, then by evidence level."""

    __slots__ = ("causes", "cells", "kernels", "notes", "objects")

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self.objects = objects
        self.kernels: dict[str, dict[str, Any]] = {}
        self.cells: dict[Pair, dict[str, Cell]] = {}
        self.causes: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self.notes: set[str] = set()

    def add(self, kernel: str, digest: str, cell: Cell) -> None:
        """Put a cell in its place; one of each evidence level."""
        self.cells.setdefault((kernel, digest), {})[cell.evidence] = cell

    def describe(self, causes: Mapping[str, Mapping[str, Any]], kernel: str) -> None:
        """Keep the description of causes; of several, that of the newest kernel."""
        rank = kernel_order(self.kernels.get(kernel) or {"kernel": kernel})
        for key, cause in causes.items():
            known = self.causes.get(key)
            if known is None or rank < known[0]:
                self.causes[key] = (rank, {**cause, "kernel": kernel})

    def shown(self, kernel: str, digest: str) -> Cell:
        """The cell of the pair that is shown: what was measured where that decides, else the prediction."""
        known = self.cells[kernel, digest]
        real = known.get(MEASURED)
        if real is not None and (real.state not in ("unknown", "not-tested") or PREDICTED not in known):
            return real
        return known[PREDICTED]


class _Backwards:
    """Turns an ordering around, as a sorting key."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Backwards) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and bool(other.value == self.value)

    __hash__ = None  # type: ignore[assignment]


def kernel_order(kernel: Mapping[str, Any]) -> tuple[Any, ...]:
    """By family (distribution, then machine), the newest release first, its flavours by name."""
    from preflight.kernels.store import natural

    version = _FLAVOUR.split(str(kernel.get("release") or ""), maxsplit=1)[0]
    return (*_family(kernel), _Backwards(natural(version)), natural(kernel["kernel"]))


#: Where the version ends in `6.12.107+deb13-cloud-amd64`.
_FLAVOUR = re.compile(r"-(?=[a-z])")


def _family(kernel: Mapping[str, Any]) -> tuple[bool, str, bool, str]:
    distribution, arch = kernel.get("distribution"), kernel.get("arch")
    # what is unknown comes last, and this machine's kind of kernel is not preferred to any other
    return (not distribution, str(distribution or ""), not arch, str(arch or ""))


def result(matrix: Matrix, hosts: Mapping[str, int], partial: bool) -> dict[str, Any]:
    """The members of the result: `summary` (without its exit code), `objects`, `kernels`, `rows`, `columns`,
    `causes` and `results`."""
    objects = sorted(matrix.objects, key=lambda one: (one["object"], one["sha256"]))
    kernels = sorted(matrix.kernels.values(), key=kernel_order)
    kernels = [{**kernel, "hosts": hosts_of(kernel["kernel"], hosts)} for kernel in kernels]
    names = [kernel["kernel"] for kernel in kernels]
    digests = [one["sha256"] for one in objects]
    shown = {(name, digest): matrix.shown(name, digest) for name in names for digest in digests}
    rows = _rows(matrix, kernels, digests)
    columns = _columns(matrix, rows, objects)
    weights = {kernel["kernel"]: kernel["hosts"] or 0 for kernel in kernels} if hosts else {}
    causes = _causes(matrix, shown, objects, names, weights)
    counts = _counts(shown.values())
    return {
        "summary": {
            "sentence": _sentence(shown, objects, kernels, counts, weights, partial),
            "verdict": _word(counts),
            "objects": len(objects),
            "kernels": len(names),
            "distinct_btf": len({kernel["btf_sha256"] for kernel in kernels if kernel.get("btf_sha256")}),
            "cells": len(shown),
            "counts": counts,
            "states": _tally((cell.state for cell in shown.values()), STATES),
            "verdicts": _tally((cell.verdict for cell in shown.values()), VERDICTS),
            "adjusted_verdicts": _tally((cell.adjusted for cell in shown.values()), VERDICTS),
            "attach": _tally((cell.attach for cell in shown.values()), ATTACHES),
            "evidence": _tally((cell.evidence for cell in shown.values()), (PREDICTED, MEASURED)),
            "agreement": _agreement(matrix, names, objects),
            "hosts": sum(weights.values()) if hosts else None,
            "causes": [cause["id"] for cause in causes],
            "notes": sorted(matrix.notes),
            "partial": partial,
        },
        "objects": objects,
        "kernels": kernels,
        "rows": rows,
        "columns": columns,
        "causes": causes,
        "results": list(_records(matrix, names, objects)),
    }


def _word(counts: Mapping[str, int]) -> str:
    if counts["fail"]:
        return "fails"
    return "unknown" if counts["undecided"] or counts["not_tested"] else "loads"


def _counts(cells: Iterable[Cell]) -> dict[str, int]:
    given = Counter(COUNTED[cell.state] for cell in cells)
    return {word: given[word] for word in ("pass", "fail", "undecided", "not_tested")}


def _tally(words: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    given = Counter(words)
    return {word: given[word] for word in known}


def _sentence(
    shown: Mapping[Pair, Cell],
    objects: Sequence[Mapping[str, Any]],
    kernels: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
    weights: Mapping[str, int],
    partial: bool,
) -> str:
    red = [pair for pair, cell in shown.items() if cell.state in RED]
    bad_kernels = {kernel for kernel, _ in red}
    bad_objects = {digest for _, digest in red}
    asked = f"{_plural(len(objects), 'object')} on {_plural(len(kernels), 'kernel')}"
    if red:
        words = (
            f"{len(bad_objects)} of {_plural(len(objects), 'object')} "
            f"{'fails' if len(bad_objects) == 1 else 'fail'}, on {len(bad_kernels)} of "
            f"{_plural(len(kernels), 'kernel')} ({len(red)} of {_plural(len(shown), 'cell')}"
        )
        if weights:
            hit, every = sum(weights[kernel] for kernel in bad_kernels), sum(weights.values())
            words += f"; {hit} of {_plural(every, 'host')}"
        words += ")"
    elif counts["pass"]:
        every = counts["pass"] == len(shown)
        what = "" if every else f" in {counts['pass']} of {_plural(len(shown), 'cell')}"
        words = f"Nothing known stops {asked}{what}"
    else:
        words = f"Nothing is decided of {asked}"
    rest = []
    if counts["undecided"]:
        rest.append(f"{_plural(counts['undecided'], 'cell')} undecided")
    if counts["not_tested"]:
        rest.append(f"{_plural(counts['not_tested'], 'cell')} not tested")
    tail = f". {', '.join(rest)}." if rest else "."
    return f"{'Interrupted, and so partial: ' if partial else ''}{words}{tail}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _fingerprint(known: Mapping[str, Cell]) -> tuple[Any, ...]:
    """What makes two pairs look the same: all but the number of programs and what is left open."""
    return tuple(
        (cell[:6], bool(cell.open), cell.causes, cell.warnings, cell.reason)
        for _, cell in sorted(known.items())
    )


def _rows(
    matrix: Matrix, kernels: Sequence[Mapping[str, Any]], digests: Sequence[str]
) -> list[dict[str, Any]]:
    """Kernels of one family whose cells are the same, together; in the order of their first."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for kernel in kernels:
        vector = tuple(_fingerprint(matrix.cells[kernel["kernel"], digest]) for digest in digests)
        groups.setdefault((*_family(kernel), vector), []).append(kernel)
    return [
        {
            "kernels": [kernel["kernel"] for kernel in group],
            "distribution": group[0].get("distribution"),
            "arch": group[0].get("arch"),
            "distinct_btf": len({k["btf_sha256"] for k in group if k.get("btf_sha256")}),
            "hosts": sum(k["hosts"] or 0 for k in group) if any(k["hosts"] for k in group) else None,
        }
        for group in groups.values()
    ]


def _columns(
    matrix: Matrix, rows: Sequence[Mapping[str, Any]], objects: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """Digests of objects whose cells are the same on every kernel, together."""
    groups: dict[Any, list[str]] = {}
    for one in objects:
        vector = tuple(_fingerprint(matrix.cells[row["kernels"][0], one["sha256"]]) for row in rows)
        groups.setdefault(vector, []).append(one["sha256"])
    return list(groups.values())


def _causes(
    matrix: Matrix,
    shown: Mapping[Pair, Cell],
    objects: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    weights: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Every cause that a shown cell names: those that stop first, by hosts, then by cells.

    Where a kernel refused what was predicted to fail, the predicted causes say why; what was measured is
    then `explained`, and comes after them. `alone` counts the red cells that nothing else stops: what this
    one fix turns green.
    """
    title = {one["sha256"]: one["object"] for one in objects}
    pairs: dict[str, list[Pair]] = {}
    open_: set[str] = set()
    alone: Counter[str] = Counter()
    for pair, cell in shown.items():
        why = _reasons(matrix, pair, cell)
        for key in dict.fromkeys((*why, *cell.causes, *cell.warnings)):
            pairs.setdefault(key, []).append(pair)
        open_.update(why)
        if cell.state in RED and len(why) == 1:
            alone[why[0]] += 1
    position = {name: number for number, name in enumerate(names)}
    found = []
    for key, hit in pairs.items():
        described = matrix.causes[key][1]
        kernels = sorted({kernel for kernel, _ in hit}, key=position.__getitem__)
        found.append(
            {
                "id": key,
                **described,
                "cells": len(hit),
                "alone": alone[key],
                "explained": key not in open_ and described["verdict"] not in _LANES,
                "objects": sorted({title[digest] for _, digest in hit}),
                "kernels": kernels,
                "hosts": sum(weights[kernel] for kernel in kernels) if weights else None,
            }
        )
    return sorted(
        found,
        key=lambda one: (
            1 if one["explained"] else _LANES.get(one["verdict"], 0),
            -(one["hosts"] or 0),
            -one["cells"],
            one["code"],
            one["title"],
        ),
    )


def _reasons(matrix: Matrix, pair: Pair, cell: Cell) -> tuple[str, ...]:
    """Why a cell is not fine: of a red measurement the causes of the prediction, when that is red as well."""
    foretold = matrix.cells[pair].get(PREDICTED)
    if cell.evidence == MEASURED and cell.state in RED and foretold is not None and foretold.state in RED:
        return foretold.causes or cell.causes
    return cell.causes


#: What stops comes first, what was measured and is explained next, what is undecided, what only warns.
_LANES = {"unknown": 2, "degraded": 3}


def _agreement(
    matrix: Matrix, names: Sequence[str], objects: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """How often prediction and measurement of the same pair say the same, as it is; None without any pair."""
    compared = agree = 0
    differ = []
    for name in names:
        for one in objects:
            known = matrix.cells[name, one["sha256"]]
            if len(known) < 2 or "unknown" in {cell.verdict for cell in known.values()}:
                continue
            compared += 1
            if known[PREDICTED].verdict == known[MEASURED].verdict:
                agree += 1
            else:
                differ.append(
                    {
                        "object": one["object"],
                        "kernel": name,
                        "predicted": known[PREDICTED].verdict,
                        "measured": known[MEASURED].verdict,
                    }
                )
    return {"compared": compared, "agree": agree, "differ": differ} if compared else None


def _records(
    matrix: Matrix, names: Sequence[str], objects: Sequence[Mapping[str, Any]]
) -> Iterable[dict[str, Any]]:
    for name in names:
        for one in objects:
            known = matrix.cells[name, one["sha256"]]
            shown = matrix.shown(name, one["sha256"])
            for evidence in (PREDICTED, MEASURED):
                if evidence in known:
                    yield _record(one, name, known[evidence], shown is known[evidence])


def _record(one: Mapping[str, Any], kernel: str, cell: Cell, shown: bool) -> dict[str, Any]:
    return {
        "object": one["object"],
        "sha256": one["sha256"],
        "kernel": kernel,
        "evidence": cell.evidence,
        "shown": shown,
        "state": cell.state,
        "verdict": cell.verdict,
        "adjusted_verdict": cell.adjusted,
        "attach": cell.attach,
        "adjusted_attach": cell.adjusted_attach,
        "programs": {"all": cell.programs[0], "load": cell.programs[1], "attach": cell.programs[2]},
        "open": list(cell.open),
        "causes": list(cell.causes),
        "warnings": list(cell.warnings),
        "reason": cell.reason,
        "build": cell.build,
    }
