# SPDX-License-Identifier: Apache-2.0
"""What helpers take in each register, and programs that give them something else."""

from __future__ import annotations

import pytest

from preflight.bytecode.helpers import HELPER_NAMES
from preflight.predict import helper_arguments as arguments
from preflight.predict.helper_arguments import register_of, taken_by
from preflight.predict.pointer_values import MAP, OBJECT, ON_STACK, SOCKET
from tests.elfwriter import Ins, load_address, mov
from tests.predict.pointers import verdicts
from tests.predict.worlds import call
from tools.make_helper_arguments import helper_of

WRONG = [("PC435", "missing")]
#: Of helpers that only some kernels are built with, and one that is none.
_NOT_SEEN = {"unspec", "override_return", "rc_repeat", "rc_keydown", "rc_pointer_rel"}
#: r2 = r10 - 8, where a number lies
KEY = (Ins(0x7A, 10, off=-8), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-8))


def test_the_table_has_all_helpers() -> None:
    names = {name.removeprefix("bpf_") for name in HELPER_NAMES.values()}
    table = arguments._table()
    assert names - set(table) == _NOT_SEEN
    assert set(table) <= names
    for name in table:
        taken_by(name)


def test_words_of_a_register() -> None:
    (first, second) = taken_by("map_lookup_elem")
    assert (first.register, first.kinds, first.nullable) == (1, {MAP}, "no")
    assert second.word == "memory"
    storage = taken_by("sk_storage_get")[1]
    assert (storage.word, storage.nullable) == ("context|object|socket", "maybe")
    assert storage.may_be_null == {OBJECT}
    assert SOCKET in storage.kinds
    assert storage.structs == ("sock_common",)
    assert taken_by("ktime_get_ns") == ()
    assert taken_by("no_such_helper") == ()
    assert [one.register for one in taken_by("loop")] == [2, 3]
    assert taken_by("loop")[1].kinds == {ON_STACK}
    assert taken_by("loop")[1].nullable == "yes"


def test_the_register_that_takes_an_object() -> None:
    assert register_of("task_storage_get", "object", "socket") == 2
    assert register_of("get_socket_cookie", "object", "socket") == 1
    assert register_of("ktime_get_ns", "object", "socket") == 0


@pytest.mark.parametrize(
    ("symbol", "helper"),
    [
        ("bpf_sk_assign_proto", "sk_assign"),
        ("bpf_get_stack_proto_tp", "get_stack"),
        ("bpf_skb_change_proto_proto", "skb_change_proto"),
        ("bpf_tc_sk_lookup_tcp_proto", "sk_lookup_tcp"),
        ("bpf_sk_storage_get_cg_sock_proto", "sk_storage_get"),
        ("bpf_skb_event_output_proto", "perf_event_output"),
        ("sk_select_reuseport_proto", "sk_select_reuseport"),
        ("inet_stream_proto", None),
        ("bpf_prog_put", None),
    ],
)
def test_the_helper_of_a_prototype(symbol: str, helper: str | None) -> None:
    assert helper_of(symbol) == helper


@pytest.mark.parametrize(
    ("section", "body"),
    [
        # perf_prog_read_value(0, r10 - 8, 24)
        ("perf_event", (*KEY, mov(1, 0), mov(3, 8), call(56))),
        # xdp_adjust_tail(r10, 0)
        ("xdp", (Ins(0xBF, 1, 10), mov(2, 0), call(65))),
        # csum_diff(0, r10, 0, 0, 0): a pointer as a size
        ("tc", (mov(1, 0), Ins(0xBF, 2, 10), mov(3, 0), mov(4, 0), mov(5, 0), call(28))),
        # find_vma(current, 0, 0, 0, 0): a number as its callback
        ("raw_tp/made", (call(158), Ins(0xBF, 1, 0), mov(2, 0), mov(3, 0), mov(4, 0), mov(5, 0), call(180))),
        # probe_read_kernel(0, 0, 0): null, of which nothing is asked
        ("raw_tp/made", (mov(1, 0), mov(2, 0), mov(3, 0), call(113))),
    ],
)
def test_something_else_is_given(section: str, body: tuple[Ins, ...]) -> None:
    assert verdicts(section, *body, mov(0, 0)) == WRONG


@pytest.mark.parametrize(
    ("section", "body"),
    [
        ("perf_event", (*KEY, mov(3, 8), call(56))),
        ("xdp", (mov(2, 0), call(65))),
        ("tc", (mov(1, 0), mov(2, 0), mov(3, 0), mov(4, 0), mov(5, 0), call(28))),
        ("raw_tp/made", (*KEY, Ins(0xBF, 1, 2), mov(2, 8), mov(3, 0), call(113))),
    ],
)
def test_what_is_taken_is_given(section: str, body: tuple[Ins, ...]) -> None:
    assert verdicts(section, *body, mov(0, 0)) == []


def test_half_of_a_pointer_is_a_number() -> None:
    # w2 = w10: a lookup in a map of maps, then in what it gave
    outer = {"type": 13, "key_size": 4, "value_size": 4, "max_entries": 1}
    looked = (*KEY, load_address(1, "map0"), call(1), Ins(0x55, 0, off=2), mov(0, 0), Ins(0x95))
    whole, half = (Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-8)), (Ins(0xBC, 2, 10), Ins(0x07, 2, imm=-8))
    for key, expected in ((whole, []), (half, WRONG)):
        assert verdicts("xdp", *looked, Ins(0xBF, 1, 0), *key, call(1), mov(0, 2), map0=outer) == expected


@pytest.mark.parametrize(("section", "expected"), [("sk_lookup", []), ("tc", WRONG)])
def test_no_socket_is_assigned(section: str, expected: list[tuple[str, str]]) -> None:
    assert verdicts(section, mov(2, 0), mov(3, 0), call(124), mov(0, 1)) == expected
