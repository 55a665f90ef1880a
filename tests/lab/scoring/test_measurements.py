# SPDX-License-Identifier: Apache-2.0
"""Measurements come back from the files they are kept in; anything else is an input error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import InputError
from preflight.lab import truth
from preflight.lab.results import Attachment, KernelRun, ObjectMeasurement
from preflight.lab.scoring.measurements import object_from_dict, read_all
from preflight.render.envelope import envelope
from tests.lab.scoring.sides import did, measured
from tests.lab.test_facts import KERNEL

REAL = measured(13, did(13, log="R1 invalid mem access 'scalar'"), did(0, Attachment("fails", "auto", 524)))
RUN = KernelRun("debian/x", "booted", release="6.99", btf_sha256="ab" * 32, objects=(REAL,))


def result(*runs: KernelRun, **changes: Any) -> dict[str, Any]:
    records = [one.to_dict(run.kernel) for run in runs for one in run.objects]
    return {**envelope("lab run", {}, records, kernels=[run.to_dict() for run in runs]), **changes}


def test_a_result_of_lab_run(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(result(RUN, KernelRun("debian/y", "panic"))))
    one, other = read_all([path])
    assert (one.name, one.release, one.btf_sha256) == ("debian/x", "6.99", "ab" * 32)
    assert one.objects == (REAL,)
    assert (other.name, other.objects) == ("debian/y", ())


def test_a_folder_of_recorded_truth(tmp_path: Path) -> None:
    for name in ("b", "a"):
        run = replace(RUN, kernel=f"debian/{name}")
        truth.write(tmp_path / f"{name}.json.xz", truth.compact(run, KERNEL, {}))
    assert [one.name for one in read_all([tmp_path])] == ["debian/a", "debian/b"]


def test_an_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no measurements"):
        read_all([tmp_path])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"command": "predict"}',
        json.dumps(result(RUN, command="lab boot")),
        json.dumps(result(RUN, schema_version="2.0")),
        json.dumps(result(RUN, results=[{"kernel": 1}])),
        json.dumps(result(RUN, kernels=[{}])),
        json.dumps(result(RUN, kernels=None)),
        "[" * 100_000,
    ],
)
def test_what_is_no_result_is_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"run\.json"):
        read_all([path])


@pytest.mark.parametrize("errno", ["bogus", "EX", "__doc__", "errorcode", 12, ["E"], "1" * 40])
def test_an_errno_that_is_none_is_refused(errno: object) -> None:
    raw = {**REAL.to_dict("x"), "errno": errno}
    with pytest.raises((ValueError, TypeError)):
        object_from_dict(raw)


def test_every_errno_of_the_contract_comes_back() -> None:
    for number in (1, 2, 13, 22, 95, 133, 500, 524):
        real = ObjectMeasurement("o", "1" * 64, "fails", number)
        assert object_from_dict(real.to_dict("x")).errno == number
