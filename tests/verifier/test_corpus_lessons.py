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


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("infinite loop detected at insn 2", "infinite_loop"),
        ("BPF program is too large. Processed 1000001 insn", "complexity_limit"),
    ],
)
def test_a_message_behind_a_jump_that_was_taken(said: str, cause: str) -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (b7) r2 = 0                        ; R2=0\n"
        f"1: (07) r2 += 1                       ; R2=1\n2: (55) if r2 != 0x5 goto pc-2 {said}\n{STATS}"
    )
    assert (found.cause_id, found.insn_text) == (cause, "(55) if r2 != 0x5 goto pc-2")


def test_level_four_has_a_line_and_no_instruction() -> None:
    found = only(f"invalid bpf_context access off=76 size=4\n; skb->data = 0; @ tc.bpf.c:157\n{STATS}")
    assert found.root is not None
    assert (found.source.line, found.root.source.line, found.insn) == (157, 157, None)


def _frames(frames: int) -> str:
    return (
        "0: R1=ctx() R10=fp0\n; return first(ctx); @ a.bpf.c:30\n0: (85) call pc+1\n"
        "2: frame1: R1=ctx() R10=fp0\n; return second(ctx); @ a.bpf.c:20\n2: (85) call pc+1\n"
        "4: frame2: R1=ctx() R10=fp0\n; char text[300]; @ a.bpf.c:10\n4: (95) exit\n"
        "from 4 to 3: frame1: R10=fp0\n3: (95) exit\nfrom 3 to 1: R10=fp0\n1: (95) exit\n"
        f"combined stack size of {frames} calls is 620. Too large\n{STATS}"
    )


@pytest.mark.parametrize(("frames", "line"), [(2, 30), (3, 20)])
def test_the_frame_that_is_too_many_is_found_after_the_walk_has_ended(frames: int, line: int) -> None:
    found = only(_frames(frames))
    assert found.root is not None
    assert found.root.source.line == line


def _compared(line: int, head: int) -> str:
    return (
        f"0: R1=ctx() R10=fp0\n; int parse(struct xdp_md *ctx) @ a.bpf.c:{head}\n"
        "0: (61) r2 = *(u32 *)(r1 +4)          ; R1=ctx() R2=pkt_end()\n"
        "1: (61) r1 = *(u32 *)(r1 +0)          ; R1=pkt(r=0)\n"
        f"; if ((void *)(eth + 1) > end) @ a.bpf.c:{line}\n"
        "2: (bf) r3 = r1                       ; R1=pkt(r=0) R3=pkt(r=0)\n"
        "3: (07) r3 += 14                      ; R3=pkt(off=14,r=0)\n"
        "4: (2d) if r3 > r2 goto pc+9          ; R2=pkt_end() R3=pkt(off=14,r=14)\n"
        "; if (tag->proto == 8) @ a.bpf.c:60\n5: (69) r1 = *(u16 *)(r1 +16)\n"
        "invalid access to packet, off=16 size=2, R1(id=0,off=16,r=14)\n"
        f"R1 offset is outside of the packet\n{STATS}"
    )


@pytest.mark.parametrize(("line", "head", "change"), [(32, 50, 60), (55, 50, 55)])
def test_a_parser_that_was_inlined_compares_for_itself(line: int, head: int, change: int) -> None:
    found = only(_compared(line, head))
    assert found.root is not None
    assert (found.cause_id, found.root.source.line) == ("packet_bounds", change)


@pytest.mark.parametrize(
    ("off", "size", "cause"),
    [
        (-8, 8, "uninit_stack_read"),
        (-8, 16, "stack_bounds"),
        (0, 4, "stack_bounds"),
        (-520, 8, "stack_bounds"),
    ],
)
def test_a_read_within_the_frame_is_one_of_what_nobody_wrote(off: int, size: int, cause: str) -> None:
    found = only(f"invalid read from stack R10 off={off} size={size}\n{STATS}")
    assert (found.family, found.cause_id) == ("V-STACK-OOB", cause)


def test_a_function_that_hands_on_what_may_be_null() -> None:
    maybe = "map_value_or_null(id=1,map=m,ks=8,vs=64)"
    found = only(
        "0: R1=ctx() R10=fp0\n; v = find(id); @ a.bpf.c:45\n0: (85) call pc+3\n"
        "4: frame1: R1=ctx() R10=fp0\n; return bpf_map_lookup_elem(&m, &id); @ a.bpf.c:39\n"
        f"4: (85) call bpf_map_lookup_elem#1    ; frame1: R0={maybe}\n5: (95) exit\n"
        f"1: R0={maybe} R10=fp0\n; return v->n; @ a.bpf.c:47\n1: (79) r0 = *(u64 *)(r0 +0)\n"
        f"R0 invalid mem access 'map_value_or_null'\n{STATS}"
    )
    assert found.root is not None
    assert (found.root.source.line, found.trail[0].source.line) == (45, 39)


def test_the_parameter_of_a_callback_is_not_the_argument_of_the_helper() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; bpf_loop(8, add, &sum, 0); @ a.bpf.c:94\n"
        "0: (b7) r1 = 8                        ; R1=8\n1: (85) call bpf_loop#181\n"
        "4: frame1: R1=scalar() R2=map_value(map=m,ks=4,vs=4) R10=fp0 cb\n"
        "; sum += cells[i]; @ a.bpf.c:82\n4: (0f) r2 += r1                      ; "
        "frame1: R1=scalar() R2=map_value(map=m,ks=4,vs=4,smin=0,smax=umax=0xffffffff) cb\n"
        "5: (61) r0 = *(u32 *)(r2 +0)\n"
        f"R2 unbounded memory access, make sure to bounds check any such access\n{STATS}"
    )
    assert found.root is not None
    assert (found.cause_id, found.root.source.line) == ("unbounded_index", 82)


def test_a_function_that_no_kernel_has_is_said_by_the_loader() -> None:
    found = only(
        "libbpf: extern (func ksym) 'bpf_local_irq_save': not found in kernel or module BTFs\n"
        "libbpf: failed to load object 'irq.bpf.o'\n"
    )
    assert found.cause_id == "kfunc_unavailable"


def test_a_tail_call_through_a_map_of_no_programs_on_older_kernels() -> None:
    said = "kernel subsystem misconfigured verifier\n"
    calls = "0: R1=ctx() R10=fp0\n; bpf_tail_call(skb, &m, 0); @ a.bpf.c:9\n0: (85) call bpf_tail_call#12\n"
    found = only(calls + said + STATS)
    assert found.root is not None
    assert (found.cause_id, found.confidence, found.root.source.line) == ("tail_call_misuse", "high", 9)
    assert only(calls.replace("tail_call#12", "ktime_get_ns#5") + said + STATS).confidence == "low"


def _null_side(test: str) -> str:
    return (
        "0: R1=ctx() R10=fp0\n; s = bpf_map_lookup_elem(&m, &key); @ a.bpf.c:20\n"
        "0: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=m,ks=4,vs=24)\n"
        f"; if (s == NULL) {{ @ a.bpf.c:21\n1: (55) {test}       ; R0=0\n"
        "2: (b7) r1 = 12                       ; R1=12\n; s->state = 1; @ a.bpf.c:22\n"
        f"3: (63) *(u32 *)(r1 +0) = r2\nR1 invalid mem access 'scalar'\n{STATS}"
    )


def test_the_field_of_a_pointer_that_is_null_here() -> None:
    found = only(_null_side("if r0 != 0x0 goto pc+5"))
    assert found.root is not None
    assert (found.cause_id, found.confidence, found.root.source.line) == ("null_check", "high", 21)


def test_a_small_number_where_the_pointer_is_not_null_is_a_number() -> None:
    assert only(_null_side("if r0 == 0x0 goto pc+5")).cause_id == "scalar_deref"


MULTIPLIED = "math between map_value pointer and 2654435761 is not allowed"


def test_an_operation_that_no_pointer_takes_is_refused_for_what_it_is() -> None:
    found = only(
        "0: R0=map_value(map=m,ks=4,vs=8) R10=fp0\n"
        "0: (18) r1 = 0x9e3779b1               ; R1=0x9e3779b1\n"
        f"2: (2f) r0 *= r1\n{MULTIPLIED}\n{STATS}"
    )
    assert found.cause_id == "pointer_arithmetic"
    assert only(f"{MULTIPLIED}\n{STATS}").confidence == "low"


def test_a_line_printed_with_the_message_is_the_one_it_is_about() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; while (i < 4) { @ a.bpf.c:22\n"
        "0: (61) r2 = *(u32 *)(r10 -4)         ; R2=0 R10=fp0\n; return 0; @ a.bpf.c:26\n1: (95) exit\n"
        f"; while (i < 4) {{ @ a.bpf.c:22\ninfinite loop detected at insn 0\n{STATS}"
    )
    assert (found.source.line, found.insn) == (22, 1)


@pytest.mark.parametrize("call", ["call #0", "call <error>#0"])
def test_a_call_left_empty_is_found_on_another_path(call: str) -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; if (skb->len > 100) @ a.bpf.c:89\n"
        "0: (25) if r1 > 0x64 goto pc+2        ; R1=scalar()\n; return 0; @ a.bpf.c:91\n1: (95) exit\n"
        f"from 0 to 3: R1=scalar() R10=fp0\n; x = nobody(3); @ a.bpf.c:90\n3: (85) {call}         ; R0=0\n"
        "4: (05) goto pc-4\nfrom 4 to 1: R0=0 R10=fp0\n; return 0; @ a.bpf.c:91\n1: (95) exit\n"
        f"invalid kernel function call not eliminated in verifier pass\n{STATS}"
    )
    assert (found.cause_id, found.source.line, found.insn) == ("kfunc_unavailable", 90, 3)


def test_a_state_behind_a_jump_is_no_message() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; if (!note) @ a.bpf.c:146\n"
        "0: (15) if r0 == 0x0 goto pc+6 7: R0=0 R6=fp-16 R10=fp0 fp-16=dynptr_ringbuf(ref_id=2)\n"
        f"7: (b4) w0 = 0                         ; R0=0 refs=2\n8: (95) exit\n"
        f"Unreleased reference id=2 alloc_insn=3\n{STATS}"
    )
    assert (found.source.line, found.insn) == (147, 8)


def test_a_packet_pointer_where_the_context_belongs() -> None:
    said = "helper access to the packet is not allowed"
    loaded = "0: R1=ctx() R10=fp0\n0: (61) r1 = *(u32 *)(r1 +76)         ; R1=pkt(r=0)\n"
    pulled = only(f"{loaded}1: (85) call bpf_skb_pull_data#39\n{said}\n{STATS}")
    other = only(f"{loaded}1: (85) call bpf_probe_read_kernel#113\n{said}\n{STATS}")
    assert (pulled.cause_id, other.cause_id) == ("helper_arg_type", "packet_write_not_allowed")


def test_of_two_indexes_the_one_without_a_bound() -> None:
    wide, narrow = "scalar(smin=0,smax=umax=0x1fffffffe0)", "scalar(smin=0,smax=umax=28)"
    value = "map_value(map=m,ks=4,vs=264"
    found = only(
        f"0: R0={value}) R1=ctx() R6=ctx() R10=fp0\n; row = m->rows; @ a.bpf.c:46\n"
        f"0: (61) r1 = *(u32 *)(r0 +0)          ; R1={wide}\n1: (0f) r0 += r1                      ; "
        f"R0={value},smin=0,smax=umax=0x1fffffffe0) R1={wide}\n; column = skb->priority & 7; @ a.bpf.c:47\n"
        f"2: (61) r2 = *(u32 *)(r6 +32)         ; R2={narrow}\n3: (0f) r0 += r2                      ; "
        f"R0={value},smin=0,smax=umax=0x1ffffffffc) R2={narrow}\n; return cells[row][column]; @ a.bpf.c:48\n"
        "4: (61) r0 = *(u32 *)(r0 +8)\n"
        f"R0 unbounded memory access, make sure to bounds check any such access\n{STATS}"
    )
    assert found.root is not None
    assert found.root.source.line == 46


@pytest.mark.parametrize(("op", "cause"), [("r0 >>= 6", "pointer_arithmetic"), ("r0 += 8", "null_check")])
def test_a_null_check_does_not_help_an_operation_that_no_pointer_takes(op: str, cause: str) -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n"
        "0: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=m,ks=4,vs=24)\n"
        f"1: (77) {op}\n"
        f"R0 pointer arithmetic on map_value_or_null prohibited, null-check it first\n{STATS}"
    )
    assert found.cause_id == cause
