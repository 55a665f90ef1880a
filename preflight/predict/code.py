# SPDX-License-Identifier: Apache-2.0
"""A linked program, decoded once, for rules that follow its instructions in order.

Where a field lies differs from kernel to kernel, and hardly anything that is asked of a program depends on
it. So these numbers may be left out: what looks at one all the same gets a KernelMattersError with its slot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

from preflight.bytecode.image import Origin, ProgramImage
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import BPF_JMP, BPF_JMP32, BPF_LDX, BPF_PSEUDO_CALL, BPF_ST, BPF_STX, CALL
from preflight.bytecode.state import KernelMattersError
from preflight.records import dataclass, field

T = TypeVar("T")

_MEMORY: Final = (BPF_LDX, BPF_ST, BPF_STX)
_JUMPS: Final = (BPF_JMP, BPF_JMP32)


class Block(NamedTuple):
    """Instructions that run one after the other: jumps lead to the first alone, and only `last` leaves.

    `last` is not in `body`; it may be a jump, an exit, or a call of a subprogram, but calls of helpers go on.
    """

    body: tuple[Insn, ...]
    last: Insn


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Code:
    """Instructions of the whole image; the main program's are those before slot `end`.

    `subprogs`, `global_subprogs` and `origins` are the image's.
    """

    insns: tuple[Insn, ...]
    end: int
    subprogs: tuple[int, ...]
    global_subprogs: frozenset[int] | None
    origins: tuple[Origin, ...]
    _memo: dict[Any, Any] = field(default_factory=dict)

    @property
    def heads(self) -> frozenset[int]:
        """Slots that instructions jump to or call."""
        return self.memo("heads", lambda: _heads(self.insns))

    @property
    def blocks(self) -> Mapping[int, Block]:
        """The blocks of all functions by their first slot: what is carried from block to block is compared
        where ways meet, and nowhere else."""
        return self.memo("blocks", lambda: _blocks(self.insns, self.heads.union(self.subprogs)))

    @property
    def helper_calls(self) -> tuple[Insn, ...]:
        """The calls of helpers."""
        return self.memo("helper-calls", lambda: tuple(insn for insn in self.insns if insn.is_helper_call))

    def memo(self, key: Any, compute: Callable[[], T]) -> T:
        """What was found out about the code, kept with it."""
        if key not in self._memo:
            self._memo[key] = compute()
        found: T = self._memo[key]
        return found


def code_of(image: ProgramImage, left_out: Collection[int] = ()) -> Code:
    """Decode an image, without the field offsets in the slots `left_out`."""
    insns = decode(image.code, image.byteorder)
    if left_out:
        insns = [_without_number(insn) if insn.slot in left_out else insn for insn in insns]
    end = min((start for start in image.subprogs if start), default=len(image.code) // 8)
    return Code(tuple(insns), end, image.subprogs, image.global_subprogs, image.origins)


def _heads(insns: Iterable[Insn]) -> frozenset[int]:
    jumps = [insn for insn in insns if insn.opcode & 7 in _JUMPS]
    targets = {target for insn in jumps for target in (insn.jump_target, insn.call_target)}
    return frozenset(target for target in targets if target is not None)


def _blocks(insns: Iterable[Insn], heads: Collection[int]) -> dict[int, Block]:
    found: dict[int, Block] = {}
    run: list[Insn] = []
    for insn in insns:
        if run and insn.slot in heads:
            _close(found, run)
            run = []
        run.append(insn)
        leaves = insn.opcode & 7 in _JUMPS
        if leaves and (insn.opcode != CALL or insn.src == BPF_PSEUDO_CALL):
            _close(found, run)
            run = []
    if run:
        _close(found, run)
    return found


def _close(found: dict[int, Block], run: list[Insn]) -> None:
    found[run[0].slot] = Block(tuple(run[:-1]), run[-1])


def _without_number(insn: Insn) -> Insn:
    own: Any = OwnNumber(0, (insn.slot,))
    if insn.cls in _MEMORY:
        return insn._replace(off=own)
    return insn._replace(imm=own, imm64=own if insn.is_ldimm64 else None)


def number_in(insn: Insn) -> int:
    """What relocation writes into an instruction: a load or store's offset, else the immediate."""
    return insn.off if insn.cls in _MEMORY else insn.imm


class Number(NamedTuple):
    """An OwnNumber in a form that can be compared: `plus` and the numbers in the slots `of`, added."""

    plus: int
    of: tuple[int, ...]


class OwnNumber:
    """Stands for numbers that differ from kernel to kernel, added up; nobody may look at the sum."""

    __slots__ = ("number",)

    def __init__(self, plus: int, of: tuple[int, ...]) -> None:
        self.number = Number(plus, of)

    def __add__(self, other: Any) -> OwnNumber:
        if isinstance(other, OwnNumber):
            return OwnNumber(self.number.plus + other.number.plus, self.number.of + other.number.of)
        return OwnNumber(self.number.plus + other, self.number.of)

    __radd__ = __add__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OwnNumber) or other.number != self.number:
            self._look()
        return True

    def __hash__(self) -> int:
        raise KernelMattersError(self.number.of[0])

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _look(self, *_: Any) -> NoReturn:
        raise KernelMattersError(self.number.of[0])

    __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = (
        _look
    )
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = __rlshift__ = __rshift__ = _look
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __index__ = __bool__ = __abs__ = __invert__ = _look
    __repr__ = __str__ = __format__ = _look
