# SPDX-License-Identifier: Apache-2.0
"""Events whose arguments changed: the objects choose by the type in the kernel's BTF, on kernels built here.

The typedef `btf_trace_NAME` has the prototype of a tracepoint; libbpf compares prototypes when it is asked
whether a type exists.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from preflight import bpf_objects
from preflight.btf import Btf
from preflight.core import Target
from preflight.core.relocate import relocate_object
from preflight.objects.load import load as read_object
from tests.btfwriter import BtfWriter, field

QUEUE_FIRST = "btf_trace_block_rq_issue___with_queue"
STATE_LAST = "btf_trace_sched_switch___with_state"


def kernel(event: str, parameters: Sequence[str]) -> Btf:
    """A kernel with one tracepoint. `any` is void *, `bool` and `uint` are numbers, others pointers."""
    writer = BtfWriter()
    number = writer.int()
    types = {"any": writer.ptr(0), "bool": number, "uint": number}
    for name in parameters:
        if name not in types:
            types[name] = writer.ptr(writer.struct(name, [field("first", number, at=0)], size=64))
    proto = writer.func_proto(0, [("", types[name]) for name in parameters])
    writer.typedef(f"btf_trace_{event}", writer.ptr(proto))
    return Btf.parse(writer.bytes())


def answer(name: str, asked: str, btf: Btf) -> set[str]:
    """What all programs of an object are told when they ask for the type."""
    obj = read_object(bpf_objects.find("tracers", name).read_bytes(), name)
    assert obj.btf is not None
    result = relocate_object(obj, Target(btf))
    return {one.outcome for one in result.relocations if one.kind == "type_exists" and one.type == asked}


BLOCK = pytest.mark.parametrize("name", ["blocklat_tp_btf", "blocklat_raw_tp"])
SCHED = pytest.mark.parametrize(
    "name", ["offcpu_tp_btf", "offcpu_raw_tp", "runqlat_tp_btf", "runqlat_raw_tp"]
)


@BLOCK
def test_a_request_behind_its_queue_is_taken_from_there(name: str) -> None:
    older = kernel("block_rq_issue", ["any", "request_queue", "request"])
    assert answer(name, QUEUE_FIRST, older) == {"unchanged"}


@BLOCK
def test_a_request_alone_is_the_first_argument(name: str) -> None:
    newer = kernel("block_rq_issue", ["any", "request"])
    assert answer(name, QUEUE_FIRST, newer) == {"absent"}


@SCHED
def test_the_state_is_an_argument_where_there_are_four(name: str) -> None:
    newer = kernel("sched_switch", ["any", "bool", "task_struct", "task_struct", "uint"])
    assert answer(name, STATE_LAST, newer) == {"unchanged"}


@SCHED
def test_the_state_is_a_field_where_there_are_three(name: str) -> None:
    older = kernel("sched_switch", ["any", "bool", "task_struct", "task_struct"])
    assert answer(name, STATE_LAST, older) == {"absent"}


@SCHED
def test_an_event_nobody_knows_is_read_the_older_way(name: str) -> None:
    assert answer(name, STATE_LAST, kernel("other", ["any"])) == {"absent"}
