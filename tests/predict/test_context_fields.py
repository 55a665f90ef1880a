# SPDX-License-Identifier: Apache-2.0
"""The table of what programs may read and write of their context, and how kernels are held against it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.predict.context_fields import ALL, NONE, SOME, ContextFields, _offsets, _Taken, context_fields
from tests.elfwriter import Ins, mov
from tests.predict.pointers import verdicts
from tests.predict.worlds import findings, program, world
from tools.make_context_fields import ranges

#: Types that read packets have data, data_end; offsets in struct __sk_buff.
SKB = ("sched_cls", "cgroup_skb", "sk_skb", "lwt_in")


@given(st.sets(st.integers(0, 30)), st.sampled_from([1, 2, 4, 8]))
def test_ranges_are_read_as_they_are_written(places: set[int], size: int) -> None:
    offsets = {place * size for place in places}
    assert set(_offsets(ranges(offsets, size), f"r{size}")) == offsets


def made(**rows: tuple[set[int], set[int]]) -> ContextFields:
    kinds = {("xdp", attach): {"r4": _Taken(*map(frozenset, row))} for attach, row in rows.items()}
    return ContextFields(kinds, {"xdp": "xdp_md"}, {"xdp_md": 24})


def test_an_access_is_taken_by_all_some_or_none() -> None:
    fields = made(xdp=({0}, {4}))
    assert [fields.taken("xdp", "xdp", "r4", at) for at in (0, 4, 8)] == [ALL, SOME, NONE]


def test_nothing_is_known_of_other_types_and_sizes() -> None:
    fields = made(xdp=({0}, set()))
    assert fields.taken("kprobe", "", "r4", 0) is None
    assert fields.taken("xdp", "xdp", "r8", 0) is None


def test_for_other_attach_types_those_of_the_type_stand_in() -> None:
    fields = made(xdp=({0, 4}, set()), devmap=({0}, set()))
    assert [fields.taken("xdp", "new", "r4", at) for at in (0, 4, 8)] == [ALL, SOME, NONE]


@pytest.mark.parametrize("kind", SKB)
def test_the_end_of_a_packet_is_read_and_never_written(kind: str) -> None:
    fields = context_fields()
    attach = [one for (of, one) in fields.kinds if of == kind]
    assert attach
    assert {fields.taken(kind, one, "r4", 80) for one in attach} == {ALL}
    assert {fields.taken(kind, one, "w4", 80) for one in attach} == {NONE}


def test_every_struct_has_its_size() -> None:
    fields = context_fields()
    assert set(fields.structs.values()) <= set(fields.sizes)
    assert {kind for kind, _ in fields.kinds} >= {"xdp", "sched_cls", "sk_msg", "sock_ops", "cgroup_sockopt"}


@pytest.mark.parametrize(
    ("section", "access", "expected"),
    [
        ("xdp", Ins(0x61, 2, 1, 12), []),
        ("xdp", Ins(0x61, 2, 1, 24), [("PC436", "missing")]),
        ("xdp", Ins(0x61, 2, 1, -4), [("PC436", "missing")]),
        ("xdp", Ins(0x69, 2, 1, 12), [("PC436", "missing")]),
        ("tc", Ins(0x71, 2, 1, 17), []),
        ("tc", Ins(0x69, 2, 1, 17), [("PC436", "missing")]),
        ("sk_msg", Ins(0x61, 2, 1, 16), []),
        ("sk_msg", Ins(0x63, 1, 2, 16), [("PC436", "missing")]),
        ("cgroup/post_bind4", Ins(0x61, 2, 1, 44), []),
        ("cgroup/sock_create", Ins(0x61, 2, 1, 44), [("PC436", "missing")]),
        ("tc", Ins(0xDB, 1, 2, 8), [("PC436", "missing")]),
        ("kprobe/work", Ins(0xDB, 1, 2, 8), [("PC436", "missing")]),
        ("perf_event", Ins(0x79, 2, 1, 8), []),
        ("perf_event", Ins(0x61, 2, 1, 8), [("PC436", "missing")]),
        ("tp/sched/made", Ins(0x79, 2, 1, 8), []),
        ("tp/sched/made", Ins(0x79, 2, 1, 0), [("PC436", "missing")]),
        ("raw_tp/made", Ins(0x79, 2, 1, 88), []),
        ("raw_tp/made", Ins(0x79, 2, 1, 96), [("PC436", "missing")]),
        ("netfilter", Ins(0x79, 2, 1, 8), []),
        ("netfilter", Ins(0x79, 2, 1, 16), [("PC436", "missing")]),
        ("netfilter", Ins(0x61, 2, 1, 8), [("PC436", "missing")]),
        ("netfilter", Ins(0x7B, 1, 2, 0), [("PC436", "missing")]),
    ],
)
def test_what_kernels_said(section: str, access: Ins, expected: list[tuple[str, str]]) -> None:
    assert verdicts(section, mov(2, 0), access, mov(0, 1)) == expected


def xdp_at(offset: int, words: int) -> list[str]:
    """What is said of a read at an offset by a kernel whose struct xdp_md has that many words of 8 bytes."""
    kernel = world(structs={"xdp_md": [f"field{number}" for number in range(words)]})
    made = findings(program("xdp", [Ins(0x61, 2, 1, offset), mov(0, 1)]), kernel)
    return [one.verdict.value for one in made if one.code == "PC436"]


def test_a_kernel_with_a_larger_context_may_take_more() -> None:
    assert xdp_at(24, 3) == ["missing"]
    assert xdp_at(24, 4) == ["unknown"]


def test_a_moved_context_is_passed_to_no_helper() -> None:
    # r1 += 4; bpf_skb_load_bytes(r1, 0, r10 - 8, 4)
    passed = [
        Ins(0x07, 1, imm=4),
        mov(2, 0),
        Ins(0xBF, 3, 10),
        Ins(0x07, 3, imm=-8),
        mov(4, 4),
        Ins(0x85, imm=26),
    ]
    assert verdicts("tc", *passed[1:], mov(0, 0)) == []
    assert verdicts("tc", *passed, mov(0, 0)) == [("PC435", "missing")]
