# SPDX-License-Identifier: Apache-2.0
"""Decoding and classifying instructions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.bytecode.insn import Insn, decode, encode
from preflight.bytecode.isa import ISA_FEATURES, isa_feature, isa_use, mcpu_level
from preflight.errors import InputError


def one(opcode: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> Insn:
    return Insn(0, opcode, dst, src, off, imm)


def test_registers_are_swapped_nibbles_in_the_other_byte_order() -> None:
    little = bytes.fromhex("7b1af8ff00000000")  # *(u64 *)(r10 -8) = r1
    big = bytes.fromhex("7ba1fff800000000")
    assert decode(little, "little") == decode(big, "big") == [Insn(0, 0x7B, 10, 1, -8, 0)]


def test_ldimm64_is_one_instruction_of_two_slots() -> None:
    code = bytes.fromhex("1801000078563412 00000000f0debc9a 9500000000000000".replace(" ", ""))
    load, end = decode(code, "little")
    assert (load.imm64, load.slots, end.slot) == (0x9ABCDEF012345678, 2, 2)
    assert load.successors == (2,)


@pytest.mark.parametrize(
    ("code", "offset"), [(b"\x95" + bytes(6), 0), (bytes(8) + b"\x18" + bytes(7), 8), (bytes(9), 8)]
)
def test_half_an_instruction_is_an_input_error_with_its_offset(code: bytes, offset: int) -> None:
    with pytest.raises(InputError) as caught:
        decode(code, "little")
    assert caught.value.offset == offset


@given(st.binary(max_size=200), st.sampled_from(["little", "big"]))
def test_any_bytes_decode_or_are_refused_and_every_property_answers(code: bytes, byteorder: str) -> None:
    try:
        insns = decode(code, byteorder)
    except InputError:
        return
    assert sum(insn.slots for insn in insns) == len(code) // 8
    for insn in insns:
        for name in dir(Insn):
            if isinstance(getattr(Insn, name), property):
                getattr(insn, name)
        isa_feature(insn)
    mcpu_level(insns)


@given(
    st.binary(min_size=8, max_size=8).filter(lambda raw: raw[0] != 0x18), st.sampled_from(["little", "big"])
)
def test_encoding_undoes_decoding(raw: bytes, byteorder: str) -> None:
    assert encode(decode(raw, byteorder)[0], byteorder) == raw


@given(st.integers(0, 2**64 - 1), st.integers(0, 10), st.sampled_from(["little", "big"]))
def test_encoding_undoes_decoding_of_64_bit_loads(value: int, dst: int, byteorder: str) -> None:
    low = value & 0xFFFFFFFF
    low -= (low >> 31) << 32
    insn = Insn(0, 0x18, dst, 0, 0, low, value)
    assert decode(encode(insn, byteorder), byteorder) == [insn]


@pytest.mark.parametrize(
    ("insn", "successors"),
    [
        (Insn(5, 0x05, 0, 0, 3, 0), (9,)),  # goto +3
        (Insn(5, 0x06, 0, 0, 0, -2), (4,)),  # gotol -2
        (Insn(5, 0x15, 1, 0, -6, 0), (6, 0)),  # if r1 == 0 goto -6
        (Insn(5, 0xE5, 0, 0, 2, 0), (6, 8)),  # may_goto +2
        (Insn(5, 0x95, 0, 0, 0, 0), ()),
        (Insn(5, 0x0D, 1, 0, 0, 0), ()),  # gotox r1
        (Insn(5, 0x85, 0, 1, 0, 100), (6,)),  # call of a subprogram returns
    ],
)
def test_successors(insn: Insn, successors: tuple[int, ...]) -> None:
    assert insn.successors == successors


def test_calls_are_told_apart_by_their_source_register() -> None:
    assert one(0x85, imm=1).call_kind == "helper"
    assert Insn(4, 0x85, 0, 1, 0, 9).call_target == 14
    assert one(0x85, src=2).call_kind == "kfunc"
    assert one(0x8D).call_kind == "register"
    assert one(0x85, src=7).call_kind is None
    assert one(0x95).call_kind is None


def test_a_64_bit_load_of_a_function_address_is_a_callback() -> None:
    assert one(0x18, src=4).is_callback_load
    assert not one(0x18, src=1).is_callback_load


@pytest.mark.parametrize(
    ("insn", "feature"),
    [
        (one(0xBF, 1, 2), None),  # r1 = r2
        (one(0xBC, 1, 2), "alu32"),  # w1 = w2
        (one(0xD4, 1, imm=16), None),  # le16, as old as eBPF
        (one(0xDC, 1, imm=16), None),  # be16
        (one(0xD7, 1, imm=16), "bswap"),
        (one(0xAD, 1, 2), "jlt"),
        (one(0x2D, 1, 2), None),  # jgt
        (one(0xAE, 1, 2), "jmp32"),
        (one(0x16, 1), "jmp32"),
        (one(0xDB, 1, 2, imm=0), None),  # lock add
        (one(0xDB, 1, 2, imm=1), "atomic-fetch"),
        (one(0xC3, 1, 2, imm=0x40), "atomic-fetch"),  # lock or
        (one(0xDB, 1, 2, imm=0x100), "load-acquire-store-release"),
        (one(0x81, 1, 2), "memsx"),
        (one(0xBF, 1, 2, off=8), "movsx"),
        (one(0xBC, 1, 2, off=16), "movsx"),
        (one(0x3F, 1, 2, off=1), "sdiv"),
        (one(0x94, 1, imm=3, off=1), "sdiv"),
        (one(0x06, imm=4), "gotol"),
        (one(0xE5, off=4), "may-goto"),
        (one(0xBF, 1, 2, off=1, imm=1), "addr-space-cast"),
        (one(0x0D, 1), "gotox"),
    ],
)
def test_the_youngest_part_of_the_instruction_set_is_named(insn: Insn, feature: str | None) -> None:
    assert isa_feature(insn) == feature
    assert feature is None or feature in ISA_FEATURES


def test_32_bit_arithmetic_alone_proves_no_level() -> None:
    assert mcpu_level([one(0xBC, 1, 2)]) == (1, None)


def test_the_level_is_the_highest_and_its_proof_the_first_instruction_of_it() -> None:
    insns = [Insn(0, 0xAE, 1, 2, 0, 0), Insn(1, 0x81, 1, 2, 0, 0), Insn(2, 0x91, 1, 2, 0, 0)]
    assert mcpu_level(insns) == (4, insns[1])
    assert isa_use(insns)["memsx"].times == 2


@given(st.integers(0, 255), st.integers(-(1 << 15), (1 << 15) - 1), st.integers(-(1 << 31), (1 << 31) - 1))
def test_what_is_counted_is_what_is_named(opcode: int, off: int, imm: int) -> None:
    insn = one(opcode, off=off, imm=imm)
    feature = isa_feature(insn)
    assert list(isa_use([insn])) == ([feature] if feature else [])


@pytest.mark.parametrize("cls", range(8))
def test_an_opcode_says_what_its_class_mode_and_operation_say(cls: int) -> None:
    for opcode in range(cls, 256, 8):
        for imm in (0, 1, 0xF1, 0x100, 0x110):
            agrees_with_its_fields(opcode, imm)


def agrees_with_its_fields(opcode: int, imm: int) -> None:
    """As in Documentation/bpf/standardization/instruction-set.rst, field by field."""
    insn = Insn(10, opcode, 1, 2, 4, imm)
    cls, mode, op, by_register = opcode & 7, opcode & 0xE0, opcode & 0xF0, bool(opcode & 8)
    memory, jump = cls in (0, 1, 2, 3), cls in (5, 6)
    assert insn.mode == (mode if memory else None)
    assert insn.size == ((4, 2, 1, 8)[opcode >> 3 & 3] if memory else None)
    assert insn.uses_register_source == (by_register and not memory)
    assert insn.is_alu == (cls in (4, 7))
    atomic = cls == 3 and mode == 0xC0
    assert insn.is_atomic == atomic
    assert insn.is_load == ((cls == 1 and mode in (0x60, 0x80)) or (atomic and imm == 0x100))
    assert insn.is_store == ((cls in (2, 3) and mode == 0x60) or (atomic and imm == 0x110))
    assert insn.atomic_fetches == (atomic and imm in (1, 0xF1))
    assert insn.is_sign_extending_load == (cls == 1 and mode == 0x80)
    assert insn.is_packet_load == (cls == 0 and mode in (0x20, 0x40))
    assert insn.is_call == (opcode in (0x85, 0x8D))
    may_goto = opcode == 0xE5
    conditional = (jump and op not in (0x00, 0x80, 0x90, 0xE0, 0xF0)) or may_goto
    always = opcode in (0x05, 0x06)
    assert (insn.is_conditional_jump, insn.is_unconditional_jump) == (conditional, always)
    assert insn.is_jump == (conditional or always)
    target = 11 + (imm if opcode == 0x06 else 4)
    assert insn.jump_target == (target if conditional or always else None)
    if opcode in (0x95, 0x0D):
        assert insn.successors == ()
    elif always:
        assert insn.successors == (target,)
    else:
        following = 12 if opcode == 0x18 else 11
        assert insn.successors == ((following, target) if conditional else (following,))
