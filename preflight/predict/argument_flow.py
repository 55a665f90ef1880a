# SPDX-License-Identifier: Apache-2.0
"""What a program does with the arguments it reads from its context: follows them, or takes addresses in them.

Follows copies, additions of constants and spills, path by path; where paths with different values meet
nothing is known any more, so this finds no more than there is. Asked to look `deep` it follows what lies
behind the arguments as well, pointer by pointer, and notes what helpers get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    ADD64_K,
    ADD64_X,
    BPF_LOAD_ACQ,
    BPF_MEM,
    BPF_STX,
    CALL,
    JEQ_K,
    JNE_K,
    MOV32_K,
    MOV64_K,
    R10,
    SIZES,
    STORE64,
    SUB64_X,
)
from preflight.predict.code import Block, Code, OwnNumber
from preflight.predict.register_effects import ATOMIC, CALLS, COPIES, EFFECTS, PLAIN_LOADS, SETS

#: mul, div, or, and, lsh, rsh, mod, xor, arsh: adjust_ptr_min_max_vals() knows add and sub alone.
_NOT_FOR_POINTERS: Final = frozenset({0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xA0, 0xC0})
_CALLER_SAVED: Final = range(6)
_ARGUMENTS: Final = range(1, 6)


class Held(NamedTuple):
    """What a register or stack slot holds: the context (`word` -1), a constant (-2), a number that is not
    known (-3), or an argument.

    `delta` bytes were added to it; of a number, all it is. `read` is the slot that read the argument,
    `checked` whether that very copy was compared with 0 and is not 0 (`deep`: compared with anything).
    `path`: it is no argument but was read behind one, at these offsets, one after the other. `varies`: an
    unknown number was added. `others`: what may have been added instead of `delta`, where ways meet.
    """

    word: int
    delta: int = 0
    read: int = -1
    checked: bool = False
    path: tuple[int, ...] = ()
    varies: bool = False
    others: tuple[int, ...] = ()


class Access(NamedTuple):
    """A load through an argument, `size` bytes at `offset` behind the pointer; `size` 0: an address there.

    `stores`: not a load but a store. `computes`: neither, but arithmetic that no pointer takes; with `varies`
    something is subtracted that is no argument, which no pointer takes where it is a number without bounds.
    `given`: a call gets it in this register. `path`, `varies`: see Held. `joined`: on some of the ways here.
    """

    slot: int
    word: int
    offset: int
    size: int
    checked: bool
    stores: bool = False
    computes: bool = False
    given: int = 0
    path: tuple[int, ...] = ()
    varies: bool = False
    joined: bool = False


class _Wanted(NamedTuple):
    """How far is followed: which argument a read of the context (offset, size) gives, what is behind
    arguments as well, and the words of what calls give."""

    word_of: Callable[[int, int], int | None]
    deep: bool
    result_of: Callable[[Insn], int | None]


_CONTEXT: Final = Held(-1)
_NUMBER: Final = -2
_UNKNOWN: Final = -3
#: Computing with a constant that leaves an unknown number one: ADD, SUB, LSH, and masks below.
_STAYS: Final = frozenset({0x00, 0x10, 0x60})
_AND: Final = 0x50
_CONSTANTS: Final = (MOV64_K, MOV32_K)
_POINTER_SIZE: Final = 8
#: The number of bpf_get_prandom_u32, the helper that gives any number.
_RANDOM: Final = 7
#: Offsets of a pointer that are told apart where ways meet.
_MOST: Final = 4
#: Pointers that are followed behind an argument.
_DEEPEST: Final = 6
#: Registers by number; stack slots by their negative offset.
_State = dict[int, Held]


def accesses(
    code: Code,
    word_of: Callable[[int, int], int | None],
    *,
    entry: tuple[int, dict[int, Held]] = (0, {1: Held(-1)}),
    deep: bool = False,
    result_of: Callable[[Insn], int | None] = lambda insn: None,
) -> list[Access]:
    """Every access through an argument.

    `word_of` says for a read of the context (offset, size) which argument that is, None for none.
    `entry` is where to begin, which may be within a block, and what registers hold there: the context in r1.
    `deep`: what lies behind arguments, too; `result_of` says for a call the word of what it gives.
    """
    wanted = _Wanted(word_of, deep, result_of)
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
        _follow(block.body, state, wanted)
        for following, carried in _ways(code, block.last, state, wanted):
            known = held.get(following)
            if known is None:
                held[following] = carried
                todo.append(following)
            elif known and not _alike(known, carried, deep=deep):
                merged = _joined(known, carried, deep=deep)
                if len(merged) < len(known) or not _alike(merged, known, deep=deep):
                    held[following] = merged
                    todo.append(following)
    found: list[Access] = []
    for head, state in held.items():
        if state and head in blocks:
            _follow((*blocks[head].body, blocks[head].last), dict(state), wanted, found)
    return sorted(found, key=lambda one: one.slot)


def _with_tail(blocks: Mapping[int, Block], start: int) -> Mapping[int, Block]:
    """The blocks, and what is behind an instruction within one as a block of its own."""
    for head, block in blocks.items():
        if head < start <= block.last.slot:
            body = tuple(insn for insn in block.body if insn.slot >= start)
            return {**blocks, start: block._replace(body=body)}
    return blocks


def _ways(code: Code, insn: Insn, state: _State, wanted: _Wanted) -> list[tuple[int, _State]]:
    after = dict(state)
    _follow((insn,), after, wanted)
    ways = [(following, after) for following in insn.successors]
    if insn.call_target is not None and code.global_subprogs is not None:
        inside = {} if insn.call_target in code.global_subprogs else state
        ways.append((insn.call_target, {r: inside[r] for r in _ARGUMENTS if r in inside}))
    compared = state.get(insn.dst)
    if wanted.deep and len(insn.successors) > 1:
        # what is compared may be known on one of the ways
        for place in [p for p, one in after.items() if one.word == _UNKNOWN]:
            del after[place]
        sides = {state[r].read for r in (insn.dst, insn.src) if r in state and _is_argument(state[r])}
        for place in [p for p, one in after.items() if sides and one.read in sides]:
            after[place] = after[place]._replace(checked=True)
    if insn.opcode in (JEQ_K, JNE_K) and not insn.imm and compared is not None and _is_argument(compared):
        not_null = insn.jump_target if insn.opcode == JNE_K else insn.slot + 1
        learnt = {
            place: one._replace(checked=True) if one.read == compared.read else one
            for place, one in after.items()
        }
        ways = [(slot, learnt if slot == not_null else carried) for slot, carried in ways]
    return ways


def _joined(old: _State, new: _State, *, deep: bool) -> _State:
    merged: _State = {}
    for place, one in old.items():
        other = new.get(place)
        if other is None:
            continue
        if _is(one._replace(checked=other.checked), other, deep=deep):
            merged[place] = one._replace(checked=one.checked and other.checked)
        elif deep and (either := _either(one, other)) is not None:
            merged[place] = either
    return merged


def _either(one: Held, other: Held) -> Held | None:
    """What two places hold that differ in a constant, or in one that was added to a pointer; None where they
    differ in more."""
    same = other._replace(delta=one.delta, others=one.others, checked=one.checked)
    if not (_is_argument(one) or one.word == _NUMBER) or not _is(one, same, deep=True):
        return None
    known = [one.delta, *one.others]
    for delta in (other.delta, *other.others):
        if all(_number(delta) != _number(have) for have in known):
            known.append(delta)
    if len(known) > _MOST:
        return None
    return one._replace(others=tuple(known[1:]), checked=one.checked and other.checked)


def _alike(old: _State, new: _State, *, deep: bool) -> bool:
    if not deep:
        return old == new
    return old.keys() == new.keys() and all(_is(one, new[place], deep=True) for place, one in old.items())


def _is(one: Held, other: Held, *, deep: bool) -> bool:
    """Whether two places hold the same. Numbers of the kernel's own are only looked at where that was so
    before: deep down one that is found in another way counts as another."""
    if not deep or one is other:
        return one == other
    return (
        one[2:4] == other[2:4]
        and one.varies == other.varies
        and one.word == other.word
        and len(one.others) == len(other.others)
        and [_number(n) for n in (one.delta, *one.path)] == [_number(n) for n in (other.delta, *other.path)]
    )


def _number(one: Any) -> Any:
    return one.number if isinstance(one, OwnNumber) else one


def _follow(
    insns: Iterable[Insn],
    state: _State,
    wanted: _Wanted,
    found: list[Access] | None = None,
) -> None:
    """Change `state` to what is held behind instructions, of which none jumps; `found` collects accesses."""
    for insn in insns:
        if not state and not wanted.deep:
            return  # what is held comes from what was held before
        _, opcode, dst, src, _, _, _ = insn
        effect = EFFECTS[opcode]
        if effect == CALLS:
            _call(insn, state, wanted, found)
            continue
        if wanted.deep and opcode in _CONSTANTS:
            # a negative word is a large number: nothing that a pointer is moved by
            number: Any = insn.imm
            lost = opcode == MOV32_K and not isinstance(number, OwnNumber) and number < 0
            _set(state, dst, None if lost else Held(_NUMBER, number))
            continue
        of_interest = dst in state or src in state
        if not of_interest and effect != ATOMIC and R10 not in (dst, src):
            continue
        if found is not None and of_interest:
            found.extend(_accesses(insn, state, wanted))
        if effect == COPIES and not insn.off:
            _set(state, dst, state.get(src))
        elif opcode in PLAIN_LOADS:
            _set(state, dst, _loaded(insn, state, wanted))
        elif effect == SETS and opcode == ADD64_K and dst in state and _is_argument(state[dst]):
            _set(state, dst, _moved(state[dst], insn.imm))
        elif wanted.deep and dst in state and _is_number(state[dst]) and _stays_unknown(insn):
            state[dst] = Held(_UNKNOWN, read=insn.slot)
        elif opcode == ADD64_X and wanted.deep:
            _set(state, dst, _sum(state.get(dst), state.get(src)))
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


def _call(insn: Insn, state: _State, wanted: _Wanted, found: list[Access] | None) -> None:
    """What registers hold behind a call, of what it is given and gives."""
    if wanted.deep and found is not None and insn.opcode == CALL:
        for register in _ARGUMENTS:
            one = state.get(register)
            if one is not None and _is_argument(one):
                found.append(
                    Access(insn.slot, one.word, one.delta, 0, one.checked, given=register, path=one.path)
                )
    for register in _CALLER_SAVED:
        state.pop(register, None)
    word = wanted.result_of(insn) if wanted.deep and insn.opcode == CALL else None
    if word is not None:
        state[0] = Held(word, read=insn.slot)
    elif wanted.deep and insn.is_helper_call and insn.imm == _RANDOM:
        state[0] = Held(_UNKNOWN, read=insn.slot)


def _stays_unknown(insn: Insn) -> bool:
    """Whether an unknown number that a constant is computed with may still be more than one."""
    if not insn.is_alu or insn.opcode & 8:
        return False
    return insn.op in _STAYS or (insn.op == _AND and insn.imm & (insn.imm - 1) != 0)


def _is_number(one: Held) -> bool:
    """Whether only numbers are computed with so: an unknown one, and an argument that was not compared, as
    verifiers refuse it of pointers."""
    return one.word == _UNKNOWN or (one.word >= 0 and not one.path and not one.checked)


def _is_argument(one: Held) -> bool:
    return one.word not in (_CONTEXT.word, _NUMBER, _UNKNOWN)


def _sum(left: Held | None, right: Held | None) -> Held | None:
    """A pointer to which a number was added, or the other way round."""
    if left is None or right is None:
        return None
    if left.word in (_NUMBER, _UNKNOWN):
        left, right = right, left
    if not _is_argument(left):
        return None
    if right.word == _UNKNOWN:
        return left._replace(varies=True)
    return _moved(left, right.delta, *right.others) if right.word == _NUMBER else None


def _moved(one: Held, by: int, *others: int) -> Held | None:
    """A pointer to which a constant was added, or one of several."""
    if others and one.others:
        return None
    deltas = [delta + more for delta in (one.delta, *one.others) for more in (by, *others)]
    return one._replace(delta=deltas[0], others=tuple(deltas[1:]))


def _loaded(insn: Insn, state: _State, wanted: _Wanted) -> Held | None:
    size = SIZES[insn.opcode & 0x18]
    if insn.src == R10:
        return state.get(insn.off) if insn.off < 0 and size == _POINTER_SIZE else None
    base = state.get(insn.src)
    if base == _CONTEXT:
        word = wanted.word_of(insn.off, size)
        return None if word is None else Held(word, read=insn.slot)
    if not wanted.deep or base is None or size != _POINTER_SIZE or not _is_argument(base):
        return None
    if len(base.path) >= _DEEPEST or base.varies or base.others:
        return None
    return Held(base.word, read=insn.slot, path=(*base.path, base.delta + insn.off))


def _set(state: _State, place: int, value: Held | None) -> None:
    if value is None:
        state.pop(place, None)
    else:
        state[place] = value


def _accesses(insn: Insn, state: _State, wanted: _Wanted) -> list[Access]:
    """The accesses of an instruction: where ways with different offsets meet, one for each."""
    access = _access(insn, state, wanted)
    base = None if access is None else state.get(insn.src if insn.is_load else insn.dst)
    if access is None or base is None or not base.others or not access.size:
        return [] if access is None else [access]
    return [access._replace(offset=delta + insn.off, joined=True) for delta in (base.delta, *base.others)]


def _access(insn: Insn, state: _State, wanted: _Wanted) -> Access | None:
    """What an instruction does through an argument, or to one."""
    if insn.is_load and insn.mode == BPF_MEM and insn.src in state:
        return _made(insn, state[insn.src], insn.off, SIZES[insn.opcode & 0x18])
    if insn.is_store and insn.mode == BPF_MEM and insn.dst in state:
        return _made(insn, state[insn.dst], insn.off, SIZES[insn.opcode & 0x18], stores=True)
    if wanted.deep and insn.is_atomic and insn.dst in state:  # it reads and writes (check_atomic_rmw())
        return _made(insn, state[insn.dst], insn.off, SIZES[insn.opcode & 0x18], stores=True)
    if insn.is_alu and insn.op in _NOT_FOR_POINTERS and insn.dst in state:
        return _made(insn, state[insn.dst]._replace(delta=0), 0, 0, computes=True)
    if insn.opcode == SUB64_X and insn.dst in state and not _holds_argument(insn.src, state):
        return _made(insn, state[insn.dst]._replace(delta=0, varies=True), 0, 0, computes=True)
    if insn.opcode == ADD64_X:
        both = [state[r] for r in (insn.dst, insn.src) if r in state and _is_argument(state[r])]
        return _made(insn, both[0]._replace(delta=0), 0, 0) if len(both) == 1 else None
    if insn.opcode == ADD64_K and insn.dst in state:
        return _made(insn, state[insn.dst], insn.imm, 0)
    return None


def _holds_argument(register: int, state: _State) -> bool:
    return register in state and _is_argument(state[register])


def _made(
    insn: Insn, one: Held, off: int, size: int, *, stores: bool = False, computes: bool = False
) -> Access | None:
    if not _is_argument(one):
        return None
    return Access(
        insn.slot, one.word, one.delta + off, size, one.checked, stores, computes, 0, one.path, one.varies
    )
