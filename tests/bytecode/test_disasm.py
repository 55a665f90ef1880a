# SPDX-License-Identifier: Apache-2.0
"""Instructions as text, in the verifier's notation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.bytecode.disasm import disassemble
from preflight.bytecode.helpers import HELPER_NAMES
from preflight.bytecode.insn import Insn, decode


@pytest.mark.parametrize(
    ("opcode", "dst", "src", "off", "imm", "text"),
    [
        (0xB7, 1, 0, 0, -5, "r1 = -5"),
        (0xBF, 6, 1, 0, 0, "r6 = r1"),
        (0xBC, 6, 1, 0, 0, "w6 = w1"),
        (0x07, 10, 0, 0, 8, "r10 += 8"),
        (0xC7, 2, 0, 0, 32, "r2 s>>= 32"),
        (0x3F, 2, 3, 1, 0, "r2 s/= r3"),
        (0x9C, 2, 3, 1, 0, "w2 s%= w3"),
        (0x87, 2, 0, 0, 0, "r2 = -r2"),
        (0x84, 2, 0, 0, 0, "w2 = -w2"),
        (0xDC, 2, 0, 0, 32, "r2 = be32 r2"),
        (0xD4, 2, 0, 0, 16, "r2 = le16 r2"),
        (0xD7, 2, 0, 0, 64, "r2 = bswap64 r2"),
        (0xBF, 1, 2, 32, 0, "r1 = (s32)r2"),
        (0xBC, 1, 2, 8, 0, "w1 = (s8)w2"),
        (0xBF, 1, 2, 1, 1 << 16, "r1 = addr_space_cast(r2, 1, 0)"),
        (0xBF, 1, 2, -1, 0, "r1 = &(void __percpu *)(r2)"),
        (0x79, 1, 6, 8, 0, "r1 = *(u64 *)(r6 +8)"),
        (0x81, 1, 6, -4, 0, "r1 = *(s32 *)(r6 -4)"),
        (0x7B, 10, 1, -8, 0, "*(u64 *)(r10 -8) = r1"),
        (0x62, 10, 0, -4, 7, "*(u32 *)(r10 -4) = 7"),
        (0xDB, 1, 2, 8, 0x00, "lock *(u64 *)(r1 +8) += r2"),
        (0xC3, 1, 2, 0, 0xA0, "lock *(u32 *)(r1 +0) ^= r2"),
        (0xDB, 1, 2, 8, 0x01, "r2 = atomic64_fetch_add((u64 *)(r1 +8), r2)"),
        (0xC3, 1, 2, 8, 0xF1, "r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)"),
        (0xDB, 1, 2, 8, 0xE1, "r2 = atomic64_xchg((u64 *)(r1 +8), r2)"),
        (0xDB, 1, 2, 0, 0x100, "r1 = load_acquire((u64 *)(r2 +0))"),
        (0xC3, 1, 2, 0, 0x110, "store_release((u32 *)(r1 +0), r2)"),
        (0x20, 0, 0, 0, 12, "r0 = *(u32 *)skb[12]"),
        (0x48, 0, 2, 0, 12, "r0 = *(u16 *)skb[r2 + 12]"),
        (0x15, 1, 0, 5, 0, "if r1 == 0x0 goto pc+5"),
        (0x16, 1, 0, -5, -1, "if w1 == 0xffffffff goto pc-5"),
        (0xCD, 1, 2, 5, 0, "if r1 s< r2 goto pc+5"),
        (0x05, 0, 0, -3, 0, "goto pc-3"),
        (0x06, 0, 0, 0, 70000, "gotol pc+70000"),
        (0xE5, 0, 0, 3, 0, "may_goto pc+3"),
        (0x85, 0, 0, 0, 14, "call bpf_get_current_pid_tgid#14"),
        (0x85, 0, 0, 0, 195896080, "call unknown#195896080"),
        (0x85, 0, 1, 0, 7, "call pc+7"),
        (0x95, 0, 0, 0, 0, "exit"),
        (0xFF, 0, 0, 0, 0, "BUG_ff"),
    ],
)
def test_the_notation(opcode: int, dst: int, src: int, off: int, imm: int, text: str) -> None:
    assert disassemble(Insn(0, opcode, dst, src, off, imm)) == text


def test_a_64_bit_constant() -> None:
    assert disassemble(Insn(0, 0x18, 3, 0, 0, -1, 0xFFFFFFFF)) == "r3 = 0xffffffff"


def test_the_caller_may_name_what_is_called() -> None:
    assert disassemble(Insn(0, 0x85, 0, 1, 0, 7), lambda insn: "probe_exit") == "call probe_exit"


@given(st.binary(min_size=8, max_size=80))
def test_every_decodable_instruction_has_a_text(code: bytes) -> None:
    for insn in decode(code[: len(code) // 8 * 8].replace(b"\x18", b"\x07"), "little"):
        assert disassemble(insn)


def test_helper_names_agree_with_the_installed_kernel_headers() -> None:
    header = Path("/usr/include/linux/bpf.h")
    if not header.exists() or shutil.which("cc") is None:
        pytest.skip("no kernel headers or no C compiler to read them with")
    source = "#include <linux/bpf.h>\n#define ONE(x, ...) @x\n__BPF_FUNC_MAPPER(ONE)\n"
    output = subprocess.run(["cc", "-E", "-P", "-"], input=source, capture_output=True, text=True, check=True)
    names = [word.strip(" ,\n") for word in output.stdout.rsplit("};", 1)[-1].split("@")[1:]]
    assert [name.removeprefix("bpf_") for _, name in sorted(HELPER_NAMES.items())][: len(names)] == names
