# SPDX-License-Identifier: Apache-2.0
"""The grammars of all eras, the wrappings of all loaders, and hostile input."""

from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.verifier.classify import stats_of
from preflight.verifier.effect import effect, registers, type_of
from preflight.verifier.message import recognise, table
from tests.verifier.logs import STATS, decoded, only, recorded

ERAS = {
    "4.15": " R0=inv(id=0,umax_value=255,var_off=(0x0; 0xff)) R1=map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0) R10=fp0",  # noqa: E501
    "4.18": "3: R0_w=invP5 R1_r=pkt(id=0,off=14,r=14,imm=0) R10=fp0 fp-8=mmmmmmmm",
    "5.10": " R0_w=inv(id=0,s32_min_value=-1,u32_max_value=7) R6=ptr_task_struct(id=0,off=0,imm=0) R10=fp0 refs=1,2",  # noqa: E501
    "6.1": "7: R0_w=scalar(umax=255,var_off=(0x0; 0xff)) R1=ctx(off=0,imm=0) R10=fp0",
    "6.12": "frame1: R1_w=scalar(id=1+8,smin=smin32=0,smax=umax=smax32=umax32=7) R6=Pscalar() R10=fp0 fp[1]-8=d",  # noqa: E501
    "6.18": "9: R0=scalar(smin=0x8000) R1=map_value(map=m,ks=4,vs=8) R10=fp0 fp-16=iter_num(ref_id=1,state=active)",  # noqa: E501
    "7.3": "9: R1=*(R11-8) R2=ptr_sock(parent_id=3,brandnew=5) R10=fp0 fp-8=pppp????",
}


@pytest.mark.parametrize("state", ERAS.values(), ids=ERAS)
def test_state_of_an_era_is_no_message(state: str) -> None:
    found = only(f"0: (b7) r0 = 0\n{state}\n1: (95) exit\nR0 !read_ok\n{STATS}")
    assert (found.family, found.lines[0].text) == ("V-UNINIT-REG", "R0 !read_ok")


def test_register_values_keep_what_is_not_known() -> None:
    values = registers(ERAS["7.3"])
    assert values["R2"] == "ptr_sock(parent_id=3,brandnew=5)"
    assert {name: type_of(value) for name, value in values.items() if name == "R2"} == {"R2": "ptr_sock"}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("processed 61 insns, stack depth 8", {"insns_processed": 61, "stack_depth": "8"}),
        ("processed 9 insns (limit 131072), stack depth 32+0", {"limit": 131072, "stack_depth": "32+0"}),
        (STATS, {"limit": 1000000, "total_states": 0}),
        ("verification time 20 usec", {"verification_time_us": 20}),
        ("stack depth max 64", {"stack_depth": "64"}),
    ],
)
def test_statistics_of_every_era(line: str, wanted: dict[str, object]) -> None:
    assert wanted.items() <= stats_of(line).items()


BODY = f"0: R1=ctx() R10=fp0\n; return v; @ a.bpf.c:3\n0: (95) exit\nR0 !read_ok\n{STATS}"
WRAPPED = {
    "libbpf 1": f"libbpf: prog 'p': BPF program load failed: Permission denied\nlibbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n"  # noqa: E501
    f"{BODY}-- END PROG LOAD LOG --\nlibbpf: prog 'p': failed to load: -13\n",
    "libbpf 0.6": f"libbpf: load bpf program failed: Permission denied\nlibbpf: -- BEGIN DUMP LOG ---\nlibbpf:\n{BODY}"  # noqa: E501
    "libbpf: -- END LOG --\n",
    "tc": f"Prog section 'a' rejected: Permission denied (13)!\n - Type: 3\nVerifier analysis:\n\n{BODY}",
    "go": "program p: load program: permission denied: 0: (95) exit: R0 !read_ok (4 line(s) omitted)\n",
    "go, whole": "load program: permission denied:\n" + "".join(f"\t{line}\n" for line in BODY.splitlines()),
    "aya": f"Error: the BPF_PROG_LOAD syscall failed. Verifier output: {BODY}",
    "veristat": f"VERIFIER LOG:\n=============\n{BODY}",
    "dmesg": "".join(f"[  12.345678] {line}\n" for line in BODY.splitlines()),
    "CI": "".join(f"2026-01-02T03:04:05.1234567Z {line}\n" for line in BODY.splitlines()),
    "colour": "".join(f"\x1b[31m{line}\x1b[0m\n" for line in BODY.splitlines()),
    "json": json.dumps({"error": BODY}) + "\n",
    "crlf": BODY.replace("\n", "\r\n"),
    "mail": "".join(f"> {line}\n" for line in BODY.splitlines()),
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED)
def test_wrapping_is_taken_off(text: str) -> None:
    found = only(text)
    assert (found.family, found.insn, found.mode) == ("V-UNINIT-REG", 0, "trace")


def test_loader_tells_program_and_errno() -> None:
    found = only(WRAPPED["libbpf 1"])
    assert (found.program, found.errno) == ("p", 13)


def test_line_numbers_are_those_of_the_input() -> None:
    found = only("\n\n" + BODY)
    assert found.terminal.number == 6
    assert found.source == ("a.bpf.c", 3, "return v;")


def test_several_programs_in_one_file() -> None:
    assert len(decoded(BODY + BODY + BODY).rejections) == 3


def test_joined_line_is_two() -> None:
    found = only(
        "0: R1=ctx() R10=fp0\n0: (b7) r0 = 9\n4: (55) if r0 != 0x5 goto pc-3 2: R0=scalar() R10=fp0\n"
        f"2: (79) r1 = *(u64 *)(r0 +0)\nR0 invalid mem access 'scalar'\n{STATS}"
    )
    assert found.insn == 2


def test_source_text_may_look_like_anything() -> None:
    text = '; x = a ? "R1=ctx()" : b; /* @ y.c:1 */ @ dir/z.bpf.c:77'
    found = only(f"0: R1=ctx() R10=fp0\n{text}\n0: (95) exit\nR0 !read_ok\n{STATS}")
    assert (found.source.file, found.source.line) == ("dir/z.bpf.c", 77)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(bf) r1 = r2", "copy"), ("(bc) w1 = w2", "copy"), ("(bc) (u32) r1 = (u32) r2", "copy"),
        ("(61) r2 = *(u32 *)(r1 +4)", "load"), ("(7b) *(u64 *)(r10 -8) = r1", "store"),
        ("(72) *(u8 *)(r10 -1) = 0", "store"), ("(db) lock *(u64 *)(r1 +0) += r2", "atomic"),
        ("(db) r1 = atomic64_fetch_add((u64 *)(r0 +0), r1)", "atomic"), ("(b7) r1 = -5", "const"),
        ("(18) r1 = 0xffff9a92baaf0000", "const"), ("(18) r1 = map[id:3]", "const"), ("(0f) r0 += r1", "alu"),
        ("(c7) r1 s>>= 32", "alu"), ("(87) r1 = -r1", "alu"), ("(dc) r1 = be16 r1", "alu"),
        ("(2d) if r3 > r2 goto pc+4", "branch"), ("(66) if w1 s> 0x10 goto pc+7", "branch"),
        ("(05) goto pc+1", "jump"), ("(85) call bpf_ktime_get_ns#5", "call"), ("(95) exit", "exit"),
    ],
)  # fmt: skip
def test_instruction(text: str, kind: str) -> None:
    assert effect(text).kind == kind


def test_every_format_of_the_table_compiles_and_is_found_by_a_word() -> None:
    import re

    found = table()
    filed = {number for numbers in found.words.values() for number in numbers}
    assert filed == set(range(len(found.messages)))
    for row in found.messages:
        re.compile(row[0])


def test_newer_wording_is_seen_in_newer_kernels_only() -> None:
    message = recognise("program of this type cannot use helper bpf_override_return#58")
    assert message is not None
    assert "5.10" not in message.seen_in
    assert "7.3" in message.seen_in


@pytest.mark.parametrize("number", ["-07", "0x", "00", "9" * 3000, "-0x" + "f" * 3000])
def test_numbers_nobody_prints(number: str) -> None:
    if number != "0x":
        assert effect(f"(07) r1 += {number}").kind == "alu"
    decoded(f"0: (07) r1 += {number} ; R1=scalar(umax={number})\nR1 invalid mem access 'scalar'\n{STATS}")


@pytest.mark.parametrize(
    "row",
    recorded(),
    ids=lambda row: f"{row['program']}-{row['kernel']}-{row['log_level']}-{row['privilege']}",
)
def test_cut_at_every_line_gives_a_result_or_no_log(row: dict[str, str]) -> None:
    lines = row["log"].splitlines(keepends=True)
    for at in range(len(lines)):
        for part in (lines[:at], lines[at:]):
            found = decoded("".join(part))
            assert found.is_log or not found.rejections


def test_mutated_logs_do_no_harm() -> None:
    source = random.Random(6)
    rows = [row["log"].encode() for row in recorded() if len(row["log"]) < 3000]
    until = time.monotonic() + 2
    for _ in range(400):
        raw = bytearray(source.choice(rows))
        for _ in range(source.randrange(1, 30)):
            at = source.randrange(len(raw))
            match source.randrange(4):
                case 0:
                    raw[at] = source.randrange(256)
                case 1:
                    del raw[at : at + source.randrange(40)]
                case 2:
                    raw[at:at] = raw[at : at + source.randrange(200)]
                case _:
                    raw[at:at] = source.choice(
                        [b"\\n", b"\x1b[", b"%s", b"9" * 30, b"(", b": R1=", b" @ x:1", b"\0"]
                    )
            raw = raw or bytearray(b"\n")
        decoded(bytes(raw))
        if time.monotonic() > until:
            break


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["0: (95) exit", "R0 !read_ok", "from 1 to 2:", "; @ a:1", STATS, "caller:", "\x00",  # noqa: E501
                                 "Verification failed: A: B", "At:", "func#0 @0", "subprog#0 x:", ""])))  # fmt: skip  # noqa: E501
def test_any_order_of_lines(lines: list[str]) -> None:
    decoded("\n".join(lines))


@pytest.mark.parametrize("piece", ["in ", "type=", "arg#0 ", "9", "R1=", "; ", "(", ": ", "\\n("])
def test_long_hostile_line_takes_no_longer_than_a_long_line(piece: str) -> None:
    decoded(piece * 60_000)
