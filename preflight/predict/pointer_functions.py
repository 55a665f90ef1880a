# SPDX-License-Identifier: Apache-2.0
"""What kernel functions and global functions are given, held against what they take, in a walk that follows
pointers (pointer_walk). Pure.

Rules: btf_check_func_arg_match() and check_kfunc_args() of kernel/bpf/btf.c and kernel/bpf/verifier.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import MapRef
from preflight.bytecode.scalars import ZERO
from preflight.bytecode.state import CTX, DATA, OPAQUE, SCALAR, STACK, UNKNOWN, State, Value
from preflight.bytecode.state import NUMBER as ANY_NUMBER
from preflight.bytecode.state import POINTER as ADDRESS
from preflight.predict.global_functions import is_context_of
from preflight.predict.kfunc_types import arguments, flags
from preflight.predict.pointer_arguments import Arguments
from preflight.predict.pointer_values import MEMORY, OPEN_NUMBER, PACKET, UNBOUNDED, Pointer
from preflight.predict.pointer_values import OBJECT as KERNELS
from preflight.predict.signatures import CONTEXT, NUMBER, OBJECT, POINTER, Parameter, Signature

if TYPE_CHECKING:
    from preflight.predict.pointer_walk import Walker

#: Flags of kernel functions that take no null: KF_TRUSTED_ARGS, which all others have since 7.0, and KF_RCU.
_TRUSTED: Final = frozenset({"trusted", "|trusted", "rcu"})
_NULLABLE: Final = "nullable"
_UNTRUSTED: Final = "bpf_rdonly_cast()"
#: Structs of the verifier's own that kernel functions take where a map's value holds them.
_FIELDS: Final = frozenset({"bpf_wq", "bpf_res_spin_lock", "bpf_task_work"})
#: How the name of a parameter ends that is the size of the one before it.
_SIZE: Final = "sz"
_DYNPTR: Final = "bpf_dynptr"
_ITERATOR: Final = "bpf_iter_"
#: How the name of a parameter ends that has to be a constant.
_CONSTANT: Final = "k"
_STRINGS: Final = frozenset({"str", "const_str"})
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


def _is_trusting(called: str, number: int) -> bool:
    """Whether an argument of a kernel function has to be an object that the verifier trusts, and not null."""
    name = called.removesuffix("()")
    taken = arguments(name)
    if not flags(name) & _TRUSTED or number > len(taken):
        return False
    return taken[number - 1].ends != _NULLABLE


def _is_elsewhere(value: Value) -> bool:
    """Whether a place is known to be none on the stack."""
    known = value.data
    return value.kind in (DATA, CTX) or (
        isinstance(known, Pointer) and known.kind in (MEMORY, PACKET, KERNELS)
    )


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
            if of_kernel and not wrong and parameter.kind == OBJECT and _is_trusting(called, number):
                self._check_trusted(slot, called, value)
                if value.kind == SCALAR and value.number == ZERO:
                    self._walker.note("null", slot, f"{called} gets null as argument {number}")
            if wrong:
                self._walker.note("argument", slot, f"{called} gets {wrong} as argument {number}")
            elif not of_kernel and parameter.struct == _DYNPTR:
                self._check_dynptr(slot, state, called, value)
            elif not of_kernel and parameter.size and parameter.kind in (OBJECT, POINTER):
                self._check_room(slot, parameter, value, f"{called} gets as argument {number}")

    def _check_dynptr(self, slot: int, state: State, called: str, value: Value) -> None:
        """A global function takes dynptrs that are set."""
        held = self._walker.held(state)
        on_stack = value.kind == STACK and not value.frame and value.off is not None
        if held is not None and on_stack and value.off not in held.dynptrs:
            self._walker.note("argument", slot, f"{called} gets a dynptr that nothing set")

    def check_kernels(self, slot: int, name: str, state: State) -> None:
        """Note what a kernel function does not take by its own types: places of fields that are the
        verifier's own, and memory with its size (check_kfunc_args())."""
        taken, regs = arguments(name), state.frames[-1].regs
        for number, one in enumerate(taken[:5], 1):
            ends = taken[number].ends if number < len(taken) else ""
            if one.word in _FIELDS:
                self._check_field(slot, name, regs[number], one.word)
            elif one.word == _DYNPTR and _is_elsewhere(regs[number]):
                what = f"{name}() gets something else than a dynptr on the stack"
                self._walker.note("argument", slot, what)
            elif one.word.startswith(_ITERATOR) and _is_elsewhere(regs[number]):
                what = f"{name}() gets something else than an iterator on the stack"
                self._walker.note("argument", slot, what)
            elif one.ends == _CONSTANT and regs[number].kind <= OPAQUE and not regs[number].number.is_const:
                what = f"{name}() gets a number that is not constant as argument {number}"
                self._walker.note("size", slot, what, sure=not self._walker.bounds_numbers)
            elif one.ends in _STRINGS:
                self._check_string(slot, name, number, regs[number])
            elif ends == _SIZE and number < 5 and one.word not in ("", "n"):
                self._check_memory(slot, name, regs[number], regs[number + 1])

    def _check_field(self, slot: int, name: str, value: Value, field: str) -> None:
        known, walker = value.data, self._walker
        if value.kind in (STACK, CTX, SCALAR):
            walker.note("argument", slot, f"{name}() gets something else than a {field} of a map's value")
        if not isinstance(known, Pointer) or known.kind != MEMORY:
            return
        if known.nullable != "no":
            walker.null(slot, known, f"{name}() gets it")
        elif (
            known.source in walker.maps
            and known.low == known.high
            and not any(at == known.low and what == field for at, _, what in known.guarded)
        ):
            walker.note("argument", slot, f"{name}() gets no {field} of {known.source}")

    def _check_string(self, slot: int, name: str, number: int, value: Value) -> None:
        """A string has to be constant: a variable that nobody writes to (check_reg_const_str())."""
        if Arguments.is_no_constant(value):
            self._walker.note("argument", slot, f"{name}() wants a constant string as argument {number}")

    def _check_memory(self, slot: int, name: str, value: Value, size: Value) -> None:
        walker, known = self._walker, value.data
        if size.kind > OPAQUE or size.number.umax >= UNBOUNDED:
            if size.kind == SCALAR:
                sure = not walker.bounds_numbers
                what = f"{name}() gets a size that is not bounded"
                walker.note("size", slot, what, sure=sure, about=OPEN_NUMBER)
            return
        most, sure = size.number.umax, size.number.is_const
        if value.kind == STACK and value.off is not None and value.off + most > 0 and most:
            what = f"{name}() gets {-value.off} bytes of stack and takes up to {most}"
            walker.note("bounds", slot, what, sure=sure)
        elif isinstance(known, Pointer) and known.kind == MEMORY and known.nullable == "no":
            walker.check_range(slot, known, 0, most, sure=sure)

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
        elif isinstance(known, Pointer) and known.kind == MEMORY:  # looked at as if it was not null
            self._walker.check_range(slot, known, 0, parameter.size)
