# SPDX-License-Identifier: Apache-2.0
"""Two ways of using the stack that only newer verifiers accept (PC416, PC417). Pure.

Looked for in the order of the instructions, so this is a suspicion and never a certainty: the
answer is `unknown` where the kernel is not seen to accept it, and nothing where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from preflight.btf import Kind
from preflight.btf.types import Func, FuncProto
from preflight.bytecode.helpers import helper_name
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    ADD64_K,
    BPF_LDX,
    BPF_MEM,
    BPF_ST,
    BPF_STX,
    CALL,
    CALLX,
    LOAD64,
    MOV32_K,
    MOV64_K,
    MOV64_X,
    R10,
)
from preflight.bytecode.reach_helpers import MEMORY
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.predict.code import Code
    from preflight.predict.kernel_facts import KernelFacts

#: What matters whatever the registers it names hold.
_ALWAYS = frozenset({CALL, CALLX, MOV32_K, MOV64_K})
_ARGUMENTS = range(1, 6)
#: Helpers that fill a buffer which verifiers before 6.3 want initialised: number -> (buffer, size) registers.
#: sysctl_get_name, read_branch_records, d_path, snprintf_btf and snprintf.
_FILLED = {101: (2, 3), 119: (2, 3), 147: (2, 3), 149: (1, 2), 165: (1, 2)}
#: The others that fill one: these verifiers want it initialised where the size is not a constant
#: (check_mem_size_reg()).
_SIZED = {
    number: (access.pointer, access.size)
    for number, accesses in MEMORY.items()
    for access in accesses
    if access.writes and isinstance(access.size, int) and access.size > 0
}
_WORD = 8


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place: `kind` is `shared-pointer` or `uninitialised`; slot of the instruction, and what it does."""

    kind: str
    slot: int
    detail: str


class _Held(NamedTuple):
    """What a register holds: a stack address, a constant, or the pointer read back from an address."""

    kind: str
    number: int


_ADDRESS, _CONSTANT, _READ_BACK = "address", "constant", "read-back"


class _State:
    """What registers hold that is of interest; slots that were written to, and those shared with helpers."""

    __slots__ = ("held", "shared", "stored")

    def __init__(self) -> None:
        self.held: dict[int, _Held] = {R10: _Held(_ADDRESS, 0)}
        self.stored: set[int] = set()
        self.shared: dict[int, str] = {}

    def number(self, kind: str, register: int) -> int | None:
        """What a register holds, if it is of that kind."""
        one = self.held.get(register)
        return one.number if one is not None and one.kind == kind else None

    def set(self, register: int, held: _Held | None = None) -> None:
        """The register gets a value, without `held` one of no interest. Nothing can be written to r10."""
        if register == R10:
            return
        if held is None:
            self.held.pop(register, None)
        else:
            self.held[register] = held


def suspects(code: Code) -> list[Suspect]:
    """Suspicious places of the main program, each offset of the stack once."""
    if not any(map(_matters, code.insns)):
        return []
    state, found = _State(), dict[tuple[str, int], Suspect]()
    for insn in code.insns:
        if insn.slot >= code.end:
            break
        if insn.dst not in state.held and insn.src not in state.held and insn.opcode not in _ALWAYS:
            continue  # what it changes is of no interest before and after
        one = _step(state, insn)
        if one is not None:
            suspect, offset = one
            found.setdefault((suspect.kind, offset), suspect)
    return list(found.values())


def _matters(insn: Insn) -> bool:
    """Whether it reads eight bytes of the stack back, or calls a helper that fills a buffer: a program with
    neither has nothing of the one or the other kind."""
    if insn.opcode == LOAD64:
        return insn.src == R10
    return insn.opcode == CALL and (insn.imm in _FILLED or insn.imm in _SIZED)


def _step(state: _State, insn: Insn) -> tuple[Suspect, int] | None:
    """Follow one instruction; what is suspicious of it, and the offset of the stack that it is about."""
    if insn.cls == BPF_LDX and insn.mode == BPF_MEM:
        return _load(state, insn)
    if insn.cls in (BPF_STX, BPF_ST) and insn.mode == BPF_MEM:
        base = state.number(_ADDRESS, insn.dst)
        if base is not None:
            state.stored.add(base + insn.off)
            state.shared.pop(base + insn.off, None)
    elif insn.is_helper_call:
        return _call(state, insn)
    elif insn.is_call:
        for register in range(6):
            state.set(register)
    elif insn.opcode == MOV64_X and not insn.off:
        state.set(insn.dst, state.held.get(insn.src))
    elif insn.opcode == MOV64_K or (insn.opcode == MOV32_K and insn.imm >= 0):
        state.set(insn.dst, _Held(_CONSTANT, insn.imm))
    elif insn.opcode == ADD64_K and insn.dst != R10 and state.number(_ADDRESS, insn.dst) is not None:
        state.set(insn.dst, _Held(_ADDRESS, state.held[insn.dst].number + insn.imm))
    elif insn.is_alu or insn.is_ldimm64:
        state.set(insn.dst)
    return None


def _load(state: _State, insn: Insn) -> tuple[Suspect, int] | None:
    suspicion, at = None, state.number(_READ_BACK, insn.src)
    if at is not None:
        detail = f"the pointer at r10{at} was passed to {state.shared.get(at, 'a helper')} by its place"
        suspicion = Suspect("shared-pointer", insn.slot, detail), at
    back = insn.src == R10 and insn.opcode == LOAD64 and insn.off in state.shared
    state.set(insn.dst, _Held(_READ_BACK, insn.off) if back else None)
    return suspicion


def _call(state: _State, insn: Insn) -> tuple[Suspect, int] | None:
    name, suspicion = helper_name(insn.imm), None
    if insn.imm in _FILLED:
        buffer, size = (registers := _FILLED[insn.imm])
        start, length = state.number(_ADDRESS, buffer), state.number(_CONSTANT, size)
        if start is not None and length is not None and registers:
            inside = [at for at in state.stored if start <= at < start + length]
            if not inside:
                detail = f"{name}() gets {length} bytes at r10{start} that nothing was written to"
                suspicion = Suspect("uninitialised", insn.slot, detail), start
    elif insn.imm in _SIZED:
        buffer, size = _SIZED[insn.imm]
        start = state.number(_ADDRESS, buffer)
        unset = start is not None and not any(start <= at < start + _WORD for at in state.stored)
        if unset and start is not None and state.number(_CONSTANT, size) is None:
            detail = (
                f"{name}() gets a number of bytes that is no constant at r10{start}, and nothing there is set"
            )
            suspicion = Suspect("uninitialised", insn.slot, detail), start
    for register in _ARGUMENTS:
        at = state.number(_ADDRESS, register)
        if at is not None and at in state.stored:
            state.shared[at] = f"{name}()"
    for register in range(6):
        state.set(register)
    return suspicion


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
