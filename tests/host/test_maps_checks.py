# SPDX-License-Identifier: Apache-2.0
"""How the witnesses about map types and features become a verdict."""

from __future__ import annotations

import errno

import pytest

from preflight.findings.model import Verdict
from preflight.host.areas.programs import Trial
from preflight.host.bpf.syscall import ENOTSUPP, Result
from preflight.host.checks.decisions import map_feature_state, map_state
from preflight.host.checks.maps import missing_map_fix
from preflight.host.collect.maps import trial_of
from tests.host.witness_builder import DENIED, EINVAL, NOT_TRIED, UNREAD, WORKS, about, facts, judge, maps


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (0, "works"),
        (errno.EPERM, "denied"),
        (errno.EACCES, "denied"),
        (errno.EINVAL, "unsupported"),
        (ENOTSUPP, "unsupported"),
        (errno.ENOMEM, "inconclusive"),
        (errno.E2BIG, "inconclusive"),
    ],
)
def test_answer_to_a_creation(error: int, state: str) -> None:
    assert trial_of(Result(None, error)).state == state


@pytest.mark.parametrize(
    ("create", "in_btf", "built", "verdict"),
    [
        (WORKS, True, True, Verdict.OK),
        (DENIED, True, True, Verdict.BLOCKED),
        (DENIED, None, None, Verdict.UNKNOWN),
        (EINVAL, False, None, Verdict.MISSING),
        (EINVAL, True, False, Verdict.MISSING),
        (EINVAL, True, True, Verdict.UNKNOWN),
        (UNREAD, True, True, Verdict.UNKNOWN),
        (NOT_TRIED, True, True, Verdict.UNKNOWN),
    ],
)
def test_verdict(create: Trial, in_btf: bool | None, built: bool | None, verdict: Verdict) -> None:
    assert map_state(facts(maps=maps(create, in_btf=in_btf, built=built)), "ringbuf").verdict is verdict


@pytest.mark.parametrize(
    ("create", "trial", "verdict"),
    [
        (WORKS, WORKS, Verdict.OK),
        # A flag that is refused where the plain map works.
        (WORKS, EINVAL, Verdict.MISSING),
        # The same answer where the plain map is refused says nothing about the flag.
        (DENIED, DENIED, Verdict.BLOCKED),
        (DENIED, EINVAL, Verdict.UNKNOWN),
        (UNREAD, EINVAL, Verdict.UNKNOWN),
        (WORKS, UNREAD, Verdict.UNKNOWN),
        (WORKS, NOT_TRIED, Verdict.UNKNOWN),
    ],
)
def test_feature_verdict(create: Trial, trial: Trial, verdict: Verdict) -> None:
    assert map_feature_state(facts(maps=maps(create, trial)), "ringbuf-size-rule").verdict is verdict


def test_a_feature_of_a_missing_map_type_is_missing() -> None:
    host = facts(maps=maps(EINVAL, EINVAL, in_btf=False))
    assert map_feature_state(host, "ringbuf-size-rule").verdict is Verdict.MISSING


def test_a_missing_ring_buffer_offers_the_perf_buffer() -> None:
    assert "perf_event_array" in about("PH501", "ringbuf", maps=maps(EINVAL, in_btf=False)).fix


def test_a_missing_map_names_its_option() -> None:
    assert "CONFIG_XDP_SOCKETS=y" in missing_map_fix("xskmap")


def test_an_area_that_was_not_collected_is_unknown() -> None:
    assert [f.verdict for f in judge("PH502", maps=None)] == [Verdict.UNKNOWN]
    assert map_state(facts(maps=None), "hash").verdict is Verdict.UNKNOWN
    assert map_feature_state(facts(maps=None), "no-prealloc").verdict is Verdict.UNKNOWN


def test_a_name_nobody_knows_is_unknown() -> None:
    assert map_state(facts(), "from_the_future").verdict is Verdict.UNKNOWN
    assert map_feature_state(facts(), "from-the-future").verdict is Verdict.UNKNOWN
