# SPDX-License-Identifier: Apache-2.0
"""How the witnesses about program and attach types become a verdict."""

from __future__ import annotations

import errno

import pytest

from preflight.findings.model import Confidence, Verdict
from preflight.host.areas.programs import Trial
from preflight.host.checks.decisions import attach_state, prog_state
from preflight.host.collect.programs import read_link_answer
from tests.host.witness_builder import (
    DENIED,
    EINVAL,
    NOT_TRIED,
    STUB,
    UNREAD,
    WORKS,
    about,
    facts,
    feature,
    judge,
    programs,
)

#: (trial, in BTF enum, implementing function in BTF) -> verdict.
TABLE = [
    (WORKS, True, True, Verdict.OK),
    (WORKS, None, None, Verdict.OK),
    # A load that works beats an enum that does not list it.
    (WORKS, False, False, Verdict.OK),
    # EPERM is never "missing" by itself, and "blocked" only for what is known to exist.
    (DENIED, True, True, Verdict.BLOCKED),
    (DENIED, True, None, Verdict.BLOCKED),
    (DENIED, None, None, Verdict.UNKNOWN),
    (DENIED, False, None, Verdict.MISSING),
    (DENIED, True, False, Verdict.MISSING),
    # EINVAL decides only when the code is not there either.
    (EINVAL, True, False, Verdict.MISSING),
    (EINVAL, True, True, Verdict.UNKNOWN),
    (EINVAL, None, None, Verdict.MISSING),
    (EINVAL, False, None, Verdict.MISSING),
    # An answer nobody knows decides nothing; a complete enum without the name still does.
    (UNREAD, True, True, Verdict.UNKNOWN),
    (UNREAD, None, None, Verdict.UNKNOWN),
    (UNREAD, False, None, Verdict.MISSING),
    (NOT_TRIED, True, None, Verdict.UNKNOWN),
    (NOT_TRIED, False, None, Verdict.MISSING),
]


@pytest.mark.parametrize(("trial", "in_btf", "built", "verdict"), TABLE)
def test_verdict(trial: Trial, in_btf: bool | None, built: bool | None, verdict: Verdict) -> None:
    host = facts(programs=programs(trial, in_btf=in_btf, built=built))
    assert prog_state(host, "lirc_mode2").verdict is verdict


def test_an_errno_without_btf_is_less_sure_than_with_it() -> None:
    alone = prog_state(facts(programs=programs(EINVAL, in_btf=None)), "lirc_mode2")
    backed = prog_state(facts(programs=programs(EINVAL, built=False)), "lirc_mode2")
    assert alone.confidence is Confidence.MEDIUM
    assert backed.confidence is Confidence.HIGH


def test_bpftool_is_shown_and_never_decides() -> None:
    host = facts(programs=programs(WORKS, bpftool=False))
    decision = prog_state(host, "lirc_mode2")
    assert decision.ok
    assert any(e.source == "bpftool" and "NOT available" in e.detail for e in decision.evidence)


def test_an_unread_line_is_shown() -> None:
    found = about("PH401", "lirc_mode2", programs=programs(UNREAD))
    assert "a line of a kernel to come" in found.cause


def test_a_missing_type_names_its_kernel_option() -> None:
    assert (
        "CONFIG_BPF_LIRC_MODE2=y" in about("PH401", "lirc_mode2", programs=programs(EINVAL, built=False)).fix
    )


def test_an_area_that_was_not_collected_is_unknown() -> None:
    assert [f.verdict for f in judge("PH401", programs=None)] == [Verdict.UNKNOWN]
    assert prog_state(facts(programs=None), "xdp").verdict is Verdict.UNKNOWN
    assert attach_state(facts(programs=None), "fentry").verdict is Verdict.UNKNOWN


def test_a_name_nobody_knows_is_unknown() -> None:
    assert prog_state(facts(), "from_the_future").verdict is Verdict.UNKNOWN
    assert attach_state(facts(), "from_the_future").verdict is Verdict.UNKNOWN


def test_a_load_that_any_attach_type_passes_is_no_proof() -> None:
    without_btf = feature(load_is_evidence=False, in_btf=None)
    not_listed = feature(load_is_evidence=False, in_btf=False)
    assert (
        attach_state(facts(programs=programs(WORKS, without_btf)), "kprobe.multi").verdict is Verdict.UNKNOWN
    )
    assert (
        attach_state(facts(programs=programs(WORKS, not_listed)), "kprobe.multi").verdict is Verdict.MISSING
    )


def test_loading_without_an_attach_path_is_missing() -> None:
    found = about("PH402", "kprobe.multi", programs=programs(WORKS, feature(attach=STUB)))
    assert found.verdict is Verdict.MISSING
    assert found.data["load"] == "works"
    assert found.data["attach"] == "unsupported"
    assert "fentry" in found.fix


def test_an_attach_path_that_answers_is_ok() -> None:
    path = Trial("works", "EFAULT")
    found = about(
        "PH402", "kprobe.multi", programs=programs(WORKS, feature(load_is_evidence=False, attach=path))
    )
    assert found.verdict is Verdict.OK


def test_a_refused_attach_feature_is_blocked() -> None:
    assert (
        about("PH402", "kprobe.multi", programs=programs(WORKS, feature(DENIED))).verdict is Verdict.BLOCKED
    )


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (errno.EFAULT, "works"),
        (errno.EOPNOTSUPP, "unsupported"),
        (errno.EPERM, "denied"),
        (errno.EINVAL, "inconclusive"),
        (0, "inconclusive"),
    ],
)
def test_answer_to_a_link_that_cannot_be_made(error: int, state: str) -> None:
    assert read_link_answer(error, there=errno.EFAULT, stub=errno.EOPNOTSUPP).state == state
