# SPDX-License-Identifier: Apache-2.0
"""`preflight lab score` on the command line: files in, numbers and exit code out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.lab.results import KernelRun
from preflight.render.envelope import envelope
from tests.cli.run import preflight
from tests.lab.scoring.sides import did, measured, predicted, program


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A measurement that a program loads, and a prediction that it does not."""
    run = KernelRun("debian/x", "booted", release="6.99", objects=(measured(0, did()),))
    records = [one.to_dict(run.kernel) for one in run.objects]
    (tmp_path / "run.json").write_text(json.dumps(envelope("lab run", {}, records, kernels=[run.to_dict()])))
    judged = {
        **predicted("fails", {**program("fails", "not-tried"), "open": None}),
        "adjusted_verdict": "fails",
        "open": [],
    }
    summary = {
        "sentence": "",
        "objects": 1,
        "kernels": ["debian/x"],
        "verdicts": {},
        "adjusted_verdicts": {},
        "programs": {},
        "attach": {},
        "causes": [],
        "exit_code": 1,
    }
    (tmp_path / "predict.json").write_text(json.dumps(envelope("predict", summary, [judged])))
    return str(tmp_path / "run.json"), str(tmp_path / "predict.json")


@pytest.mark.parametrize(("fail_on", "code"), [("wrong", 1), ("false-good", 0), ("never", 0)])
def test_predictions_from_a_file(files: tuple[str, str], fail_on: str, code: int) -> None:
    done = preflight(
        "lab", "score", files[0], "--predicted", files[1], "--fail-on", fail_on, "--format", "json"
    )
    assert done.returncode == code, done.stderr
    result = json.loads(done.stdout)
    assert (result["summary"]["false_bad"], result["summary"]["exit_code"]) == (2, code)
    assert {one["kind"] for one in result["results"]} == {"false-bad"}
    assert result["name_differ"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "debian/y*"), b"no measured kernel"),
        (("--object", "./no-such.bpf.o"), b"no such file"),
        ((), b"none of the measured objects is on this machine"),
        (("--fail-on", "x"), b"--fail-on"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    files: tuple[str, str], words: tuple[str, ...], said: bytes
) -> None:
    done = preflight("lab", "score", files[0], *words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_of_another_command_is_refused(files: tuple[str, str]) -> None:
    done = preflight("lab", "score", files[1])
    assert (done.returncode, b"no result of preflight lab run" in done.stderr) == (2, True)
