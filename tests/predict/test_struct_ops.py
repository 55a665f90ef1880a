# SPDX-License-Identifier: Apache-2.0
"""What each struct_ops lets its programs do: on recorded kernels, as they were measured."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from preflight.btf.types import Composite
from preflight.bytecode.image import KfuncRef, MapRef, Ref
from preflight.bytecode.reach_reading import Environment
from preflight.host.bpf import asm
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from preflight.predict.object_uses import decided_stores
from preflight.predict.pointer_findings import _applies, _held_against
from preflight.predict.pointer_values import Asked, MapOf, Misuse
from preflight.predict.pointer_walk import misuses
from preflight.predict.relocated import RelocatedObject
from preflight.predict.signatures import Signature
from preflight.predict.struct_ops_rules import (
    Marked,
    given_object,
    hands_back,
    marked_arguments,
    may_sleep,
    may_write,
    member_of,
    rules_of,
)
from preflight.predict.verdict import predict
from tests.btfwriter import BtfWriter, field
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, mov
from tests.predict.test_object_uses import NEW, OLD, facts_of, struct
from tests.predict.worlds import call, program, world

TCP, QDISC, SCX = "tcp_congestion_ops", "Qdisc_ops", "sched_ext_ops"
#: r1 = the first argument
FIRST = Ins(0x79, 1, 1)
RESERVE, SUBMIT, RANDOM, NOW, SET, GET, READ_KERNEL = 131, 132, 7, 5, 49, 57, 113
WRONG, HELD, NULL = [("PC435", "missing")], [("PC433", "missing")], [("PC432", "missing")]


def said(
    release: str, ops: str, *insns: Ins, section: str = "struct_ops/made", maps: Sequence[dict[str, int]] = ()
) -> list[tuple[str, str]]:
    """What is said of a program that implements a member."""
    obj = program(section, [*insns, mov(0, 0)], struct_ops=ops, maps=maps)
    (found,) = predict(obj, facts_of(release)).programs
    return [(one.code, one.verdict.value) for one in found.findings]


def at(release: str, *steps: str) -> int:
    """The offset of a member of a member."""
    btf, offset = facts_of(release).kernel.btf, 0
    found = struct(release, steps[0])
    for name in steps[1:]:
        step = member_of(btf, found, name)
        assert step is not None
        offset += step[0]
        inner = btf.type(btf.resolve(step[1]))
        found = inner if isinstance(inner, Composite) else None
    return offset


def store(release: str, size: int, *steps: str, more: int = 0) -> list[tuple[str, str]]:
    """A store to a member of the first argument of tcp_congestion_ops.init."""
    opcode = {1: 0x72, 2: 0x6A, 4: 0x62, 8: 0x7A}[size]
    return said(release, TCP, FIRST, Ins(opcode, 1, off=at(release, *steps) + more))


# writes


@pytest.mark.parametrize(
    ("steps", "size", "more", "old", "new"),
    [
        (("tcp_sock", "snd_cwnd"), 4, 0, True, True),
        (("tcp_sock", "snd_cwnd"), 1, 0, True, True),
        (("tcp_sock", "snd_cwnd"), 2, 2, False, False),  # not from its beginning
        (("tcp_sock", "snd_ssthresh"), 8, 0, False, False),
        (("tcp_sock", "srtt_us"), 4, 0, False, False),
        (("sock", "sk_pacing_rate"), 8, 0, True, True),
        (("inet_connection_sock", "icsk_ca_priv"), 2, 101, True, True),
        (("inet_connection_sock", "icsk_ca_priv"), 8, 100, False, False),
        (("inet_connection_sock", "icsk_ca_priv"), 1, -1, False, False),
        (("inet_connection_sock", "icsk_ack", "pending"), 1, 0, True, True),
        (("inet_connection_sock", "icsk_ack", "pending"), 2, 0, False, False),
        (("tcp_sock", "app_limited"), 4, 0, False, True),
        (("tcp_sock", "snd_cwnd_stamp"), 4, 0, False, True),
    ],
)
def test_some_fields_of_a_socket_are_written(
    steps: tuple[str, ...], size: int, more: int, old: bool, new: bool
) -> None:
    assert store(OLD, size, *steps, more=more) == ([] if old else WRONG)
    assert store(NEW, size, *steps, more=more) == ([] if new else WRONG)


def test_an_atomic_operation_writes_too() -> None:
    cwnd, srtt = at(NEW, "tcp_sock", "snd_cwnd"), at(NEW, "tcp_sock", "srtt_us")
    assert said(NEW, TCP, FIRST, mov(2, 1), Ins(0xC3, 1, 2, off=cwnd)) == []
    assert said(NEW, TCP, FIRST, mov(2, 1), Ins(0xC3, 1, 2, off=srtt)) == WRONG
    assert said(NEW, TCP, FIRST, mov(2, 1), Ins(0xDB, 1, 2, off=cwnd)) == WRONG


def test_what_is_behind_a_pointer_is_another_object() -> None:
    rtt = at(NEW, "ack_sample", "rtt_us")
    assert said(NEW, f"{TCP}.pkts_acked", Ins(0x79, 1, 1, off=8), Ins(0x62, 1, off=rtt)) == WRONG
    socket, sk = at(NEW, "sock", "sk_socket"), at(NEW, "socket", "sk")
    rate = at(NEW, "sock", "sk_pacing_rate")
    chain = [FIRST, Ins(0x79, 1, 1, off=socket), Ins(0x79, 1, 1, off=sk), Ins(0x7A, 1, off=rate)]
    assert said(NEW, TCP, *chain) == WRONG


def test_numbers_that_nobody_knows_are_no_offsets() -> None:
    """r2 = the third argument & 7; r1 += r2"""
    private = at(NEW, "inet_connection_sock", "icsk_ca_priv")
    add = (Ins(0x0F, 1, 2), Ins(0x72, 1, off=private))
    ops = f"{TCP}.cong_avoid"
    number = Ins(0x79, 2, 1, off=16)
    assert said(NEW, ops, number, FIRST, Ins(0x57, 2, imm=7), *add) == WRONG
    # compared before, it may be known: if r2 != 3 goto the end
    compared = (number, FIRST, Ins(0x55, 2, off=3, imm=3), Ins(0x57, 2, imm=7), *add)
    assert said(NEW, ops, *compared) == []


def test_where_ways_meet_each_offset_counts() -> None:
    """r2 = one offset or another, by the second argument; r1 += r2"""

    def chosen(*fields: str) -> list[tuple[str, str]]:
        one, other = (at(NEW, "tcp_sock", field) for field in fields)
        body = (Ins(0x79, 3, 1, off=8), FIRST, mov(2, one), Ins(0x15, 3, off=1), mov(2, other))
        return said(NEW, f"{TCP}.cong_avoid", *body, Ins(0x0F, 1, 2), Ins(0x62, 1))

    assert chosen("snd_cwnd", "snd_ssthresh") == []
    assert chosen("snd_cwnd", "srtt_us") == [("PC435", "unknown")]


def test_many_offsets_are_not_told_apart() -> None:
    """A pointer that a loop moves, without an end that is known here."""
    private = at(NEW, "inet_connection_sock", "icsk_ca_priv")
    body = (FIRST, mov(2, 13), Ins(0x7A, 1, off=private), Ins(0x07, 1, imm=8), Ins(0x07, 2, imm=-1),
            Ins(0x55, 2, off=-4))  # fmt: skip
    assert said(NEW, TCP, *body) == []


@pytest.mark.parametrize(
    ("ops", "steps", "size", "more", "may"),
    [
        (SCX, ("task_struct", "scx", "slice"), 4, 4, True),
        (SCX, ("task_struct", "scx", "slice"), 8, 4, False),  # what is behind it is another field
        (SCX, ("task_struct", "scx", "weight"), 4, 0, False),
        ("sched_ext_ops_cid", ("task_struct", "scx", "slice"), 8, 0, False),
        ("sched_ext_ops_cid", ("task_struct", "scx", "disallow"), 1, 0, True),
        (QDISC, ("Qdisc", "limit"), 4, 0, True),
        (QDISC, ("Qdisc", "limit"), 8, 0, False),
        (QDISC, ("Qdisc", "qstats"), 4, 8, True),
        (QDISC, ("Qdisc", "handle"), 4, 0, False),
        (QDISC, ("sk_buff", "cb"), 4, 0, False),
        (QDISC, ("sk_buff", "cb"), 4, 8, True),
        (QDISC, ("sk_buff", "cb"), 4, 26, False),
        ("hid_bpf_ops", ("hid_device", "name"), 1, 126, True),
        ("hid_bpf_ops", ("hid_device", "name"), 1, 127, False),
        ("bpf_dummy_ops", ("bpf_dummy_ops_state", "val"), 1, 3, True),
        ("bpf_dummy_ops", ("bpf_dummy_ops_state", "val"), 8, 0, False),
        ("io_uring_bpf_ops", ("iou_loop_params", "cq_wait_idx"), 4, 0, True),
        ("io_uring_bpf_ops", ("task_struct", "flags"), 4, 0, False),
    ],
)
def test_what_others_let_be_written(
    ops: str, steps: tuple[str, ...], size: int, more: int, may: bool
) -> None:
    btf = facts_of(NEW).kernel.btf
    assert may_write(btf, ops, steps[0], at(NEW, *steps) + more, size) is may


def test_of_a_struct_ops_that_is_not_listed_nothing_is_known() -> None:
    assert may_write(facts_of(NEW).kernel.btf, "my_ops", "tcp_sock", 0, 4) is None
    assert rules_of("my_ops") is None
    obj = program("struct_ops/made", struct_ops="my_ops")
    on_kernel = RelocatedObject(obj, facts_of(NEW).target)
    assert decided_stores(on_kernel, obj.programs[0]) == frozenset()


def test_a_field_that_came_in_between_is_open() -> None:
    members = {"tcp_sock": ["app_limited"], "bpf_struct_ops": ["check_member"]}
    assert may_write(world(structs=members).btf, TCP, "tcp_sock", 0, 4) is False
    newer = world(structs={"tcp_sock": ["app_limited"], "bpf_struct_ops": ["validate"]})
    assert may_write(newer.btf, TCP, "tcp_sock", 0, 8) is True
    types = BtfWriter()
    number = types.int("long", 8)
    types.struct("tcp_sock", [field("app_limited", number, at=0)], size=8)
    check = types.ptr(types.func_proto(number, [(name, number) for name in ("type", "member", "prog")]))
    types.struct("bpf_struct_ops", [field("check_member", check, at=0)], size=8)
    between = Kernel(Identity("made", "little"), Contents(Blob(data=types.bytes())), Provenance("btf"))
    assert may_write(between.btf, TCP, "tcp_sock", 0, 8) is None


# members


def test_members_that_take_no_program() -> None:
    assert said(NEW, f"{TCP}.get_info") == [("PC429", "missing")]
    assert said(OLD, f"{TCP}.get_info") == [("PC429", "missing")]
    assert said(NEW, f"{QDISC}.peek") == [("PC429", "missing")]
    assert said(NEW, f"{QDISC}.init") == []


@pytest.mark.parametrize(
    ("release", "ops", "expected"),
    [
        (NEW, f"{TCP}.init", []),
        (OLD, f"{TCP}.init", ["missing"]),  # none of them may sleep
        (NEW, f"{SCX}.enqueue", ["missing"]),
        (NEW, f"{SCX}.init", []),
        (NEW, f"{SCX}.cgroup_set_bandwidth", ["unknown"]),
        (NEW, "hid_bpf_ops.hid_device_event", ["missing"]),
        (NEW, "hid_bpf_ops.hid_rdesc_fixup", []),
        (NEW, "bpf_dummy_ops.test_1", ["missing"]),
        (NEW, "bpf_dummy_ops.test_sleepable", []),
    ],
)
def test_some_members_may_sleep(release: str, ops: str, expected: list[str]) -> None:
    assert said(release, ops, section="struct_ops.s/made") == [("PC413", one) for one in expected]


def test_whether_others_sleep_is_not_known() -> None:
    assert may_sleep(facts_of(NEW), "my_ops", "init") is None


def test_an_argument_in_an_arena_wants_one() -> None:
    ops = "sched_ext_ops_cid.set_cmask"
    assert said(NEW, ops) == [("PC429", "missing")]
    arena = {"type": 33, "map_flags": 0x400, "max_entries": 1}
    with_arena = said(NEW, ops, Ins(0x18, 1, 0), maps=[arena])
    assert ("PC429", "missing") in with_arena  # it is there, and not used


# helpers


@pytest.mark.parametrize(
    ("ops", "helper", "refused"),
    [
        (f"{TCP}.release", SET, True),
        (f"{TCP}.release", GET, True),
        (f"{TCP}.init", SET, False),
        (f"{SCX}.enqueue", SET, True),
        (f"{SCX}.enqueue", NOW, False),
        ("bpf_dummy_ops.test_2", NOW, True),
        (f"{TCP}.release", NOW, False),
    ],
)
def test_helpers_of_each(ops: str, helper: int, refused: bool) -> None:
    options = (
        FIRST, mov(2, 6), mov(3, 1), Ins(0x7A, 10, off=-8), Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-8), mov(5, 8)
    )  # fmt: skip
    found = said(NEW, ops, *(options if helper in (SET, GET) else ()), call(helper))
    assert (("PC405", "missing") in found) is refused


def test_no_helper_writes_to_what_the_kernel_hands_over() -> None:
    private = at(NEW, "inet_connection_sock", "icsk_ca_priv")
    for release in (OLD, NEW):
        body = (FIRST, Ins(0x07, 1, imm=private), mov(2, 8), mov(3, 0), call(READ_KERNEL))
        assert said(release, TCP, *body) == WRONG
    on_stack = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), mov(2, 8), mov(3, 0), call(READ_KERNEL))
    assert said(NEW, TCP, *on_stack) == []


# arguments that stubs mark


def test_stubs_mark_arguments() -> None:
    new = facts_of(NEW)
    assert marked_arguments(new, SCX, "dispatch") == (Marked(1, True, False),)
    assert marked_arguments(new, "sched_ext_ops_cid", "dispatch") == (Marked(1, True, False),)
    assert marked_arguments(new, QDISC, "enqueue") == (Marked(0, False, True),)
    assert marked_arguments(new, "sched_ext_ops_cid", "set_cmask")[0].arena
    assert marked_arguments(new, TCP, "init") == ()


def test_an_argument_that_may_be_null() -> None:
    pid = at(NEW, "task_struct", "pid")
    second, read = Ins(0x79, 1, 1, off=8), Ins(0x61, 2, 1, off=pid)
    ops = f"{SCX}.dispatch"
    assert said(NEW, ops, second, read) == NULL
    assert said(NEW, ops, second, Ins(0x15, 1, off=1), read) == []
    assert said(NEW, "bpf_dummy_ops.test_1", FIRST, Ins(0x61, 2, 1)) == NULL
    assert said(OLD, "bpf_dummy_ops.test_1", FIRST, Ins(0x61, 2, 1)) == []


def test_an_argument_that_is_a_reference() -> None:
    length = at(NEW, "sk_buff", "len")
    read = (FIRST, Ins(0x61, 2, 1, off=length))
    assert said(NEW, f"{QDISC}.enqueue", *read) == HELD
    # the member that gets none
    assert said(NEW, f"{QDISC}.reset", FIRST) == []


# what is given back


def noted(*after: bytes, marked: tuple[Marked, ...] = ()) -> list[str]:
    """What is noted of a program that takes a record of a ring buffer, compared with 0 (r6 too)."""
    body = (asm.ldimm64(1, 0), asm.mov(2, 8), asm.mov(3, 0), asm.call(RESERVE), asm.mov_reg(6, 0))
    ring = MapOf("ring", "ringbuf", 0, 0, 0)
    linked = image(*body, *after, asm.exit_(), refs={0: MapRef("ring", created=True)})
    found = misuses(linked, Environment(), Asked((ring,), "struct_ops", marked=marked))
    return [f"{one.kind} {one.sure}" for one in found]


def test_a_record_that_is_given_back() -> None:
    assert noted() == ["reference-given True"]
    assert noted(asm.mov(0, 0)) == ["reference True"]


def test_kernels_differ_in_what_may_be_given_back() -> None:
    assert hands_back(facts_of(NEW))
    assert not hands_back(facts_of(OLD))

    def judged(release: str, ops: str, struct: str = "") -> list[bool]:
        obj = program("struct_ops/made", struct_ops=ops)
        about = (Misuse("reference-given", 0, "", True, struct), obj, obj.programs[0], facts_of(release))
        return [_held_against(*about).sure] if _applies(*about) else []

    assert judged(OLD, f"{TCP}.init") == [True]
    assert judged(NEW, f"{TCP}.init") == []
    # memory is taken for an object where a number is to be given: newer verifiers go wrong
    assert judged(NEW, f"{TCP}.ssthresh") == [False]
    assert judged(NEW, f"{TCP}.ssthresh", "task_struct") == []
    assert judged(NEW, f"{QDISC}.dequeue", "sk_buff") == []
    assert judged(NEW, f"{QDISC}.dequeue", "task_struct") == [True]


def test_who_gives_objects() -> None:
    new = facts_of(NEW)
    assert given_object(new, QDISC, "dequeue") == "sk_buff"
    assert given_object(new, QDISC, "enqueue") is None
    assert given_object(new, TCP, "init") is None
    assert given_object(new, "no_such_ops", "init") is None


def given(release: str, ops: str, *insns: Ins) -> list[tuple[str, str]]:
    """What is said of a program that gives what is in register 0."""
    obj = program("struct_ops/made", insns, struct_ops=ops)
    (found,) = predict(obj, facts_of(release)).programs
    return [(one.code, one.verdict.value) for one in found.findings]


def test_a_queue_gives_a_reference_or_nothing() -> None:
    ops = f"{QDISC}.dequeue"
    assert given(NEW, ops, mov(0, 0)) == []
    assert given(NEW, ops, mov(0, 1)) == WRONG
    assert given(NEW, ops, call(RANDOM)) == WRONG
    assert given(NEW, ops, Ins(0x79, 0, 1)) == WRONG
    assert given(NEW, ops, Ins(0xBF, 0, 10)) == WRONG
    assert given(NEW, f"{QDISC}.init", mov(0, 1)) == []
    assert given(NEW, f"{QDISC}.init", Ins(0x79, 0, 1)) == []
    assert given(NEW, f"{TCP}.ssthresh", mov(0, 5)) == []


def test_an_argument_is_not_read_once_it_was_released() -> None:
    """bpf_kfree_skb() is a call of a kernel function, which releases its first argument."""
    load, release = asm.load(8, 1, 6, 0), asm.call_kfunc(1)
    begin = (asm.mov_reg(6, 1), load)
    refs: dict[int, Ref] = {2: KfuncRef("bpf_kfree_skb", weak=False)}

    def told(*after: bytes) -> list[str]:
        linked = image(*begin, release, *after, asm.mov(0, 0), asm.exit_(), refs=refs)
        marked = (Marked(0, nullable=False, held=True),)
        found = misuses(linked, Environment(), Asked((), "struct_ops", marked=marked))
        return [f"{one.kind} {one.sure}" for one in found]

    assert told() == []
    assert told(load) == ["context True"]


def of_data(*after: bytes, size: bytes = asm.mov(3, 4), gives: Signature | None = None) -> list[str]:
    """What is noted of a program that gets data of a device, and reads it."""
    name = "hid_bpf_get_data" if gives is None else "scx_bpf_locked_rq"
    refs: dict[int, Ref] = {2: KfuncRef(name, weak=False)}
    linked = image(asm.mov(2, 0), size, asm.call_kfunc(1), *after, asm.mov(0, 0), asm.exit_(), refs=refs)
    functions = ((name, gives or Signature((), False, "", 1)),)
    found = misuses(linked, Environment(), Asked((), "struct_ops", functions=functions))
    return [f"{one.kind} {one.sure}" for one in found]


def test_what_a_kernel_function_gives_may_be_null_and_has_so_many_bytes() -> None:
    unless_null = asm.jump("eq", 0, 0, 1)
    assert of_data() == []
    assert of_data(asm.load(1, 1, 0, 3)) == ["null True"]
    assert of_data(unless_null, asm.load(1, 1, 0, 3)) == []
    assert of_data(unless_null, asm.load(1, 1, 0, 4)) == ["bounds True"]
    # a size that nobody knows
    assert of_data(unless_null, asm.load(1, 1, 0, 4), size=asm.mov_reg(3, 1)) == []


def test_an_object_that_a_kernel_function_gives_may_be_null() -> None:
    gives = Signature((), False, "rq")
    assert of_data(asm.load(1, 1, 0, 3), gives=gives) == ["null True"]
    assert of_data(asm.jump("eq", 0, 0, 1), asm.load(1, 1, 0, 3), gives=gives) == []
