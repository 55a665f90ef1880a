# SPDX-License-Identifier: Apache-2.0
"""What the corpus taught the decoder, each with a case where the lesson does not apply."""

from __future__ import annotations

import pytest

from tests.verifier.logs import only

STATS = "processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"


def _spill(first: str, state: str, second: str) -> str:
    return (
        "0: R1=ctx() R10=fp0\n"
        f"{first}\n1: (7b) *(u64 *)(r10 -8) = r1         ; R1={state} R10=fp0 fp-8={state}\n"
        f"2: (b7) r2 = 1                        ; R2=1\n{second}\n"
        "4: (79) r1 = *(u64 *)(r10 -8)         ; R1=scalar() R10=fp0\n"
        f"5: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n{STATS}"
    )


HALF = "3: (63) *(u32 *)(r10 -8) = r2         ; R2=1 R10=fp0 fp-8=mmmm1"
UPPER = "3: (63) *(u32 *)(r10 -4) = r2         ; R2=1 R10=fp0 fp-8=1mmmm"
OTHER = "3: (63) *(u32 *)(r10 -16) = r2        ; R2=1 R10=fp0 fp-16=mmmm1"


@pytest.mark.parametrize("store", [HALF, UPPER])
def test_a_pointer_read_back_after_part_of_it_was_overwritten(store: str) -> None:
    found = only(_spill("0: (bf) r6 = r1                       ; R6=ctx()", "ctx()", store))
    assert (found.cause_id, found.confidence) == ("spill_fill_corruption", "high")
    assert found.root is not None
    assert found.root.insn == 3


def test_a_number_on_the_stack_is_not_a_corrupted_pointer() -> None:
    found = only(_spill("0: (61) r1 = *(u32 *)(r1 +0)          ; R1=scalar()", "scalar()", HALF))
    assert found.cause_id != "spill_fill_corruption"


def test_a_store_elsewhere_corrupts_nothing() -> None:
    found = only(_spill("0: (bf) r6 = r1                       ; R6=ctx()", "ctx()", OTHER))
    assert found.cause_id != "spill_fill_corruption"


def test_a_loop_back_to_the_first_instruction_is_one_walk() -> None:
    rounds = "0: (61) r2 = *(u32 *)(r1 +8)          ; R1=ctx() R2=scalar()\n" + (
        "1: (55) if r2 != 0x5 goto pc-2 0: R1=ctx() R10=fp0\n"
    )
    found = only(
        "0: R1=ctx() R10=fp0\n; while (skb->mark != 5) @ wait.bpf.c:18\n"
        f"{rounds * 3}infinite loop detected at insn 0\n{STATS}"
    )
    assert found.root is not None
    assert (found.cause_id, found.root.source.line) == ("infinite_loop", 18)


def test_a_remark_about_an_argument_is_not_the_cause_of_what_follows() -> None:
    said = "arg#0 expects pointer to ctx\nthe call stack of 9 frames is too deep\n"
    assert only(f"0: R1=ctx() R10=fp0\n0: (85) call pc+4\n{said}{STATS}").cause_id == "call_depth"


def test_the_same_remark_alone_is() -> None:
    found = only(f"0: R1=ctx() R10=fp0\n0: (85) call pc+4\narg#0 expects pointer to ctx\n{STATS}")
    assert found.family == "V-GLOBALFUNC"


SLICE = """0: R1=ctx() R6=ctx() R10=fp0
0: (85) call bpf_dynptr_slice#63895   ; R0=rdonly_mem_or_null(id=2,sz=14)
1: (bf) r8 = r0                       ; R0=rdonly_mem_or_null(id=2,sz=14) R8=rdonly_mem_or_null(id=2,sz=14)
2: (15) if r8 == 0x0 goto pc+4        ; R8=rdonly_mem(sz=14)
3: (bf) r1 = r6                       ; R1=ctx() R6=ctx()
4: (85) call {name}            ; R0=scalar()
5: (71) r7 = *(u8 *)(r8 +0)
R8 invalid mem access 'scalar'
"""


def test_a_slice_ends_when_the_packet_may_move() -> None:
    found = only(SLICE.format(name="bpf_skb_pull_data#39") + STATS)
    assert found.cause_id == "stale_packet_pointer"
    assert found.root is not None
    assert found.root.insn == 4


def test_a_slice_does_not_end_with_any_call() -> None:
    assert only(SLICE.format(name="bpf_ktime_get_ns#5") + STATS).cause_id != "stale_packet_pointer"


@pytest.mark.parametrize(("size", "cause"), [("bpf_map_update_elem#2", "map_type_helper_mismatch"),
                                             ("bpf_probe_read_user#112", "size_arg_unbounded")])  # fmt: skip
def test_no_bytes_for_a_map_are_no_length(size: str, cause: str) -> None:
    log = f"0: (b7) r4 = 0\n1: (85) call {size}\ninvalid zero-sized read\n{STATS}"
    assert only(log).cause_id == cause


def test_a_pointer_taken_from_a_number() -> None:
    said = "R1 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root\n"
    log = (
        "0: R1=ctx() R10=fp0\n0: (61) r0 = *(u32 *)(r1 +8)          ; R0=scalar() R1=ctx()\n"
        f"1: (1f) r0 -= r1\n{said}{STATS}"
    )
    assert only(log).cause_id == "pointer_arithmetic"
