# SPDX-License-Identifier: Apache-2.0
"""What helpers are given, held against what they take, in a walk that follows pointers (pointer_walk). Pure.

Rules: check_func_arg(), check_mem_size_reg(), check_helper_mem_access() of kernel/bpf/verifier.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from preflight.bytecode.image import DataRef, MapRef
from preflight.bytecode.insn import Insn
from preflight.bytecode.reach_helpers import MEMORY as BUFFERS
from preflight.bytecode.reach_reading import Reading
from preflight.bytecode.scalars import ZERO
from preflight.bytecode.state import (
    CTX,
    DATA,
    FUNC,
    OPAQUE,
    POINTER,
    SCALAR,
    STACK,
    Value,
    is_kernels_own,
)
from preflight.predict import pointer_calls
from preflight.predict.helper_arguments import (
    CONTEXT,
    FUNCTION,
    NUMBER,
    SECTION,
    Taken,
    register_of,
    taken_by,
)
from preflight.predict.pointer_values import (
    KEY_OF,
    KPTR,
    MAP,
    MEMORY,
    OBJECT,
    ON_STACK,
    OPEN_NUMBER,
    PACKET,
    PACKET_END,
    PERCPU,
    READONLY,
    SOCKET,
    UNBOUNDED,
    WRITEONLY,
    Pointer,
)
from preflight.predict.printf_formats import conversions
from preflight.predict.unset_stack import FILLED, NUMBERS

if TYPE_CHECKING:
    from preflight.predict.pointer_walk import Walker

#: Programs in which bpf_get_socket_cookie() takes a socket of the kernel's and not the context
#: (tracing_prog_func_proto()).
_WITH_SOCKETS: Final = frozenset({"tracing", "lsm", "syscall"})
_COOKIE: Final = "get_socket_cookie"
#: Takes null in programs of one type (bpf_sk_lookup_assign_proto), and of no other.
_ASSIGN: Final = "sk_assign"
_KINDS: Final = {STACK: ON_STACK, CTX: CONTEXT, DATA: SECTION, FUNC: FUNCTION}
#: Kinds of values, for people.
_CALLED: Final = {
    NUMBER: "a number", CONTEXT: "the context", ON_STACK: "a place on the stack", SECTION: "a variable",
    FUNCTION: "a function", MAP: "a map", MEMORY: "memory", PACKET: "the packet", SOCKET: "a socket",
    OBJECT: "an object of the kernel's", PERCPU: "a variable that each CPU has one of",
}  # fmt: skip


def kind_of(value: Value) -> str | None:
    """What a register holds, in the words of `helper_arguments`; None where that is not known."""
    known = value.data
    if value.kind == POINTER:
        return MAP if isinstance(known, MapRef) else known.kind if isinstance(known, Pointer) else None
    if value.kind == SCALAR:
        return None if is_kernels_own(value) else NUMBER
    return _KINDS.get(value.kind)


def format_of(value: Value) -> str:
    """The constant format in a register; empty where it is not known."""
    known = value.data
    if not isinstance(known, DataRef) or known.frozen is None or known.settable or value.off is None:
        return ""
    return known.frozen[value.off :].partition(b"\0")[0].decode("latin-1")


class Arguments:
    """The arguments of the helpers that a walk comes to."""

    def __init__(self, walker: Walker, reading: Reading) -> None:
        self._walker = walker
        self._reading = reading

    def check(self, insn: Insn, name: str, arguments: list[Value]) -> None:
        """Note what a helper does not take."""
        slot = insn.slot
        for one in taken_by(name):
            self._check_kind(slot, name, one, arguments[one.register])
        of = self._walker.map_of(arguments[1])
        if of is not None and name in self._walker.rules.writes_map and of.flags & READONLY:
            self._walker.note(
                "readonly", slot, f"bpf_{name}() would change {of.name}, which programs may only read"
            )
        fixed = self._walker.rules.constant.get(name)
        if fixed and arguments[fixed].kind <= OPAQUE and not arguments[fixed].number.is_const:
            what = f"argument {fixed} of bpf_{name}() is not a constant"
            self._walker.note("size", slot, what, sure=not self._walker.bounds_numbers)
        string = register_of(name, "string")
        if string and self.is_no_constant(arguments[string]):
            self._walker.note("argument", slot, f"bpf_{name}() wants a constant string as argument {string}")
        words = arguments[self._walker.rules.words.get(name, 0)]
        if (
            name in self._walker.rules.words
            and words.kind == SCALAR
            and words.number.is_const
            and words.number.value % 8
        ):
            self._walker.note("size", slot, f"bpf_{name}() gets {words.number.value} bytes of arguments")
        elif name in self._walker.rules.words and string and words.kind == SCALAR and words.number.is_const:
            text = format_of(arguments[string])
            asked, given = conversions(text), words.number.value // 8
            if asked is None:
                self._walker.note("argument", slot, f"bpf_{name}() takes no format like {text[:60]!r}")
            elif asked > given:
                self._walker.note("size", slot, f"bpf_{name}() prints {asked} numbers and gets {given}")
        if name in self._walker.rules.field:
            self._check_field(slot, name, arguments)
        if name in pointer_calls.KEY_OF_SECOND:
            second = self._walker.map_of(arguments[2])
            if second is not None:
                self._check_place(
                    slot, name, arguments[3], second.key_size, sure=True, writes=False, fixed=True
                )
        for pointer, size, writes in (*BUFFERS.get(insn.imm, ()), *pointer_calls.BUFFERS.get(name, ())):
            self._check_buffer(slot, name, arguments, (pointer, size, writes))

    def _check_kind(self, slot: int, name: str, taken: Taken, value: Value) -> None:
        """A register holds something of another kind than the helper takes (check_reg_type()), or null."""
        known, kind = value.data, kind_of(value)
        if isinstance(known, Pointer) and known.nullable != "no":
            # of memory, _check_place(); objects may be null nowhere, whatever the prototype says
            if taken.word != "memory" and (kind == OBJECT or kind not in taken.may_be_null):
                self._walker.null(slot, known, f"bpf_{name}() gets it")
            elif taken.word != "memory" and known.source in self._walker.maps:
                # what a map of sockets gave is none to older verifiers before that (mark_ptr_not_null_reg())
                what = f"bpf_{name}() gets what {known.source} gave, which was not compared with 0"
                self._walker.note("null", slot, what, sure=False)
            if kind in taken.kinds:
                return
        of_context = kind == CONTEXT and name == _COOKIE and self._walker.program_type in _WITH_SOCKETS
        if kind is None or (kind in taken.kinds and not of_context):
            return
        zero = kind == NUMBER and value.number == ZERO
        nullable = taken.nullable
        if name == _ASSIGN:
            nullable = "yes" if self._walker.program_type == "sk_lookup" else "no"
        if not zero or nullable != "yes":
            what = (
                f"bpf_{name}() gets {_CALLED.get(kind, kind)} as argument {taken.register}, not {taken.word}"
            )
            self._walker.note("argument", slot, what, sure=not zero or nullable == "no")

    @staticmethod
    def is_no_constant(value: Value) -> bool:
        """Whether what a register leads to is no string that nobody may write to (check_reg_const_str())."""
        known = value.data
        if isinstance(known, Pointer):
            return known.kind == MEMORY and not known.readonly
        if value.kind == DATA:
            return isinstance(known, DataRef) and known.frozen is None
        return value.kind in (STACK, SCALAR, CTX)

    def _check_field(self, slot: int, name: str, arguments: list[Value]) -> None:
        """A lock or a timer has to be one of the map's value."""
        known, wanted = arguments[1].data, self._walker.rules.field[name]
        if not isinstance(known, Pointer) or known.kind != MEMORY:
            return
        if known.low != known.high:
            what = f"bpf_{name}() gets a place in {known.source} that is not constant"
            self._walker.note("argument", slot, what)
        elif known.source in self._walker.maps and not any(
            offset == known.low and field == wanted for offset, _, field in known.guarded
        ):
            self._walker.note(
                "argument", slot, f"bpf_{name}() gets a place in {known.source} that holds no {wanted}"
            )
        other = self._walker.map_of(arguments[2])
        if name == "timer_init" and other is not None and other.name != known.source:
            self._walker.note("argument", slot, f"a timer of {known.source} is set up with map {other.name}")

    def _check_buffer(self, slot: int, name: str, arguments: list[Value], access: Any) -> None:
        pointer, size, writes = access
        value, most, sure = arguments[pointer], 0, True
        if not isinstance(size, int):
            of = self._walker.map_of(arguments[1])
            if of is None:
                if value.kind == STACK and not writes:  # of a map in another one: so many bytes, one at least
                    self._walker.check_depth(slot, value)
                return
            most = of.key_size if size == "key" else of.value_size
        elif size < 0:
            most = -size
        else:
            length = arguments[size]
            if length.kind in (STACK, CTX, DATA) or isinstance(length.data, Pointer | MapRef):
                self._walker.note("argument", slot, f"bpf_{name}() gets a pointer as a size")
            if length.kind > OPAQUE:
                return
            self._reading.look_at(length)
            most = length.number.umax
            positive = name in self._walker.rules.positive
            if most == 0 and positive:
                self._walker.note("size", slot, f"bpf_{name}() gets 0 bytes")
            elif (
                name in self._walker.rules.positive and length.number.umin <= 1 and not length.number.is_const
            ):
                kind = "size" if length.number.umin == 0 else "positive"
                what = f"bpf_{name}() gets a size that may be 0"
                self._walker.note(kind, slot, what, sure=kind == "size" and not self._walker.bounds_numbers)
            if most >= UNBOUNDED:
                what = f"bpf_{name}() gets a size that is not bounded"
                sure = not self._walker.bounds_numbers
                self._walker.note("size", slot, what, sure=sure, about=OPEN_NUMBER)
                return
            sure = length.number.is_const
        self._check_place(slot, name, value, most, sure=sure, writes=writes, fixed=isinstance(size, str))

    def _check_place(
        self, slot: int, name: str, value: Value, most: int, *, sure: bool, writes: bool, fixed: bool
    ) -> None:
        known = value.data
        # the value of a storage may be left out; where a size goes with it, null has 0 bytes
        spared = fixed and name.endswith("_storage_get")
        if isinstance(known, Pointer):
            if known.nullable != "no":
                self._walker.null(slot, known, f"bpf_{name}() gets it")
            elif known.kind == MEMORY:
                self._walker.check_range(slot, known, 0, most, sure=sure)
                self._check_flags(slot, name, known, most, writes=writes, fixed=fixed)
                self._check_guarded(slot, name, known, most, sure=sure)
            elif known.kind == PACKET:
                self._check_packet(slot, name, known, most, sure=sure)
            elif known.kind in (SOCKET, MAP, PACKET_END):
                self._walker.note("argument", slot, f"bpf_{name}() gets a {known.kind} as memory")
            elif known.local:
                what = f"bpf_{name}() gets memory that the program allocated"
                self._walker.note("argument", slot, what)
            elif known.kind == OBJECT and known.readonly:
                # what is each CPU's is trusted nowhere
                sure = bool(known.struct) and known.source in pointer_calls.OF_CPUS
                what = f"bpf_{name}() gets an object of the kernel's as memory"
                self._walker.note("argument" if sure else "object", slot, what, sure=sure)
        elif value.kind == STACK and value.off is not None and most and value.off + most > 0:
            what = f"bpf_{name}() gets {-value.off} bytes of stack and takes up to {most}"
            self._walker.note("bounds", slot, what, sure=sure)
        elif value.kind == STACK and value.off is not None and most:
            if name in NUMBERS and writes and value.off % most:
                what = f"bpf_{name}() gets {value.off} of the stack, which is no multiple of {most}"
                self._walker.note("bounds", slot, what)
            if writes and not value.frame:
                pointer_calls.check_over_dynptr(self._walker, slot, name, value.off, most)
            # of so many bytes for sure a helper may be the first to write: `raw_mode`
            if not (writes and sure) or name in FILLED:
                self._walker.check_depth(slot, value)
            elif name in NUMBERS:
                self._walker.check_depth(slot, value, kind="stack-number")
        elif value.kind == DATA and isinstance(known, DataRef) and value.off is not None:
            of = self._walker.maps.get(known.section)
            if writes and most and known.frozen is not None:
                self._walker.note("readonly", slot, f"bpf_{name}() would write to {known.section}")
            if of is not None and value.off + most > of.value_size:
                there = of.value_size - value.off
                what = f"bpf_{name}() gets {there} bytes of {known.section} and takes up to {most}"
                self._walker.note("bounds", slot, what, sure=sure)
        elif value.kind == CTX:
            # programs of type syscall may pass it on, to newer verifiers
            kind = "context-memory" if self._walker.program_type == "syscall" else "argument"
            self._walker.note(kind, slot, f"bpf_{name}() gets the context as memory")
        elif value.kind == SCALAR and most and not (spared and value.number == ZERO):
            self._walker.note("argument", slot, f"bpf_{name}() gets a number as memory")
        elif value.kind == OPAQUE and (fixed or self._is_kept(writes, most)) and self._walker.is_given(value):
            self._walker.note("argument", slot, f"bpf_{name}() gets an argument of the hook as memory")
        elif value.kind == OPAQUE and most and self._walker.is_of_hook(value):
            # newer verifiers let helpers read the kernel's objects; keys and values are more
            kept = self._is_kept(writes, most)
            kind = "argument" if fixed or kept else "object"
            what = f"bpf_{name}() gets what an argument of the hook points to as memory"
            self._walker.note(kind, slot, what, sure=kept)

    def _check_flags(
        self, slot: int, name: str, known: Pointer, most: int, *, writes: bool, fixed: bool
    ) -> None:
        """Memory that is only read, or only written."""
        flags = self._walker.flags_of(known)
        if writes and known.readonly:
            self._walker.note("readonly", slot, f"bpf_{name}() would write to {known.source}")
        elif flags & WRITEONLY and most and not writes:
            what = f"bpf_{name}() would read {known.source}, which programs may only write to"
            self._walker.note("readonly", slot, what)
        elif (
            fixed
            and known.readonly
            and not flags & READONLY
            and known.source not in self._walker.maps
            and not known.source.startswith(KEY_OF)
        ):
            # MEM_RDONLY is taken by those alone that say so, which keys and values of maps do not
            what = f"bpf_{name}() gets memory that is only read as a key or a value"
            self._walker.note("argument", slot, what)

    def _check_packet(self, slot: int, name: str, known: Pointer, most: int, *, sure: bool) -> None:
        """May the helper look into the packet, and was that much compared (may_access_direct_pkt_data())?"""
        walker = self._walker
        if walker.program_type != "cgroup_sockopt" and (
            name not in walker.rules.takes_packet or walker.program_type == "sock_ops"
        ):
            walker.note("packet", slot, f"bpf_{name}() does not look into packets")
        elif most:
            walker.check_packet(slot, known, 0, most, sure=sure)

    def _is_kept(self, writes: bool, most: int) -> bool:
        """Whether bytes would be written to what the kernel hands over, which no type but these let do."""
        walker = self._walker
        plain = walker.program_type in ("tracing", "lsm", "struct_ops") and walker.attach_type != "trace_iter"
        return writes and most > 0 and plain

    def _check_guarded(self, slot: int, name: str, known: Pointer, most: int, *, sure: bool) -> None:
        """A lock or a timer is among the bytes that a helper gets (check_map_access())."""
        for at, room, field in known.guarded:
            inside = known.low == known.high and known.low < at + room and at < known.low + most
            if inside and field == KPTR:
                what = f"bpf_{name}() gets bytes of {known.source} with a kernel pointer"
                self._walker.note("kptr", slot, what, sure=sure, about=known.source)
            elif inside:
                what = f"bpf_{name}() gets bytes of {known.source} with its {field}"
                self._walker.note("field", slot, what, sure=sure, about=field)
