# SPDX-License-Identifier: Apache-2.0
"""SARIF and GitHub annotations from problems."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from preflight.render import github, sarif
from preflight.render.problem import LEVELS, Problem, relative
from tests.render.test_safe import HOSTILE

TOOL = {"name": "preflight", "version": "1.2.3"}


def _problem(**changes: Any) -> Problem:
    values: dict[str, Any] = {
        "code": "V-NULL",
        "level": "error",
        "title": "a title",
        "message": "one\ntwo",
        "file": "src/a.bpf.c",
        "line": 7,
        "subject": "prog",
    }
    return Problem(**(values | changes))


def _run(*problems: Problem) -> dict[str, Any]:
    document = json.loads(sarif.render_problems(problems, TOOL, "2026-01-02T03:04:05Z"))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    return dict(run)


def test_a_result_points_at_its_rule_and_place() -> None:
    run = _run(_problem(), _problem(code="V-CFG"))
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "src/a.bpf.c"
        assert place["region"]["startLine"] == 7


def test_rules_carry_the_registry_texts() -> None:
    (rule,) = _run(_problem())["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"]
    assert "Fix:" in rule["help"]["text"]
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", rule["name"])


def test_undecided_is_open_and_has_no_level() -> None:
    (result,) = _run(_problem(level="none"))["results"]
    assert (result["kind"], result["level"]) == ("open", "none")


def test_an_accepted_problem_is_suppressed_with_its_reason() -> None:
    (result,) = _run(_problem(accepted="known, see the ticket"))["results"]
    assert result["suppressions"][0]["justification"] == "known, see the ticket"


def test_fingerprint_stays_when_the_line_moves() -> None:
    first, second = _run(
        _problem(identity=("prog", "x = *p;")), _problem(identity=("prog", "x = *p;"), line=99)
    )["results"]
    assert first["partialFingerprints"] == second["partialFingerprints"]


def test_fingerprints_tell_codes_apart() -> None:
    first, second = _run(_problem(identity=("a",)), _problem(identity=("a",), code="V-CFG"))["results"]
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_no_line_means_no_region() -> None:
    (result,) = _run(_problem(line=None))["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]


def test_results_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "LIMIT", 2)
    run = _run(*(_problem(line=n) for n in range(1, 6)))
    assert len(run["results"]) == 2
    assert "3 more" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_same_problems_same_bytes() -> None:
    problems = [_problem(line=n) for n in range(1, 6)]
    first = sarif.render_problems(problems, TOOL, "t")
    assert first == sarif.render_problems(reversed(problems), TOOL, "t")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_sarif(text: str) -> None:
    raw = sarif.render_problems(
        [_problem(title=text, message=text, subject=text, file=text, snippet=text, accepted=text)], TOOL, "t"
    )
    assert raw.isascii()
    assert "\x1b" not in json.loads(raw)["runs"][0]["results"][0]["message"]["text"]


def test_annotation_has_place_title_and_message() -> None:
    assert github.render_problems([_problem()]) == (
        "::error file=src/a.bpf.c,line=7,title=V-NULL a title::one%0Atwo\n"
    )


@pytest.mark.parametrize(
    ("level", "command"), list(zip(LEVELS, ["error", "warning", "notice", "warning"], strict=True))
)
def test_levels_as_workflow_commands(level: str, command: str) -> None:
    assert github.render_problems([_problem(level=level)]).startswith(f"::{command} ")


def test_accepted_problems_do_not_fail_a_step() -> None:
    line = github.render_problems([_problem(accepted="known")])
    assert line.startswith("::notice ")
    assert "accepted (known)" in line


def test_ten_of_a_level_and_then_a_count() -> None:
    lines = github.render_problems([_problem(line=n) for n in range(1, 26)]).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert "15 more" in lines[-1]


def test_no_problem_no_line() -> None:
    assert github.render_problems([]) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_starts_no_workflow_command(text: str) -> None:
    lines = github.render_problems(
        [_problem(title=text, message=text, file=text, subject=text, accepted=text)]
    ).split("\n")
    assert len(lines) == 2
    assert lines[0].startswith("::notice ")
    assert not re.search(r"[\x00-\x1f\x7f]", lines[0])


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("a.c", "a.c"),
        ("./src/a.c", "src/a.c"),
        ("/home/x/src/a.c", "a.c"),
        ("../../etc/passwd", "passwd"),
        ("C:\\src\\a.c", "a.c"),
        ("src\\a.c", "src/a.c"),
        ("/", None),
        ("", None),
        (None, None),
    ],
)
def test_paths_stay_inside_the_repository(path: str | None, wanted: str | None) -> None:
    assert relative(path) == wanted
