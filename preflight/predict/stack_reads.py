# SPDX-License-Identifier: Apache-2.0
"""Two ways of using the stack that only newer verifiers accept (PC416, PC417). Pure.

Looked for in the order of the instructions, so this is a suspicion and never a certainty: the
answer is `unknown` where the kernel is not seen to accept it, and nothing where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from preflight.btf import Kind
from preflight.btf.types import Func, FuncProto
from preflight.bytecode.helpers import helper_name
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import BPF_LDX, BPF_MEM, BPF_ST, BPF_STX, R10

if TYPE_CHECKING:
    from preflight.predict.code import Code
    from preflight.predict.kernel_facts import KernelFacts

_MOV64_X, _MOV64_K, _ADD64_K = 0xBF, 0xB7, 0x07
_ARGUMENTS = range(1, 6)
#: Helpers that fill a buffer which verifiers before 6.3 want initialised: number -> (buffer, size) registers.
#: d_path, read_branch_records and those that read a sysctl.
_FILLED = {101: (2, 3), 102: (2, 3), 103: (2, 3), 119: (2, 3), 147: (2, 3)}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place: `kind` is `shared-pointer` or `uninitialised`; slot of the instruction, and what it does."""

    kind: str
    slot: int
    detail: str


@dataclass(slots=True)
class _State:
    """Registers that hold stack addresses, constants, or a pointer read back; slots shared with helpers."""

    address: dict[int, int] = field(default_factory=lambda: {R10: 0})
    constant: dict[int, int] = field(default_factory=dict)
    read_back: dict[int, int] = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)
    shared: dict[int, str] = field(default_factory=dict)

    def forget(self, register: int) -> None:
        """The register gets a value of no interest."""
        for known in (self.address, self.constant, self.read_back):
            if register != R10:
                known.pop(register, None)


def suspects(code: Code) -> list[Suspect]:
    """Suspicious places of the main program, each offset of the stack once."""
    state, found = _State(), dict[tuple[str, int], Suspect]()
    for insn in code.insns:
        if insn.slot < code.end:
            for suspect, offset in _step(state, insn):
                found.setdefault((suspect.kind, offset), suspect)
    return list(found.values())


def _step(state: _State, insn: Insn) -> Iterator[tuple[Suspect, int]]:
    if insn.cls == BPF_LDX and insn.mode == BPF_MEM:
        at = state.read_back.get(insn.src)
        if at is not None:
            detail = f"the pointer at r10{at} was passed to {state.shared.get(at, 'a helper')} by its place"
            yield Suspect("shared-pointer", insn.slot, detail), at
        place = state.address[R10] + insn.off if insn.src == R10 else None
        state.forget(insn.dst)
        if place is not None and insn.size == 8 and place in state.shared:
            state.read_back[insn.dst] = place
    elif insn.cls in (BPF_STX, BPF_ST) and insn.mode == BPF_MEM:
        base = state.address.get(insn.dst)
        if base is not None:
            state.stored.add(base + insn.off)
            state.shared.pop(base + insn.off, None)
    elif insn.is_helper_call:
        yield from _call(state, insn)
    elif insn.is_call:
        for register in range(6):
            state.forget(register)
    elif insn.opcode == _MOV64_X and not insn.off:
        _copy(state, insn)
    elif insn.opcode == _MOV64_K:
        state.forget(insn.dst)
        state.constant[insn.dst] = insn.imm
    elif insn.opcode == _ADD64_K and insn.dst in state.address and insn.dst != R10:
        state.address[insn.dst] += insn.imm
    elif insn.is_alu or insn.is_ldimm64:
        state.forget(insn.dst)


def _copy(state: _State, insn: Insn) -> None:
    known = [m.get(insn.src) for m in (state.address, state.constant, state.read_back)]
    state.forget(insn.dst)
    for mapping, value in zip((state.address, state.constant, state.read_back), known, strict=True):
        if value is not None:
            mapping[insn.dst] = value


def _call(state: _State, insn: Insn) -> Iterator[tuple[Suspect, int]]:
    name = helper_name(insn.imm)
    if insn.imm in _FILLED:
        buffer, size = (registers := _FILLED[insn.imm])
        start, length = state.address.get(buffer), state.constant.get(size)
        if start is not None and length is not None and registers:
            inside = [at for at in state.stored if start <= at < start + length]
            if not inside:
                detail = f"{name}() gets {length} bytes at r10{start} that nothing was written to"
                yield Suspect("uninitialised", insn.slot, detail), start
    for register in _ARGUMENTS:
        at = state.address.get(register)
        if at is not None and at in state.stored:
            state.shared[at] = f"{name}()"
    for register in range(6):
        state.forget(register)


def keeps_pointers(facts: KernelFacts) -> bool:
    """Whether the verifier is seen to keep a pointer on the stack that a helper only reads.

    check_stack_range_initialized() tells reads from writes since its argument is an `enum
    bpf_access_type`; before, it was told who asks (`enum bpf_access_src`) and took all as written.
    """
    btf = facts.kernel.btf
    for type_id in btf.ids_by_name("check_stack_range_initialized", {Kind.FUNC}):
        function = btf.type(type_id)
        proto = btf.type(function.type) if isinstance(function, Func) else None
        if isinstance(proto, FuncProto):
            names = {btf.name(btf.resolve(param.type)) for param in proto.params}
            if "bpf_access_type" in names or "bpf_access_src" in names:
                return "bpf_access_type" in names
    return False


def reads_uninitialised(facts: KernelFacts) -> bool:
    """Whether the verifier is seen to let privileged programs pass stack nobody wrote to (6.3).

    coerce_reg_to_size_sx() came later (6.6) and shows it.
    """
    later = ("coerce_reg_to_size_sx", "coerce_subreg_to_size_sx")
    return any(facts.has_func(name) or bool(facts.symbol(name)) for name in later)
