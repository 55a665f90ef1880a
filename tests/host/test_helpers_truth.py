# SPDX-License-Identifier: Apache-2.0
"""The helper table against complete programs of known truth, loaded for real.

Each program here is what a user would write: right arguments, checked results. It loads exactly
where the program type may call the helper. The table comes from three-instruction probes and a
log classifier, so the two share nothing but bpf(2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from preflight.host.areas.helpers import NOT_TRIED
from preflight.host.bpf import asm
from preflight.host.bpf.asm import R0, R1, R2, R3, R4, R5, R10, exit_, mov, mov_reg
from preflight.host.bpf.names import AttachType, MapType, ProgType
from preflight.host.bpf.syscall import Result, map_create, prog_load
from preflight.host.bpf.vehicles import VEHICLES
from preflight.host.collect import helpers
from preflight.host.collect.loading import Loader
from preflight.host.collect.session import Options, Session
from preflight.host.collect.witnesses import witnesses
from tests.host.live import live_helpers, needs_loads, session

pytestmark = [pytest.mark.kernel, needs_loads]

_DONE = mov(R0, 0) + exit_()


@dataclass
class Fixtures:
    """Maps the programs use, by file descriptor."""

    array: int
    stacks: int
    perf: int
    ring: int


@pytest.fixture(scope="module")
def fixtures() -> Iterator[Fixtures]:
    made = [
        map_create(MapType.ARRAY, value_size=8),
        map_create(MapType.STACK_TRACE, value_size=8 * 16, max_entries=16),
        map_create(MapType.PERF_EVENT_ARRAY),
        map_create(MapType.RINGBUF, key_size=0, value_size=0, max_entries=65536),
    ]
    assert all(answer.ok for answer in made)
    yield Fixtures(*(answer.fd.number for answer in made if answer.fd is not None))
    for answer in made:
        answer.close()


def _stack(register: int, offset: int) -> bytes:
    return mov_reg(register, R10) + asm.alu("add", register, offset)


def _zeroed(words: int) -> bytes:
    return b"".join(asm.store_imm(8, R10, -8 * n, 0) for n in range(1, words + 1))


def _key() -> bytes:
    return asm.store_imm(4, R10, -4, 0) + asm.store_imm(8, R10, -16, 0)


#: helper -> a complete program that calls it with right arguments; R1 is the context at entry.
PROGRAMS: dict[str, Callable[[Fixtures], bytes]] = {
    "ktime_get_ns": lambda f: asm.call(5) + _DONE,
    "get_prandom_u32": lambda f: asm.call(7) + _DONE,
    "get_current_pid_tgid": lambda f: asm.call(14) + _DONE,
    "get_current_uid_gid": lambda f: asm.call(15) + _DONE,
    "get_current_comm": lambda f: _zeroed(2) + _stack(R1, -16) + mov(R2, 16) + asm.call(16) + _DONE,
    "map_lookup_elem": lambda f: _key() + asm.map_fd(R1, f.array) + _stack(R2, -4) + asm.call(1) + _DONE,
    "map_update_elem": lambda f: (
        _key() + asm.map_fd(R1, f.array) + _stack(R2, -4) + _stack(R3, -16) + mov(R4, 0) + asm.call(2) + _DONE
    ),
    "probe_read_kernel": lambda f: (
        _zeroed(1) + _stack(R1, -8) + mov(R2, 8) + mov(R3, 0) + asm.call(113) + _DONE
    ),
    "probe_read_user": lambda f: (
        _zeroed(1) + _stack(R1, -8) + mov(R2, 8) + mov(R3, 0) + asm.call(112) + _DONE
    ),
    "copy_from_user": lambda f: _zeroed(1) + _stack(R1, -8) + mov(R2, 8) + mov(R3, 0) + asm.call(148) + _DONE,
    "get_stackid": lambda f: asm.map_fd(R2, f.stacks) + mov(R3, 0) + asm.call(27) + _DONE,
    "redirect": lambda f: mov(R1, 1) + mov(R2, 0) + asm.call(23) + _DONE,
    "xdp_adjust_head": lambda f: mov(R2, 0) + asm.call(44) + _DONE,
    "skb_store_bytes": lambda f: (
        _zeroed(1) + mov(R2, 0) + _stack(R3, -8) + mov(R4, 4) + mov(R5, 0) + asm.call(9) + _DONE
    ),
    "skb_load_bytes": lambda f: _zeroed(1) + mov(R2, 0) + _stack(R3, -8) + mov(R4, 4) + asm.call(26) + _DONE,
    "perf_event_output": lambda f: (
        _zeroed(1) + asm.map_fd(R2, f.perf) + mov(R3, 0) + _stack(R4, -8) + mov(R5, 8) + asm.call(25) + _DONE
    ),
    "ringbuf_output": lambda f: (
        _zeroed(1) + asm.map_fd(R1, f.ring) + _stack(R2, -8) + mov(R3, 8) + mov(R4, 0) + asm.call(130) + _DONE
    ),
    "ringbuf_submit": lambda f: (
        asm.map_fd(R1, f.ring)
        + mov(R2, 8)
        + mov(R3, 0)
        + asm.call(131)
        + asm.jump("eq", R0, 0, 3)
        + mov_reg(R1, R0)
        + mov(R2, 0)
        + asm.call(132)
        + _DONE
    ),
    "skb_cgroup_id": lambda f: asm.call(79) + _DONE,
    "sock_ops_cb_flags_set": lambda f: mov(R2, 0) + asm.call(59) + _DONE,
    "msg_apply_bytes": lambda f: mov(R2, 0) + asm.call(61) + _DONE,
    "sysctl_get_name": lambda f: (
        _zeroed(2) + _stack(R2, -16) + mov(R3, 16) + mov(R4, 0) + asm.call(101) + _DONE
    ),
    "get_current_task_btf": lambda f: asm.call(158) + _DONE,
    "seq_write": lambda f: (
        _zeroed(1)
        + asm.load(8, R1, R1, 0)
        + asm.load(8, R1, R1, 0)
        + _stack(R2, -8)
        + mov(R3, 8)
        + asm.call(127)
        + _DONE
    ),
    "sk_assign": lambda f: mov(R2, 0) + mov(R3, 0) + asm.call(124) + _DONE,
    "perf_prog_read_value": lambda f: _zeroed(3) + _stack(R2, -24) + mov(R3, 24) + asm.call(56) + _DONE,
    "send_signal": lambda f: mov(R1, 0) + asm.call(109) + _DONE,
    "bind": lambda f: (
        _zeroed(2)
        + asm.store_imm(2, R10, -16, 2)
        + _stack(R2, -16)
        + mov(R3, 16)
        + asm.call(64)
        + mov(R0, 1)
        + exit_()
    ),
    "rc_repeat": lambda f: asm.call(77) + _DONE,
    "override_return": lambda f: mov(R2, 0) + asm.call(58) + _DONE,
    "get_func_ip": lambda f: asm.call(173) + _DONE,
}

#: (vehicle, helper, whether a program of that kind may call it).
TRUTH = [
    ("socket", "ktime_get_ns", True),
    ("socket", "get_prandom_u32", True),
    ("socket", "skb_load_bytes", True),
    ("kprobe", "get_current_pid_tgid", True),
    ("kprobe", "get_current_comm", True),
    ("kprobe", "probe_read_kernel", True),
    ("kprobe", "get_stackid", True),
    ("kprobe", "ringbuf_submit", True),
    ("kprobe", "get_func_ip", True),
    ("tp", "get_current_pid_tgid", True),
    ("tp", "map_update_elem", True),
    ("tp", "perf_event_output", True),
    ("tp", "send_signal", True),
    ("raw_tp", "probe_read_user", True),
    ("raw_tp", "ringbuf_output", True),
    ("tp_btf", "get_current_task_btf", True),
    ("iter", "seq_write", True),
    ("perf_event", "perf_prog_read_value", True),
    ("xdp", "map_lookup_elem", True),
    ("xdp", "redirect", True),
    ("xdp", "xdp_adjust_head", True),
    ("tc", "redirect", True),
    ("tc", "skb_store_bytes", True),
    ("cgroup_skb/ingress", "skb_cgroup_id", True),
    ("sockops", "sock_ops_cb_flags_set", True),
    ("sk_msg", "msg_apply_bytes", True),
    ("cgroup/sysctl", "sysctl_get_name", True),
    ("cgroup/dev", "get_current_uid_gid", True),
    ("cgroup/connect4", "bind", True),
    ("sk_lookup", "sk_assign", True),
    ("syscall", "copy_from_user", True),
    ("uprobe.s", "copy_from_user", True),
    ("kprobe", "redirect", False),
    ("kprobe", "sysctl_get_name", False),
    ("kprobe", "skb_cgroup_id", False),
    ("kprobe", "copy_from_user", False),
    ("tp", "xdp_adjust_head", False),
    ("tp", "override_return", False),
    ("tp", "get_func_ip", False),
    ("raw_tp", "get_func_ip", False),
    ("socket", "skb_store_bytes", False),
    ("socket", "get_stackid", False),
    ("socket", "copy_from_user", False),
    ("xdp", "msg_apply_bytes", False),
    ("xdp", "rc_repeat", False),
    ("xdp", "get_stackid", False),
    ("tc", "sock_ops_cb_flags_set", False),
    ("tc", "bind", False),
    ("sk_lookup", "redirect", False),
    ("cgroup/dev", "skb_load_bytes", False),
    ("netfilter", "redirect", False),
    ("perf_event", "sk_assign", False),
]


def _load(vehicle_name: str, program: bytes) -> Result | None:
    """Load the complete program as its user would; None when such programs do not load at all."""
    vehicle = next(v for v in VEHICLES if v.name == vehicle_name)
    with Loader(witnesses(session()).types, session().system.release) as loader:
        if not loader.trial(vehicle).works:
            return None
        return loader.load(loader.ready(vehicle), program)


@pytest.mark.parametrize(("vehicle", "helper", "may"), TRUTH, ids=str)
def test_table_agrees_with_a_complete_program(
    vehicle: str, helper: str, may: bool, fixtures: Fixtures
) -> None:
    facts = live_helpers()
    number = facts.id_of(helper)
    if number is None:
        pytest.skip(f"this kernel has no bpf_{helper}")
    answer = _load(vehicle, PROGRAMS[helper](fixtures))
    if answer is None:
        pytest.skip(f"no {vehicle} program loads on this kernel")
    with answer:
        loaded, said = answer.ok, f"{answer.errno_name}: {answer.last_line}"
    (letter,) = [row.states[number] for row in facts.rows if row.vehicle == vehicle]
    assert loaded is may, said
    assert letter == ("u" if may else "n")


def test_truth_is_large_enough_to_mean_something() -> None:
    assert len(TRUTH) >= 30
    assert sum(may for _, _, may in TRUTH) >= 15
    assert sum(not may for _, _, may in TRUTH) >= 15


def test_at_least_ten_program_types_have_a_state_for_every_helper() -> None:
    facts = live_helpers()
    wanted = [i for i, name in enumerate(facts.names) if name]
    complete = {
        row.program_type
        for row in facts.rows
        if all(row.states[i] in "unxd?" for i in wanted) and "u" in row.states
    }
    assert len(complete) >= 10


def test_without_being_asked_for_the_rest_is_named_and_not_guessed() -> None:
    """The common types have the same letters as when everything is asked; the others have none."""
    everything = {row.vehicle: row for row in live_helpers().rows}
    found = helpers.collect(session())
    for row in found.rows:
        if row.reason == NOT_TRIED:
            assert set(row.states) <= set("-?")
            assert everything[row.vehicle].reason == ""
        else:
            assert row == everything[row.vehicle]
    tried = {row.program_type for row in found.rows if row.reason != NOT_TRIED and "u" in row.states}
    assert len(tried) >= 10
    assert found.loads < live_helpers().loads


def test_a_needed_type_is_asked() -> None:
    found = helpers.collect(Session(options=Options(program_types=("sk_lookup",))))
    assert found.was_tried("sk_lookup")
    assert not found.was_tried("sk_reuseport")


def test_no_answer_of_this_kernel_is_unread() -> None:
    unread = [
        (row.vehicle, note.helper, note.text)
        for row in live_helpers().rows
        for note in row.notes
        if note.text.startswith("unread")
    ]
    assert not unread


def test_a_program_with_the_wrong_attach_type_is_a_different_question() -> None:
    """`bind` is for connect hooks only: the same program as bind4 must be refused."""
    facts = live_helpers()
    number = facts.id_of("bind")
    program = mov(R0, 1) + exit_()
    with prog_load(
        ProgType.CGROUP_SOCK_ADDR, program, expected_attach_type=AttachType.CGROUP_INET4_BIND
    ) as answer:
        if not answer.ok or number is None:
            pytest.skip(f"no bind4 program loads here ({answer.errno_name})")
    (letter,) = [row.states[number] for row in facts.rows if row.vehicle == "cgroup/bind4"]
    assert letter == "n"
