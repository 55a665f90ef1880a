# SPDX-License-Identifier: Apache-2.0
"""The helper table read: per type and per way of loading; kfuncs, limits and instruction set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.findings.model import Verdict
from preflight.host.areas.helpers import NOT_TRIED, Claims, HelperNote, HelperRow
from preflight.host.areas.instruments import Bpftool
from preflight.host.areas.programs import Trial
from preflight.host.bpf.classify import HelperState, classify_helper
from preflight.host.bpf.helper_names import HELPERS
from preflight.host.bpf.vehicles import VEHICLES
from preflight.host.checks.decisions import helper_state, isa_state, kfunc_state, letters
from preflight.host.checks.witness_conflicts import helper_conflicts
from preflight.host.collect.helpers import claims_by_id, helper_names, settle
from tests.host.witness_builder import DENIED, EINVAL, abilities, about, claims, facts, helpers, judge


def _row(states: str, vehicle: str = "tp_btf", reason: str = "") -> HelperRow:
    return HelperRow("tracing", vehicle, states, reason=reason)


@pytest.mark.parametrize(
    ("letter", "verdict"),
    [
        ("u", Verdict.OK),
        ("n", Verdict.MISSING),
        ("x", Verdict.MISSING),
        ("d", Verdict.BLOCKED),
        ("?", Verdict.UNKNOWN),
    ],
)
def test_state_to_verdict(letter: str, verdict: Verdict) -> None:
    host = facts(helpers=helpers(_row(f"-{letter}nn")))
    assert helper_state(host, "tracing", "bpf_map_lookup_elem").verdict is verdict


@given(st.lists(st.text("unxd?", min_size=3, max_size=3), min_size=1, max_size=4))
def test_the_best_answer_of_all_vehicles_counts(columns: list[str]) -> None:
    rows = [_row("-" + states, f"v{n}") for n, states in enumerate(columns)]
    merged = letters(helpers(*rows), "tracing")
    for at in range(3):
        seen = {states[at] for states in columns}
        assert (merged[at + 1] == "u") == ("u" in seen)
        if merged[at + 1] in "nx":
            assert seen <= {"n", "x"}, "refused only when every way was asked and refused"


def test_a_type_whose_helpers_were_not_asked_is_skipped_and_says_how_to_ask() -> None:
    row = HelperRow("tracing", "tp_btf", "-???", reason=NOT_TRIED)
    (found,) = judge("PH601", helpers=helpers(row))
    assert (found.verdict, found.subject) == (Verdict.SKIPPED, "tracing")
    assert "--full" in found.fix


def test_a_helper_that_was_not_asked_is_unknown_and_no_conflict() -> None:
    row = HelperRow("tracing", "tp_btf", "-???", reason=NOT_TRIED)
    table = helpers(row, claims=(Claims("tracing", "-yyn"),))
    decision = helper_state(facts(helpers=table), "tracing", "map_lookup_elem")
    assert (decision.verdict, decision.because) == (Verdict.UNKNOWN, NOT_TRIED)
    assert helper_conflicts(table) == ()


def test_one_refused_way_keeps_a_no_of_another_from_deciding() -> None:
    """fentry is refused by policy, so tp_btf's "not for me" is not a no for tracing programs."""
    host = facts(helpers=helpers(_row("-nnn"), _row("-ddd", "fentry", "EPERM")))
    assert helper_state(host, "tracing", "redirect").verdict is Verdict.BLOCKED
    assert helper_state(host, "tracing", "redirect", vehicle="tp_btf").verdict is Verdict.MISSING


def test_a_helper_that_no_enum_lists_is_missing_only_with_btf() -> None:
    assert helper_state(facts(), "xdp", "from_the_future").verdict is Verdict.MISSING
    without = facts(helpers=helpers(names_from="table"))
    assert helper_state(without, "xdp", "from_the_future").verdict is Verdict.UNKNOWN


def test_a_type_that_was_not_tried_is_unknown() -> None:
    assert helper_state(facts(), "netfilter", "redirect").verdict is Verdict.UNKNOWN
    assert helper_state(facts(helpers=None), "xdp", "redirect").verdict is Verdict.UNKNOWN


def test_a_helper_left_out_says_why() -> None:
    host = facts(helpers=helpers(HelperRow("xdp", "xdp", "-u?n"), not_probed=("redirect",)))
    assert "prints to the kernel log" in helper_state(host, "xdp", "redirect").because


def test_an_unread_answer_asks_to_be_reported() -> None:
    row = HelperRow(
        "xdp", "xdp", "-u?n", (HelperNote("redirect", "unread answer, please report: new words"),)
    )
    host = facts(helpers=helpers(row))
    assert "new words" in helper_state(host, "xdp", "redirect").because
    assert "redirect" in about("PH601", "xdp", helpers=helpers(row)).fix


def test_bpftools_claim_is_evidence_and_not_the_answer() -> None:
    host = facts(helpers=helpers(claims=claims("-yyy")))
    decision = helper_state(host, "xdp", "d_path")
    assert decision.verdict is Verdict.MISSING
    assert any(e.source == "bpftool" and e.detail == "lists it" for e in decision.evidence)


@pytest.mark.parametrize(
    ("states", "reason", "verdict"),
    [
        ("-uun", "", Verdict.OK),
        ("-nnn", "", Verdict.MISSING),
        ("-nnn", "the kernel has no such programs (EINVAL)", Verdict.NOT_APPLICABLE),
        ("-ddd", "EPERM", Verdict.BLOCKED),
        ("-???", "", Verdict.UNKNOWN),
        ("-??n", "", Verdict.UNKNOWN),
    ],
)
def test_summary_of_a_type(states: str, reason: str, verdict: Verdict) -> None:
    assert (
        about("PH601", "xdp", helpers=helpers(HelperRow("xdp", "xdp", states, reason=reason))).verdict
        is verdict
    )


def test_no_row_at_all_is_unknown() -> None:
    assert [f.verdict for f in judge("PH601", helpers=helpers(rows=()))] == [Verdict.UNKNOWN]


VEHICLE = {vehicle.name: vehicle for vehicle in VEHICLES}


@pytest.mark.parametrize(
    ("line", "vehicle", "state"),
    [
        ("helper call might sleep in a non-sleepable prog", "kprobe", HelperState.NOT_FOR_TYPE),
        ("helper call is not allowed in probe", "syscall", HelperState.NOT_FOR_TYPE),
        # d_path is for some functions only; another target of the same kind may have it.
        ("helper call is not allowed in probe", "fentry", HelperState.INCONCLUSIVE),
        (
            "func bpf_get_func_arg#183 supported only for fentry/fexit/fmod_ret programs",
            "tp_btf",
            HelperState.NOT_FOR_TYPE,
        ),
        ("R1 type=ctx expected=map_ptr", "kprobe", HelperState.USABLE),
        ("words of a kernel to come", "kprobe", HelperState.INCONCLUSIVE),
    ],
)
def test_settling_for_one_way_of_loading(line: str, vehicle: str, state: HelperState) -> None:
    settled, note = settle(classify_helper(22, line), VEHICLE[vehicle])
    assert settled is state
    assert bool(note) == (state is not HelperState.USABLE)


def test_names_come_from_the_enum_with_its_gaps() -> None:
    enum = {"BPF_FUNC_unspec": 0, "BPF_FUNC_a": 1, "BPF_FUNC_c": 3, "__BPF_FUNC_MAX_ID": 4}
    assert helper_names(enum) == ("", "a", "", "c")
    assert helper_names(None) is HELPERS
    assert helper_names({}) == ("",)


def test_a_senseless_enum_does_not_make_a_senseless_table() -> None:
    assert helper_names({"BPF_FUNC_far": 2**31, "BPF_FUNC_a": 1, "BPF_FUNC_back": -5}) == ("", "a")


def test_an_empty_list_of_bpftool_is_no_claim() -> None:
    tool = Bpftool("/b", "7", "1", {}, {}, {"xdp": ("a",), "lsm": ()}, {})
    (claim,) = claims_by_id(tool, ("", "a", "", "c"))
    assert (claim.program_type, claim.listed) == ("xdp", "-y-n")


def test_kfuncs() -> None:
    assert kfunc_state(facts(), "bpf_iter_num_new").verdict is Verdict.OK
    assert kfunc_state(facts(), "bpf_from_the_future").verdict is Verdict.MISSING
    assert kfunc_state(facts(helpers=helpers(kfuncs=None)), "bpf_iter_num_new").verdict is Verdict.UNKNOWN


NO_LDSX = Trial("unsupported", "EINVAL", "BPF_LDX uses reserved fields")


@pytest.mark.parametrize(
    ("changed", "level", "verdict"),
    [
        ({}, "v4", Verdict.OK),
        ({"ldsx": NO_LDSX}, "v4", Verdict.MISSING),
        ({"ldsx": NO_LDSX}, "v3", Verdict.OK),
        ({"jump_less": NO_LDSX}, "v4", Verdict.MISSING),
        ({"base": DENIED, "jump32": DENIED}, "v3", Verdict.BLOCKED),
        ({"ldsx": Trial("inconclusive", "EINVAL", "new words")}, "v4", Verdict.UNKNOWN),
    ],
)
def test_instruction_set_level(changed: dict[str, Trial], level: str, verdict: Verdict) -> None:
    assert isa_state(facts(helpers=helpers(features=abilities(**changed))), level).verdict is verdict


def test_a_level_nobody_knows_is_unknown() -> None:
    assert isa_state(facts(), "v9").verdict is Verdict.UNKNOWN


def test_the_highest_level_is_named_with_the_compiler_option() -> None:
    (found,) = judge("PH605", helpers=helpers(features=abilities(jump32=NO_LDSX)))
    assert found.verdict is Verdict.DEGRADED
    assert "-mcpu=v2" in found.fix


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        (Trial("works", "ok", "limit 1000000"), Verdict.OK),
        (Trial("works", "ok", "limit nonsense"), Verdict.OK),
        (Trial("inconclusive", "E2BIG"), Verdict.DEGRADED),
        (Trial("inconclusive", "ENOMEM"), Verdict.UNKNOWN),
        (DENIED, Verdict.UNKNOWN),
        (EINVAL, Verdict.UNKNOWN),
    ],
)
def test_instruction_limit(limit: Trial, verdict: Verdict) -> None:
    (found,) = judge("PH603", helpers=helpers(limit=limit))
    assert found.verdict is verdict


def test_a_refused_length_is_blocked_when_every_program_is() -> None:
    (found,) = judge("PH603", helpers=helpers(limit=DENIED, features=abilities(base=DENIED)))
    assert found.verdict is Verdict.BLOCKED


@given(
    st.lists(st.tuples(st.sampled_from(["xdp", "lsm"]), st.text(max_size=6)), max_size=4),
    st.text(max_size=6),
)
def test_recorded_facts_of_any_shape_are_judged(rows: list[tuple[str, str]], listed: str) -> None:
    made = tuple(HelperRow(kind, kind, states) for kind, states in rows)
    strange = helpers(rows=made, claims=claims(listed))
    for code in ("PH601", "PH902"):
        assert all(found.verdict in set(Verdict) for found in judge(code, helpers=strange))
    assert helper_state(facts(helpers=strange), "xdp", "redirect").verdict in set(Verdict)
