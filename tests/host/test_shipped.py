# SPDX-License-Identifier: Apache-2.0
"""The shipped tracers on a host: the best variant that runs, and what stops the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight.findings.model import Verdict
from preflight.host.checks.tracers import tracer_findings
from preflight.host.facts import HostFacts
from preflight.host.readiness import Readiness, assess_objects
from preflight.host.samples import Rows, Samples
from preflight.host.shipped import Shipped, ShippedProgram, ShippedTracer, ShippedVariant, tracer_row
from preflight.objects.sources import open_objects
from tests.elfwriter import ElfWriter, exit_, mov
from tests.host import areas_builder as areas
from tests.host import witness_builder as witnesses
from tests.host.cases_tracers import row, variant
from tests.host.surface_builder import BLOCKED, NO, surface_facts
from tests.host.test_samples import NOWHERE

#: Kprobes cannot be attached here, fentry is refused; socket filters are fine.
HOST = areas.host(
    programs=witnesses.programs(name="kprobe"),
    maps=witnesses.maps(),
    helpers=witnesses.helpers(),
    surfaces=surface_facts({"kprobe": (NO, NO), "fentry": (BLOCKED, BLOCKED)}),
)


def built(path: Path, **programs: str) -> Path:
    """An object with a program of this name in each section."""
    writer = ElfWriter()
    for name, section in programs.items():
        writer.code(section, [mov(0, 0), exit_()], functions=[name])
    writer.license()
    path.write_bytes(writer.bytes())
    return path


def a_variant(name: str, path: Path | None, *programs: ShippedProgram) -> ShippedVariant:
    return ShippedVariant(name, name, path, "" if path else "it was not compiled", programs)


def needed(name: str, *, optional: bool = False, group: str = "") -> ShippedProgram:
    return ShippedProgram(name, optional, group)


def a_row(*variants: ShippedVariant, host: HostFacts = HOST) -> dict[str, Any]:
    def judge(path: Path) -> Readiness:
        return assess_objects(open_objects(path), host, None)[0]

    return tracer_row(ShippedTracer("t", "exec", "What?", variants), judge)


@pytest.fixture
def objects(tmp_path: Path) -> dict[str, Path]:
    return {
        "both": built(tmp_path / "both.bpf.o", main="socket", extra="kprobe"),
        "good": built(tmp_path / "good.bpf.o", main="socket"),
        "bad": built(tmp_path / "bad.bpf.o", main="kprobe"),
    }


def verdicts(found: dict[str, Any]) -> tuple[str, str | None]:
    return found["verdict"], found["variant"]


def test_the_first_variant_that_runs_is_the_answer(objects: dict[str, Path]) -> None:
    bad = a_variant("bad", objects["bad"], needed("main"))
    good = a_variant("good", objects["good"], needed("main"))
    found = a_row(bad, good)
    assert verdicts(found) == ("ready", "good")
    assert found["variants"][0]["blocking"] == ["PH702[kprobe]"]
    assert found["variants"][0]["reason"]


def test_a_program_that_is_needed_stops_its_variant(objects: dict[str, Path]) -> None:
    found = a_row(a_variant("both", objects["both"], needed("main"), needed("extra")))
    assert verdicts(found) == ("not-ready", None)


def test_an_optional_program_stops_nothing(objects: dict[str, Path]) -> None:
    found = a_row(a_variant("both", objects["both"], needed("main"), needed("extra", optional=True)))
    assert verdicts(found) == ("ready", "both")


def test_of_a_group_one_is_enough(objects: dict[str, Path]) -> None:
    programs = (needed("main", group="g"), needed("extra", group="g"))
    assert verdicts(a_row(a_variant("both", objects["both"], *programs))) == ("ready", "both")


def test_a_group_of_which_none_works_stops(objects: dict[str, Path]) -> None:
    found = a_row(a_variant("bad", objects["bad"], needed("main", group="g")))
    assert verdicts(found) == ("not-ready", None)


def test_a_program_that_is_not_used_stops_nothing(objects: dict[str, Path]) -> None:
    assert verdicts(a_row(a_variant("both", objects["both"], needed("main")))) == ("ready", "both")


def test_an_object_without_the_program_decides_nothing(objects: dict[str, Path]) -> None:
    found = a_row(a_variant("good", objects["good"], needed("other")))
    assert verdicts(found) == ("undecided", None)
    assert "other" in found["variants"][0]["reason"]


def test_an_object_that_was_not_compiled_decides_nothing() -> None:
    found = a_row(a_variant("good", None, needed("main")))
    assert verdicts(found) == ("undecided", None)
    assert found["variants"][0]["fix"] == "make build"


# --- findings


def test_a_finding_names_the_variant_and_why_not_the_better_ones() -> None:
    (found,) = tracer_findings([row(variant("tracepoint", "not-ready"), variant("raw_tp"))])
    assert (found.verdict, found.subject) == (Verdict.OK, "execs")
    assert found.title == "execs: runs by raw_tp"
    assert found.cause == "not by tracepoint: it is not there"


@pytest.mark.parametrize(
    ("variants", "verdict"),
    [
        ([variant("a", "not-ready"), variant("b", "undecided")], Verdict.UNKNOWN),
        ([variant("a", "not-ready"), variant("b", "not-ready")], Verdict.MISSING),
        ([variant("a", "not-ready"), variant("b", "not-ready", refused=True)], Verdict.BLOCKED),
        ([variant("a", "undecided"), variant("b")], Verdict.OK),
    ],
)
def test_verdict_of_a_tracer(variants: list[dict[str, Any]], verdict: Verdict) -> None:
    (found,) = tracer_findings([row(*variants)])
    assert found.verdict is verdict


def test_what_is_only_refused_is_told_from_what_is_missing(tmp_path: Path) -> None:
    refused = built(tmp_path / "f.bpf.o", main="fentry/do_exit")
    found = a_row(a_variant("fentry", refused, needed("main")))
    assert found["variants"][0]["refused"] is (found["variants"][0]["blocking"] == ["PH704[fentry]"])


# --- beside the samples


def test_tracers_are_judged_and_remembered_with_the_samples(objects: dict[str, Path], tmp_path: Path) -> None:
    asked = []

    def load() -> tuple[ShippedTracer, ...]:
        asked.append(1)
        good = a_variant("good", objects["good"], needed("main"))
        return (ShippedTracer("t", "exec", "What?", (good,)),)

    def rows() -> Rows:
        shipped = Shipped(load, tuple(objects.values()))
        nowhere = tmp_path / "nowhere"
        return Samples(nowhere, shipped=shipped, directory=tmp_path / "cache").rows(HOST, None, NOWHERE)

    first = rows()
    assert [verdicts(one) for one in first.tracers] == [("ready", "good")]
    assert first.objects == []
    assert rows() == first
    built(objects["good"], main="kprobe")
    assert [verdicts(one) for one in rows().tracers] == [("not-ready", None)]
    assert len(asked) == 2
