# SPDX-License-Identifier: Apache-2.0
"""What kernel functions and global functions are given, held against what they take, in a walk that follows
pointers (pointer_walk). Pure.

Rules: btf_check_func_arg_match() and check_kfunc_args() of kernel/bpf/btf.c and kernel/bpf/verifier.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import MapRef
from preflight.bytecode.scalars import ZERO
from preflight.bytecode.state import CTX, DATA, SCALAR, STACK, UNKNOWN, State, Value
from preflight.bytecode.state import NUMBER as ANY_NUMBER
from preflight.bytecode.state import POINTER as ADDRESS
from preflight.predict.global_functions import is_context_of
from preflight.predict.pointer_values import MEMORY, Pointer
from preflight.predict.pointer_values import OBJECT as KERNELS
from preflight.predict.signatures import CONTEXT, NUMBER, OBJECT, POINTER, Parameter, Signature

if TYPE_CHECKING:
    from preflight.predict.pointer_walk import Walker

#: Kernel functions that take trusted objects alone, by how their names begin.
_TRUSTED: Final = ("bpf_task_", "bpf_cgroup_", "bpf_cpumask_")
_UNTRUSTED: Final = "bpf_rdonly_cast()"
_IMPLEMENTATION: Final = "_impl()"


def given_to_global(register: int, parameter: Parameter) -> Value:
    """What a global function finds in a register where it begins (btf_prepare_func_args()): memory of the
    type's size, or null."""
    if parameter.kind == CONTEXT:
        return Value(CTX, off=0)
    if parameter.kind == NUMBER:
        return ANY_NUMBER
    if parameter.kind in (OBJECT, POINTER) and parameter.size:
        pointer = Pointer(MEMORY, -register - 1, f"argument {register}", parameter.size, "yes")
        return Value(ADDRESS, data=pointer)
    return UNKNOWN


class FunctionArguments:
    """The arguments of the functions with types that a walk comes to."""

    def __init__(self, walker: Walker) -> None:
        self._walker = walker

    def check(
        self, slot: int, signature: Signature | None, state: State, called: str, *, of_kernel: bool = False
    ) -> None:
        """Note what a function does not take. What loaders fill in of a NAME_impl() is not looked at."""
        if signature is None or called.endswith(_IMPLEMENTATION):
            return
        for number, parameter in enumerate(signature.parameters[:5], 1):
            value = state.frames[-1].regs[number]
            wrong = self._wrong(parameter, value, of_kernel=of_kernel)
            if of_kernel and not wrong and parameter.kind == OBJECT and called.startswith(_TRUSTED):
                self._check_trusted(slot, called, value)
            if wrong:
                self._walker.note("argument", slot, f"{called} gets {wrong} as argument {number}")
            elif not of_kernel and parameter.size and parameter.kind in (OBJECT, POINTER):
                self._check_room(slot, parameter, value, f"{called} gets as argument {number}")

    def _check_trusted(self, slot: int, called: str, value: Value) -> None:
        """An object has to be there, and to be one that the verifier trusts (KF_TRUSTED_ARGS, KF_RCU)."""
        known = value.data
        if not isinstance(known, Pointer) or known.kind != KERNELS:
            return
        if known.nullable != "no":
            self._walker.null(slot, known, f"{called} gets it")
        elif known.source == _UNTRUSTED:
            self._walker.note(
                "argument", slot, f"{called} gets what {known.source} gave, which is not trusted"
            )

    def _wrong(self, parameter: Parameter, value: Value, *, of_kernel: bool) -> str:
        pointer = value.kind in (STACK, CTX, DATA) or isinstance(value.data, Pointer | MapRef)
        if parameter.kind == NUMBER:
            return "a pointer" if pointer else ""
        if parameter.kind not in (CONTEXT, OBJECT, POINTER):
            return ""
        if value.kind == SCALAR:
            # bpf_rdonly_cast() makes a pointer of a number
            taken = of_kernel and parameter.kind == POINTER
            return "a number" if not taken and (value.number != ZERO or parameter.kind == CONTEXT) else ""
        if parameter.kind == CONTEXT:
            if (
                of_kernel
                and value.kind == CTX
                and not is_context_of(parameter.struct, self._walker.program_type)
            ):
                return f"the context, which is no {parameter.struct},"
            if value.kind == CTX and value.off and self._walker.program_type != "syscall":
                return f"the context moved by {value.off} bytes"
            return "something else than the context" if pointer and value.kind != CTX else ""
        # programs of type syscall read and write their context as memory
        as_memory = self._walker.program_type == "syscall" or (of_kernel and parameter.kind == POINTER)
        return "the context" if value.kind == CTX and not as_memory else ""

    def _check_room(self, slot: int, parameter: Parameter, value: Value, what: str) -> None:
        known = value.data
        if value.kind == STACK and value.off is not None and value.off + parameter.size > 0:
            detail = f"{what} {-value.off} bytes of stack and takes {parameter.size}"
            self._walker.note("bounds", slot, detail)
        elif value.kind == STACK and value.off is not None:
            self._walker.check_depth(slot, value)
        elif isinstance(known, Pointer) and known.kind == MEMORY and known.nullable == "no":
            self._walker.check_range(slot, known, 0, parameter.size)
