# SPDX-License-Identifier: Apache-2.0
"""`preflight tracers` as its users run it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.render.contract import model_of
from preflight.tracers.load import catalogue
from preflight.tracers.model import DOMAINS, SURFACES
from tests.cli.run import preflight, result_of


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    return result_of("tracers", "list")


def test_the_list_keeps_the_contract(listed: dict[str, Any]) -> None:
    model_of("tracers list").model_validate_json(json.dumps(listed))
    assert [one["name"] for one in listed["results"]] == [tracer.name for tracer in catalogue()]
    for one in listed["results"]:
        assert one["domain"] in DOMAINS
        assert one["question"].endswith(("?", "."))
        for variant in one["variants"]:
            assert variant["surface"] in SURFACES
            assert variant["verdict"] in {"loads", "fails", "unknown"}
            assert variant["reason"]


def test_the_variant_that_runs_is_the_first_that_loads(listed: dict[str, Any]) -> None:
    for one in listed["results"]:
        loads = [variant["name"] for variant in one["variants"] if variant["verdict"] == "loads"]
        assert one["runs"] == (loads[0] if loads else None)


def test_show_keeps_the_contract_and_names_every_field() -> None:
    found = result_of("tracers", "show", "syscalls", "execs")
    model_of("tracers show").model_validate_json(json.dumps(found))
    latencies = next(one for one in found["results"][0]["maps"] if one["name"] == "latencies")
    assert {field["path"] for field in latencies["fields"]} == {"nr", "error", "compat", "_"}


@pytest.mark.parametrize("name", [tracer.name for tracer in catalogue()])
def test_every_tracer_has_a_whole_runbook(name: str) -> None:
    done = preflight("tracers", "runbook", name, "--format", "json")
    model_of("tracers runbook").model_validate_json(done.stdout)
    (book,) = json.loads(done.stdout)["results"]
    assert [section["title"] for section in book["sections"]] == [
        "Question",
        "Attach point",
        "Filters and sampling",
        "Fields and privacy",
        "Cost",
        "Requirements",
        "Who may run it",
        "Run it",
        "Rollback",
        "Retention",
        "When another tool is better",
        "Watch during the run",
        "Check after the run",
        "Record",
    ]
    assert all(section["lines"] and all(section["lines"]) for section in book["sections"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("syscalls",), "--for is required"),
        (("syscalls", "--for", "soon"), "--for 'soon': a duration is a number"),
        (("syscalls", "--for", "48h"), "at most 24h"),
        (("nope", "--for", "1s"), "no tracer 'nope'; there are"),
        (("syscalls", "--for", "1s", "--variant", "nope"), "syscalls has raw_tp, tracepoint"),
        (("syscalls", "--for", "1s", "--set", "target_errno"), "NAME=VALUE is expected"),
        (("syscalls", "--for", "1s", "--set", "nope=1"), "there are target_syscall"),
        (
            ("syscalls", "--for", "1s", "--reveal", "nr"),
            "--reveal 'nr': the private fields of syscalls are none",
        ),
        (("syscalls", "--for", "1s", "--cgroup", "no/such"), "--cgroup"),
        (("syscalls", "--for", "1s", "--min", "x"), "--min 'x'"),
        (("syscalls", "--for", "1s", "--format", "nope"), "no format 'nope'"),
        (("funclat", "--for", "1s"), "--function NAME"),
        (("ufunclat", "--for", "1s", "--function", "f"), "--binary PATH"),
        (("usdtcount", "--for", "1s", "--binary", "/bin/sh", "--usdt", "abc"), "PROVIDER:NAME is expected"),
        (("ufunclat", "--for", "1s", "--binary", "/no/such", "--function", "f"), "no such file"),
        (("oncpu", "--for", "1s", "--frequency", "100000"), "1 to 1000"),
        (("syscalls", "--for", "1s", "--comm", ""), "--comm is empty"),
        (("syscalls", "--for", "1s", "--cgroup", " "), "--cgroup is empty"),
        (("syscalls", "--for", "1s", "--pid", "4194305"), "--pid 4194305: there is none"),
        (("syscalls", "--for", "1s", "--min", "2s", "--max", "1s"), "nothing is both"),
        (("syscalls", "--for", "1s", "--function", "x"), "--function cannot be honoured"),
        (("syscalls", "--for", "24h", "--format", "svg"), "syscalls has no stacks"),
        (("syscalls", "--for", "24h", "--format", "json=/no/such/folder/x"), "there is no folder"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(words: tuple[str, ...], message: str) -> None:
    done = preflight("tracers", "run", *words)
    lines = [line for line in done.stderr.decode().splitlines() if "warning: no filter" not in line]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1
    assert message in lines[0]
    assert done.stdout == b""


def test_a_trial_is_only_possible_here() -> None:
    done = preflight("tracers", "list", "--trial-load", "--kernel", "/no/such/kernel")
    assert done.returncode == 2


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_the_list_is_readable(form: str) -> None:
    done = preflight("tracers", "list", "syscalls", "--format", form)
    assert b"syscalls" in done.stdout
