# SPDX-License-Identifier: Apache-2.0
"""Reachability asked of all kernels at once: one answer for those that do not differ where it matters.

Where fields lie differs from kernel to kernel, and so does the kernel's version; hardly any answer
depends on the former, and on the latter only through a few comparisons. An answer made without looking
at offsets holds for every kernel whose configuration decides the same comparisons alike. Where a number
of the kernel's own matters in any other way, there is no such answer (`KernelMattersError`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Generic, Literal, TypeVar

from preflight.bytecode import scalars
from preflight.bytecode.image import Origin, ProgramImage
from preflight.bytecode.opcodes import LDIMM64, SLOT
from preflight.bytecode.reach import Guard, Reach
from preflight.bytecode.reach_reading import Comparison, Shared, offset_is_zero, read_constant
from preflight.bytecode.state import KernelMattersError
from preflight.records import dataclass, field, replace

__all__ = ["Answer", "KernelMattersError", "Shared", "answer_for", "fitted"]

T = TypeVar("T")


#: Types whose fields' offsets may matter before every kernel is asked by itself.
_LOOKED_AT: Final = 4


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer and what it rests on; `found` is None when every kernel has to be asked by itself.

    `looked_at` are instructions whose offset did matter, by slot, `comparisons` those with values of
    the configuration, and `zeros` tells by slot of which offsets it mattered whether they are 0.
    """

    found: T | None
    looked_at: Mapping[int, bytes]
    comparisons: frozenset[Comparison] = frozenset()
    zeros: Mapping[int, bool] = field(default_factory=dict)

    def holds(self, image: ProgramImage, contents: bytes | None) -> bool:
        """Whether it is the answer, too, for a kernel that makes this image and `.kconfig` map."""
        for slot, code in self.looked_at.items():
            if image.code[slot * SLOT : slot * SLOT + len(code)] != code:
                return False
        if any(offset_is_zero(image, slot) is not zero for slot, zero in self.zeros.items()):
            return False
        return self.holds_for(image.byteorder, contents)

    def holds_for(self, byteorder: str, contents: bytes | None) -> bool:
        """The same where only the `.kconfig` map may make a difference."""
        order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        return contents is None or all(one.holds(contents, order) for one in self.comparisons)


def answer_for(
    ask: Callable[[ProgramImage, Shared], T],
    image: ProgramImage,
    offsets: Collection[int],
    alike: Callable[[int], Iterable[int]] = lambda slot: (slot,),
) -> Answer[T]:
    """Asks about a kernel's image, without looking at the numbers in the slots `offsets` where possible.

    `alike` gives the slots with fields of the same type: who looks at one of them will look at the others,
    too, and finding that out one by one takes as many rounds.
    """
    looked_at: dict[int, bytes] = {}
    left = set(offsets)
    for _ in range(_LOOKED_AT + 1):
        shared = Shared(left)
        try:
            return Answer(ask(image, shared), looked_at, frozenset(shared.comparisons), shared.zeros)
        except KernelMattersError as error:
            if error.slot not in left:
                break
            for slot in left.intersection(alike(error.slot)):
                at = slot * SLOT
                looked_at[slot] = image.code[at : at + (2 if image.code[at] == LDIMM64 else 1) * SLOT]
            left.difference_update(looked_at)
    return Answer(None, looked_at)


def fitted(answers: dict[int, Reach], image: ProgramImage, contents: bytes | None) -> dict[int, Reach]:
    """The answers with the numbers of another kernel's configuration in their guards, and with the places of
    this image: another program of the same instructions may have been asked about."""
    if all(_fits(guard, image, contents) for one in answers.values() for guard in one.guards):
        return answers
    return {
        slot: replace(one, guards=tuple(_fitted(guard, image, contents) for guard in one.guards))
        for slot, one in answers.items()
    }


def _place(guard: Guard, image: ProgramImage) -> Origin | None:
    return image.origins[guard.slot] if guard.slot < len(image.origins) else None


def _fits(guard: Guard, image: ProgramImage, contents: bytes | None) -> bool:
    return (contents is None or not guard.own) and guard.origin == _place(guard, image)


def _fitted(guard: Guard, image: ProgramImage, contents: bytes | None) -> Guard:
    guard = replace(guard, origin=_place(guard, image))
    if contents is None or not guard.own:
        return guard
    byteorder: Literal["little", "big"] = "little" if image.byteorder == "little" else "big"
    values = guard.value.split(", ")
    for number, constant in enumerate(guard.own):
        if constant is not None:
            values[number] = str(scalars.const(read_constant(constant, contents, byteorder)))
    return replace(guard, value=", ".join(values))
