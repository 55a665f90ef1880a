# SPDX-License-Identifier: Apache-2.0
"""Which statement an exit belongs to, where the log does not print its line."""

from __future__ import annotations

import io

import pytest

from preflight.verifier.decode import decode
from preflight.verifier.model import Rejection, Source

HEAD = "; int BPF_PROG(on_fork, struct task_struct *task) @ a.bpf.c:{line}"


def rejected(*lines: str, says: str = "R0 !read_ok") -> Rejection:
    """The one rejection of a log with these lines."""
    log = "\n".join(["0: R1=ctx() R10=fp0", *lines, says, "processed 5 insns (limit 1000000)", ""])
    (found,) = decode(io.BytesIO(log.encode()), "log").rejections
    return found


def popped(last: str) -> Rejection:
    """A level 1 log whose exit lost its line: the kernel printed it on a path that it took back."""
    return rejected(
        f"; {last} @ a.bpf.c:17",
        "0: (61) r1 = *(u32 *)(r1 +12)         ; R1=scalar()",
        "1: (55) if r1 != 0x1 goto pc+1 3: R1=scalar() R10=fp0",
        "3: (95) exit",
    )


@pytest.mark.parametrize("last", ["work(skb);", "work(skb); // and out", "done = 1; /* so */"])
def test_an_exit_without_a_line_is_the_statement_below_the_last_one(last: str) -> None:
    assert popped(last).source == Source("a.bpf.c", 18, None)


@pytest.mark.parametrize(
    "last", ["work(skb,", "for (i = 0; i < n; i++)", "while (next())", "do x(); while (y);"]
)
def test_below_what_is_no_whole_statement_nothing_is_known(last: str) -> None:
    assert popped(last).source.line is None


def straight(*, head: int, call: int) -> Rejection:
    """An exit that carries the line of the function's head, behind a call."""
    return rejected(
        f"; bpf_preempt_disable(); @ a.bpf.c:{call}",
        "0: (85) call bpf_preempt_disable#65280        ;",
        HEAD.format(line=head),
        "1: (b7) r0 = 0                        ; R0=0",
        "2: (95) exit",
        says="BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region",
    )


def test_an_exit_with_the_head_of_the_function_is_the_statement_below_the_last_one() -> None:
    assert straight(head=10, call=12).source == Source("a.bpf.c", 13, None)


def test_a_line_above_the_function_is_of_another_one_that_was_inlined() -> None:
    assert straight(head=10, call=5).source.line == 10


def test_an_exit_with_a_line_of_its_own_keeps_it() -> None:
    found = rejected(
        "; work(ctx); @ a.bpf.c:4",
        "0: (bf) r6 = r1                       ; R6=ctx()",
        "; return result; @ a.bpf.c:9",
        "1: (95) exit",
    )
    assert found.source == Source("a.bpf.c", 9, "return result;")


def leaves(*lines: str) -> Source:
    """The statement of an exit that keeps a reference and lost its line, behind these lines."""
    found = rejected(
        "; struct ev *e = bpf_ringbuf_reserve(&rb, 8, 0); @ a.bpf.c:16",
        "0: (85) call bpf_ringbuf_reserve#131  ; R0=ringbuf_mem(ref_obj_id=2,sz=8) refs=2",
        *lines,
        "14: (b4) w0 = 0                       ; R0=0 refs=2",
        "15: (95) exit",
        says="Unreleased reference id=2 alloc_insn=0",
    )
    return found.source


def test_all_parts_of_a_condition_hold() -> None:
    found = leaves(
        "; if (skb->mark > 7 && skb->priority == 3) @ a.bpf.c:20",
        "7: (61) r1 = *(u32 *)(r6 +8)          ; R1=scalar() refs=2",
        "8: (a6) if w1 < 0x8 goto pc+2         ; R1=scalar() refs=2",
        "9: (61) r1 = *(u32 *)(r6 +32)         ; R1=scalar() refs=2",
        "10: (16) if w1 == 0x3 goto pc+3 14: R1=3 R10=fp0 refs=2",
    )
    assert found == Source("a.bpf.c", 21, None)


def test_a_condition_whose_first_part_fails_does_not_hold() -> None:
    found = leaves(
        "; if (skb->mark > 7 && skb->priority == 3) @ a.bpf.c:20",
        "7: (61) r1 = *(u32 *)(r6 +8)          ; R1=scalar() refs=2",
        "8: (a6) if w1 < 0x8 goto pc+5 14: R1=3 R10=fp0 refs=2",
    )
    assert found.line is None


def test_a_condition_goes_on_below() -> None:
    found = leaves(
        "; if (skb->mark > 7 || @ a.bpf.c:20",
        "7: (61) r1 = *(u32 *)(r6 +8)          ; R1=scalar() refs=2",
        "8: (26) if w1 > 0x7 goto pc+5         ; R1=scalar() refs=2",
        "; skb->priority == 3) @ a.bpf.c:21",
        "9: (61) r1 = *(u32 *)(r6 +32)         ; R1=scalar() refs=2",
        "; if (skb->mark > 7 || @ a.bpf.c:20",
        "10: (16) if w1 == 0x3 goto pc+3 14: R1=3 R10=fp0 refs=2",
    )
    assert found == Source("a.bpf.c", 22, None)


def test_where_the_rest_of_a_condition_is_not_on_the_path_nothing_is_known() -> None:
    found = leaves(
        "; if (skb->mark > 7 || @ a.bpf.c:20",
        "7: (61) r1 = *(u32 *)(r6 +8)          ; R1=scalar() refs=2",
        "8: (26) if w1 > 0x7 goto pc+5 14: R1=3 R10=fp0 refs=2",
    )
    assert found.line is None


@pytest.mark.parametrize(
    ("head", "line"),
    [("int BPF_PROG(deny, struct file *file)", 32), ("int BPF_PROG(deny, struct file *file) {", 31)],
)
def test_an_exit_under_a_head_that_stands_alone_is_the_first_statement(head: str, line: int) -> None:
    found = rejected(f"; {head} @ a.bpf.c:30", "0: (b7) r0 = 5                        ; R0=5", "1: (95) exit")
    assert found.source.line == line


def test_a_head_that_goes_on_below_tells_of_no_statement() -> None:
    found = rejected("; int BPF_PROG(deny, struct file *file, @ a.bpf.c:30", "0: (95) exit")
    assert found.source.line == 30


def test_a_jump_to_the_exit_may_carry_the_return() -> None:
    found = rejected(
        "; return 2; @ a.bpf.c:7",
        "0: (05) goto pc+1",
        "; } @ a.bpf.c:12",
        "2: (95) exit",
    )
    assert found.source.line == 7


def poisoned(*lines: str, field: str = "struct task_struct.gone") -> Source:
    """The statement of a field whose relocation found nothing."""
    return rejected(
        *lines,
        "2: <invalid CO-RE relocation>",
        says=f"failed to resolve CO-RE relocation <byte_off> [7] {field} (0:1 @ offset 4)",
    ).source


BEFORE = "1: (bf) r6 = r1                       ; R6=scalar()"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mm = BPF_CORE_READ(task, mm);", 21),
        ("value = BPF_CORE_READ(task, gone);", 20),
        ("value = read(task,", 20),
        ("for (i = 0; i < 4; i++)", 20),
    ],
)
def test_the_offset_of_a_field_belongs_to_the_statement_after_unless_that_names_it(
    text: str, line: int
) -> None:
    assert poisoned(f"; {text} @ a.bpf.c:20", BEFORE).line == line


@pytest.mark.parametrize(
    ("test", "line"),
    [("if r6 == 0x0 goto pc+9", 21), ("if r6 != 0x0 goto pc+9", 22)],
)
def test_the_offset_of_a_field_behind_an_if(test: str, line: int) -> None:
    branch = f"1: (15) {test}            ; R6=scalar()"
    assert poisoned("; if (mm) @ a.bpf.c:20", branch).line == line


def test_an_offset_with_a_line_of_its_own_keeps_it() -> None:
    own = "; x = task->gone; @ a.bpf.c:25"
    assert poisoned("; work(task); @ a.bpf.c:20", BEFORE, own, field="struct task_struct.other").line == 25


@pytest.mark.parametrize(
    ("field", "line"), [("struct task_struct.gone", 12), ("struct task_struct___o.gone", 13)]
)
def test_an_offset_at_the_head_of_a_function_is_further_down(field: str, line: int) -> None:
    log = "\n".join(
        [
            "0: R1=ctx() R10=fp0",
            HEAD.format(line=10),
            "0: <invalid CO-RE relocation>",
            f"failed to resolve CO-RE relocation <byte_off> [7] {field} (0:1 @ offset 4)",
            "processed 1 insns (limit 1000000)",
            "",
        ]
    )
    (found,) = decode(io.BytesIO(log.encode()), "log").rejections
    assert found.source.line == line
    assert found.root is not None
    assert "about here" in found.root.reason


@pytest.mark.parametrize(
    ("condition", "branch", "line"),
    [
        ("if (ntohs(port) < 1024)", "if w1 == 0x0 goto pc+1", 11),
        ("if (verbose)", "if w1 != 0x1 goto pc+1", 12),
        ("if (verbose)", "if w1 == 0x1 goto pc+1", 11),
    ],
)
def test_the_return_behind_a_test(condition: str, branch: str, line: int) -> None:
    found = rejected(
        f"; {condition} @ a.bpf.c:10",
        "0: (b4) w0 = -13                      ; R0=0xfffffff3",
        f"1: (16) {branch} 3: R0=0xfffffff3 R1=0 R10=fp0",
        "3: (95) exit",
        says="Unreleased reference id=2 alloc_insn=0",
    )
    assert found.source.line == line


def test_a_test_that_the_kernel_knew_is_a_jump() -> None:
    found = rejected(
        "; if (verbose) @ a.bpf.c:10",
        "0: (05) goto pc+2",
        "; } @ a.bpf.c:20",
        "3: (b7) r0 = 0                        ; R0=0",
        "4: (95) exit",
        says="Unreleased reference id=2 alloc_insn=0",
    )
    assert found.source.line == 12


@pytest.mark.parametrize(("condition", "line"), [("if (!table)", 42), ("if (!table->used || !other)", 40)])
def test_what_was_moved_behind_an_if_is_not_of_the_test(condition: str, line: int) -> None:
    found = rejected(
        f"; {condition} @ a.bpf.c:40",
        "0: (15) if r0 == 0x0 goto pc+5        ; R0=map_value(map=m,ks=4,vs=8)",
        "1: (2f) r0 *= r1",
        says="R0 pointer arithmetic with *= operator prohibited",
    )
    assert found.source.line == line


def test_the_first_of_two_returns_when_everything_has_the_line_of_the_brace() -> None:
    found = rejected(
        "; tick->fired++; @ a.bpf.c:56",
        "0: (61) r1 = *(u32 *)(r3 +16)         ; R1=scalar()",
        "1: (b7) r0 = -1                       ; R0=-1",
        "; } @ a.bpf.c:60",
        "2: (25) if r1 > 0x64 goto pc+1 4: R0=-1 R1=scalar() R10=fp0",
        "4: (95) exit",
        says="Unreleased reference id=2 alloc_insn=0",
    )
    assert found.source.line == 58


@pytest.mark.parametrize(
    ("condition", "line"),
    [("if (len > 64)", 12), ("if (len > 64) {", None), ("if (len < 65)", 11), ("if (a > 64 && b)", None)],
)
def test_below_an_if_whose_comparison_does_not_hold(condition: str, line: int | None) -> None:
    found = rejected(
        f"; {condition} @ a.bpf.c:10",
        "0: (a5) if r1 < 0x41 goto pc+1 2: R1=scalar() R10=fp0",
        "2: (b7) r0 = 0                        ; R0=0",
        "3: (95) exit",
        says="Unreleased reference id=2 alloc_insn=0",
    )
    assert found.source.line == line


@pytest.mark.parametrize(("condition", "line"), [("if (!event)", 42), ("if (event - base)", 40)])
def test_nothing_is_calculated_to_ask_a_name_for_zero(condition: str, line: int) -> None:
    found = rejected(
        f"; {condition} @ a.bpf.c:40",
        "0: (77) r0 >>= 6",
        says="R0 pointer arithmetic with >>= operator prohibited",
    )
    assert found.source.line == line
