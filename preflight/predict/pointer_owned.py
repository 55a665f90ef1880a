# SPDX-License-Identifier: Apache-2.0
"""What a program owns, in a walk that follows pointers: memory it allocated, nodes of lists and trees, and
objects of the kernel's that maps keep. Pure.

Rules: check_kfunc_args(), process_kf_arg_ptr_to_graph_node(), check_reg_allocation_locked(),
ref_convert_owning_non_owning(), process_kptr_func(), map_kptr_match_type() of kernel/bpf/verifier.c.
Measured on 6.12, 6.18 and 7.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import DataRef
from preflight.bytecode.scalars import ZERO, bounded
from preflight.bytecode.state import DATA, NUMBER, POINTER, SCALAR, Value, scalar
from preflight.predict.kfunc_types import flags
from preflight.predict.owned_types import Lead, OwnType
from preflight.predict.pointer_values import KPTR, MEMORY, OBJECT, Pointer

if TYPE_CHECKING:
    from preflight.bytecode.reach_step import Successors
    from preflight.bytecode.state import State
    from preflight.predict.pointer_walk import Walker

_LIST, _TREE = "bpf_list_head", "bpf_rb_root"
#: What puts a node in: where. Those that take one out: where, whether a node is named, whether it is owned
#: then.
_PUTS: Final = {"bpf_list_push_front": _LIST, "bpf_list_push_back": _LIST, "bpf_rbtree_add": _TREE}
_TAKES: Final = {
    "bpf_list_pop_front": (_LIST, False, True),
    "bpf_list_pop_back": (_LIST, False, True),
    "bpf_list_front": (_LIST, False, False),
    "bpf_list_back": (_LIST, False, False),
    "bpf_rbtree_remove": (_TREE, True, True),
    "bpf_rbtree_first": (_TREE, False, False),
    "bpf_rbtree_root": (_TREE, False, False),
    "bpf_rbtree_left": (_TREE, True, False),
    "bpf_rbtree_right": (_TREE, True, False),
}
_NEW, _DROP, _COUNT = "bpf_obj_new", "bpf_obj_drop", "bpf_refcount_acquire"
#: Kernel functions that may be called while a spin lock is held (kfunc_spin_allowed()), and how those begin
#: which newer verifiers let through.
_UNDER_LOCK: Final = frozenset({*_PUTS, *_TAKES, _COUNT})
_MAYBE_UNDER_LOCK: Final = (
    "bpf_iter_num_", "bpf_res_spin_", "bpf_arena_", "bpf_stream_", "bpf_rcu_", "bpf_preempt_", "bpf_list_",
    "bpf_rbtree_", "bpf_local_irq_",
)  # fmt: skip
#: Locks of sections of variables are told by numbers from here on; those of values by the lookup's slot.
SECTIONS: Final = 1 << 29
#: Flags of kernel functions that take objects the verifier trusts, those that count as one in an RCU section.
_TRUSTING: Final = frozenset({"trusted", "rcu", "release", "acquire"})
_PER_CPU, _PER_CPU_DROP = "bpf_percpu_obj_new", "bpf_percpu_obj_drop"
#: Types whose programs may run where nothing may be waited for.
_IN_NMI: Final = frozenset({
    "kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable", "tracing",
})  # fmt: skip
#: What gives objects that a section of RCU protects.
_PROTECTED: Final = frozenset({"bpf_iter_task_next()", "bpf_iter_css_next()", "bpf_iter_scx_dsq_next()"})
#: Kernel functions that take and release locks which may fail.
LOCKS: Final = frozenset({
    "bpf_res_spin_lock", "bpf_res_spin_unlock", "bpf_res_spin_lock_irqsave", "bpf_res_spin_unlock_irqrestore",
})  # fmt: skip
#: -MAX_ERRNO to -1
_ERROR: Final = scalar(bounded(0, (1 << 64) - 1, (1 << 64) - 4095, (1 << 64) - 1))


class Owned:
    """The calls that a walk comes to with what the program owns. `types`: what may be allocated, by id."""

    def __init__(self, walker: Walker, types: Mapping[int, OwnType]) -> None:
        self._walker = walker
        self.types = types

    def follow(self, state: State, slot: int, full: str, arguments: list[Value]) -> bool:
        """A call of a kernel function about lists, trees and allocated memory; whether it was one."""
        name = full.removesuffix("_impl")
        regs = state.frames[-1].regs
        if name == _NEW:
            given = arguments[1].number
            type_ = self.types.get(given.value) if given.is_const else None
            regs[0] = self._own(state, slot, full, type_, nullable="yes")
        elif name in (_DROP, _PER_CPU_DROP):
            self._drop(state, slot, full, arguments[1])
        elif name == _COUNT:
            self._count(state, slot, full, arguments[1])
        elif name in _PUTS:
            lead = self._head(state, slot, full, arguments[1], _PUTS[name])
            self._put(state, slot, full, lead, arguments[2])
            regs[0] = NUMBER
        elif name in _TAKES:
            self._take(state, slot, full, arguments)
        else:
            return False
        return True

    def check_lock(self, slot: int, full: str, lock: int) -> None:
        """Few kernel functions may be called while a spin lock is held."""
        name = full.removesuffix("_impl")
        if lock >= 0 and name not in _UNDER_LOCK and name not in LOCKS:
            sure = not name.startswith(_MAYBE_UNDER_LOCK)
            self._walker.note("lock", slot, f"{full}() is called while a spin lock is held", sure=sure)

    def check_trust(self, slot: int, full: str, arguments: Iterable[Value]) -> None:
        """Objects read out of memory that are not trusted are not for functions that want others."""
        if not flags(full) & _TRUSTING:
            return
        for value in arguments:
            known = value.data
            if isinstance(known, Pointer) and known.kind == OBJECT and known.trust and known.nullable == "no":
                what = f"{full}() gets {known.source}, which is not trusted there"
                self._walker.note("reference", slot, what, sure=known.trust == "no")

    def returned(self, state: State) -> None:
        """The lock is released: what was lent is a number (invalidate_non_owning_refs())."""
        _each(state, lambda known: known.lent, lambda _: None)

    def left_section(self, state: State) -> None:
        """A section of RCU is left: what was read in it is not trusted any more, or was without it; what
        iterators gave that it protects is not."""
        _each(
            state,
            lambda known: known.source.startswith(f"a {KPTR} in") and not known.trust,
            lambda known: known._replace(trust="maybe"),
        )
        _each(
            state,
            lambda known: known.source in _PROTECTED,
            lambda known: known._replace(trust="no"),
        )

    def lock_of(self, value: Value) -> int | None:
        """What tells the lock of a section of variables."""
        known = value.data
        if value.kind != DATA or not isinstance(known, DataRef):
            return None
        names = sorted(self._walker.maps)
        return SECTIONS + names.index(known.section) if known.section in self._walker.maps else None

    def lock(self, state: State, slot: int, name: str, place: Value, following: Successors) -> Successors:
        """A lock that may not be had: taken, its result is 0; else an error, and nothing is held
        (process_spin_lock())."""
        walker, known, held = self._walker, place.data, self._walker.held(state)
        lock = known.ident if isinstance(known, Pointer) else self.lock_of(place)
        if held is None or lock is None or not name.endswith(("_lock", "_unlock")):
            state.doubt = True
            return following
        if name.endswith("_unlock"):
            if held.lock < 0:
                walker.note("lock", slot, f"{name}() without a lock that is held")
            elif held.lock != lock:
                walker.note("lock", slot, f"{name}() releases another lock than the one that is held")
            walker.hold(state, held._replace(lock=-1))
            self.returned(state)
            return following
        missed = state.copy()
        missed.frames[-1].regs[0] = _ERROR
        if held.lock >= 0:
            state.doubt = True  # more than one of them may be held
        walker.hold(state, held._replace(lock=lock))
        state.frames[-1].regs[0] = scalar(ZERO)
        return [*following, *((way, missed) for way, after in following if after is state)]

    # kernel pointers in maps

    def exchange(self, state: State, slot: int, first: Value, second: Value) -> Value | None:
        """bpf_kptr_xchg(): what is put into the map, and the result; None where the place is not known."""
        walker, known, given = self._walker, first.data, second.data
        if isinstance(given, Pointer) and given.held:
            walker.drop(state, given.ident)
            # what each processor has one of may be read on, in an RCU section
            gone = given._replace(held=False) if given.source.startswith(_PER_CPU) else None
            walker.replace(state, given.ident, NUMBER if gone is None else Value(POINTER, data=gone))
        if not isinstance(known, Pointer) or known.kind != MEMORY or known.nullable != "no":
            return None
        of = walker.maps.get(known.source)
        if of is None or not of.leads:
            return None
        if known.low != known.high:
            what = "bpf_kptr_xchg() gets a place in a value that is not constant"
            walker.note("kptr", slot, what, about=of.name)
            return None
        lead = of.lead_at(known.low, KPTR)
        if lead is None:
            return None
        if not lead.kept:
            walker.note("kptr", slot, f"{of.name} keeps a pointer without a reference there", about=of.name)
        elif isinstance(given, Pointer) and self._differ(given, lead):
            what = f"bpf_kptr_xchg() puts a {given.struct} where {of.name} keeps a {lead.struct}"
            walker.note("kptr", slot, what, about=of.name)
        type_ = self.types.get(lead.local)
        own = type_ is not None and lead.local and not self._is_kernels(lead.struct)
        made = Pointer(
            OBJECT, slot, "bpf_kptr_xchg()", nullable="yes", held=True, readonly=not own, struct=lead.struct,
            local=lead.local if own else 0, size=type_.size if own and type_ else None,
            guarded=type_.fields if own and type_ else (),
        )  # fmt: skip
        value = walker.made(state, made)
        walker.acquire(state, slot, "bpf_kptr_xchg()")
        return value

    def _differ(self, given: Pointer, lead: Lead) -> bool:
        return bool(given.struct and lead.struct) and given.struct != lead.struct

    def _is_kernels(self, struct: str) -> bool:
        """Whether kernel functions that the object declares know a struct by that name."""
        return any(
            struct in (signature.gives, *(one.struct for one in signature.parameters))
            for signature in self._walker.functions.values()
        )

    # memory, lists and trees

    def _own(
        self, state: State, slot: int, full: str, type_: OwnType | None, *, nullable: str, at: int = 0
    ) -> Value:
        walker = self._walker
        made = self._made(slot, full, type_, nullable, at)._replace(held=True)
        value = walker.made(state, made)
        walker.acquire(state, slot, f"{full}()")
        return value

    @staticmethod
    def _made(slot: int, full: str, type_: OwnType | None, nullable: str, at: int) -> Pointer:
        source = f"{full}()"
        if type_ is None:
            return Pointer(OBJECT, slot, source, nullable=nullable)
        return Pointer(
            OBJECT, slot, source, type_.size, nullable, low=at, high=at, guarded=type_.fields,
            struct=type_.name, local=type_.id,
        )  # fmt: skip

    def _there(self, slot: int, full: str, value: Value) -> Pointer | None:
        """The object in a register; None where there is none, or nobody knows."""
        known = value.data
        if isinstance(known, Pointer):
            if known.nullable != "no":
                self._walker.null(slot, known, f"{full}() gets it")
                return None
            return known
        if value.kind == SCALAR:
            self._walker.note("reference", slot, f"{full}() gets something that holds no reference")
        return None

    def _drop(self, state: State, slot: int, full: str, value: Value) -> None:
        known, walker = self._there(slot, full, value), self._walker
        if known is None:
            return
        if not known.held:
            walker.note("reference", slot, f"{full}() gets what {known.source} gave, no reference")
        elif known.low or known.high:
            walker.note("argument", slot, f"{full}() gets memory moved by {known.low} bytes")
        elif known.source.startswith((_NEW, _PER_CPU)) and (
            known.source.startswith(_PER_CPU) is not full.startswith(_PER_CPU_DROP)
        ):
            walker.note("argument", slot, f"{full}() gets what {known.source} gave")
        type_ = self.types.get(known.local)
        if type_ is not None and type_.fields and walker.program_type in _IN_NMI:
            what = f"{full}() frees a {type_.name}, whose fields may not be touched where a program may run"
            walker.note("nmi", slot, what)
        walker.drop(state, known.ident)
        walker.replace(state, known.ident, NUMBER)

    def _count(self, state: State, slot: int, full: str, value: Value) -> None:
        known = self._there(slot, full, value)
        type_ = self.types.get(known.local) if known is not None else None
        if type_ is not None and not type_.counted:
            self._walker.note("argument", slot, f"{full}() gets a {type_.name}, which has no bpf_refcount")
        nullable = "maybe" if known is None else "no" if known.held else "yes"
        state.frames[-1].regs[0] = self._own(state, slot, full, type_, nullable=nullable)

    def _head(self, state: State, slot: int, full: str, value: Value, field: str) -> Lead | None:
        """The list or tree in a register, whose lock has to be held."""
        walker, known, at = self._walker, value.data, value.off
        lock = self.lock_of(value)
        name = known.section if isinstance(known, DataRef) else ""
        if isinstance(known, Pointer):
            name, at = known.source, known.low if known.low == known.high else None
            lock = known.ident
            if known.nullable != "no":
                walker.null(slot, known, f"{full}() gets it")
                return None
        of = walker.maps.get(name)
        if of is None or at is None or lock is None:
            state.doubt = True
            return None
        lead = of.lead_at(at, field)
        if lead is None:
            walker.note("argument", slot, f"{full}() gets a place in {of.name} that is no {field}")
            return None
        held = walker.held(state)
        if held is not None and held.lock != lock:
            which = "the lock beside it" if held.lock < 0 else "another lock than the one beside it"
            word = "is not held" if held.lock < 0 else "is held"
            walker.note("lock", slot, f"{full}() changes a {field} of {of.name}, and {which} {word}")
        return lead if lead.local else None

    def _put(self, state: State, slot: int, full: str, lead: Lead | None, value: Value) -> None:
        known, walker = self._there(slot, full, value), self._walker
        if known is None:
            return
        if not known.held:
            walker.note("reference", slot, f"{full}() gets what {known.source} gave, no reference")
            return
        place = (known.local, known.low)
        if lead is not None and known.local and known.low == known.high and place != (lead.local, lead.node):
            what = f"{full}() gets byte {known.low} of a {known.struct}, not the node of a {lead.struct}"
            walker.note("argument", slot, what)
        walker.drop(state, known.ident)
        _each(
            state,
            lambda other: other.ident == known.ident,
            lambda copy: copy._replace(held=False, lent=True),
        )

    def _take(self, state: State, slot: int, full: str, arguments: list[Value]) -> None:
        field, named, owned = _TAKES[full.removesuffix("_impl")]
        lead = self._head(state, slot, full, arguments[1], field)
        regs, walker = state.frames[-1].regs, self._walker
        if named:
            known = self._there(slot, full, arguments[2])
            if known is not None and known.held:
                walker.note("reference", slot, f"{full}() gets a node that is in no tree")
        type_ = self.types.get(lead.local) if lead is not None else None
        at = lead.node if lead is not None else 0
        if owned:
            regs[0] = self._own(state, slot, full, type_, nullable="yes", at=at)
        else:
            regs[0] = walker.made(state, self._made(slot, full, type_, "yes", at)._replace(lent=True))

    def nodes(self, full: str, arguments: list[Value]) -> Value | None:
        """What the callback of bpf_rbtree_add() is handed twice: a node that is lent."""
        if full.removesuffix("_impl") != "bpf_rbtree_add":
            return None
        first = arguments[1]
        known = first.data
        name = (
            known.section
            if isinstance(known, DataRef)
            else known.source
            if isinstance(known, Pointer)
            else ""
        )
        of = self._walker.maps.get(name)
        at = known.low if isinstance(known, Pointer) else first.off
        lead = of.lead_at(at, _TREE) if of is not None and at is not None else None
        type_ = self.types.get(lead.local) if lead is not None else None
        if lead is None or type_ is None:
            return None
        made = self._made(-1, full, type_, "no", lead.node)._replace(lent=True)
        return Value(POINTER, data=made)


def _each(
    state: State, chosen: Callable[[Pointer], bool], change: Callable[[Pointer], Pointer | None]
) -> None:
    """Change every copy of some pointers; None makes a number of it."""
    for frame, place, on_stack, value in list(state.values()):
        known = value.data
        if not isinstance(known, Pointer) or not chosen(known):
            continue
        made = change(known)
        new = NUMBER if made is None else value._replace(data=made)
        if on_stack:
            frame.stack[place] = frame.stack[place]._replace(value=new)
        else:
            frame.regs[place] = new
