# SPDX-License-Identifier: Apache-2.0
"""The rules of PH7xx on built facts."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from preflight.facts import known, unknown
from preflight.findings.model import Confidence, Verdict
from preflight.host import codec
from preflight.host.areas.surfaces import (
    STATES,
    Answer,
    AttachProof,
    CgroupMode,
    FunctionTarget,
    NetModule,
    PerfEvents,
    SurfaceFacts,
    Tracefs,
    TracepointTarget,
)
from preflight.host.checks.attach_points import function_finding, tracepoint_finding
from preflight.host.checks.runner import checks
from preflight.host.surface_data import feature_entries, surface_entries
from preflight.host.surface_table import best_alternative, feature_rows, surface_rows
from tests.host.surface_builder import (
    BLOCKED,
    HYBRID,
    LIKELY,
    NO,
    OPEN,
    YES,
    judge,
    only,
    surface_facts,
)

SURFACE_CODES = ("PH702", "PH704", "PH706", "PH711")


def test_kprobe_that_loads_but_has_nothing_to_attach_to_is_missing_and_says_both() -> None:
    found = only(judge("PH702", surface_facts({"kprobe": (YES, NO)})))
    assert found.verdict is Verdict.MISSING
    assert "loads" in found.title
    assert "nothing to attach" in found.title
    assert found.data["surfaces"]["kprobe"]["loadable"] == "yes"
    assert found.data["surfaces"]["kprobe"]["attachable"] == "no"


def test_two_witnesses_of_absence_give_high_confidence_and_one_gives_less() -> None:
    alone = Answer("no", "inferred", NO.evidence[:1], NO.reason)
    assert only(judge("PH702", surface_facts({"kprobe": (YES, NO)}))).confidence is Confidence.HIGH
    assert only(judge("PH702", surface_facts({"kprobe": (YES, alone)}))).confidence is Confidence.MEDIUM


def test_a_bare_eperm_is_blocked_and_never_missing() -> None:
    found = only(judge("PH704", surface_facts({"fentry": (BLOCKED, BLOCKED), "fexit": (BLOCKED, BLOCKED)})))
    assert found.verdict is Verdict.BLOCKED
    assert "run as root" in found.fix


def test_missing_and_refused_at_once_is_missing_and_says_both() -> None:
    found = only(judge("PH702", surface_facts({"kprobe": (BLOCKED, NO)})))
    assert found.verdict is Verdict.MISSING
    assert "nothing to attach" in found.title
    assert "refused" in found.title


def test_forms_in_the_same_state_are_named_together() -> None:
    found = only(judge("PH704", surface_facts({"fentry": (BLOCKED, BLOCKED), "fexit": (BLOCKED, BLOCKED)})))
    assert found.title.startswith("fentry, fexit: ")


def test_the_fix_names_a_surface_that_is_usable_here() -> None:
    facts = surface_facts({"kprobe": (YES, NO), "tracepoint": (YES, BLOCKED)})
    found = only(judge("PH702", facts))
    assert found.data["alternative"] == "tp_btf"
    assert "BTF tracepoint" in found.fix


def test_ok_without_an_attempt_says_so_and_is_not_sure() -> None:
    found = only(judge("PH706", surface_facts()))
    assert found.verdict is Verdict.OK
    assert "not tried" in found.title
    assert found.confidence is Confidence.MEDIUM


def test_ok_after_an_attempt_is_sure() -> None:
    found = only(judge("PH706", surface_facts({"uprobe": (YES, YES)})))
    assert "not tried" not in found.title
    assert found.confidence is Confidence.HIGH


def test_a_lesser_form_that_is_missing_degrades_and_is_named() -> None:
    found = only(judge("PH706", surface_facts({"uprobe_multi": (YES, NO)})))
    assert found.verdict is Verdict.DEGRADED
    assert "uprobe.multi" in found.title


def test_a_lesser_form_nobody_could_ask_does_not_degrade() -> None:
    found = only(judge("PH706", surface_facts({"uprobe_multi": (YES, OPEN)})))
    assert found.verdict is Verdict.OK
    assert "uprobe.multi" in found.title


@pytest.mark.parametrize("code", SURFACE_CODES)
@pytest.mark.parametrize(("load", "attach"), list(itertools.product(STATES, repeat=2)))
def test_ok_needs_yes_for_loading_and_for_attaching(code: str, load: str, attach: str) -> None:
    by_state = {"yes": LIKELY, "no": NO, "blocked": BLOCKED, "unknown": OPEN}
    pair = (by_state[load], by_state[attach])
    found = only(judge(code, surface_facts(dict.fromkeys(surface_entries(), pair))))
    assert (found.verdict is Verdict.OK) == (load == attach == "yes")
    if "no" not in (load, attach):
        assert found.verdict is not Verdict.MISSING


@pytest.mark.parametrize("code", [one for one in checks() if one.startswith("PH7")])
def test_without_facts_every_check_is_unknown(code: str) -> None:
    assert [one.verdict for one in judge(code, None)] == [Verdict.UNKNOWN]


@pytest.mark.parametrize("code", ["PH702", "PH704", "PH705", "PH706", "PH708", "PH711"])
def test_nothing_could_be_asked_is_unknown_with_a_way_to_decide(code: str) -> None:
    facts = surface_facts(dict.fromkeys(surface_entries(), (OPEN, OPEN)))
    for found in judge(code, facts):
        assert found.verdict is Verdict.UNKNOWN
        assert "mount /sys" in found.fix


TRACEFS_CASES = [
    (known(Tracefs(None, False)), Verdict.MISSING),
    (known(Tracefs("/sys/kernel/tracing", False)), Verdict.BLOCKED),
    (known(Tracefs("/sys/kernel/tracing", True, ("kprobe_events",))), Verdict.DEGRADED),
    (known(Tracefs("/sys/kernel/tracing", True, ("events",))), Verdict.OK),
    (unknown("neither /proc nor /sys can be read"), Verdict.UNKNOWN),
]


@pytest.mark.parametrize(("fact", "verdict"), TRACEFS_CASES)
def test_tracefs(fact: object, verdict: Verdict) -> None:
    assert only(judge("PH701", surface_facts(tracefs=fact))).verdict is verdict


FUNCTION_CASES = [
    (FunctionTarget("f", True, True, True, False), Verdict.OK),
    (FunctionTarget("f", None, True, True, None), Verdict.OK),
    (FunctionTarget("f", True, True, None, None), Verdict.UNKNOWN),
    (FunctionTarget("f", True, None, None, None), Verdict.UNKNOWN),
    (FunctionTarget("f", False, None, None, None), Verdict.UNKNOWN),
    (FunctionTarget("f", True, False, False, None, ("f.part.0",)), Verdict.MISSING),
    (FunctionTarget("f", True, False, None, None), Verdict.MISSING),
    (FunctionTarget("f", False, False, False, False), Verdict.MISSING),
    (FunctionTarget("f", True, True, True, True), Verdict.BLOCKED),
    (FunctionTarget("f", True, True, False, False), Verdict.DEGRADED),
]


@pytest.mark.parametrize(("target", "verdict"), FUNCTION_CASES)
def test_function(target: FunctionTarget, verdict: Verdict) -> None:
    found = function_finding(target)
    assert found.verdict is verdict
    assert found.subject == "f"


@pytest.mark.parametrize("kallsyms", [True, False, None])
@pytest.mark.parametrize("traceable", [True, False, None])
def test_being_in_btf_alone_changes_no_verdict(kallsyms: bool | None, traceable: bool | None) -> None:
    verdicts = {
        function_finding(FunctionTarget("f", in_btf, kallsyms, traceable)).verdict
        for in_btf in (True, False, None)
    }
    assert len(verdicts) == 1


def test_variants_are_named() -> None:
    found = function_finding(
        FunctionTarget("blk_account_io_done", True, False, False, None, ("blk_account_io_done.part.0",))
    )
    assert "blk_account_io_done.part.0" in found.title


def test_a_hostile_function_name_is_quoted_in_the_command() -> None:
    found = function_finding(FunctionTarget("a; rm -rf /", None, None, None, None))
    assert "'a; rm -rf /'" in found.fix


TRACEPOINT_CASES = [
    (TracepointTarget("sched", "x", True, True, True), Verdict.OK),
    (TracepointTarget("sched", "x", True, None, None), Verdict.OK),
    (TracepointTarget("sched", "x", False, True, True), Verdict.MISSING),
    (TracepointTarget("sched", "x", None, True, True), Verdict.UNKNOWN),
    (TracepointTarget("sched", "x", None, False, False), Verdict.MISSING),
    (TracepointTarget("sched", "x", None, False, None), Verdict.UNKNOWN),
    (TracepointTarget("", "x", None, True, None), Verdict.OK),
    (TracepointTarget("", "x", None, False, True), Verdict.OK),
    (TracepointTarget("", "x", None, False, False), Verdict.MISSING),
    (TracepointTarget("", "x", None, False, None), Verdict.UNKNOWN),
    (TracepointTarget("", "x", None, None, None), Verdict.UNKNOWN),
    (TracepointTarget("syscalls", "sys_enter_openat", None, False, False), Verdict.UNKNOWN),
    (TracepointTarget("syscalls", "sys_enter_openat", True, False, False), Verdict.OK),
]


@pytest.mark.parametrize(("target", "verdict"), TRACEPOINT_CASES)
def test_tracepoint(target: TracepointTarget, verdict: Verdict) -> None:
    assert tracepoint_finding(target, surface_facts()).verdict is verdict


def test_a_system_call_event_is_missing_where_the_configuration_says_so() -> None:
    target = TracepointTarget("syscalls", "sys_enter_openat", None, False, False)
    facts = surface_facts(config=known({"FTRACE_SYSCALLS": "n"}))
    assert tracepoint_finding(target, facts).verdict is Verdict.MISSING


PERF_CASES = [
    ("ok", "ok", Verdict.OK),
    ("ok", "ENOENT", Verdict.DEGRADED),
    ("ok", "EOPNOTSUPP", Verdict.DEGRADED),
    ("ok", "EACCES", Verdict.BLOCKED),
    ("EPERM", "EPERM", Verdict.BLOCKED),
    ("ENOSYS", "ENOSYS", Verdict.UNKNOWN),
    ("EMFILE", "ok", Verdict.UNKNOWN),
]


@pytest.mark.parametrize(("software", "hardware", "verdict"), PERF_CASES)
def test_perf_events(software: str, hardware: str, verdict: Verdict) -> None:
    assert only(judge("PH707", surface_facts(perf=known(PerfEvents(software, hardware))))).verdict is verdict


CGROUP_CASES = [
    (CgroupMode("v2", "/sys/fs/cgroup", (), (), True), Verdict.OK),
    (HYBRID, Verdict.DEGRADED),
    (CgroupMode("v1", None, ("cpu",), (), False), Verdict.MISSING),
    (CgroupMode("none", None, (), (), False), Verdict.MISSING),
]


@pytest.mark.parametrize(("mode", "verdict"), CGROUP_CASES)
def test_cgroup_mode(mode: CgroupMode, verdict: Verdict) -> None:
    assert only(judge("PH710", surface_facts(cgroup=known(mode)))).verdict is verdict


def test_hybrid_prints_the_real_path_of_version_2() -> None:
    found = only(judge("PH710", surface_facts(cgroup=known(HYBRID))))
    assert "/sys/fs/cgroup/unified" in found.title
    assert found.data["v2_path"] == "/sys/fs/cgroup/unified"


def test_a_module_that_is_not_loaded_is_its_own_state() -> None:
    network = (NetModule("cls_bpf", "available", "a module"), NetModule("sch_ingress", "loaded", "loaded"))
    found = only(judge("PH708", surface_facts(network=network)), "tc")
    assert found.verdict is Verdict.DEGRADED
    assert found.fix == "modprobe cls_bpf"


def test_the_best_alternative_is_the_first_usable_one() -> None:
    facts = surface_facts({"tracepoint": (YES, BLOCKED), "tp_btf": (BLOCKED, BLOCKED)})
    assert best_alternative(facts, "kprobe") == "raw_tp"


def test_no_usable_alternative_is_none() -> None:
    assert best_alternative(surface_facts(dict.fromkeys(surface_entries(), (YES, NO))), "kprobe") is None


def test_the_nine_tracing_surfaces_have_a_row_each() -> None:
    rows = surface_rows(surface_facts(), nine=True)
    wanted = "tracepoint raw_tp kprobe kretprobe fentry fexit uprobe uretprobe usdt"
    assert {row.name for row in rows} == set(wanted.split())
    assert all(row.stability and row.caution and row.because for row in rows)


def test_rows_show_loading_and_attaching_apart() -> None:
    row = next(r for r in surface_rows(surface_facts({"kprobe": (YES, NO)})) if r.name == "kprobe")
    assert (row.loadable, row.loadable_level) == ("yes", "measured")
    assert (row.attachable, row.attachable_level) == ("no", "inferred")
    assert row.usable == "no"


def test_facts_of_an_older_preflight_give_unknown_rows() -> None:
    facts = replace(surface_facts(), surfaces=(), features=())
    assert {row.usable for row in surface_rows(facts)} == {"unknown"}
    assert {row.usable for row in feature_rows(facts)} == {"unknown"}
    assert only(judge("PH702", facts)).verdict is Verdict.UNKNOWN


def test_every_alternative_is_a_surface_and_none_is_the_surface_itself() -> None:
    for entry in surface_entries().values():
        assert set(entry.alternatives) <= set(surface_entries())
        assert entry.name not in entry.alternatives


def test_tracing_alternatives_come_static_and_stable_first() -> None:
    order = ["tracepoint", "tp_btf", "raw_tp"]
    for name in ("fentry", "fexit", "kprobe", "kretprobe"):
        assert list(surface_entries()[name].alternatives[:3]) == order


def test_every_feature_is_asked_from_a_surface_that_exists() -> None:
    for entry in feature_entries().values():
        assert set(entry.needs) <= set(surface_entries())


def test_recorded_facts_come_back_the_same() -> None:
    facts = replace(
        surface_facts({"kprobe": (YES, NO), "fentry": (BLOCKED, OPEN)}),
        functions=(FunctionTarget("vfs_read", True, None, None, False, ("vfs_read.cold",), ("no tracefs",)),),
        tracepoints=(TracepointTarget("sched", "sched_switch", None, True, True),),
        attach_proof=AttachProof(3, 3, (), (), False, True),
    )
    recorded = json.loads(json.dumps(codec.encode(facts)))
    assert codec.decode(SurfaceFacts, recorded) == facts


def test_a_state_nobody_knows_is_unknown() -> None:
    """Facts files come from strangers and from later versions."""
    strange = Answer("perhaps", "guessed")
    assert (strange.state, strange.level) == ("unknown", "none")
    facts = surface_facts(dict.fromkeys(surface_entries(), (strange, strange)))
    assert only(judge("PH702", facts)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("proof", "clean"),
    [
        (AttachProof(5, 5, (), (), False, True), True),
        (AttachProof(5, 6, (), (), False, True), False),
        (AttachProof(5, 5, (7,), (), False, True), False),
        (AttachProof(5, 5, (), (7,), False, True), False),
        (AttachProof(5, 5, (), (), True, True), False),
        # Not allowed to look is no proof.
        (AttachProof(5, 5, (), (), False, False), False),
    ],
)
def test_attaching_is_clean_only_when_nothing_is_left_and_that_was_seen(
    proof: AttachProof, clean: bool
) -> None:
    assert proof.clean is clean
