# SPDX-License-Identifier: Apache-2.0
"""bpftool judged by its own answers, disagreement counted, and the proof of no harm."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.facts import known, unknown
from preflight.findings.model import Severity, Verdict
from preflight.host.areas.helpers import HelperRow
from preflight.host.checks.instruments import compare
from preflight.host.checks.witness_conflicts import helper_conflicts
from tests.host.witness_builder import (
    DENIED,
    EINVAL,
    WORKS,
    about,
    claims,
    helpers,
    instruments,
    integrity,
    judge,
    maps,
    programs,
)


@pytest.mark.parametrize(
    ("lists", "distinct", "verdict"),
    [
        (26, 20, Verdict.OK),
        (26, 2, Verdict.OK),
        # The same list for every type is not possible.
        (26, 1, Verdict.DEGRADED),
        (2, 1, Verdict.DEGRADED),
        # One list proves nothing, and none cannot be judged.
        (1, 1, Verdict.OK),
        (0, 0, Verdict.UNKNOWN),
    ],
)
def test_bpftool_is_judged_by_the_shape_of_its_answers(lists: int, distinct: int, verdict: Verdict) -> None:
    (found,) = judge("PH901", instruments=instruments(lists, distinct))
    assert found.verdict is verdict


def test_bpftool_that_is_not_there_is_unknown_with_the_reason() -> None:
    gone = unknown("no bpftool in /usr/sbin", decided_by="install bpftool")
    (found,) = judge("PH901", instruments=instruments(bpftool=gone))
    assert found.verdict is Verdict.UNKNOWN
    assert "install bpftool" in found.fix


def test_refuted_and_missed_claims_are_counted() -> None:
    facts = helpers(HelperRow("xdp", "xdp", "-nux"), claims=claims("-yny"))
    (conflict,) = helper_conflicts(facts)
    assert conflict.claimed == 2
    assert conflict.confirmed == 0
    assert conflict.refuted == ("map_lookup_elem", "d_path")
    assert conflict.missed == ("redirect",)


def test_what_was_not_decided_contradicts_nothing() -> None:
    facts = helpers(HelperRow("xdp", "xdp", "-ud?"), claims=claims("-yyy"))
    (conflict,) = helper_conflicts(facts)
    assert not conflict.refuted
    assert conflict.open_ == 2
    assert about("PH902", "helpers", helpers=facts).verdict is Verdict.OK


def test_a_type_without_rows_is_not_compared() -> None:
    assert helper_conflicts(helpers(claims=claims("-yyy", "netfilter"))) == ()


def test_disagreement_names_counts_examples_and_the_rule() -> None:
    found = about("PH902", "helpers", helpers=helpers(claims=claims("-yyy")))
    assert found.verdict is Verdict.DEGRADED
    assert found.severity is Severity.RECOMMENDED
    assert "refute 1 of bpftool's 3 claims" in found.title
    assert any("bpf_d_path" in e.detail for e in found.evidence)
    assert "trial load wins" in found.cause
    assert found.data["xdp"]["refuted_examples"] == ["d_path"]


@pytest.mark.parametrize(
    ("load", "claim", "verdict"),
    [
        (WORKS, True, Verdict.OK),
        (WORKS, False, Verdict.DEGRADED),
        # "Not available" for what was only refused to this caller.
        (DENIED, False, Verdict.DEGRADED),
        (EINVAL, True, Verdict.DEGRADED),
        (EINVAL, False, Verdict.OK),
    ],
)
def test_program_types_are_compared(load: Any, claim: bool, verdict: Verdict) -> None:
    facts = programs(load, built=False if load is EINVAL else None, bpftool=claim)
    assert about("PH902", "program-types", programs=facts).verdict is verdict


def test_a_load_that_no_enum_lists_is_a_disagreement_too() -> None:
    found = about("PH902", "program-types", programs=programs(WORKS, in_btf=False))
    assert found.verdict is Verdict.DEGRADED
    assert found.data["lirc_mode2"]["btf"] is False


def test_where_everything_was_refused_nothing_is_compared() -> None:
    found = about("PH902", "map-types", maps=maps(DENIED, DENIED, bpftool=False))
    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ({}, Verdict.OK),
        ({"taint": 512}, Verdict.MISSING),
        ({"descriptors": 5}, Verdict.MISSING),
        ({"pins": 1}, Verdict.DEGRADED),
        # Somebody else loads and frees programs all the time.
        ({"programs": 9, "maps": 9, "links": 1}, Verdict.OK),
        ({"descriptors": 3}, Verdict.OK),
        ({"taint": None}, Verdict.OK),
        ({"taint": None, "descriptors": None}, Verdict.UNKNOWN),
    ],
)
def test_before_and_after(after: dict[str, int | None], verdict: Verdict) -> None:
    assert compare(integrity(**after)).verdict is verdict


def test_a_warning_in_the_kernel_log_is_not_passed_over() -> None:
    assert compare(integrity(telling=2)).verdict is Verdict.DEGRADED


def test_what_could_not_be_seen_is_named() -> None:
    found = compare(integrity(telling=None, pins=None))
    assert found.verdict is Verdict.OK
    assert found.data["unseen"] == ["kernel log", "pins"]
    assert "kernel log" in found.title


def test_a_new_taint_fails_the_run() -> None:
    (found,) = judge("PH903", instruments=instruments(integrity=known(integrity(taint=512))))
    assert (found.severity, found.verdict) == (Severity.REQUIRED, Verdict.MISSING)


def test_without_a_first_count_it_is_unknown() -> None:
    (found,) = judge("PH903", instruments=instruments(integrity=unknown("not counted")))
    assert found.verdict is Verdict.UNKNOWN
