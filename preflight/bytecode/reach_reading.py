# SPDX-License-Identifier: Apache-2.0
"""How closely a program is read: the two readings, and what both know of numbers and memory.

The *exact* reading derives whatever can be derived: a branch it finds open is open for every
verifier. The *plain* one knows a number or it does not, and derives no more than every
verifier since Linux 5.10 does (`kernel/bpf/verifier.c`, privileged: bpf_capable(),
perfmon_capable()): a branch it finds decided is decided for every verifier. Left to the
exact reading is what a verifier may or may not know:

* known bits and bounds of numbers not known whole. Verifiers differ in them, and all of them
  forget bounds on paths that contradict themselves (reg_bounds_sanity_check());
* comparisons of a known number on the left with an unknown one in a register (decided since 6.x);
* spills of less than eight bytes, stores of immediates (5.16, 6.3), partial fills (6.8);
* negation, byte swaps, division of known numbers (6.18, 7.x);
* what a comparison tells of its operands and of their copies (5.7 ... 6.11);
* that the address of a kernel variable, of the stack or the context is not null.

What no verifier knew for long, the exact reading knows on request alone (`newest`; reach_newest has the
list): a `yes` has to hold for the newest verifier, a walk for mistakes has to find what older ones find.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple

from preflight.bytecode import fold, scalar_branch, scalars
from preflight.bytecode.image import ProgramImage
from preflight.bytecode.opcodes import LDIMM64, SLOT
from preflight.bytecode.state import (
    ANY,
    ANYTHING,
    CTX,
    NUMBER,
    OPAQUE,
    SCALAR,
    UNKNOWN,
    Constant,
    KernelMattersError,
    Value,
    is_kernels_own,
    merged_sources,
    own_slot,
    scalar,
)
from preflight.records import dataclass, field


@dataclass(frozen=True, slots=True)
class MapShape:
    """Sizes in bytes of a map's keys and values; `indexed`: it is an array, per CPU or not.

    Verifiers since 6.14 know that a lookup with a constant index finds something
    (can_elide_value_nullness() in kernel/bpf/verifier.c), earlier ones do not.
    """

    key_size: int
    value_size: int
    indexed: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """What is known of the loader and kernel; the defaults claim nothing.

    `maps` gives the sizes of maps by name: they bound what a helper touches.
    `lazy_globals`: whether global functions are verified only when a reached call leads
    there (Linux 6.8 and later) or always; None when not known.
    `readonly_data`: whether reads of frozen read-only maps are constants (5.5 and later,
    and the loader freezes them, as libbpf does).
    """

    maps: Mapping[str, MapShape] = field(default_factory=dict)
    lazy_globals: bool | None = None
    readonly_data: bool = True


class Comparison(NamedTuple):
    """A branch on a kernel's configuration: what it compares, and whether it is taken.

    `flipped`: the constant stands on the right. `other` is the number on the other side.
    """

    constant: Constant
    op: int
    bits: int
    other: int
    flipped: bool
    taken: bool

    def holds(self, contents: bytes, byteorder: Literal["little", "big"]) -> bool:
        """Whether another kernel's configuration takes the branch the same way."""
        own, other = (
            scalars.const(read_constant(self.constant, contents, byteorder)),
            scalars.const(self.other),
        )
        left, right = (other, own) if self.flipped else (own, other)
        return scalar_branch.decide(self.op, left, right, self.bits) is self.taken


def read_constant(constant: Constant, contents: bytes, byteorder: Literal["little", "big"]) -> int:
    """The number a program reads there."""
    number = int.from_bytes(contents[constant.offset : constant.offset + constant.size], byteorder)
    return fold.signed(number, 32) if constant.signed else number


def offset_is_zero(image: ProgramImage, slot: int) -> bool | None:
    """Whether relocation wrote a 0 into an instruction; None for what no field's offset is, as it is below 0
    to verifiers."""
    order: Literal["little", "big"] = "little" if image.byteorder == "little" else "big"
    at = slot * SLOT
    places = (at, at + SLOT) if image.code[at] == LDIMM64 else (at,)
    low, *high = (int.from_bytes(image.code[one + 4 : one + SLOT], order, signed=True) for one in places)
    return None if low < 0 or any(high) else low == 0


class Shared:
    """A question asked of all kernels at once, and what its answer was found to depend on.

    `offsets` are slots whose immediate or offset is where a field lies: nothing may depend on it but whether
    it is 0, which `zeros` tells by slot where it was asked. Values of the configuration may decide branches;
    `comparisons` lists these.
    """

    __slots__ = ("comparisons", "offsets", "zeros")

    def __init__(self, offsets: Collection[int]) -> None:
        self.offsets = offsets
        self.comparisons: set[Comparison] = set()
        self.zeros: dict[int, bool] = {}


#: Sections of programs whose contexts hold registers, arguments or records that are numbers to a verifier.
_CONTEXTS_OF_NUMBERS: Final = frozenset(
    [
        *("kprobe", "kretprobe", "kprobe.multi", "kretprobe.multi", "ksyscall", "kretsyscall"),
        *("uprobe", "uprobe.s", "uretprobe", "uretprobe.s", "usdt", "usdt.s", "perf_event"),
        *("tp", "tracepoint", "raw_tp", "raw_tp.w", "raw_tracepoint", "raw_tracepoint.w"),
    ]
)


#: The bounds of a negated number (6.17), of quotients and remainders (7.0), that a number on the stack is the
#: one in the register it was put there from, or read into, also in part (6.9), that a number moved by 32 bits
#: is the same one where it has no more, and that numbers which are not constant may surely differ (6.4).
NEGATION: Final = "negation"
DIVISION: Final = "division"
SPILLS: Final = "spills"
MOVES: Final = "moves"
EQUALITIES: Final = "equalities"
#: What is read of a number on the stack is none of its own but for its low bytes, and zeros put there one
#: after the other are none together: to those since 6.8, who keep zeros as numbers (before, as zero bytes).
PIECES: Final = "pieces"


class Reading:
    """One of the two readings of one program; `lost` is what a value becomes that nobody models.

    `newest`: the exact reading knows what any verifier may know, too (reach_newest). `older`: what it leaves
    out all the same (NEGATION, DIVISION, SPILLS, MOVES, EQUALITIES,
    PIECES), as an older verifier would. `numbers`
    are the identities of pointers that lead to memory where numbers are.
    `shared` tells, when the question is asked of all kernels at once, which numbers are a kernel's own.
    """

    __slots__ = (
        "_context_of_numbers",
        "_idents",
        "_image",
        "byteorder",
        "exact",
        "lost",
        "newest",
        "numbers",
        "offsets",
        "older",
        "shared",
    )

    def __init__(
        self,
        image: ProgramImage,
        *,
        exact: bool,
        newest: bool = False,
        older: frozenset[str] = frozenset(),
        shared: Shared | None = None,
    ) -> None:
        self._image = image
        self.older = older
        self.exact = exact
        self.newest = newest
        self.numbers: set[int] = set()
        self._context_of_numbers = image.section.split("/")[0] in _CONTEXTS_OF_NUMBERS
        self.shared = shared
        self.offsets: Collection[int] = () if shared is None else shared.offsets
        self.byteorder: Literal["little", "big"] = "little" if image.byteorder == "little" else "big"
        self.lost = UNKNOWN if exact else ANYTHING
        self._idents = 0

    def identified(self, value: Value) -> Value:
        """The value with an identity of its own, which its copies will share."""
        if value.kind > OPAQUE or value.ident:
            return value
        self._idents += 1
        return value._replace(ident=self._idents)

    def leads_to_numbers(self, base: Value) -> bool:
        """Whether no pointer to anything of the kernel's is to be found in the memory there."""
        return self._context_of_numbers if base.kind == CTX else base.ident in self.numbers

    @staticmethod
    def look_at(value: Value) -> None:
        """Tell that what follows depends on a number; KernelMattersError when it is a kernel's own."""
        if is_kernels_own(value):
            raise KernelMattersError(own_slot(value))

    def is_zero(self, value: Value) -> bool:
        """Tell that what follows depends on whether a field's offset is 0, and whether it is."""
        slot = own_slot(value)
        zero = None if slot < 0 else offset_is_zero(self._image, slot)
        if self.shared is None or zero is None:
            raise KernelMattersError(slot)
        self.shared.zeros[slot] = zero
        return zero

    def number(self, number: scalars.Scalar, *operands: Value) -> Value:
        """The number an operation made; doubtful in the exact reading if an operand was."""
        if number.is_const:
            return scalar(number, merged_sources(*(operand.sources for operand in operands)))
        if not self.exact:
            return NUMBER
        if any(operand.kind == ANY for operand in operands):
            return ANYTHING
        return Value(SCALAR, number)

    def foreign(self, size: int) -> Value:
        """What memory that is not the program's stack holds. Four bytes of the context may be a packet
        pointer; smaller loads are always numbers."""
        kind = OPAQUE if size >= 4 else SCALAR
        return Value(kind, scalars.unsigned(8 * size)) if self.exact and size < 8 else Value(kind)

    def unknown_memory(self, size: int) -> Value:
        """What unknown bytes of the program's own stack hold."""
        if size == 8:
            return self.lost
        return Value(SCALAR, scalars.unsigned(8 * size)) if self.exact else NUMBER
