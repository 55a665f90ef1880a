# SPDX-License-Identifier: Apache-2.0
"""Counting: confusion matrices by kernel, object, program and cause, and every pair that differs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from preflight.lab.scoring.comparison import QUESTIONS, LeftOut, Pair, compare
from preflight.lab.scoring.measurements import Measured

#: What a decided prediction rests on when no finding speaks against it.
NOTHING = "nothing known against it"
#: Grouping -> the names under which a pair is counted; a pair that rests on two codes counts under both.
GROUPINGS: Mapping[str, Callable[[Pair], tuple[str, ...]]] = {
    "all": lambda _: ("",),
    "kernel": lambda pair: (pair.kernel,),
    "object": lambda pair: (pair.object,),
    "program": lambda pair: (f"{pair.object}/{pair.program}",) if pair.program else (),
    "cause": lambda pair: pair.codes or (NOTHING,),
}
#: Order of what differs, worst first.
KINDS = ("false-good", "false-bad", "open")


@dataclass(slots=True)
class Score:
    """All pairs of one judge, and what could not be compared, with how often."""

    pairs: list[Pair] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, kernel: Measured, predicted: Mapping[str, Mapping[str, Any]]) -> None:
        """One kernel: its measurements against its predictions by object digest."""
        name = kernel.release or kernel.name
        for measured in kernel.objects:
            judged = predicted.get(measured.sha256)
            if judged is None:
                self.left_out["objects without a prediction"] += 1
                continue
            for item in compare(judged, measured, name):
                if isinstance(item, LeftOut):
                    self.left_out[item.reason] += 1
                else:
                    self.pairs.append(item)

    def differing(self) -> list[Pair]:
        """Every pair that is not right, worst first."""
        return sorted(
            (pair for pair in self.pairs if pair.kind != "right"),
            key=lambda p: (KINDS.index(p.kind), QUESTIONS.index(p.question), p.object, p.program, p.kernel),
        )

    def numbers(self) -> dict[str, Any]:
        """Counts over all questions, and each question's own."""
        return {**_counts(self.pairs), "questions": [self._question(q.key) for q in QUESTIONS]}

    def _question(self, key: str) -> dict[str, Any]:
        (question,) = (q for q in QUESTIONS if q.key == key)
        own = [pair for pair in self.pairs if pair.question is question]
        return {
            "question": key,
            "title": question.title,
            "good": question.good,
            "bad": question.bad,
            **_counts(own),
        }

    def matrices(self, groupings: Iterable[str] = GROUPINGS) -> list[dict[str, Any]]:
        """Confusion matrices, those with the same grouping and question together, names in order."""
        return [row for grouping in groupings for row in self._matrices(grouping)]

    def _matrices(self, grouping: str) -> Iterator[dict[str, Any]]:
        cells: dict[tuple[int, str], Counter[tuple[str, str]]] = {}
        errnos: dict[tuple[int, str], Counter[str]] = {}
        for pair in self.pairs:
            for name in GROUPINGS[grouping](pair):
                key = QUESTIONS.index(pair.question), name
                cells.setdefault(key, Counter())[pair.predicted, pair.measured] += 1
                if pair.errno is not None:
                    errnos.setdefault(key, Counter())[pair.errno] += 1
        for (number, name), counted in sorted(cells.items()):
            yield {
                "by": grouping,
                "name": name,
                "question": QUESTIONS[number].key,
                "cells": [
                    {"predicted": said, "measured": did, "count": count}
                    for (said, did), count in sorted(counted.items())
                ],
                "errnos": dict(sorted(errnos.get((number, name), Counter()).items())),
            }


def _counts(pairs: Iterable[Pair]) -> dict[str, int]:
    kinds = Counter(pair.kind for pair in pairs)
    total = sum(kinds.values())
    return {
        "compared": total,
        "decided": total - kinds["open"],
        "right": kinds["right"],
        "open": kinds["open"],
        "false_good": kinds["false-good"],
        "false_bad": kinds["false-bad"],
    }


def pair_to_dict(pair: Pair) -> dict[str, Any]:
    """A pair with both sides' evidence, for JSON."""
    return {
        "question": pair.question.key,
        "kernel": pair.kernel,
        "object": pair.object,
        "program": pair.program or None,
        "predicted": pair.predicted,
        "measured": pair.measured,
        "kind": pair.kind,
        "codes": list(pair.codes),
        "why": pair.why or NOTHING,
        "errno": pair.errno,
        "words": pair.words,
    }


def sentence(numbers: Mapping[str, Any], kernels: int) -> str:
    """The score in one sentence."""
    if not numbers["compared"]:
        return "nothing could be compared"
    wrong = numbers["false_good"] + numbers["false_bad"]
    plural = "kernel" if kernels == 1 else "kernels"
    return (
        f"{numbers['compared']:,} answers compared on {kernels} {plural}: {numbers['decided']:,} decided, "
        f"{wrong:,} of them wrong ({numbers['false_good']:,} false good), {numbers['open']:,} left open"
    )
