# SPDX-License-Identifier: Apache-2.0
"""Constants that programs return, against what their type allows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from preflight.bytecode.image import KfuncRef
from preflight.bytecode.reach import Environment
from preflight.predict.results import outside
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, exit_, mov
from tests.predict.worlds import call, findings, program, world

KERNEL = world(functions={"work": 1}, tracepoints={"made": 1})


def verdicts(section: str, *insns: Ins) -> list[str]:
    """Verdicts of PC424 for a program that ends with an exit after these instructions."""
    return [f.verdict.value for f in findings(program(section, insns), KERNEL) if f.code == "PC424"]


@pytest.mark.parametrize(
    ("section", "value", "expected"),
    [
        ("fentry/work", 0, []),
        ("fentry/work", 1, ["missing"]),
        ("fexit/work", -1, ["missing"]),
        ("tp_btf/made", 1, []),
        ("raw_tp/made", 7, []),
        ("kprobe/work", 1, []),
        ("xdp", 2, []),
        ("lsm/work", -1, []),
        ("lsm/work", 1, []),  # no kernel before 6.12 looks at it
        ("cgroup_skb/egress", 3, []),
        ("cgroup_skb/egress", 4, ["missing"]),
        ("cgroup/connect4", 2, ["missing"]),
        ("cgroup/recvmsg4", 0, ["missing"]),
        ("cgroup/bind4", 2, ["unknown"]),
        ("sockops", 2, ["missing"]),
    ],
)
def test_the_type_decides(section: str, value: int, expected: list[str]) -> None:
    assert verdicts(section, mov(0, value)) == expected


def test_an_exit_the_verifier_never_reaches_is_none() -> None:
    # if r0 == 0 goto the last move; r0 = 1; exit; r0 = 0
    assert verdicts("fentry/work", mov(0, 0), Ins(0x15, 0, off=2, imm=0), mov(0, 1), exit_(), mov(0, 0)) == []


def test_a_computed_result_is_followed() -> None:
    assert verdicts("fentry/work", mov(0, 1), Ins(0x07, 0, imm=1)) == ["missing"]
    assert verdicts("fentry/work", mov(0, 1), Ins(0x07, 0, imm=-1)) == []


def test_a_result_on_one_way_out_of_two_counts() -> None:
    # r2 = ctx[0]; r0 = 1; if r2 == 3 goto +1; r0 = 0; exit: 5.10 to 7.3 refuse it as an fentry
    ways = [Ins(0x79, 2, 1), mov(0, 1), Ins(0x15, 2, off=1, imm=3), mov(0, 0)]
    assert verdicts("fentry/work", *ways) == ["missing"]
    assert verdicts("cgroup/connect4", *ways) == []


def test_a_constant_on_a_way_that_joins_another_is_a_result_too() -> None:
    # r6 = ctx[0]; r0 = random; if r6 == 0 goto the exit; r0 = 0: older verifiers skip the second way
    ways = [Ins(0x79, 6, 1), call(7), *[mov(7, 0)] * 5, Ins(0x15, 6, off=1, imm=0), mov(0, 0), mov(1, 0)]
    assert verdicts("fentry/work", *ways) == ["unknown"]
    assert verdicts("fentry/work", *ways[:-2], mov(1, 0)) == ["missing"]


def test_what_a_helper_returns_has_no_bounds() -> None:
    assert verdicts("fentry/work", call(5)) == ["missing"]


def test_a_result_that_newer_verifiers_bound_stays_open() -> None:
    assert verdicts("fentry/work", call(8)) == ["unknown"]  # bpf_get_smp_processor_id()


def test_lsm_programs_pass_on_what_those_before_them_returned() -> None:
    assert verdicts("lsm/work", Ins(0x79, 0, 1, off=8)) == []


def of_hook(returns: str, *insns: Ins, hook: str = "work", also: Sequence[str] = ()) -> list[str]:
    """The same of an LSM program for a hook that returns a type, on a kernel that looks at what it gives."""
    functions = dict.fromkeys((hook, "bpf_lsm_get_retval_range", *also), 1)
    kernel = world(functions=functions, taking={f"bpf_lsm_{hook}": [f"->{returns}"]})
    found = findings(program(f"lsm/{hook}", insns), kernel)
    return [one.verdict.value for one in found if one.code == "PC424"]


def test_newer_kernels_look_at_what_lsm_programs_return() -> None:
    assert of_hook("int", mov(0, 1)) == ["missing"]
    assert of_hook("int", mov(0, -4095)) == []
    assert of_hook("void", mov(0, 1)) == []
    assert of_hook("int", mov(0, 1), hook="inode_xattr_skipcap") == ["unknown"]  # it may be 0 or 1


def test_a_number_whose_sign_was_changed() -> None:
    # r0 = -(random & 1), which verifiers before 6.17 know nothing of
    negated = (call(7), Ins(0x57, 0, imm=1), Ins(0x87, 0))
    assert of_hook("int", *negated) == ["missing"]
    assert of_hook("int", *negated, also=["tnum_neg"]) == []
    more = (call(7), Ins(0x57, 0, imm=0x1FFF), Ins(0x87, 0))
    assert of_hook("int", *more, also=["tnum_neg"]) == ["missing"]
    # its lower half, of which verifiers that follow it know that it is -1 or 0
    half = (*negated, Ins(0x18, 2, imm=-1), Ins(0x5F, 0, 2))
    assert of_hook("int", *half) == ["missing"]
    assert of_hook("int", *half, also=["tnum_neg"]) == ["unknown"]


@pytest.mark.parametrize(("thrown", "expected"), [(0, []), (1, []), (77, ["result True"])])
def test_what_is_thrown_is_a_result(thrown: int, expected: list[str]) -> None:
    # if r1 == 0: throw; return 0
    code = (Ins(0x15, 1, off=2), mov(1, thrown), Ins(0x85, src=2), mov(0, 0), exit_())
    linked = image(
        *(one.encode("little") for one in code), refs={2: KfuncRef("bpf_throw", weak=False)}, subprogs=(0,)
    )
    found = outside(linked, Environment(), 0, 1)
    assert [f"result {one.sure}" for one in found] == expected


def test_a_function_of_the_programs_own_may_make_a_result_of_what_is_thrown() -> None:
    code = (mov(1, 77), Ins(0x85, src=2), mov(0, 0), exit_(), mov(0, 0), exit_())
    linked = image(
        *(one.encode("little") for one in code),
        refs={1: KfuncRef("bpf_throw", weak=False)},
        subprogs=(0, 4),
        global_subprogs=frozenset({4}),
    )
    assert outside(linked, Environment(), 0, 1) == []


@pytest.mark.parametrize(
    ("compare", "expected"),
    [(0x26, ["missing"]), (0x25, [])],  # the low half alone says nothing of the other
)
def test_both_halves_are_compared(compare: int, expected: list[str]) -> None:
    bounded = [call(7), Ins(compare, 0, off=1, imm=1), exit_(), mov(0, 1)]
    assert verdicts("cgroup_skb/ingress", *bounded) == expected
