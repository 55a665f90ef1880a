# SPDX-License-Identifier: Apache-2.0
"""Scores as the parts of the JSON contract's object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preflight.lab.scoring.measurements import Measured
from preflight.lab.scoring.predictions import MadeBefore, MadeNow, NotPredictedError
from preflight.lab.scoring.score import GROUPINGS, Score, pair_to_dict, sentence


@dataclass(slots=True)
class Scored:
    """What came of a comparison: `own` is preflight's score, `names` the name differ's, when it was asked.

    `not_predicted` says of kernels why they are not in it.
    """

    own: Score = field(default_factory=Score)
    names: Score | None = None
    kernels: list[str] = field(default_factory=list)
    objects: set[str] = field(default_factory=set)
    not_predicted: dict[str, str] = field(default_factory=dict)


def score(measured: Sequence[Measured], predictions: MadeNow | MadeBefore) -> Scored:
    """Hold every measured kernel against its predictions; the second judge, where there is one, beside."""
    found = Scored()
    for kernel in measured:
        try:
            judged = predictions.on(kernel)
        except NotPredictedError as error:
            found.not_predicted[kernel.name] = str(error)
            continue
        found.kernels.append(kernel.release or kernel.name)
        found.objects |= {one.sha256 for one in kernel.objects if one.sha256 in judged[0]}
        found.own.add(kernel, judged[0])
        for other in judged[1:]:
            found.names = found.names or Score()
            found.names.add(kernel, other)
    return found


def parts(scored: Scored) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Summary, results and additions of the result object. The exit code is the caller's."""
    numbers = scored.own.numbers()
    wrong = numbers["false_good"] + numbers["false_bad"]
    summary = {
        "sentence": sentence(numbers, len(scored.kernels)),
        "verdict": "fails" if wrong else "ok" if numbers["compared"] else "unknown",
        "kernels": scored.kernels,
        "objects": len(scored.objects),
        **numbers,
    }
    results = [pair_to_dict(pair) for pair in scored.own.differing()]
    more: Mapping[str, Any] = {
        "matrices": scored.own.matrices(GROUPINGS),
        "left_out": dict(sorted(scored.own.left_out.items())),
        "not_predicted": scored.not_predicted,
        "name_differ": None
        if scored.names is None
        else {**scored.names.numbers(), "matrices": scored.names.matrices(("all", "kernel"))},
    }
    return summary, results, dict(more)
