# SPDX-License-Identifier: Apache-2.0
"""The HTML page of `preflight lab score`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render import score_rows
from preflight.render.console import Style
from preflight.render.html import page

_GROUPINGS = ("kernel", "cause", "object", "program")


def render(result: Mapping[str, Any], style: Style) -> str:
    """One file: the matrices, the yardstick, every grouping whole, everything that differs."""
    return page(
        "score.html",
        result,
        title="Predictions against real kernels",
        confusions={
            question["question"]: score_rows.confusion(result, question["question"])
            for question in score_rows.questions(result)
        },
        groups=[(grouping, score_rows.rows(result, grouping)) for grouping in _GROUPINGS],
        wrong=[one for one in result["results"] if one["kind"] != "open"],
        left=[one for one in result["results"] if one["kind"] == "open"],
        cell=score_rows.cell,
        line=score_rows.line,
        where=score_rows.where,
        answer=score_rows.answer,
    )
