# SPDX-License-Identifier: Apache-2.0
"""Every format of the gate: what it must hold, whatever the names say, and what its readers' limits are."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema  # type: ignore[import-untyped]
import pytest
import xmlschema

from preflight.gate import veristat
from preflight.render.console import Style
from preflight.render.contract.gate import GateResult
from preflight.render.registry import renderers
from tests.cli.run import preflight
from tests.gate.scenes import gate_result
from tests.render.test_hostile import MORE

HERE = Path(__file__).parent
FORMATS = ("text", "json", "markdown", "junit", "sarif", "github", "veristat")
LONG = "x" * 9000
#: GitHub's limit for a comment, in characters; a step summary may be sixteen times as long.
COMMENT = 65_536


def rendered(form: str, result: dict[str, Any], **style: Any) -> str:
    return renderers("gate")[form](result, Style(**style))


@pytest.fixture(scope="module")
def junit() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(HERE / "junit.xsd"))


@pytest.fixture(scope="module")
def sarif() -> jsonschema.Draft202012Validator:
    schema = json.loads((HERE / "sarif-used.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("form", FORMATS)
def test_the_format_is_the_agreed_one(form: str) -> None:
    """UPDATE_GOLDEN=1 writes the files anew; the change of theirs is to be read like code."""
    golden = HERE / "golden" / f"gate.{form}"
    text = rendered(form, gate_result("probe"))
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["plain", *MORE, LONG])
@pytest.mark.parametrize("fails", [False, True])
def test_junit_is_valid_and_counts_right(junit: xmlschema.XMLSchema, text: str, fails: bool) -> None:
    page = rendered("junit", gate_result(text, undecided_fails=fails))
    junit.validate(page)
    root = Xml.fromstring(page)
    suites = root.findall("testsuite")
    for name, element in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        assert [int(s.get(name, -1)) for s in suites] == [
            len(s.findall(f"testcase/{element}")) for s in suites
        ]
    assert int(root.get("tests", -1)) == len(root.findall("testsuite/testcase"))
    assert int(root.get("failures", -1)) == len(root.findall("testsuite/testcase/failure")) == 2
    assert len(root.findall(f"testsuite/testcase/{'error' if fails else 'skipped'}")) == 2


def test_the_schema_for_junit_refuses_what_readers_do_not_know(junit: xmlschema.XMLSchema) -> None:
    page = rendered("junit", gate_result())
    for wrong in (
        page.replace("<testsuites ", '<testsuites skipped="1" '),
        page.replace("<failure ", "<failed ").replace("</failure>", "</failed>"),
        page.replace('name="same0 plain"', 'name=""'),
    ):
        assert wrong != page
        assert not junit.is_valid(wrong)


def test_the_type_of_a_failure_is_what_fails_and_not_what_is_only_told() -> None:
    root = Xml.fromstring(rendered("junit", gate_result()))
    (failure,) = root.findall("testsuite/testcase[@name='grown0 plain']/failure")
    assert failure.get("type") == "PG201"
    assert "PG401" not in failure.get("message", "")


@pytest.mark.parametrize("text", ["plain", *MORE, LONG])
def test_sarif_is_valid(sarif: jsonschema.Draft202012Validator, text: str) -> None:
    document = json.loads(rendered("sarif", gate_result(text)))
    sarif.validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[one["ruleIndex"]] for one in run["results"]] == [one["ruleId"] for one in run["results"]]


def test_sarif_tells_failures_open_questions_and_accepted_ones_apart() -> None:
    document = json.loads(rendered("sarif", gate_result()))
    kinds = {
        (one["ruleId"], one["kind"], one["level"], "suppressions" in one)
        for one in document["runs"][0]["results"]
    }
    assert {
        ("PG201", "fail", "error", False),
        ("PG101", "fail", "error", False),
        ("PG301", "open", "none", False),
        ("PG202", "fail", "error", True),
    } <= kinds


@pytest.mark.parametrize("text", MORE)
def test_github_writes_nothing_but_its_own_commands(text: str) -> None:
    page = rendered("github", gate_result(text))
    assert all(re.match(r"::(error|warning|notice) [^\r\n]*::", line) for line in page.split("\n")[:-1])


def test_github_shows_ten_of_each_level_and_counts_the_rest() -> None:
    lines = rendered("github", gate_result(programs=40)).splitlines()
    levels = [re.match(r"::(\w+)", line)[1] for line in lines]  # type: ignore[index]
    assert {level: levels.count(level) for level in set(levels)} == {"error": 10, "warning": 10, "notice": 10}
    assert re.search(r"::\d+ more; the other formats list all", lines[-1])


@pytest.mark.parametrize("text", ["plain", LONG, "\U0010ffff" * 300, "`|<@" * 100, "\u202e" * 4000])
@pytest.mark.parametrize("programs", [1, 150])
def test_markdown_fits_into_a_comment_and_closes_what_it_opens(text: str, programs: int) -> None:
    page = rendered("markdown", gate_result(text, programs=programs))
    assert len(page.encode()) < COMMENT
    assert page.count("<details>") == page.count("</details>") > 0
    if programs > 1:
        assert "more lines are in the JSON result" in page
    assert page.startswith("## ❌ fail")


def test_markdown_shows_what_fails_before_what_is_undecided() -> None:
    page = rendered("markdown", gate_result(programs=5))
    outcomes = re.findall(r"^\| \S+ (fail|undecided|accepted|pass) \|", page, re.MULTILINE)
    order = ["fail", "undecided", "accepted", "pass"]
    assert outcomes == sorted(outcomes, key=order.index)
    assert set(outcomes) == set(order)


@pytest.mark.parametrize("text", ["plain", *MORE])
def test_csv_has_one_line_for_each_program_and_is_read_back(text: str) -> None:
    page = rendered("veristat", gate_result(text))
    lines = list(csv.reader(io.StringIO(page)))
    assert {len(line) for line in lines} == {6}
    assert not any(cell[:1] in ("=", "+", "-", "@") for line in lines for cell in line[:2])
    rows = veristat.rows(page, "k", "v")
    assert sorted(row.verdict for row in rows) == ["fails", "loads", "loads", "loads", "loads"]


@pytest.mark.parametrize("text", ["plain", *MORE])
def test_json_is_what_the_contract_says(text: str) -> None:
    GateResult.model_validate(json.loads(rendered("json", gate_result(text))))


@pytest.mark.parametrize("form", FORMATS)
def test_a_result_is_rendered_later_as_it_was_at_once(form: str, tmp_path: Path) -> None:
    stored = tmp_path / "gate.json"
    stored.write_text(rendered("json", gate_result("probe")), encoding="utf-8")
    target = tmp_path / "again"
    done = preflight("report", str(stored), "--format", f"{form}={target}")
    assert done.returncode == 0, done.stderr.decode()
    assert target.read_text(encoding="utf-8") == rendered(form, gate_result("probe"))
