# SPDX-License-Identifier: Apache-2.0
"""Helpers that depend on the hook beyond the type, and results of hooks that give nothing."""

from __future__ import annotations

import pytest

from tests.elfwriter import Ins, mov
from tests.predict.worlds import ATTACH_TYPES, MAP_TYPES, call, findings, program, world

GET_FUNC_ARG, GET_RETVAL, SET_RETVAL = 183, 186, 187
ATTACHED = (
    *ATTACH_TYPES,
    "cgroup_udp4_recvmsg",
    "cgroup_inet4_getpeername",
    "cgroup_inet4_bind",
    "lsm_cgroup",
)
NEW = {"structs": {"bpf_reg_state": ("type", "delta")}}
OLD = {"structs": {"bpf_reg_state": ("type", "off")}}


def said(section: str, helper: int, *, code: str = "PC405", **kernel: object) -> list[str]:
    """Verdicts of a rule about a program that calls a helper with its context and a place on the stack."""
    body = (Ins(0xBF, 3, 10), Ins(0x07, 3, imm=-8), mov(2, 0), call(helper), mov(0, 1))
    there = world(tracepoints={"made": 2}, attach_types=ATTACHED, **kernel)  # type: ignore[arg-type]
    made = findings(program(section, body), there)
    return [one.verdict.value for one in made if one.code == code]


@pytest.mark.parametrize("helper", [GET_RETVAL, SET_RETVAL])
@pytest.mark.parametrize(
    ("section", "expected"),
    [("cgroup/recvmsg4", ["missing"]), ("cgroup/getpeername4", ["missing"]), ("cgroup/bind4", [])],
)
def test_hooks_without_a_result_of_their_own(helper: int, section: str, expected: list[str]) -> None:
    assert [one for one in said(section, helper) if one == "missing"] == expected


@pytest.mark.parametrize(("result", "expected"), [("->void", ["missing"]), ("->long", [])])
def test_hooks_that_give_nothing(result: str, expected: list[str]) -> None:
    found = said("lsm_cgroup/work", SET_RETVAL, taking={"bpf_lsm_work": ["long", result]})
    assert [one for one in found if one == "missing"] == expected


@pytest.mark.parametrize(
    ("result", "value", "expected"),
    [("->void", 0, ["missing"]), ("->void", 1, []), ("->long", 0, [])],
)
def test_what_may_be_returned_to_a_hook_that_gives_nothing(
    result: str, value: int, expected: list[str]
) -> None:
    there = world(attach_types=ATTACHED, taking={"bpf_lsm_work": ["long", result]})
    made = findings(program("lsm_cgroup/work", (mov(0, value),)), there)
    assert [one.verdict.value for one in made if one.code == "PC424"] == expected


def test_programs_on_tracepoints_read_arguments_by_number_since_7_0() -> None:
    assert "missing" not in said("tp_btf/made", GET_FUNC_ARG, **NEW)
    # 6.19 and 7.0 are not told apart
    between = said("tp_btf/made", GET_FUNC_ARG, map_types=(*MAP_TYPES, "insn_array"), **OLD)
    assert between == ["unknown"]
