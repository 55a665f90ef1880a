# SPDX-License-Identifier: Apache-2.0
"""What a linked program uses: helpers, kernel functions, maps, instruction set, stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from preflight.btf import essential_name
from preflight.bytecode.helpers import helper_name
from preflight.bytecode.image import DataRef, KfuncRef, KsymRef, MapRef, Origin, ProgramImage, SubprogRef
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.isa import ISA_FEATURES, isa_use
from preflight.bytecode.opcodes import (
    ALU_OPERATORS,
    BPF_ADD,
    BPF_ALU,
    BPF_ALU64,
    BPF_K,
    BPF_LD,
    BPF_LDX,
    BPF_MEM,
    BPF_MEMSX,
    BPF_MOV,
    BPF_ST,
    BPF_STX,
    BPF_X,
    CALL,
    R10,
    SIZES,
)
from preflight.objects.parts import SourceLine
from preflight.records import dataclass, field

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject, Program

# What the frame pointer is followed through.
_MOV64_X: Final = BPF_ALU64 | BPF_MOV | BPF_X
_ADD64_K: Final = BPF_ALU64 | BPF_ADD | BPF_K
_LOADS: Final = frozenset(BPF_LDX | mode | size for mode in (BPF_MEM, BPF_MEMSX) for size in SIZES)
#: Everything whose mode is one of the two, the sizes and classes without a meaning included.
_ACCESSES: Final = frozenset(
    cls | mode | size
    for cls in (BPF_LD, BPF_LDX, BPF_ST, BPF_STX)
    for mode in (BPF_MEM, BPF_MEMSX)
    for size in SIZES
)
_ARITHMETIC: Final = frozenset(
    cls | op | by for cls in (BPF_ALU, BPF_ALU64) for op in ALU_OPERATORS for by in (BPF_K, BPF_X)
)


@dataclass(frozen=True, slots=True)
class Use:
    """One thing a program refers to, how often, and where first (in the image's order).

    `name` is what the kernel calls it: a kernel function without its CO-RE flavour. `number` is a helper's
    id, None for everything else; `weak` is set for weak externs.
    """

    name: str
    times: int
    first: Origin
    obj: BpfObject = field(repr=False)
    number: int | None = None
    weak: bool = False

    @property
    def source(self) -> SourceLine | None:
        """The source line, looked up when asked for: few are shown."""
        return self.obj.source_at(self.first.section, self.first.insn)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "number": self.number,
            "times": self.times,
            "section": self.first.section,
            "insn": self.first.insn,
            "source": self.source.to_dict() if self.source else None,
        }


@dataclass(frozen=True, slots=True)
class IsaLevel:
    """The lowest `-mcpu` version the code proves (1 to 4), and what proves it.

    `features` counts the parts of the instruction set in use that are younger than eBPF (keys of
    `preflight.bytecode.insn.ISA_FEATURES`). `first` and `source` say where the level is proved first; None
    for level 1, which needs no proof.
    """

    level: int
    features: tuple[tuple[str, int], ...]
    proof: str | None = None
    first: Origin | None = None
    source: SourceLine | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `mcpu` is written as the compiler's option."""
        return {
            "mcpu": f"v{self.level}",
            "features": dict(self.features),
            "proof": self.proof,
            "section": self.first.section if self.first else None,
            "insn": self.first.insn if self.first else None,
            "source": self.source.to_dict() if self.source else None,
        }


class Linked:
    """The instructions of a linked program, and what takes a look at each of them: told when asked."""

    def __init__(
        self, obj: BpfObject, image: ProgramImage, insns: list[Insn], functions: tuple[str, ...]
    ) -> None:
        self._obj = obj
        self._image = image
        self._insns = insns
        self._functions = functions

    @cached_property
    def isa(self) -> IsaLevel:
        """The lowest `-mcpu` version they prove."""
        seen = _Seen()
        seen.add(self._insns, 0, self._image.origins.__getitem__)
        return seen.level(self._obj)

    @cached_property
    def stack(self) -> tuple[tuple[str, int], ...]:
        """Bytes of stack by function, main program first."""
        return tuple(zip(self._functions, _stacks(self._insns, self._image.subprogs), strict=True))


@dataclass(frozen=True, slots=True)
class ProgramUsage:
    """What a program uses, its subprograms included.

    `insn_count` is the linked program's length in slots. `data` are sections of global variables, `.kconfig`
    among them when a kconfig extern is read; `kconfig` names those externs. `stack` gives the bytes of stack
    each function addresses directly, main program first; 0 when it uses none.
    """

    insn_count: int
    helpers: tuple[Use, ...]
    kfuncs: tuple[Use, ...]
    maps: tuple[Use, ...]
    ksyms: tuple[Use, ...]
    kconfig: tuple[Use, ...]
    data: tuple[str, ...]
    subprograms: tuple[str, ...]
    callbacks: tuple[str, ...]
    linked: Linked

    @property
    def isa(self) -> IsaLevel:
        """The lowest `-mcpu` version the linked code proves."""
        return self.linked.isa

    @property
    def stack(self) -> tuple[tuple[str, int], ...]:
        """Bytes of stack by function."""
        return self.linked.stack

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "insn_count": self.insn_count,
            "helpers": [use.to_dict() for use in self.helpers],
            "kfuncs": [use.to_dict() for use in self.kfuncs],
            "maps": [use.to_dict() for use in self.maps],
            "ksyms": [use.to_dict() for use in self.ksyms],
            "kconfig": [use.to_dict() for use in self.kconfig],
            "data": list(self.data),
            "subprograms": list(self.subprograms),
            "callbacks": list(self.callbacks),
            "isa": self.isa.to_dict(),
            "stack": dict(self.stack),
        }


def usage(obj: BpfObject, program: Program) -> ProgramUsage:
    """What the linked program uses. InputError when it cannot be linked or decoded."""
    image = obj.image(program)
    insns = decode(image.code, image.byteorder)
    found = _Collector(obj, image)
    for insn in insns:
        if insn.opcode == CALL and insn.is_helper_call:
            found.note("helpers", helper_name(insn.imm), insn.slot, number=insn.imm)
    for slot in sorted(image.refs):
        ref = image.refs[slot]
        if isinstance(ref, KfuncRef):
            found.note("kfuncs", essential_name(ref.name), slot, weak=ref.weak)
        elif isinstance(ref, MapRef):
            found.note("maps", ref.name, slot)
        elif isinstance(ref, KsymRef):
            found.note("ksyms", ref.name, slot, weak=ref.weak)
        elif isinstance(ref, DataRef):
            found.note("data", ref.section, slot)
            extern = found.kconfig_names.get(ref.offset) if ref.section == ".kconfig" else None
            if extern is not None:
                found.note("kconfig", extern.name, slot, weak=extern.weak)
    names = [_function_name(obj, image, start) for start in image.subprogs]
    callbacks = {ref.target for ref in image.refs.values() if isinstance(ref, SubprogRef)}
    return ProgramUsage(
        insn_count=len(image.origins),
        helpers=found.uses("helpers"),
        kfuncs=found.uses("kfuncs"),
        maps=found.uses("maps"),
        ksyms=found.uses("ksyms"),
        kconfig=found.uses("kconfig"),
        data=tuple(use.name for use in found.uses("data")),
        subprograms=tuple(names[1:]),
        callbacks=tuple(n for n, start in zip(names, image.subprogs, strict=True) if start in callbacks),
        linked=Linked(obj, image, insns, tuple(names)),
    )


class _Collector:
    """Counts uses by kind and name; a (kind, name) is dated by its first slot."""

    def __init__(self, obj: BpfObject, image: ProgramImage) -> None:
        self._obj = obj
        self._image = image
        self._found: dict[str, dict[str, tuple[int, int, int | None, bool]]] = {}
        self.kconfig_names = {extern.kconfig.offset: extern for extern in obj.externs if extern.kconfig}

    def note(self, kind: str, name: str, slot: int, number: int | None = None, weak: bool = False) -> None:
        # Two unknown helpers share the word "unknown", not the entry.
        key = name if number is None else f"{name}#{number}"
        known = self._found.setdefault(kind, {})
        times, first, _, _ = known.get(key, (0, slot, number, weak))
        known[key] = (times + 1, first, number, weak)

    def uses(self, kind: str) -> tuple[Use, ...]:
        result = []
        for key, (times, slot, number, weak) in self._found.get(kind, {}).items():
            origin = self._image.origins[slot]
            name = key if number is None else key.rpartition("#")[0]
            result.append(Use(name, times, origin, self._obj, number, weak))
        return tuple(result)


def _function_name(obj: BpfObject, image: ProgramImage, start: int) -> str:
    origin = image.origins[start]
    function = obj.function_at(origin.section, origin.insn)
    return function.name if function else image.name


def isa_level(obj: BpfObject) -> IsaLevel:
    """The level over all functions of an object, whether anything calls them or not."""
    seen = _Seen()
    base = 0
    for function in (*obj.programs, *obj.subprograms):
        section, start = function.section, function.section_insn
        seen.add(
            decode(function.code, obj.byteorder),
            base,
            lambda slot, section=section, start=start: Origin(section, start + slot),  # type: ignore[misc]
        )
        base += function.insn_count
    return seen.level(obj)


class _Seen:
    """Parts of the instruction set in use: how often, and the order and place of the first."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, int, Origin]] = {}

    def add(self, insns: Iterable[Insn], base: int, origin_of: Callable[[int], Origin]) -> None:
        """Instructions that come `base` slots after the first ones."""
        for name, use in isa_use(insns).items():
            times, order, first = self._found.get(name, (0, 0, None))
            if first is None:
                order, first = base + use.first.slot, origin_of(use.first.slot)
            self._found[name] = (times + use.times, order, first)

    def level(self, obj: BpfObject) -> IsaLevel:
        """The level all of them prove."""
        features = tuple(sorted((name, times) for name, (times, _, _) in self._found.items()))
        ranked = [(-ISA_FEATURES[name].level, order, name) for name, (_, order, _) in self._found.items()]
        level, _, proof = min(ranked, default=(-1, 0, ""))
        if level == -1:
            return IsaLevel(1, features)
        _, _, origin = self._found[proof]
        return IsaLevel(-level, features, proof, origin, obj.source_at(origin.section, origin.insn))


def _stacks(insns: list[Insn], starts: tuple[int, ...]) -> list[int]:
    """Bytes of stack per function that instructions address through the frame pointer.

    Counts direct loads and stores and pointers made by `rX = r10; rX += -N`. What is addressed with a
    computed offset is not seen, so this is a lower bound, exact for nearly all compiled code.
    `copies` are the registers that hold the frame pointer, with what was added to it.
    """
    needs = [0] * len(starts)
    order = sorted(range(len(starts)), key=lambda n: starts[n])
    bounds = [*[starts[n] for n in order[1:]], len(insns) * 2]
    place, copies = 0, dict[int, int]()
    for slot, opcode, dst, src, off, imm, _ in insns:
        while slot >= bounds[place]:
            place, copies = place + 1, {}
        depth = 0
        if opcode in _ACCESSES:
            is_load = opcode in _LOADS
            if is_load:
                copies.pop(dst, None)
            depth = off if (src if is_load else dst) == R10 else 0
        elif opcode == _MOV64_X and src == R10:
            copies[dst] = 0
        elif dst in copies:
            if opcode == _ADD64_K:
                depth = copies[dst] = copies[dst] + imm
            elif opcode in _ARITHMETIC:
                del copies[dst]
        if depth < 0:
            needs[order[place]] = max(needs[order[place]], -depth)
    return needs
