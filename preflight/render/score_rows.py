# SPDX-License-Identifier: Apache-2.0
"""The confusion matrices of `preflight lab score` as rows of tables, for every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Tally(NamedTuple):
    """One name and question: how many answers were compared, and how they came out."""

    compared: int = 0
    right: int = 0
    open: int = 0
    false_good: int = 0
    false_bad: int = 0

    @property
    def wrong(self) -> int:
        """Decided, and not what the kernel did."""
        return self.false_good + self.false_bad


class Row(NamedTuple):
    """One name of a grouping, with its tally by question and the errnos the kernels answered."""

    name: str
    tallies: Mapping[str, Tally]
    errnos: Mapping[str, int]

    @property
    def is_quiet(self) -> bool:
        """All was decided, and right."""
        return not any(t.wrong or t.open for t in self.tallies.values())

    @property
    def wrong(self) -> int:
        """Over all questions."""
        return sum(t.wrong for t in self.tallies.values())

    @property
    def open(self) -> int:
        """Over all questions."""
        return sum(t.open for t in self.tallies.values())


def questions(result: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The questions of a result, in order."""
    found: Sequence[Mapping[str, Any]] = result["summary"]["questions"]
    return found


def rows(result: Mapping[str, Any], grouping: str) -> list[Row]:
    """The rows of one grouping: what is wrong first, then what is open, then by name as it came."""
    tallies: dict[str, dict[str, Tally]] = {}
    errnos: dict[str, dict[str, int]] = {}
    for matrix in result["matrices"]:
        if matrix["by"] != grouping:
            continue
        name = str(matrix["name"])
        tallies.setdefault(name, {})[matrix["question"]] = _tally(matrix["cells"])
        own = errnos.setdefault(name, {})
        for errno, count in matrix["errnos"].items():
            own[errno] = own.get(errno, 0) + count
    found = [Row(name, by_question, errnos[name]) for name, by_question in tallies.items()]
    return sorted(found, key=lambda row: (-row.wrong, -row.open))


def cell(row: Row, question: str) -> str:
    """`12 of 12`, with what is wrong and open behind it; "" where nothing was compared."""
    tally = row.tallies.get(question, Tally())
    if not tally.compared:
        return ""
    more = [f"{tally.wrong} wrong"] if tally.wrong else []
    more += [f"{tally.open} open"] if tally.open else []
    return f"{tally.right:,} of {tally.compared:,}" + (f" ({', '.join(more)})" if more else "")


def confusion(result: Mapping[str, Any], question: str) -> dict[tuple[str, str], int]:
    """(predicted, measured) -> count over everything."""
    for matrix in result["matrices"]:
        if matrix["by"] == "all" and matrix["question"] == question:
            return {(c["predicted"], c["measured"]): c["count"] for c in matrix["cells"]}
    return {}


def line(numbers: Mapping[str, Any]) -> str:
    """The counts of a question or of everything in one sentence."""
    compared, decided = numbers["compared"], numbers["decided"]
    if not compared:
        return "nothing compared"
    wrong = numbers["false_good"] + numbers["false_bad"]
    return (
        f"{compared:,} compared, {decided:,} decided, {decided - wrong:,} of them right "
        f"({100 * (decided - wrong) / max(decided, 1):.2f} %); "
        f"{100 * numbers['open'] / compared:.2f} % unknown; false good: {numbers['false_good']}"
    )


def where(pair: Mapping[str, Any]) -> str:
    """`RELEASE OBJECT/PROGRAM`."""
    program = f"/{pair['program']}" if pair["program"] else ""
    return f"{pair['kernel']} {pair['object']}{program}"


def answer(pair: Mapping[str, Any]) -> str:
    """The kernel's own words."""
    return ": ".join(str(part) for part in (pair["errno"], pair["words"]) if part) or "no error"


def _tally(cells: Sequence[Mapping[str, Any]]) -> Tally:
    right = opened = good = bad = 0
    for one in cells:
        if one["predicted"] == one["measured"]:
            right += one["count"]
        elif one["predicted"] == "unknown":
            opened += one["count"]
        elif one["measured"] == "fails":
            good += one["count"]
        else:
            bad += one["count"]
    return Tally(right + opened + good + bad, right, opened, good, bad)
