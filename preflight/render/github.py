# SPDX-License-Identifier: Apache-2.0
"""GitHub workflow commands from problems: annotations beside the lines of a pull request.

A step shows ten annotations of each level. The worst ones come first, and a notice counts the rest,
so that nothing is lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterable

from preflight.render.problem import Problem, relative, worst_first
from preflight.render.safe import github_message, github_property

#: Annotations of one level that GitHub shows for one step.
LIMIT = 10
_COMMAND = {"error": "error", "warning": "warning", "note": "notice", "none": "warning"}


def render_problems(problems: Iterable[Problem]) -> str:
    """One workflow command per line, with a final newline when there is any.

    Accepted problems are notices. What was not decided is a warning: never silent, never a failure.
    """
    lines: list[str] = []
    shown = {"error": 0, "warning": 0, "notice": 0}
    more = 0
    for problem in worst_first(problems):
        command = "notice" if problem.accepted is not None else _COMMAND[problem.level]
        # the last notice is kept for the count
        if shown[command] >= (LIMIT - 1 if command == "notice" else LIMIT):
            more += 1
            continue
        shown[command] += 1
        lines.append(_annotation(command, problem))
    if more:
        lines.append(f"::notice title=preflight::{more} more; the other formats list all of them")
    return "".join(line + "\n" for line in lines)


def _annotation(command: str, problem: Problem) -> str:
    properties = []
    path = relative(problem.file)
    if path is not None:
        properties.append(f"file={github_property(path, limit=1000)}")
        if problem.line is not None and problem.line > 0:
            properties.append(f"line={problem.line}")
            if problem.column is not None and problem.column > 0:
                properties.append(f"col={problem.column}")
    title = f"{problem.code} {problem.title}" if problem.title else problem.code
    properties.append(f"title={github_property(title)}")
    message = (
        problem.message if problem.accepted is None else f"accepted ({problem.accepted}): {problem.message}"
    )
    # a line feed inside a message is written %0A
    text = "%0A".join(github_message(line) for line in message.split("\n"))
    return f"::{command} {','.join(properties)}::{text}"
