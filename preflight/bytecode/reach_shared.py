# SPDX-License-Identifier: Apache-2.0
"""Reachability asked of all kernels at once: one answer for those that do not differ where it matters.

Where fields lie differs from kernel to kernel, and so does the kernel's version; hardly any answer
depends on the former, and on the latter only through a few comparisons. An answer made without looking
at offsets holds for every kernel whose configuration decides the same comparisons alike. Where a number
of the kernel's own matters in any other way, there is no such answer (`KernelMattersError`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Generic, Literal, TypeVar

from preflight.bytecode import scalars
from preflight.bytecode.image import Origin, ProgramImage
from preflight.bytecode.opcodes import LDIMM64, SLOT
from preflight.bytecode.reach import Guard, Reach
from preflight.bytecode.reach_reading import Comparison, Shared, read_constant
from preflight.bytecode.state import KernelMattersError
from preflight.records import dataclass, replace

__all__ = ["Answer", "KernelMattersError", "Shared", "answer_for", "fitted"]

T = TypeVar("T")


#: Offsets that may matter before every kernel is asked by itself.
_LOOKED_AT: Final = 4


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer and what it rests on; `found` is None when every kernel has to be asked by itself.

    `looked_at` are instructions whose offset did matter, by slot, and `comparisons` those with values of
    the configuration.
    """

    found: T | None
    looked_at: Mapping[int, bytes]
    comparisons: frozenset[Comparison] = frozenset()

    def holds(self, image: ProgramImage, contents: bytes | None) -> bool:
        """Whether it is the answer, too, for a kernel that makes this image and `.kconfig` map."""
        for slot, code in self.looked_at.items():
            if image.code[slot * SLOT : slot * SLOT + len(code)] != code:
                return False
        order: Literal["little", "big"] = "little" if image.byteorder == "little" else "big"
        return contents is None or all(one.holds(contents, order) for one in self.comparisons)


def answer_for(
    ask: Callable[[ProgramImage, Shared], T], image: ProgramImage, offsets: Collection[int]
) -> Answer[T]:
    """Asks about a kernel's image, without looking at the numbers in the slots `offsets` where possible."""
    looked_at: dict[int, bytes] = {}
    left = set(offsets)
    while True:
        shared = Shared(left)
        try:
            return Answer(ask(image, shared), looked_at, frozenset(shared.comparisons))
        except KernelMattersError as error:
            if error.slot not in left or len(looked_at) == _LOOKED_AT:
                return Answer(None, looked_at)
            left.remove(error.slot)
            at = error.slot * SLOT
            looked_at[error.slot] = image.code[at : at + (2 if image.code[at] == LDIMM64 else 1) * SLOT]


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
