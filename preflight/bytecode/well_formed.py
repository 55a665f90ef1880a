# SPDX-License-Identifier: Apache-2.0
"""Code that every kernel refuses before it follows it: check_subprogs() and check_cfg() of
kernel/bpf/verifier.c. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from preflight.bytecode.image import KfuncRef, ProgramImage, SubprogRef
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import BPF_JMP, BPF_JMP32, BPF_LDX, CALL, CALLX, EXIT, GOTOL, GOTOX, JA, R10
from preflight.bytecode.reach_helpers import NO_RETURN
from preflight.bytecode.reserved import not_empty, unknown_opcodes
from preflight.errors import InputError

_TURNS: Final = (BPF_JMP, BPF_JMP32)
_LAST: Final = frozenset({EXIT, JA, GOTOL, GOTOX})
_LEAVES: Final = frozenset({EXIT, GOTOX})
_GOES: Final = frozenset({JA, GOTOL})
_CALLS: Final = frozenset({CALL, CALLX})


_NOT_EMPTY: Final = "an instruction has something in a part that has to be empty"


class IllFormed(NamedTuple):
    """What is wrong, in which slot, and what the verifier says."""

    slot: int
    what: str
    says: str


def ill_formed(image: ProgramImage) -> IllFormed | None:
    """The first thing that is wrong with a program's code; None where it is well formed.

    Of code with jumps through registers it is not looked at where they go: that stands elsewhere.
    """
    try:
        insns = decode(image.code, image.byteorder)
    except InputError as error:
        return IllFormed((error.offset or 0) // 8, error.message, "invalid bpf_ld_imm64 insn")
    if not insns:
        return IllFormed(0, "the program has no instructions", "invalid argument")
    for slot, opcode in unknown_opcodes(image):
        return IllFormed(slot, f"no kernel has an instruction 0x{opcode:02x}", f"unknown opcode {opcode:02x}")
    for slot, name in not_empty(image):
        if image.code[8 * slot] & 7 == BPF_LDX:  # asked of all instructions, by resolve_pseudo_ldimm64()
            return IllFormed(slot, _NOT_EMPTY, f"{name} uses reserved fields")
    turns = [insn for insn in insns if insn.opcode & 7 in _TURNS]
    if any(insn.opcode == GOTOX for insn in turns):
        return None
    starts = sorted({0, *image.subprogs})
    return next(_wrong(image, insns, turns, starts), None)


def _wrong(
    image: ProgramImage, insns: Sequence[Insn], turns: Sequence[Insn], starts: Sequence[int]
) -> Iterator[IllFormed]:
    size = len(image.code) // 8
    for insn in insns if any(byte & 15 > R10 or byte >> 4 > R10 for byte in set(image.code[1::8])) else ():
        if insn.dst > R10 or insn.src > R10:
            yield IllFormed(insn.slot, "an instruction names a register above r10", "R11 is invalid")
    wide = size != len(insns)
    whole = {insn.slot for insn in insns} if wide else range(size)
    for insn in turns:
        target = insn.jump_target
        if target is None:
            continue
        number = bisect_right(starts, insn.slot) - 1
        end = starts[number + 1] if number + 1 < len(starts) else size
        if not starts[number] <= target < end:
            yield IllFormed(insn.slot, f"a jump leaves the function, to slot {target}", "jump out of range")
        elif target not in whole:
            yield IllFormed(
                insn.slot, f"a jump goes into the middle of slot {target - 1}", "jump into the middle"
            )
    for start, end in zip(starts, (*starts[1:], size), strict=True):
        last = _last(insns, end, size)
        if last is not None and last.opcode not in _LAST and not _throws(image, last):
            what = f"the function in slot {start} runs past its last instruction"
            yield IllFormed(last.slot, what, "last insn is not an exit or jmp")
    left = _unreachable(image, turns, starts, size)
    if left is not None:
        yield IllFormed(left, "no way leads to an instruction", "unreachable insn")


def _last(insns: Sequence[Insn], end: int, size: int) -> Insn | None:
    if end == size:
        return insns[-1]
    return next((insn for insn in insns if insn.slot + insn.slots == end), None)


def _throws(image: ProgramImage, insn: Insn) -> bool:
    ref = image.refs.get(insn.slot)
    return isinstance(ref, KfuncRef) and ref.name in NO_RETURN


def _unreachable(image: ProgramImage, turns: Sequence[Insn], starts: Sequence[int], size: int) -> int | None:
    """The first slot to which neither a jump, nor a call, nor the instruction above leads."""
    slots = [insn.slot for insn in turns]
    called = {insn.call_target for insn in turns if insn.opcode == CALL}
    called.update(ref.target for ref in image.refs.values() if isinstance(ref, SubprogRef))
    # a function that nobody calls is verified all the same: a callback for exceptions
    pending = [0, *(start for start in starts if start and start not in called)]
    ends: dict[int, int] = {}
    refs = sorted((slot, ref.target) for slot, ref in image.refs.items() if isinstance(ref, SubprogRef))
    while pending:
        slot = pending.pop()
        if slot in ends or not 0 <= slot < size:
            continue
        number = bisect_right(slots, slot - 1)
        insn = turns[number] if number < len(turns) else None
        end = size if insn is None else insn.slot + 1
        ends[slot] = end
        pending.extend(target for at, target in refs if slot <= at < end)
        if insn is None or insn.opcode in _LEAVES:
            continue
        if insn.opcode in _CALLS:
            if insn.call_target is not None:
                pending.append(insn.call_target)
        elif insn.jump_target is not None:
            pending.append(insn.jump_target)
        if insn.opcode not in _GOES:
            pending.append(end)
    covered = 0
    for slot, end in sorted(ends.items()):
        if slot > covered:
            break
        covered = max(covered, end)
    return covered if covered < size else None
