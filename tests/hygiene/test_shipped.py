# SPDX-License-Identifier: Apache-2.0
"""The shipped tracers follow the rules, or somebody has written down why not."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from preflight import bpf_objects
from preflight.findings.model import Severity
from preflight.hygiene.lint import lint
from preflight.objects.load import load

EXCEPTIONS = tomllib.loads((Path(__file__).parent / "shipped.toml").read_text(encoding="utf-8"))["exception"]
OBJECTS = {file.name: file.path for file in bpf_objects.chosen("tracers", "")}


def advice(name: str) -> set[str]:
    found = lint(load(OBJECTS[name].read_bytes(), name))
    return {finding.code for finding in found if finding.severity is not Severity.INFO}


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_what_a_tracer_is_advised_against_is_written_down(name: str) -> None:
    explained = {one["code"] for one in EXCEPTIONS if fnmatchcase(name, one["object"])}
    assert advice(name) - explained == set()


@pytest.mark.parametrize("one", EXCEPTIONS, ids=lambda one: f"{one['object']}-{one['code']}")
def test_every_exception_is_still_needed(one: dict[str, str]) -> None:
    assert len(one["reason"]) > 20
    assert any(one["code"] in advice(name) for name in OBJECTS if fnmatchcase(name, one["object"]))
