# SPDX-License-Identifier: Apache-2.0
"""What is carried from block to block, held against the same rules applied instruction by instruction."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from preflight.bytecode.image import ProgramImage
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import BPF_LD, BPF_MEM, BPF_STX, R10, SIZES
from preflight.predict.argument_flow import Access, Held, accesses
from preflight.predict.code import Code, code_of
from preflight.predict.context_reads import context_reads
from preflight.predict.moved_context import MovedRead, moved_reads
from tests.elfwriter import Ins, exit_, mov

_State = dict[int, Held]


def _word(offset: int, size: int) -> int | None:
    return offset // 8 if offset >= 0 and offset % 8 == 0 and size == 8 else None


def _image(body: list[Ins], subprogs: tuple[int, ...] = (0,), checked: frozenset[int] = frozenset()) -> Code:
    raw = b"".join(ins.encode("little") for ins in body)
    return code_of(ProgramImage("probe", "", raw, "little", subprogs, (), {}, checked))


def _plain_context(code: Code) -> dict[int, int]:
    """The registers with the context before each instruction, and the loads through them."""
    insns = {insn.slot: insn for insn in code.insns}
    held = {0: frozenset({1})}
    todo = [0]
    while todo:
        slot = todo.pop()
        if (insn := insns.get(slot)) is None:
            continue
        after = _without_context(insn, held[slot])
        ways = [(following, after) for following in insn.successors]
        if insn.call_target is not None and code.global_subprogs is not None:
            inside = insn.call_target not in code.global_subprogs
            ways.append((insn.call_target, held[slot] & frozenset(range(1, 6)) if inside else frozenset()))
        for following, carried in ways:
            merged = held[following] & carried if following in held else carried
            if merged != held.get(following):
                held[following] = merged
                todo.append(following)
    return {
        slot: insn.off
        for slot, insn in insns.items()
        if insn.is_load and insn.mode == BPF_MEM and insn.src in held.get(slot, ()) and insn.off >= 0
    }


def _without_context(insn: Insn, held: frozenset[int]) -> frozenset[int]:
    if insn.is_call or (insn.cls == BPF_LD and not insn.is_ldimm64):
        return held - frozenset(range(6))
    if insn.opcode == 0xBF and not insn.off and insn.src in held:
        return held | {insn.dst}
    if insn.is_alu or insn.is_load or insn.is_ldimm64:
        return held - {insn.dst}
    return held - {insn.src, 0} if insn.is_atomic else held


def _plain_accesses(code: Code) -> list[Access]:
    insns = {insn.slot: insn for insn in code.insns}
    held: dict[int, _State] = {0: {1: Held(-1)}}
    todo = [0]
    while todo:
        slot = todo.pop()
        if (insn := insns.get(slot)) is None:
            continue
        for following, carried in _ways(code, insn, held[slot]):
            merged = _both(held[following], carried) if following in held else carried
            if merged != held.get(following):
                held[following] = merged
                todo.append(following)
    return [
        found
        for slot, insn in insns.items()
        if slot in held and (found := _access(insn, held[slot])) is not None
    ]


def _both(old: _State, new: _State) -> _State:
    same = {
        place: (one, new[place]) for place, one in old.items() if place in new and one[:3] == new[place][:3]
    }
    return {
        place: one._replace(checked=one.checked and other.checked) for place, (one, other) in same.items()
    }


def _ways(code: Code, insn: Insn, state: _State) -> list[tuple[int, _State]]:
    after = _behind(insn, state)
    ways = [(following, after) for following in insn.successors]
    if insn.call_target is not None and code.global_subprogs is not None:
        inside = {} if insn.call_target in code.global_subprogs else state
        ways.append((insn.call_target, {r: inside[r] for r in range(1, 6) if r in inside}))
    compared = state.get(insn.dst)
    if insn.opcode in (0x15, 0x55) and not insn.imm and compared is not None and compared.word >= 0:
        not_null = insn.jump_target if insn.opcode == 0x55 else insn.slot + 1
        learnt = {p: h._replace(checked=h.checked or h.read == compared.read) for p, h in after.items()}
        ways = [(slot, learnt if slot == not_null else carried) for slot, carried in ways]
    return ways


def _behind(insn: Insn, state: _State) -> _State:
    after, dst, own = dict(state), insn.dst, state.get(insn.dst)
    new: Held | None = None
    if insn.is_call or (insn.cls == BPF_LD and not insn.is_ldimm64):
        return {place: one for place, one in after.items() if place not in range(6)}
    if insn.opcode == 0xBF and not insn.off:
        new = state.get(insn.src)
    elif insn.opcode == 0x07 and own is not None and own.word >= 0:
        new = own._replace(delta=own.delta + insn.imm)
    elif insn.is_load and insn.mode == BPF_MEM:
        size = SIZES[insn.opcode & 0x18]
        if insn.src == R10:
            new = state.get(insn.off) if insn.off < 0 and size == 8 else None
        elif state.get(insn.src) == Held(-1) and (word := _word(insn.off, size)) is not None:
            new = Held(word, read=insn.slot)
    elif insn.cls == BPF_STX and dst == R10:
        after = {p: one for p, one in after.items() if p >= 0 or not p - 8 < insn.off < p + 8}
        dst, new = insn.off, state.get(insn.src) if insn.opcode == 0x7B else after.get(insn.off)
    elif insn.is_atomic and not insn.is_load:
        return {place: one for place, one in after.items() if place not in (insn.src, 0)}
    elif not (insn.is_alu or insn.is_ldimm64 or insn.is_load):
        return after
    after.pop(dst, None)
    return after if new is None else after | {dst: new}


def _access(insn: Insn, state: _State) -> Access | None:
    of = {r: one for r, one in state.items() if one.word >= 0 and r in (insn.dst, insn.src)}
    own, other = of.get(insn.dst), of.get(insn.src)
    if insn.mode == BPF_MEM and (insn.is_load or insn.is_store):
        one, size = other if insn.is_load else own, SIZES[insn.opcode & 0x18]
        if one is None:
            return None
        return Access(insn.slot, one.word, one.delta + insn.off, size, one.checked, stores=insn.is_store)
    if insn.is_alu and insn.op not in (0x00, 0x10, 0x80, 0xB0, 0xD0) and insn.op < 0xD0 and own is not None:
        return Access(insn.slot, own.word, 0, 0, own.checked, computes=True)
    if insn.opcode == 0x1F and own is not None and other is None:
        return Access(insn.slot, own.word, 0, 0, own.checked, computes=True, varies=True)
    if insn.opcode == 0x0F and (own is None) != (other is None) and (one := own or other) is not None:
        return Access(insn.slot, one.word, 0, 0, one.checked)
    if insn.opcode == 0x07 and own is not None:
        return Access(insn.slot, own.word, own.delta + insn.imm, 0, own.checked)
    return None


_REGISTERS = st.sampled_from([0, 1, 1, 2, 2, 6, 6])
_OFFSETS = st.sampled_from([0, 8, 16, 4])
_SLOTS = st.sampled_from([-8, -16, -12])
_PLAIN = st.one_of(
    st.builds(lambda d, s: Ins(0xBF, d, s), _REGISTERS, _REGISTERS),
    st.builds(mov, _REGISTERS, st.integers(0, 2)),
    st.builds(
        lambda o, d, i: Ins(o, d, imm=i), st.sampled_from([0x07, 0x67, 0x04]), _REGISTERS, st.integers(0, 8)
    ),
    st.builds(Ins, st.sampled_from([0x0F, 0x1F]), _REGISTERS, _REGISTERS),
    st.builds(
        lambda o, d, s, at: Ins(o, d, s, off=at),
        st.sampled_from([0x79, 0x61, 0x99, 0x91]),
        _REGISTERS,
        _REGISTERS,
        _OFFSETS,
    ),
    st.builds(lambda o, d, at: Ins(o, d, 10, off=at), st.sampled_from([0x79, 0x61]), _REGISTERS, _SLOTS),
    st.builds(lambda o, s, at: Ins(o, 10, s, off=at), st.sampled_from([0x7B, 0x63]), _REGISTERS, _SLOTS),
    st.builds(lambda d, s, at: Ins(0x7B, d, s, off=at), _REGISTERS, _REGISTERS, _OFFSETS),
    st.builds(
        lambda d, s, i: Ins(0xDB, d, s, imm=i), _REGISTERS, _REGISTERS, st.sampled_from([0, 1, 0xE1, 0x100])
    ),
    st.just(Ins(0x85, imm=1)),
    st.just(Ins(0x28, imm=0)),
)
_READS = st.builds(lambda d, s, at: Ins(0x79, d, s, off=at), st.sampled_from([0, 2, 3]), _REGISTERS, _OFFSETS)
_JUMPS = st.builds(
    lambda o, d, i, at: Ins(o, 0 if o == 0x05 else d, imm=0 if o == 0x05 else i, off=at),
    st.sampled_from([0x15, 0x55, 0x15, 0x55, 0x25, 0x05]),
    _REGISTERS,
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([1, 1, 2, 2, 3, 4, -2, -4]),
)
_CALLS = st.builds(lambda at: Ins(0x85, 0, 1, imm=at), st.sampled_from([1, 2, 3, 5, -3]))
_BODIES = st.builds(
    lambda first, then: [*first, *then],
    st.permutations([Ins(0xBF, 6, 1), Ins(0x79, 2, 1), Ins(0x7B, 10, 2, off=-8)]),
    st.lists(st.one_of(*[_READS] * 3, *[_PLAIN] * 2, *[_JUMPS] * 2, _CALLS), max_size=16),
)


@settings(max_examples=300)
@given(_BODIES, st.frozensets(st.integers(1, 8), max_size=1))
@example([Ins(0x79, 2, 1), Ins(0x15, 2, imm=0, off=1), Ins(0x79, 3, 2), Ins(0x79, 3, 2)], frozenset())
@example([Ins(0xBF, 0, 1), Ins(0xDB, 6, 7, imm=0xF1), Ins(0x79, 2, 0), Ins(0x79, 3, 2)], frozenset())
@example([Ins(0x79, 2, 1), Ins(0xDB, 0, 2, imm=0x100), Ins(0x79, 3, 2)], frozenset())
@example([Ins(0x79, 2, 1), Ins(0x07, 2, imm=8), Ins(0x05, off=-2)], frozenset())
def test_blocks_tell_what_single_instructions_tell(body: list[Ins], checked: frozenset[int]) -> None:
    code = _image([*body, exit_()], checked=checked)
    assert list(context_reads(code).items()) == list(_plain_context(code).items())
    assert accesses(code, _word) == _plain_accesses(code)


@example([Ins(0xBF, 6, 1), Ins(0x0F, 6, 2), Ins(0x79, 0, 6)], "yes")
@given(_BODIES, st.sampled_from(["yes", "no", "unknown"]))
def test_what_shows_no_moved_context_has_none(body: list[Ins], reached: str) -> None:
    code = _image([*body, exit_()])
    found = moved_reads(code, lambda _: reached)
    looked = _image([*body, exit_()])
    looked.memo("moved-context", lambda: True)
    whole: list[MovedRead] = moved_reads(looked, lambda _: reached)
    assert found == whole


def test_blocks_have_each_instruction_once() -> None:
    body = [Ins(0x15, 1, imm=0, off=1), mov(0, 1), Ins(0x85, imm=1), Ins(0x85, 0, 1, imm=1), exit_(), exit_()]
    code = _image(body, (0, 5))
    assert {slot: [i.slot for i in (*b.body, b.last)] for slot, b in code.blocks.items()} == {
        0: [0], 1: [1], 2: [2, 3], 4: [4], 5: [5],
    }  # fmt: skip
