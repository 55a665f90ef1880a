# SPDX-License-Identifier: Apache-2.0
"""What a program does with pointers that the verifier refuses (PC432 to PC438). Pure.

Not the whole analysis: what is found on a path that every verifier walks is refused, what verifiers
differ in is open, and what is not found says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from preflight.btf import Kind
from preflight.bytecode.reach_helpers import CALLBACKS
from preflight.bytecode.reach_reading import DIVISION, EQUALITIES, MOVES, NEGATION, PIECES, SPILLS
from preflight.bytecode.reserved import not_empty
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import missing, place, undecided
from preflight.predict.context_fields import context_fields
from preflight.predict.hooks import gives_nothing, member_gives_nothing, struct_ops_member
from preflight.predict.joined_numbers import (
    asks_equal,
    compares_spilled,
    divides,
    joined_moves,
    moves_half,
    negates,
    reads_pieces,
    swaps,
)
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.ksyms import ksyms_of
from preflight.predict.owned_types import OwnType, Special, in_section, in_type, leads_of, own_types
from preflight.predict.pointer_suspicion import may_misuse
from preflight.predict.pointer_values import (
    DEVICE_MAPS,
    KPTR,
    OF_NUMBERS,
    OPEN_NUMBER,
    READONLY,
    Asked,
    MapOf,
    Misuse,
    is_open,
)
from preflight.predict.relocated import places_of, program_key, shape_number
from preflight.predict.signatures import Signature, of_globals, of_kernel
from preflight.predict.stack_reads import reads_uninitialised
from preflight.predict.struct_ops_rules import Marked, given_object, hands_back, marked_arguments
from preflight.predict.unset_registers import may_be_unset
from preflight.predict.unset_stack import may_read_below
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage
    from preflight.bytecode.reach_reading import Environment, Shared
    from preflight.predict.relocated import RelocatedObject


class _Rule(NamedTuple):
    code: str
    says: str
    fix: str


_NULL = _Rule(
    "PC432", "invalid mem access 'map_value_or_null', or the like", "compare the pointer with 0 first"
)
_HELD = _Rule("PC433", "Unreleased reference, or an unbalanced lock", "release it once on every path")
_SECTION = _Rule(
    "PC433", "sleepable helper in rcu_read_lock region, or the like", "call it outside of the section"
)
_RANGE = _Rule(
    "PC434", "invalid access to map value, packet or stack", "compare the offset or the size first"
)
_WRONG = _Rule(
    "PC435", "type=... expected=..., or invalid mem access", "read through a helper, or pass what it takes"
)
_GIVEN = _Rule(
    "PC435", "At program exit the register R0 is not a known value, or the like", "give a reference, or 0"
)
_CONTEXT = _Rule("PC436", "invalid bpf_context access", "use the fields that programs of this type have")
_UNSET = _Rule("PC437", "R0 !read_ok, or the like", "give the variable a value on every path")
_CODE = _Rule(
    "PC438", "frame pointer is read only, invalid shift, div by zero, or the like", "write it another way"
)
_STACK = _Rule("PC417", "invalid (indirect) read from stack", "write to it first")
_LONG = _Rule(
    "PC439",
    "BPF program is too large. Processed 1000001 insn",
    "take less rounds, or let bpf_loop() call what one does",
)
_RULES: Final = {
    "long": _LONG,
    "stack": _STACK,
    "stack-number": _STACK,
    "unset": _UNSET,
    "result-of-hook": _UNSET,
    "code": _CODE,
    "null": _NULL,
    "reference": _HELD,
    "reference-given": _HELD,
    "object-given": _GIVEN,
    "number-given": _GIVEN,
    "lock": _HELD,
    "lock-handed": _HELD,
    "lock-lost": _HELD,
    "lock-call": _HELD,
    "sleeps": _SECTION,
    "section-call": _SECTION,
    "section-sleep": _SECTION,
    "stale": _RANGE,
    "bounds": _RANGE,
    "below": _RANGE,
    "packet": _RANGE,
    "size": _RANGE,
    "positive": _RANGE,
    "moved": _WRONG,
    "argument": _WRONG,
    "tail-callback": _WRONG,
    "context-memory": _WRONG,
    "context-constant": _CONTEXT,
    "moved-context": _CONTEXT,
    "object": _WRONG,
    "pointer": _WRONG,
    "readonly": _WRONG,
    "arithmetic": _WRONG,
    "result": _WRONG,
    "context": _CONTEXT,
    "newer": _CONTEXT,
    "registers": _CONTEXT,
    "end": _CONTEXT,
    "end-of-sample": _CONTEXT,
    "field": _WRONG,
    "kptr": _WRONG,
    "nmi": _WRONG,
    "unkept": _WRONG,
    "spill": _WRONG,
}
#: Came with the version from which on all of the stack may be read (6.8), which 6.6 may have, too.
_READS_ALL: Final = "bpf_retval_range"
#: Of struct bpf_func_state, since callbacks are walked until nothing new comes of it (6.7); before, once.
_DEPTH_OF_CALLBACKS: Final = "callback_depth"
#: Types whose context programs see just as it is, so that nothing translates their accesses.
_AS_IT_IS: Final = frozenset({
    "kprobe", "tracepoint", "raw_tracepoint", "raw_tracepoint_writable", "tracing", "lsm", "syscall",
    "cgroup_device", "netfilter",
})  # fmt: skip
#: Came with 6.19.
_BEFORE_QUOTIENTS: Final = "BPF_MAP_TYPE_INSN_ARRAY"
#: Came with 6.9, 6.17 and 6.18.
_ARENA: Final = "BPF_MAP_TYPE_ARENA"
_WITH_NEGATION: Final = "bpf_strnlen"
_SINCE_6_18: Final = "bpf_strcasecmp"
#: The types of maps whose values may have them (map_check_btf()). Another is refused with its types, and
#: libbpf makes it without: then there is no such field (bpf_object__create_map()).
_KEEP: Final = {
    "bpf_spin_lock": frozenset({"hash", "array", "cgroup_storage", "sk_storage", "inode_storage",
                                "task_storage", "cgrp_storage"}),
    "bpf_res_spin_lock": frozenset({"hash", "array", "cgroup_storage", "sk_storage", "inode_storage",
                                    "task_storage", "cgrp_storage"}),
    "bpf_timer": frozenset({"hash", "lru_hash", "array"}),
    "bpf_wq": frozenset({"hash", "lru_hash", "array"}),
    "bpf_task_work": frozenset({"hash", "lru_hash", "array"}),
    "bpf_list_head": frozenset({"hash", "lru_hash", "array"}),
    "bpf_rb_root": frozenset({"hash", "lru_hash", "array"}),
}  # fmt: skip
#: How kernel functions begin that allocate, or hand out what was allocated.
_ALLOCATING: Final = ("bpf_obj_new", "bpf_list_", "bpf_rbtree_", "bpf_refcount_acquire", "bpf_percpu_obj_new")
#: Came with 7.2.
_NMI: Final = "bpf_list_del"
#: Came with what a program allocates being kept in maps (6.4).
_KEEPS_OWN: Final = "bpf_refcount_acquire_impl"
#: Parts of what may be allocated, and plain bytes in values of maps.
_OF_ALLOCATED: Final = frozenset({"bpf_list_node", "bpf_rb_node", "bpf_refcount"})


def pointer_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """One finding for each rule that is broken, at the first place."""
    obj = on_kernel.obj
    suspected, unset = obj.memo(("suspected", *program_key(program)), lambda: _suspected(obj, program))
    # the object is asked first: a question to the kernel keeps others from sharing the verdict
    below = obj.memo(("unset-stack", *program_key(program)), lambda: _reads_below(obj, program))
    stack = below and not facts.has_type(_READS_ALL, Kind.STRUCT)
    joins = obj.memo(("joins", *program_key(program)), lambda: joined_moves(obj.image(program)))
    loses = joins and not facts.has_type(_READS_ALL, Kind.STRUCT)
    if not (suspected or unset or stack or loses):
        return
    told = set()
    for misuse in _found(on_kernel, facts, program, unset=unset, stack=stack, loses=loses):
        rule = _RULES[misuse.kind]
        if rule.code in told or not _applies(misuse, obj, program, facts):
            continue
        told.add(rule.code)
        yield _finding(obj, program, _held_against(misuse, obj, program, facts), rule)


def _found(
    on_kernel: RelocatedObject,
    facts: KernelFacts,
    program: Program,
    *,
    unset: bool,
    stack: bool,
    loses: bool,
) -> Iterable[Misuse]:
    """What a walk notes. What it leaves open, as some verifier may know closer bounds, is asked of one that
    knows as much as any: what that objects to, all do."""
    obj = on_kernel.obj
    iterator = program.hook.target.text if program.attach_type == "trace_iter" and program.hook.target else ""
    asked = Asked(
        maps_of(obj), program.program_type, program.attach_type, iterator, unset, functions_of(obj, program),
        stack, loses,
        _calls_back(obj, program) and _DEPTH_OF_CALLBACKS not in (facts.members("bpf_func_state") or ()),
        _own_types(obj), program.hook.sleepable or program.program_type == "syscall",
        _older(obj, program, facts), ksyms_of(on_kernel, facts, program), _marked(obj, program, facts),
    )  # fmt: skip
    found = _objected(on_kernel, program, asked)
    if swaps(obj.image(program)) and facts.ask(_divides):  # which know what is left of swapped bytes
        found = tuple(one._replace(sure=one.sure and one.kind not in OF_NUMBERS) for one in found)
    if not any(map(is_open, found)):
        return found
    if divides(obj.image(program)) and not facts.ask(_divides):
        asked = asked._replace(older=asked.older | {DIVISION})
    known = on_kernel.about(walked, program, asked._replace(newest=True))
    sure = {(one.kind, one.slot) for one in known if one.sure}
    return [
        one._replace(sure=True, about="") if is_open(one) and (one.kind, one.slot) in sure else one
        for one in found
    ]


def _objected(on_kernel: RelocatedObject, program: Program, asked: Asked) -> tuple[Misuse, ...]:
    """What this verifier objects to. One that knows less is asked first: where it finds nothing nobody does,
    so that most programs are walked once for all kernels."""
    unknown = _unknown_to_some(on_kernel.obj, program)
    if unknown != asked.older and not on_kernel.about(walked, program, asked._replace(older=unknown)):
        return ()
    return on_kernel.about(walked, program, asked)


def _marked(obj: BpfObject, program: Program, facts: KernelFacts) -> tuple[Marked, ...]:
    """The arguments of a struct_ops program that may be null, or are references."""
    slot = struct_ops_member(obj, program) if program.program_type == "struct_ops" else None
    return () if slot is None else facts.ask(marked_arguments, *slot)


def _may_give(struct: str, obj: BpfObject, program: Program, facts: KernelFacts) -> bool | None:
    """Whether a struct_ops program may end with a reference in register 0: to an object of that struct, or
    memory where it is empty, which newer verifiers get wrong where a number is to be given."""
    slot = struct_ops_member(obj, program)
    if _gives_nothing(obj, program, facts):
        return True  # nobody looks at it
    wanted = None if slot is None else facts.ask(given_object, *slot)
    if not struct:
        return None
    return wanted is None or wanted == struct


def _keeps(obj: BpfObject, name: str, facts: KernelFacts) -> bool:
    """Whether the kernel knows the pointers that a map keeps. Where it lacks one of their structs, the map
    gets no types and holds numbers; newer ones take the struct of the program's BTF (btf_find_kptr())."""
    if facts.lists_helper("kptr_xchg") is not True:
        return False
    if facts.has_func(_KEEPS_OWN):
        return True
    of = next((one for one in maps_of(obj) if one.name == name), None)
    return of is not None and all(
        facts.has_type(lead.struct, Kind.STRUCT) for lead in of.leads if lead.field == KPTR
    )


def _calls_back(obj: BpfObject, program: Program) -> bool:
    """Whether helpers call functions of the program."""
    return any(use.number in CALLBACKS for use in obj.usage(program).helpers)


def _suspected(obj: BpfObject, program: Program) -> tuple[bool, bool]:
    """Whether pointers may be misused, and whether registers may be read that nothing was written to; asked
    once of programs that differ in their sections alone."""
    image, relocated = obj.image(program), dict(places_of(obj, program))
    types = (program.program_type, program.attach_type == "trace_iter")
    key = ("suspected", shape_number(obj, program), image.code, types, tuple(relocated))

    def look() -> tuple[bool, bool]:
        misused = may_misuse(obj, program, maps_of(obj), relocated) or bool(not_empty(image))
        return misused, may_be_unset(image, program.program_type, dict(functions_of(obj, program)))

    return obj.memo(key, look)


def _reads_below(obj: BpfObject, program: Program) -> bool:
    """Whether the stack may be read below all that was written; asked once of programs alike, too."""
    image = obj.image(program)
    key = ("unset-stack", shape_number(obj, program), image.code)
    return obj.memo(key, lambda: may_read_below(image, maps_of(obj)))


def walked(
    image: ProgramImage, environment: Environment, asked: Asked, *, shared: Shared | None = None
) -> tuple[Misuse, ...]:
    """`pointer_walk.misuses`, loaded when it is asked for."""
    from preflight.predict.pointer_walk import misuses

    return misuses(image, environment, asked, shared=shared)


def _finding(obj: BpfObject, program: Program, one: Misuse, rule: _Rule) -> Finding:
    origin = obj.image(program).origins[one.slot]
    made = (missing if one.sure else undecided)(
        rule.code,
        obj,
        program,
        "",
        f"{program.name}: {one.detail}",
        Evidence("object", f"instruction {origin.insn} of section {origin.section}"),
        cause=f"the verifier says: {rule.says}" if one.sure else "verifiers may know more, or differ, here",
        fix=rule.fix if one.sure else f"{rule.fix}; decided by a load: `preflight lab run`",
    )
    return replace(made, location=place(obj, origin.section, origin.insn))


def _applies(one: Misuse, obj: BpfObject, program: Program, facts: KernelFacts) -> bool:
    """Whether it is a misuse to this kernel, too."""
    if one.kind == "result-of-hook":
        return not _gives_nothing(obj, program, facts)
    if one.kind in ("object-given", "number-given"):
        slot = struct_ops_member(obj, program)
        return slot is not None and facts.ask(given_object, *slot) is not None
    if one.kind == "reference-given":
        return not facts.ask(hands_back) or not _may_give(one.about, obj, program, facts)
    if one.kind == "nmi":  # refused by 7.2
        return facts.has_func(_NMI)
    if one.kind in ("kptr", "unkept"):  # others take it for a number
        return _keeps(obj, one.about, facts) is (one.kind == "kptr")
    if one.kind == "field":  # to kernels that do not know it, it is a struct like any other
        return facts.has_type(one.about, Kind.STRUCT)
    if one.kind == "tail-callback":  # found to be a bug of the verifier's by 6.18, and refused by 7.3
        return facts.has_func(_WITH_NEGATION)
    if one.kind == "below":
        return facts.ask(adds_constants) is not True
    if one.kind == "moved-context":
        return program.program_type not in _AS_IT_IS or facts.ask(adds_constants) is not True
    if one.kind == "context-constant":  # BPF_ST, which was for memory alone before 6.4
        return not facts.has_func(_KEEPS_OWN)
    if one.kind == "object":  # taken where it is trusted since 6.5
        return not facts.has_type(_READS_ALL, Kind.STRUCT)
    if one.kind == "stack-number":  # such arguments ended with the two types of their own (6.12, 6.1.119)
        return "ARG_PTR_TO_LONG" in (facts.enum("bpf_arg_type") or ())
    if one.kind in ("lock-handed", "lock-lost"):
        return _loses_locks(facts) is (one.kind == "lock-lost")
    if one.kind == "lock-call":  # functions of the program's own, but for global ones, since 6.9
        return not facts.ask(_has_arenas)
    if one.kind in ("section-call", "section-sleep"):  # which functions may sleep is known since 6.15
        knows = "might_sleep" in (facts.members("bpf_subprog_info") or ())
        return knows is (one.kind == "section-sleep")
    if one.kind == "stale":  # what functions do to packets is known since 6.13
        return "changes_pkt_data" in (facts.members("bpf_subprog_info") or ())
    if one.kind == "positive":  # a comparison with 0 is no bound to verifiers before 6.8
        return not facts.has_type("bpf_retval_range", Kind.STRUCT)
    if one.kind == "end":
        size = facts.ask(_size_of_registers)
        return size is not None and int(one.about) > size
    if one.kind == "end-of-sample":
        size = facts.ask(_size_of, "bpf_perf_event_data")
        return size is not None and int(one.about) > size
    return True


def _held_against(one: Misuse, obj: BpfObject, program: Program, facts: KernelFacts) -> Misuse:
    """What some kernels take, or may take as their context is larger than all that were tried, is open."""
    if one.kind == "tail-callback":
        return one._replace(sure=one.sure and facts.has_func(_SINCE_6_18))
    if one.kind in ("below", "moved-context") and facts.ask(adds_constants) is None:
        return one._replace(sure=False)
    if one.kind == "reference-given":
        refused = not facts.ask(hands_back) or _may_give(one.about, obj, program, facts) is False
        return one._replace(sure=one.sure and refused)
    if one.kind == "moved":  # looked at since helpers take pointers of the kernel's (5.19)
        return one._replace(sure=one.sure and facts.lists_helper("kptr_xchg") is True)
    if one.kind == "context-memory":  # 6.1 refuses it, 7.3 does not
        return one._replace(sure=one.sure and not facts.has_type(_READS_ALL, Kind.STRUCT))
    if one.about == OPEN_NUMBER and divides(obj.image(program)):
        return one._replace(sure=one.sure and not facts.ask(_divides))
    if one.kind == "registers" and _lets_write(facts):
        return one._replace(sure=False)
    if one.kind in ("stack", "stack-number"):
        return one._replace(sure=one.sure and not reads_uninitialised(facts))
    if one.kind == "result-of-hook":
        return one._replace(sure=one.sure and _gives_nothing(obj, program, facts) is False)
    if one.kind not in ("context", "newer") or not one.about or not one.sure:
        return one
    fields = context_fields()
    struct = fields.structs.get(program.program_type)
    if struct is None:
        return one
    size = facts.ask(_size_of, struct) or 0
    sure = size <= fields.sizes[struct] if one.kind == "context" else size < int(one.about)
    return one._replace(sure=sure)


def adds_constants(facts: KernelFacts) -> bool | None:
    """Whether the verifier has what is added to a pointer in one place (7.1): a constant may lift what else
    would be below 0, and pointers to contexts that are not translated may be moved. None: not known."""
    members = facts.members("bpf_reg_state")
    return None if members is None else "off" not in members


def _has_arenas(facts: KernelFacts) -> bool:
    """Whether the kernel may have arenas (6.9)."""
    return _ARENA in (facts.enum("bpf_map_type") or (_ARENA,))


def _divides(facts: KernelFacts) -> bool:
    """Whether the verifier may bound quotients and remainders (7.0): it has what came right before."""
    return _BEFORE_QUOTIENTS in (facts.enum("bpf_map_type") or (_BEFORE_QUOTIENTS,))


def _older(obj: BpfObject, program: Program, facts: KernelFacts) -> frozenset[str]:
    """What the verifier does not know of the program's numbers (`Reading`); nothing where that is the same to
    all of them."""
    unknown = _unknown_to_some(obj, program)
    known = {
        *({NEGATION} if NEGATION in unknown and facts.has_func(_WITH_NEGATION) else ()),
        *({SPILLS} if SPILLS in unknown and facts.ask(_has_arenas) else ()),
        *({MOVES, EQUALITIES} if {MOVES, EQUALITIES} & unknown and facts.has_func(_KEEPS_OWN) else ()),
        *({PIECES} if PIECES in unknown and not facts.has_type(_READS_ALL, Kind.STRUCT) else ()),
    }
    return unknown - known


def _unknown_to_some(obj: BpfObject, program: Program) -> frozenset[str]:
    """What the verifiers that know least do not know of the program's numbers."""
    image = obj.image(program)

    def look() -> frozenset[str]:
        asked = (
            (NEGATION, negates),
            (SPILLS, compares_spilled),
            (SPILLS, reads_pieces),
            (PIECES, reads_pieces),
            (MOVES, moves_half),
            (EQUALITIES, asks_equal),
        )
        return frozenset(what for what, matters in asked if matters(image))

    return obj.memo(("unknown-numbers", *program_key(program)), look)


def _loses_locks(facts: KernelFacts) -> bool:
    """Whether the verifier knows a lock by the number of the value's pointer alone (before 6.2): those that
    callbacks are handed have none."""
    return "active_spin_lock" in (facts.members("bpf_verifier_state") or ())


def _gives_nothing(obj: BpfObject, program: Program, facts: KernelFacts) -> bool | None:
    """Whether the hook of an LSM or struct_ops program returns void; None where that is not known."""
    if program.program_type == "struct_ops":
        slot = struct_ops_member(obj, program)
        return None if slot is None else member_gives_nothing(facts, *slot)
    target = program.hook.target
    return None if target is None or not target.name else gives_nothing(facts, f"bpf_lsm_{target.name}")


def _size_of(facts: KernelFacts, struct: str) -> int | None:
    """Bytes of a struct."""
    btf = facts.kernel.btf
    return next((btf.size_of(one) for one in btf.ids_by_name(struct, {Kind.STRUCT})), None)


def _size_of_registers(facts: KernelFacts) -> int | None:
    """Bytes of struct pt_regs."""
    btf = facts.kernel.btf
    return next((btf.size_of(one) for one in btf.ids_by_name("pt_regs", {Kind.STRUCT})), None)


def _lets_write(facts: KernelFacts) -> bool:
    """Whether the kernel may look at writes to saved registers when the program is attached: 7.3 does, 6.18
    has the member, too, and refused one."""
    return "kprobe_write_ctx" in (facts.members("bpf_prog_aux") or ())


def functions_of(obj: BpfObject, program: Program) -> tuple[tuple[int | str, Signature], ...]:
    """What kernel functions take, by name, and global functions of a program, by slot."""
    return (*of_kernel(obj), *of_globals(obj, program))


def maps_of(obj: BpfObject) -> tuple[MapOf, ...]:
    """What the walk has to know of the object's maps; sections of variables by the section's name."""
    return obj.memo("maps-of-walk", lambda: tuple(_described(obj)))


def _described(obj: BpfObject) -> Iterator[MapOf]:
    for one in obj.all_maps:
        section = obj.data_section(one.section) if one.origin == "data" else None
        places: tuple[Special, ...] = ()
        if obj.btf is not None:
            places = in_type(obj.btf, one.value_type) if section is None else in_section(obj.btf, section)
        places = tuple(place for place in places if place.name not in _OF_ALLOCATED)
        fields = tuple(place[:3] for place in places)
        leads = leads_of(obj.btf, places) if obj.btf is not None and places else ()
        if one.origin not in ("data", "kconfig") and any(
            one.type not in _KEEP.get(field, (one.type,)) for _, _, field in fields
        ):
            fields, leads = (), ()
        name = one.section if one.origin in ("data", "kconfig") else one.name
        flags = one.flags | (READONLY if one.type in DEVICE_MAPS else 0)
        yield MapOf(name, one.type, one.value_size, one.key_size, flags, fields, leads)


def _own_types(obj: BpfObject) -> tuple[OwnType, ...]:
    """What programs of an object may allocate."""
    return obj.memo("own-types", lambda: _allocated(obj))


def _allocated(obj: BpfObject) -> tuple[OwnType, ...]:
    allocates = any(extern.name.startswith(_ALLOCATING) for extern in obj.externs)
    kept = any(lead.local for one in maps_of(obj) for lead in one.leads)
    return own_types(obj.btf) if obj.btf is not None and (allocates or kept) else ()
