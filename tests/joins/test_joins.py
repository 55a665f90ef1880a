# SPDX-License-Identifier: Apache-2.0
"""What object, kernel, host and known regressions add to a rejection."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.joins.host import CODES, codes_behind, with_host
from preflight.joins.kernel import with_kernel
from preflight.joins.object import with_object
from preflight.joins.regressions import named_by_message, regressions, version, with_regressions
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.target import KernelTarget
from preflight.verifier.model import Rejection
from tests.cli.run import preflight
from tests.predict.scenes import caller, kernel, reader
from tests.predict.worlds import world
from tests.verifier.cases_families import LOGS, log_with
from tests.verifier.logs import STATS, only

POISONED = (
    "0: R1=ctx() R10=fp0\n0: (b7) r0 = 0        ; R0=0\n1: (85) call unknown#195896080\n"
    f"invalid func unknown#195896080\n{STATS}"
)
LOADED = (
    "0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n1: (61) r0 = *(u32 *)(r1 +8)\n"
    f"R1 invalid mem access 'scalar'\n{STATS}"
)


def _said(one: Rejection) -> str:
    return "\n".join(seen.detail for seen in one.evidence)


def test_object_gives_the_source_line_that_the_log_has_not() -> None:
    found = with_object(only(LOADED), reader("pid"))
    assert (found.source.file, found.source.line) == ("read.bpf.c", 12)
    assert found.program == "read_it"


def test_object_names_the_relocation_behind_a_poison() -> None:
    found = with_object(only(POISONED), reader("pid"))
    assert "relocation byte_off of struct task_struct.pid" in _said(found)
    assert found.root is not None
    assert found.root.source.line == 12


def test_object_names_the_function_called() -> None:
    text = f"0: R1=ctx() R10=fp0\n0: (85) call bpf_x#7\ncalling kernel function bpf_x is not allowed\n{STATS}"
    assert "kernel symbol bpf_x" in _said(with_object(only(text), caller("bpf_x", weak=True)))


def test_another_build_of_the_object_is_not_believed() -> None:
    text = LOADED.replace("(61) r0 = *(u32 *)(r1 +8)", "(7b) *(u64 *)(r1 +8) = r0")
    found = with_object(only(text), caller("bpf_x"))
    assert found.source.line is None
    assert "not this build" in _said(found)


def test_object_without_the_program_is_said() -> None:
    found = with_object(replace(only(LOADED), program="other"), reader("pid"))
    assert "has no program other" in _said(found)


def test_a_name_cut_by_the_kernel_is_found() -> None:
    long = replace(only(LOADED), program="read_it")
    assert with_object(long, reader("pid")).source.line == 12


@pytest.mark.parametrize(
    ("number", "cause", "said"),
    [(300, "kernel_feature_missing", "has no helper 300"), (5, "helper_not_allowed", "has bpf_ktime_get_ns")],
)
def test_kernel_tells_whether_it_has_a_helper(number: int, cause: str, said: str) -> None:
    one = only(f"0: R1=ctx() R10=fp0\n0: (85) call unknown#{number}\ninvalid func unknown#{number}\n{STATS}")
    found = with_kernel(one, KernelFacts(KernelTarget(world(helpers=212))))
    assert found.cause_id == cause
    assert said in _said(found)


def test_kernel_tells_whether_it_has_a_function() -> None:
    one = only(f"0: (85) call bpf_there#7\ncalling kernel function bpf_there is not allowed\n{STATS}")
    there = with_kernel(one, KernelFacts(KernelTarget(kernel(functions=["bpf_there"]))))
    absent = with_kernel(one, KernelFacts(KernelTarget(kernel())))
    assert (there.cause_id, absent.cause_id) == ("kfunc_not_allowed", "kfunc_unavailable")


def test_prediction_for_the_same_instruction_comes_first() -> None:
    one = only(POISONED)
    found = with_kernel(one, KernelFacts(KernelTarget(kernel(["tgid"]))), reader("pid"))
    assert found.evidence
    assert "at this instruction" in found.evidence[0].detail


CHECKS = [
    {"code": "PH202", "verdict": "blocked", "title": "CAP_BPF is missing"},
    {"code": "PH301", "verdict": "ok", "title": "no lockdown"},
    {"code": "PH801", "verdict": "missing", "title": "no bpffs"},
]


def test_host_names_what_forbids_a_load() -> None:
    found = with_host(only(LOGS["L-EPERM-NOLOG"]), CHECKS)
    assert [seen.detail for seen in found.evidence] == ["PH202 blocked: CAP_BPF is missing"]
    assert found.confidence == "medium"


def test_host_that_forbids_nothing_is_said_too() -> None:
    found = with_host(only(LOGS["L-EPERM-NOLOG"]), CHECKS[1:])
    assert "nothing that could refuse it" in _said(found)
    assert found.confidence == "low"


def test_host_has_no_say_in_what_the_program_does_wrong() -> None:
    one = only(log_with("R0 !read_ok"))
    assert with_host(one, CHECKS) == one


def test_checks_behind_rejections_exist() -> None:
    from preflight.findings.registry import codes

    assert set(codes()) >= CODES
    assert codes_behind(only(LOGS["L-EPERM-NOLOG"]))


@pytest.mark.parametrize(
    ("release", "named"),
    [("6.6.65-generic", True), ("6.6.70", False), ("6.6.63", False), (None, False), ("nonsense", False)],
)
def test_regression_is_named_within_its_range_only(release: str | None, named: bool) -> None:
    one = only(log_with("BPF program is too large. Processed 1000001 insn"))
    assert bool(with_regressions(one, release).evidence) is named


def test_regression_never_changes_the_cause() -> None:
    one = only(log_with("BPF program is too large. Processed 1000001 insn"))
    assert with_regressions(one, "6.6.65").cause_id == one.cause_id


def test_special_message_is_known_without_a_kernel() -> None:
    one = only(log_with("REG INVARIANTS VIOLATION (true_reg1): range bounds violation u64=[0x1, 0x0]"))
    assert "6.17" in _said(named_by_message(one))


def test_table_of_regressions_is_sound() -> None:
    from preflight.findings.registry import codes

    for known in regressions():
        assert known.family in codes()
        assert all(last is None or first <= last for first, last in known.ranges)


@pytest.mark.parametrize(
    ("text", "wanted"), [("6.6.65-x", (6, 6, 65)), ("7.3", (7, 3, 0)), ("", None), (None, None)]
)
def test_version(text: str | None, wanted: tuple[int, int, int] | None) -> None:
    assert version(text) == wanted


def test_command_holds_a_log_against_object_and_host_result(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LOADED, encoding="utf-8")
    (tmp_path / "read.bpf.o").write_bytes(reader("pid").data)
    done = preflight(
        "log", str(tmp_path / "a.log"), "--object", str(tmp_path / "read.bpf.o"), "--format", "json"
    )
    (one,) = json.loads(done.stdout)["results"]
    assert one["source"]["line"] == 12


def test_command_refuses_a_result_that_is_no_check(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LOGS["L-EPERM-NOLOG"], encoding="utf-8")
    made = preflight("log", str(tmp_path / "a.log"), "--format", "json")
    (tmp_path / "log.json").write_bytes(made.stdout)
    done = preflight("log", str(tmp_path / "a.log"), "--host", str(tmp_path / "log.json"))
    assert done.returncode == 2
