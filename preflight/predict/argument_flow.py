# SPDX-License-Identifier: Apache-2.0
"""What a program does with the arguments it reads from its context: follows them, or takes addresses in them.

Follows copies, additions of constants and spills, path by path; where paths with different values meet
nothing is known any more, so this finds no more than there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    ADD64_K,
    ADD64_X,
    BPF_LOAD_ACQ,
    BPF_MEM,
    BPF_STX,
    JEQ_K,
    JNE_K,
    R10,
    SIZES,
    STORE64,
)
from preflight.predict.code import Block, Code
from preflight.predict.register_effects import ATOMIC, CALLS, COPIES, EFFECTS, PLAIN_LOADS, SETS

#: mul, div, or, and, lsh, rsh, mod, xor, arsh: adjust_ptr_min_max_vals() knows add and sub alone.
_NOT_FOR_POINTERS: Final = frozenset({0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xA0, 0xC0})
_CALLER_SAVED: Final = range(6)
_ARGUMENTS: Final = range(1, 6)


class Held(NamedTuple):
    """What a register or stack slot holds: the context (`word` -1), or an argument.

    `delta` bytes were added to it. `read` is the slot that read the argument, `checked` whether
    that very copy was compared with 0 and is not 0.
    """

    word: int
    delta: int = 0
    read: int = -1
    checked: bool = False


class Access(NamedTuple):
    """A load through an argument, `size` bytes at `offset` behind the pointer; `size` 0: an address there.

    `stores`: not a load but a store. `computes`: neither, but arithmetic that no pointer takes.
    """

    slot: int
    word: int
    offset: int
    size: int
    checked: bool
    stores: bool = False
    computes: bool = False


_CONTEXT: Final = Held(-1)
#: Registers by number; stack slots by their negative offset.
_State = dict[int, Held]


def accesses(
    code: Code,
    word_of: Callable[[int, int], int | None],
    *,
    entry: tuple[int, dict[int, Held]] = (0, {1: Held(-1)}),
) -> list[Access]:
    """Every access through an argument.

    `word_of` says for a read of the context (offset, size) which argument that is, None for none.
    `entry` is where to begin, which may be within a block, and what registers hold there: the context in r1.
    """
    blocks = code.blocks
    start, first = entry
    if start not in blocks:
        blocks = _with_tail(blocks, start)
    held: dict[int, _State] = {start: dict(first)}
    todo = [start]
    while todo:
        head = todo.pop()
        block = blocks.get(head)
        if block is None:
            continue
        state = dict(held[head])
        _follow(block.body, state, word_of)
        for following, carried in _ways(code, block.last, state, word_of):
            known = held.get(following)
            if known is None:
                held[following] = carried
                todo.append(following)
            elif known and known != carried and (merged := _joined(known, carried)) != known:
                held[following] = merged
                todo.append(following)
    found: list[Access] = []
    for head, state in held.items():
        if state and head in blocks:
            _follow((*blocks[head].body, blocks[head].last), dict(state), word_of, found)
    return sorted(found)


def _with_tail(blocks: Mapping[int, Block], start: int) -> Mapping[int, Block]:
    """The blocks, and what is behind an instruction within one as a block of its own."""
    for head, block in blocks.items():
        if head < start <= block.last.slot:
            body = tuple(insn for insn in block.body if insn.slot >= start)
            return {**blocks, start: block._replace(body=body)}
    return blocks


def _ways(
    code: Code, insn: Insn, state: _State, word_of: Callable[[int, int], int | None]
) -> list[tuple[int, _State]]:
    after = dict(state)
    _follow((insn,), after, word_of)
    ways = [(following, after) for following in insn.successors]
    if insn.call_target is not None and code.global_subprogs is not None:
        inside = {} if insn.call_target in code.global_subprogs else state
        ways.append((insn.call_target, {r: inside[r] for r in _ARGUMENTS if r in inside}))
    compared = state.get(insn.dst)
    if insn.opcode in (JEQ_K, JNE_K) and not insn.imm and compared is not None and compared.word >= 0:
        not_null = insn.jump_target if insn.opcode == JNE_K else insn.slot + 1
        learnt = {
            place: one._replace(checked=True) if one.read == compared.read else one
            for place, one in after.items()
        }
        ways = [(slot, learnt if slot == not_null else carried) for slot, carried in ways]
    return ways


def _joined(old: _State, new: _State) -> _State:
    merged: _State = {}
    for place, one in old.items():
        other = new.get(place)
        if other is not None and one._replace(checked=other.checked) == other:
            merged[place] = one._replace(checked=one.checked and other.checked)
    return merged


def _follow(
    insns: Iterable[Insn],
    state: _State,
    word_of: Callable[[int, int], int | None],
    found: list[Access] | None = None,
) -> None:
    """Change `state` to what is held behind instructions, of which none jumps; `found` collects accesses."""
    for insn in insns:
        if not state:
            return  # what is held comes from what was held before
        _, opcode, dst, src, _, _, _ = insn
        effect = EFFECTS[opcode]
        if effect == CALLS:
            for register in _CALLER_SAVED:
                state.pop(register, None)
            continue
        of_interest = dst in state or src in state
        if not of_interest and effect != ATOMIC and R10 not in (dst, src):
            continue
        if found is not None and of_interest and (access := _access(insn, state)) is not None:
            found.append(access)
        if effect == COPIES and not insn.off:
            _set(state, dst, state.get(src))
        elif opcode in PLAIN_LOADS:
            _set(state, dst, _loaded(insn, state, word_of))
        elif effect == SETS and opcode == ADD64_K and dst in state and state[dst].word >= 0:
            state[dst] = state[dst]._replace(delta=state[dst].delta + insn.imm)
        elif effect in (SETS, COPIES) or (effect == ATOMIC and insn.imm == BPF_LOAD_ACQ):
            state.pop(dst, None)
        elif opcode & 0x07 == BPF_STX and dst == R10:
            for place in [p for p in state if p < 0 and p - 8 < insn.off < p + 8]:
                del state[place]
            if opcode == STORE64:
                _set(state, insn.off, state.get(src))
        elif effect == ATOMIC:
            state.pop(src, None)
            state.pop(0, None)


def _loaded(insn: Insn, state: _State, word_of: Callable[[int, int], int | None]) -> Held | None:
    if insn.src == R10:
        return state.get(insn.off) if insn.off < 0 and SIZES[insn.opcode & 0x18] == 8 else None
    if state.get(insn.src) != _CONTEXT:
        return None
    word = word_of(insn.off, SIZES[insn.opcode & 0x18])
    return None if word is None else Held(word, read=insn.slot)


def _set(state: _State, place: int, value: Held | None) -> None:
    if value is None:
        state.pop(place, None)
    else:
        state[place] = value


def _access(insn: Insn, state: _State) -> Access | None:
    if insn.is_load and insn.mode == BPF_MEM and insn.src in state:
        one = state[insn.src]
        size = SIZES[insn.opcode & 0x18]
        return Access(insn.slot, one.word, one.delta + insn.off, size, one.checked) if one.word >= 0 else None
    if insn.is_store and insn.mode == BPF_MEM and insn.dst in state and state[insn.dst].word >= 0:
        one, size = state[insn.dst], SIZES[insn.opcode & 0x18]
        return Access(insn.slot, one.word, one.delta + insn.off, size, one.checked, stores=True)
    if insn.is_alu and insn.op in _NOT_FOR_POINTERS and insn.dst in state and state[insn.dst].word >= 0:
        return Access(insn.slot, state[insn.dst].word, 0, 0, state[insn.dst].checked, computes=True)
    if insn.opcode == ADD64_X:
        both = [state[r] for r in (insn.dst, insn.src) if r in state and state[r].word >= 0]
        return Access(insn.slot, both[0].word, 0, 0, both[0].checked) if len(both) == 1 else None
    if insn.opcode == ADD64_K and insn.dst in state and state[insn.dst].word >= 0:
        one = state[insn.dst]
        return Access(insn.slot, one.word, one.delta + insn.imm, 0, one.checked)
    return None
