# SPDX-License-Identifier: Apache-2.0
"""What a log says: families, causes, and where the trouble began."""

from __future__ import annotations

import pytest

from preflight.verifier.result import OPEN
from tests.verifier.cases_families import LINES, LOGS, btf_log, log_with
from tests.verifier.logs import STATS, decoded, only, recorded


@pytest.mark.parametrize(
    "row", recorded(), ids=lambda row: f"{row['program']}-{row['kernel']}-{row['log_level']}"
)
def test_recorded_rejection_has_its_cause(row: dict[str, object]) -> None:
    assert only(str(row["log"])).cause_id == row["cause_id"]


@pytest.mark.parametrize("family", sorted(set(LINES) - {"V-BTFLOAD", "V-UNKNOWN"}))
def test_line_is_of_its_family(family: str) -> None:
    assert only(log_with(LINES[family])).family == family


@pytest.mark.parametrize("family", sorted(set(LINES) - {"V-BTFLOAD", "V-UNKNOWN"}))
def test_line_alone_is_enough(family: str) -> None:
    found = only(LINES[family] + "\n")
    assert (found.family, found.mode, found.insn is None or found.root is None) == (
        family,
        "terminal-line",
        True,
    )


def test_unknown_message_is_said_to_be_unknown() -> None:
    found = only(log_with(LINES["V-UNKNOWN"]))
    assert (found.family, found.cause_id, found.confidence) == ("V-UNKNOWN", "unknown", "low")


def test_btf_log_alone_is_a_rejection() -> None:
    assert only(btf_log(LINES["V-BTFLOAD"])).family == "V-BTFLOAD"


def test_btf_log_before_a_program_is_noise() -> None:
    text = btf_log(LINES["V-BTFLOAD"]) + log_with("R0 !read_ok")
    assert [one.family for one in decoded(text).rejections] == ["V-UNINIT-REG"]


STALE = """\
0: R1=ctx() R10=fp0
0: (bf) r6 = r1                       ; R1=ctx() R6=ctx()
1: (61) r7 = *(u32 *)(r6 +76)         ; R6=ctx() R7=pkt(r=0)
; bpf_skb_pull_data(skb, 0); @ a.bpf.c:9
2: (bf) r1 = r6                       ; R1=ctx() R6=ctx()
3: (b7) r2 = 0                        ; R2=0
4: (85) call bpf_skb_pull_data#39     ; R0=scalar()
; return *p; @ a.bpf.c:11
5: (71) r0 = *(u8 *)(r7 +0)
R7 invalid mem access 'scalar'
"""


def test_packet_pointer_is_stale_after_a_helper_that_moves_the_packet() -> None:
    found = only(STALE + STATS)
    assert (found.cause_id, found.root and found.root.insn) == ("stale_packet_pointer", 4)
    assert found.root is not None
    assert found.root.source.line == 9


def test_address_read_from_memory_is_a_number() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (79) r1 = *(u64 *)(r1 +8)          ; R1=scalar()\n"
        "1: (7b) *(u64 *)(r10 -8) = r1         ; R1=scalar() R10=fp0 fp-8=scalar()\n"
        "2: (79) r3 = *(u64 *)(r10 -8)         ; R3=scalar() R10=fp0\n3: (61) r0 = *(u32 *)(r3 +0)\n"
        f"R3 invalid mem access 'scalar'\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.insn) == ("scalar_deref", 3)
    assert [place.insn for place in found.trail] == [0]


def test_register_destroyed_by_a_call() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (85) call bpf_ktime_get_ns#5        ; R0=scalar()\n"
        f"1: (79) r0 = *(u64 *)(r1 +0)\nR1 !read_ok\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.insn) == ("uninit_register", 0)


def test_released_object() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (85) call bpf_sk_lookup_tcp#84      ; R0=sock_or_null(id=2,ref_obj_id=2) refs=2\n"  # noqa: E501
        "1: (bf) r6 = r0                       ; R0=sock_or_null(id=2,ref_obj_id=2) "
        "R6=sock_or_null(id=2,ref_obj_id=2) refs=2\n"
        "2: (15) if r6 == 0x0 goto pc+4        ; R6=sock(ref_obj_id=2) refs=2\n"
        "3: (bf) r1 = r6                       ; R1=sock(ref_obj_id=2) R6=sock(ref_obj_id=2) refs=2\n"
        "4: (85) call bpf_sk_release#86        ;\n5: (61) r0 = *(u32 *)(r6 +4)\n"
        f"R6 invalid mem access 'scalar'\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.insn) == ("use_after_release", 4)


def test_level_two_goes_on_where_a_branch_was_pushed() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (b7) r6 = 1                        ; R6_w=1\n"
        "1: (61) r2 = *(u32 *)(r1 +0)          ; R2_w=scalar()\n2: (15) if r2 == 0x0 goto pc+2        ; R2_w=scalar()\n"  # noqa: E501
        "3: (b7) r0 = 0                        ; R0_w=0\n4: (95) exit\n\nfrom 2 to 5: R1=ctx() R2_w=0 R6_w=1 R10=fp0\n"  # noqa: E501
        f"5: (95) exit\nR0 !read_ok\n{STATS}"
    )
    assert found.cause_id == "uninit_register"
    assert found.root is not None
    assert (found.root.insn, [place.insn for place in found.trail]) == (5, [2])


def test_fragment_without_history_leaves_a_number_at_low_confidence() -> None:
    assert only("R3 invalid mem access 'scalar'\n").confidence == "low"


def test_missing_beginning_is_told() -> None:
    lost = only(f"40: (61) r0 = *(u32 *)(r3 +0)\nR3 invalid mem access 'scalar'\n{STATS}")
    assert (lost.truncated, lost.root) == ("head", None)


def test_missing_end_is_told() -> None:
    lost = only("0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n1: (bf) r2 ")
    assert (lost.family, lost.truncated) == ("L-TRUNC-HEAD", "tail")


def test_accepted_program_is_no_rejection() -> None:
    found = decoded(f"0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n1: (95) exit\n{STATS}")
    assert (found.rejections, found.accepted, found.is_log) == ([], 1, True)


def test_prose_is_no_log() -> None:
    assert not decoded("The program was rejected because reasons.\nMake it better.\n").is_log


def test_report_of_the_kernel_becomes_data() -> None:
    row = next(r for r in recorded() if r["program"] == "xdp_off_by_one" and r["kernel"].startswith("7.3"))
    report = only(row["log"]).kernel_report
    assert report is not None
    assert (report["category"], report["problem"]) == ("Memory Safety", "Access outside bounds")
    assert (report["at"]["line"], report["at"]["insn"]) == (20, 6)
    assert [event["line"] for event in report["causal_path"]] == [15, 18]
    assert report["suggestion"].startswith("Add or adjust")


@pytest.mark.parametrize(
    "text",
    [
        "libbpf: prog 'p': BPF program load failed: Permission denied\n",
        f"libbpf: prog 'p': BPF program load failed: Permission denied\n{STATS}",
        "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\nwords of no kernel\nlibbpf: -- END PROG LOAD LOG --\n",
    ],
)
def test_refusal_that_nothing_explains_stays_open(text: str) -> None:
    (family,) = [one.family for one in decoded(text).rejections]
    assert family in OPEN


CLOSING = [
    "libbpf: prog 'p': failed to load: -13",
    "libbpf: failed to load object 'p.bpf.o'",
    "libbpf: failed to load BPF skeleton 'p_bpf': -13",
    "Error: failed to load object file",
    "Warning: bpftool is now running in libbpf strict mode and has more stringent requirements",
]


@pytest.mark.parametrize("count", range(1, len(CLOSING) + 1))
def test_closing_words_of_a_loader_are_no_second_rejection(count: int) -> None:
    begin = (
        "libbpf: prog 'p': BPF program load failed: Permission denied\n"
        "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n"
    )
    text = begin + log_with("R0 !read_ok") + "-- END PROG LOAD LOG --\n" + "\n".join(CLOSING[:count]) + "\n"
    found = only(text)
    assert (found.family, found.errno, found.program) == ("V-UNINIT-REG", 13, "p")


def test_message_without_a_line_feed_before_the_statistics() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (85) call bpf_tail_call#12\nexpected prog array map for tail call" + STATS
    )
    assert (found.family, found.stats["insns_processed"]) == ("V-TAILCALL", 9)


MERGED = """\
0: R1=ctx() R10=fp0
; bpf_spin_lock(&v->lock); @ a.bpf.c:21
11: (85) call bpf_spin_lock#93        ;
12: (b4) w0 = 2                       ; R0_w=2
; {condition} @ a.bpf.c:22
13: (79) r1 = *(u64 *)(r6 +8)         ; R1_w=scalar()
14: (25) if r1 > 0x64 goto pc+5 20: R0_w=2 R1_w=scalar(umin=101) R10=fp0
20: (95) exit
bpf_spin_unlock is missing
"""


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ("if (v->n > 100)", 23),
        ("if (v->n > 100) {", 23),
        ("} else if (v->n >= 101)", 23),
        ("if (v->n > 100) return 2;", 22),
        ("if (v->n <= 100)", 24),
        ("if (v->n > 100 && v->m)", None),
        ("while (v->n > 100)", None),
    ],
)
def test_merged_return_is_the_statement_under_the_if_that_holds(condition: str, line: int | None) -> None:
    found = only(MERGED.format(condition=condition) + STATS)
    assert found.source.line == line
    assert [place.insn for place in found.trail] == [11]


def test_line_behind_a_branch_is_unknown_when_the_kernel_left_it_out() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; a = f(); @ a.c:3\n0: (61) r2 = *(u32 *)(r1 +0)        ; R2_w=scalar()\n"
        "1: (15) if r2 == 0x0 goto pc+2 4: R1=ctx() R2_w=0 R10=fp0\n4: (79) r0 = *(u64 *)(r2 +0)\n"
        f"R2 invalid mem access 'scalar'\n{STATS}"
    )
    assert found.source.line is None


def test_code_of_a_macro_belongs_to_the_statement_before() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; return *(int *)(p + 100000); @ a.c:20\n"
        "1: (07) r1 += 100000       ; R1=ptr_task_struct(off=100000)\n"
        '; SEC("tp_btf/x") int BPF_PROG(on_x, struct task_struct *p) @ a.c:19\n2: (61) r0 = *(u32 *)(r1 +0)\n'
        f"access beyond struct task_struct at off 100000 size 4\n{STATS}"
    )
    assert found.source.line == 20


def test_function_that_calls_itself() -> None:
    frames = "".join(
        f"{3 if n else 0}: (bf) r1 = r6\n{4 if n else 1}: (85) call pc{'-2' if n else '+1'}\n"
        f"caller:\n frame{n}: R10=fp0\n"
        f"callee:\n frame{n + 1}: R1=scalar() R10=fp0\n3: frame{n + 1}: R1=scalar() R10=fp0\n"
        for n in range(8)
    )
    found = only(
        f"0: R1=ctx() R10=fp0\n{frames}3: (bf) r1 = r6\n4: (85) call pc-2\n"
        f"the call stack of 9 frames is too deep !\n{STATS}"
    )
    assert found.cause_id == "recursion"


@pytest.mark.parametrize(
    "line",
    [
        "mark_precise: frame0: regs=r2 stack= before 0: (61) r2 = *(u32 *)(r1 +8)",
        "regs=4 stack=0 before 0: (61) r2 = *(u32 *)(r1 +8)",
    ],
)
def test_kernel_following_a_register_back_is_evidence(line: str) -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (61) r2 = *(u32 *)(r1 +8)        ; R2_w=scalar()\n1: (0f) r0 += r2\n"
        f"mark_precise: frame0: last_idx 1 first_idx 0 subseq_idx -1\n{line}\n"
        f"math between map_value pointer and register with unbounded min value is not allowed\n{STATS}"
    )
    (seen,) = found.evidence
    assert (seen.source, "follows r2 back over 1 instruction to 0" in seen.detail) == ("precision", True)


def test_causal_path_of_the_kernel_is_evidence() -> None:
    row = next(r for r in recorded() if r["program"] == "spin_lock_leak" and r["kernel"].startswith("7.3"))
    found = only(row["log"])
    assert any("entered lock region" in seen.detail for seen in found.evidence)


def test_helper_and_kernel_function_share_a_message() -> None:
    text = "0: R1=ctx() R10=fp0\n0: (85) call {call}\nR2 is not a known constant'\n" + STATS
    causes = [
        only(text.format(call=call)).cause_id
        for call in ("bpf_ringbuf_reserve#131", "bpf_obj_new_impl#65000")
    ]
    assert causes == ["helper_arg_type", "kfunc_arg_type"]


def test_argument_of_a_global_function_is_its_callers_trouble() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (85) call pc+1\n"
        "invalid access to packet, off=0 size=14, R1(id=0,off=0,r=10)\n"
        f"R1 offset is outside of the packet\nCaller passes invalid args into func#1 ('g')\n{STATS}"
    )
    assert (found.family, found.cause_id) == ("V-PKT-BOUNDS", "global_func_args")


def test_what_a_loader_said_before_does_not_hide_a_refusal() -> None:
    found = only(
        "libbpf: map 'm': created successfully, fd=5\n"
        + LOGS["L-EPERM-NOLOG"]
        + "libbpf: prog 'p': failed to load: -1\n"
    )
    assert (found.family, found.errno, found.terminal.number) == ("L-EPERM-NOLOG", 1, 2)


@pytest.mark.parametrize(("limit", "cause"), [("1000000", "recursion"), ("131072", "control_flow")])
def test_back_edge_where_loops_are_allowed_is_a_call(limit: str, cause: str) -> None:
    assert only("back-edge from insn 11 to 3\n" + STATS.replace("1000000", limit)).cause_id == cause


def test_weak_function_that_was_left_empty() -> None:
    found = only(f"0: R1=ctx(off=0,imm=0) R10=fp0\n0: (85) call #0\n1: (bf) r1 = r0\nR0 !read_ok\n{STATS}")
    assert (found.cause_id, found.root and found.root.insn) == ("kfunc_unavailable", 0)


INDEXED = """\
0: R1=ctx() R10=fp0
0: (61) r6 = *(u32 *)(r1 +16)         ; R6_w=scalar()
1: (85) call bpf_get_local_storage#81 ; R0_w=map_value(map=m,ks=4,vs=72)
2: (25) if r6 > {limit} goto pc+4
3: (67) r6 <<= 3
4: (0f) r0 += r6
5: (7b) *(u64 *)(r0 +0) = r1
invalid access to map value, value_size=72 off={off} size=8
R0 max value is outside of the allowed memory range
"""


@pytest.mark.parametrize(
    ("off", "limit", "cause"),
    [("72", "0x9", "map_value_bounds"), ("34359738360", "0xfffffffe", "unbounded_index")],
)
def test_offset_in_the_message_tells_a_wrong_bound_from_none(off: str, limit: str, cause: str) -> None:
    assert only(INDEXED.format(off=off, limit=limit) + STATS).cause_id == cause


def test_memory_argument_of_a_global_function() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (85) call pc+3\ninvalid access to map value, value_size=72 off=8 size=72\n"
        f"R1 min value is outside of the allowed memory range\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.insn) == ("global_func_args", 0)


def test_stored_pointer_that_a_helper_would_hand_on() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; v = (long)skb; @ a.c:4\n"
        "0: (7b) *(u64 *)(r10 -16) = r1        ; R1=ctx() R10=fp0 fp-16=ctx()\n"
        "; update(&v); @ a.c:5\n1: (bf) r3 = r10\n2: (07) r3 += -16\n3: (85) call bpf_map_update_elem#2\n"
        f"invalid read from stack R3 off -16+0 size 8\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.source.line) == ("pointer_leak", 4)


def test_bytes_that_only_a_number_partly_fills_are_uninitialised() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; k.a = 1; @ a.c:4\n"
        "0: (62) *(u32 *)(r10 -16) = 1        ; R10=fp0 fp-16=????mmmm\n"
        "; look(&k); @ a.c:5\n1: (bf) r2 = r10\n2: (07) r2 += -16\n3: (85) call bpf_map_lookup_elem#1\n"
        f"invalid read from stack R2 off -16+4 size 8\n{STATS}"
    )
    assert found.cause_id == "uninit_stack_read"


@pytest.mark.parametrize(
    ("value", "cause"), [("8", "spectre_unpriv"), ("scalar(umax=12,var_off=(0x0; 0xc))", "ctx_access")]
)
def test_constant_offset_of_the_context_is_a_matter_of_privilege(value: str, cause: str) -> None:
    found = only(
        f"0: R1=ctx() R10=fp0\n0: (61) r2 = *(u32 *)(r1 +8)        ; R1=ctx() R2={value}\n1: (0f) r1 += r2\n"
        "R1 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root\n"
        f"{STATS}"
    )
    assert found.cause_id == cause


def test_refused_addition_leads_to_the_number_that_is_added() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; i = x; @ a.c:2\n"
        "0: (61) r7 = *(u32 *)(r1 +16)         ; R7=scalar(umax=0xffffffff)\n"
        "; v = look(); @ a.c:3\n1: (85) call bpf_get_local_storage#81    ; R0=map_value(map=m,ks=4,vs=72)\n"
        "; v->a[i] = 1; @ a.c:4\n2: (67) r7 <<= 3           ; R7=scalar(umax=0x7fffffff8)\n3: (0f) r0 += r7\n"
        f"R0 unbounded memory access, make sure to bounds check any such access\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.source.line) == ("unbounded_index", 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prog.bpf.c:12:3: error: use of undeclared identifier 'x'\n", "compiler"),
        ("error[E0425]: cannot find value `x` in this scope\n", "compiler"),
        ("ld.lld: error: undefined symbol: f\n", "linker"),
        ("libbpf: elf: 'a.o' is not a proper ELF object\n", "opens the object"),
        ("libbpf: prog 'p': failed to attach: -2\n", "attaches"),
    ],
)
def test_text_of_another_stage_is_told_apart(text: str, words: str) -> None:
    found = decoded(text)
    assert not found.is_log
    assert words in (found.stage or "")


def test_prose_is_of_no_stage() -> None:
    assert decoded("It does not work, please help.\n").stage is None


def test_object_that_was_refused_is_never_no_rejection() -> None:
    text = btf_log(LINES["V-BTFLOAD"]) + f"0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n1: (95) exit\n{STATS}"
    found = only(text + "libbpf: failed to load object 'a.o'\n")
    assert (found.family, found.terminal.text) == ("V-UNKNOWN", "failed to load object 'a.o'")


def test_map_that_could_not_be_created_behind_a_btf_log() -> None:
    found = only(
        btf_log("[1] INT int size=4") + LINES["L-MAP-CREATE"] + "\nlibbpf: failed to load object 'a.o'\n"
    )
    assert (found.family, found.cause_id) == ("L-MAP-CREATE", "map_not_created")


def test_branch_of_a_return_statement_is_that_statement() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; return *v > 3 ? 2 : 0; @ a.c:7\n0: (b7) r0 = 1\n"
        "1: (25) if r1 > 0x3 goto pc+1 3: R0=1 R1=scalar(umin=4) R10=fp0\n3: (67) r0 <<= 1\n4: (95) exit\n"
        f"At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]\n{STATS}"
    )
    assert found.source.line == 7


SUBPROGRAM = """\
0: R1=ctx() R10=fp0
0: (61) r6 = *(u32 *)(r1 +76)         ; R1=ctx() R6=pkt(r=14)
; if (grow(skb)) @ a.c:8
1: (85) call pc+7
caller:
 R6=pkt(r=14) R10=fp0
callee:
 frame1: R1=ctx() R10=fp0
9: frame1: R1=ctx() R10=fp0
9: (b7) r3 = 0                       ; frame1: R3=0
10: (85) call bpf_skb_change_tail#38  ; frame1: R0=scalar()
11: (95) exit
returning from callee:
 frame1: R0=scalar() R10=fp0
to caller at 2:
 R0=scalar() R6=scalar() R10=fp0
2: (71) r0 = *(u8 *)(r6 +6)
R6 invalid mem access 'scalar'
"""


def test_packet_pointer_is_stale_after_a_function_that_moves_the_packet() -> None:
    found = only(SUBPROGRAM + STATS)
    assert (found.cause_id, found.root and found.root.insn) == ("stale_packet_pointer", 1)
    assert found.trail[0].insn == 10


def test_difference_of_pointers_is_a_number() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (61) r2 = *(u32 *)(r1 +80)         ; R2=pkt_end()\n"
        "1: (61) r1 = *(u32 *)(r1 +76)         ; R1=pkt(r=0)\n; d = e - d; @ a.c:6\n"
        "2: (1f) r2 -= r1                      ; R1=pkt(r=1) R2=scalar()\n; return *d; @ a.c:7\n"
        f"3: (71) r0 = *(u8 *)(r2 +0)\nR2 invalid mem access 'scalar'\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.source.line) == ("scalar_deref", 6)


def test_memory_from_a_call_is_as_long_as_was_asked_for() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; e = reserve(8); @ a.c:3\n"
        "0: (85) call bpf_ringbuf_reserve#131 ; R0=ringbuf_mem(sz=8)\n"
        "; e[1] = 1; @ a.c:5\n1: (7b) *(u64 *)(r0 +8) = r6\n"
        "invalid access to memory, mem_size=8 off=8 size=8\n"
        f"R0 min value is outside of the allowed memory range\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.source.line) == ("map_value_bounds", 3)


def test_closing_brace_stands_for_the_statement_before_it() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n; sk = look(); @ a.c:20\n"
        "11: (85) call bpf_sk_lookup_tcp#84    ; R0=sock_or_null(id=2)\n"
        f"; }} @ a.c:26\n15: (b7) r0 = 0\n17: (95) exit\nUnreleased reference id=2 alloc_insn=11\n{STATS}"
    )
    assert (found.source.line, [place.source.line for place in found.trail]) == (25, [20])


def test_map_without_keys() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (18) r1 = 0xffff8883457f3600       ; R1=map_ptr(map=queue,ks=0,vs=8)\n"
        f"2: (85) call bpf_map_update_elem#2\ninvalid zero-sized read\n{STATS}"
    )
    assert found.cause_id == "map_type_helper_mismatch"


def test_variable_below_the_largest_frame() -> None:
    text = (
        "0: R1=ctx() R10=fp0\n0: (7b) *(u64 *)(r10 {off}) = r1\n"
        "invalid write to stack R10 off={off} size=8\n{stats}"
    )
    causes = [only(text.format(off=off, stats=STATS)).cause_id for off in (-520, 8)]
    assert causes == ["stack_limit_512", "stack_bounds"]


def test_constant_length_that_is_too_large_for_a_map_value() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (85) call bpf_get_local_storage#81 ; R0=map_value(map=m,ks=4,vs=256)\n"
        "; n = 512; @ a.c:3\n1: (b7) r2 = 512         ; R2=512\n; read(v, n); @ a.c:4\n"
        "2: (bf) r1 = r0          ; R0=map_value(map=m,ks=4,vs=256) R1=map_value(map=m,ks=4,vs=256)\n"
        "3: (85) call bpf_probe_read_user#112\ninvalid access to map value, value_size=256 off=0 size=512\n"
        f"R1 min value is outside of the allowed memory range\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.source.line) == ("map_value_bounds", 3)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (
            "At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]",
            "callback_misuse",
        ),
        (
            "At program exit the register R0 has smin=7 smax=7 should have been in [0, 1]",
            "return_value_range",
        ),
    ],
)
def test_result_of_a_callback_or_of_the_program(line: str, cause: str) -> None:
    assert only(log_with(line)).cause_id == cause


def test_weak_symbol_that_is_not_there() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (18) r1 = 0x0       ; R1=0\n2: (61) r0 = *(u32 *)(r1 +0)\n"
        f"R1 invalid mem access 'scalar'\n{STATS}"
    )
    assert (found.cause_id, found.root and found.root.insn) == ("ksym_unavailable", 0)


@pytest.mark.parametrize(
    ("call", "cause"),
    [("bpf_timer_init#169", "timer_wq_misuse"), ("bpf_map_lookup_elem#1", "helper_arg_type")],
)
def test_argument_that_a_helper_is_all_about(call: str, cause: str) -> None:
    found = only(f"0: R1=ctx() R10=fp0\n0: (85) call {call}\nR1 type=fp expected=map_value\n{STATS}")
    assert found.cause_id == cause


def test_depth_of_calls_without_a_path_is_left_open() -> None:
    assert only(f"the call stack of 9 frames is too deep !\n{STATS}").confidence == "low"
