# SPDX-License-Identifier: Apache-2.0
"""Functions with global linkage, which the verifier checks on their own with unknown arguments (PC427). Pure.

Before 5.12 such a function takes numbers and the context and no other pointer. Since then a pointer may be
null and has to be compared with 0 before it is followed, unless a tag says more. Measured on 5.10 to 7.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, DeclTag, Func, FuncProto, Ptr
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.argument_flow import Held, accesses
from preflight.predict.causes import missing, place, undecided
from preflight.predict.hooks import function_prototype
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

#: Structs that are the context of some program type (prog_ctx types of include/linux/bpf_types.h).
_CONTEXTS: Final = (
    "__sk_buff", "xdp_md", "bpf_sock", "bpf_sock_addr", "bpf_sock_ops", "sk_msg_md", "pt_regs",
    "user_pt_regs", "user_regs_struct", "bpf_user_pt_regs_t", "bpf_perf_event_data",
    "bpf_raw_tracepoint_args", "bpf_cgroup_dev_ctx",
    "bpf_sysctl", "bpf_sockopt", "sk_reuseport_md", "bpf_sk_lookup", "bpf_nf_ctx",
)  # fmt: skip
#: Those that are the context of some types alone, and any struct to programs of all others.
_OF_TYPES: Final = {
    "__sk_buff": frozenset({
        "socket_filter", "sched_cls", "sched_act", "cgroup_skb", "lwt_in", "lwt_out", "lwt_xmit",
        "lwt_seg6local", "sk_skb", "flow_dissector",
    }),
    "xdp_md": frozenset({"xdp"}),
    "bpf_sock_addr": frozenset({"cgroup_sock_addr"}),
    "bpf_sock_ops": frozenset({"sock_ops"}),
    "sk_msg_md": frozenset({"sk_msg"}),
    "bpf_cgroup_dev_ctx": frozenset({"cgroup_device"}),
    "bpf_sysctl": frozenset({"cgroup_sysctl"}),
    "bpf_sockopt": frozenset({"cgroup_sockopt"}),
    "sk_reuseport_md": frozenset({"sk_reuseport"}),
    "bpf_sk_lookup": frozenset({"sk_lookup"}),
}  # fmt: skip
#: Tags of arguments that verifiers know, and one that came with 6.17.
_ARGUMENT: Final = "arg:"
_UNTRUSTED: Final = "arg:untrusted"
_TAGS: Final = frozenset({"arg:ctx", "arg:trusted", "arg:nullable", "arg:nonnull", "arg:arena"})
_KNOWS_UNTRUSTED: Final = "bpf_strnlen"
#: Came with 6.8.
_READS_TAGS: Final = "bpf_retval_range"
#: A helper that came in the same version as pointers among the arguments of global functions (5.12).
_WITNESS: Final = "check_mtu"


def global_function_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC427 for the first argument of each global function that this kernel's verifier does not take, for
    functions that give a pointer, which none takes (btf_prepare_func_args()), and for functions that give
    nothing: 7.3 takes those, 5.10 to 6.18 do not, and nothing in a kernel shows it."""
    obj = on_kernel.obj
    image = obj.image(program)
    if obj.btf is None or not image.global_subprogs:
        return
    used = dict(zip(image.subprogs, (name for name, _ in obj.usage(program).stack), strict=False))
    for start in sorted(image.global_subprogs):
        name = used.get(start, "")
        if _is_void(obj.btf, name) and _reach(on_kernel, program, start) != "no":
            yield undecided(
                "PC427",
                obj,
                program,
                name,
                f"{name}() is a global function and gives nothing, which only the newest verifiers take",
                Evidence("object", f"BTF of {name}: it returns void"),
                cause="older ones say: Global function doesn't return scalar, or invalid args into func",
                fix="return an int, or declare the function static",
            )
        if _gives_pointer(obj.btf, name) and _reach(on_kernel, program, start) == "yes":
            yield missing(
                "PC427",
                obj,
                program,
                name,
                f"{name}() is a global function and gives a pointer, which no verifier takes",
                Evidence("object", f"BTF of {name}: it returns a pointer"),
            )
        yield from _strange_tag(on_kernel, facts, program, start, name)
        pointers = _pointers(obj.btf, name, program.program_type)
        if pointers:
            yield from _judged(on_kernel, facts, program, start, used[start], pointers)


def _strange_tag(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, start: int, name: str
) -> Iterator[Finding]:
    """An argument with a tag that verifiers do not know, which look at them since 6.8
    (btf_prepare_func_args())."""
    obj = on_kernel.obj
    strange = _tags(obj.btf, name) - _TAGS if obj.btf is not None else frozenset()
    if not strange or not facts.has_type(_READS_TAGS, Kind.STRUCT):
        return
    if strange == {_UNTRUSTED} and facts.has_func(_KNOWS_UNTRUSTED):
        return
    if _reach(on_kernel, program, start) != "no":
        tag = min(strange)
        yield missing(
            "PC427",
            obj,
            program,
            name,
            f"{name}() is a global function with an argument tagged {tag}, which this verifier does not know",
            Evidence("object", f"declaration tag {tag} on an argument of {name}"),
        )


def _tags(btf: Btf, name: str) -> frozenset[str]:
    """What the arguments of a function are tagged as."""
    functions = set(btf.ids_by_name(name, {Kind.FUNC})) if name else set()
    if not functions:
        return frozenset()
    tags = (btf.type(type_id) for type_id in btf.ids_of_kind(Kind.DECL_TAG))
    return frozenset(
        tag.name
        for tag in tags
        if isinstance(tag, DeclTag) and tag.type in functions and tag.name.startswith(_ARGUMENT)
    )


def _is_void(btf: Btf, name: str) -> bool:
    proto = function_prototype(btf, name)
    return proto is not None and not proto.ret


def _gives_pointer(btf: Btf, name: str) -> bool:
    proto = function_prototype(btf, name)
    return proto is not None and isinstance(btf.type(btf.resolve(proto.ret)), Ptr)


def _pointers(btf: Btf, name: str, program_type: str) -> dict[int, str]:
    """Number of each argument that is a pointer and not the context -> `tagged` where a tag says more of it,
    `void` for one to nothing that has a size, else `typed`."""
    for type_id in btf.ids_by_name(name, {Kind.FUNC}) if name else ():
        function = btf.type(type_id)
        proto = btf.type(btf.resolve(function.type)) if isinstance(function, Func) else None
        if isinstance(proto, FuncProto):
            marked = tagged(btf, type_id)
            return {
                number: "tagged" if number in marked else _pointee(btf, param.type)
                for number, param in enumerate(proto.params)
                if _is_pointer(btf, param.type, program_type)
            }
    return {}


def _is_pointer(btf: Btf, type_id: int, program_type: str) -> bool:
    found = btf.type(btf.resolve(type_id))
    if not isinstance(found, Ptr):
        return False
    return not found.type or not is_context(btf, found.type, program_type)


def is_context_of(struct: str, program_type: str) -> bool:
    """Whether programs of a type may have a struct as their context."""
    return program_type in _OF_TYPES.get(struct, (program_type,))


def is_context(btf: Btf, type_id: int, program_type: str = "") -> bool:
    """Whether a type is the context of some program type, or may be that of this one."""
    to = btf.type(btf.resolve(type_id))
    name = to.name if isinstance(to, Composite) else ""
    if program_type and program_type not in _OF_TYPES.get(name, (program_type,)):
        return False
    return name in _CONTEXTS or btf.name(type_id) in _CONTEXTS


def _pointee(btf: Btf, type_id: int) -> str:
    found = btf.type(btf.resolve(type_id))
    to = btf.resolve(found.type) if isinstance(found, Ptr) and found.type else 0
    return "typed" if to else "void"


def tagged(btf: Btf, function: int) -> frozenset[int]:
    """Numbers of a function's arguments that a tag says more of."""
    tags = (btf.type(type_id) for type_id in btf.ids_of_kind(Kind.DECL_TAG))
    return frozenset(tag.component for tag in tags if tag.type == function)  # type: ignore[attr-defined]


def _judged(
    on_kernel: RelocatedObject,
    facts: KernelFacts,
    program: Program,
    start: int,
    name: str,
    pointers: dict[int, str],
) -> Iterator[Finding]:
    takes = facts.lists_helper(_WITNESS)
    first = min(pointers)
    if takes is not True:
        reached = _reach(on_kernel, program, start)
        yield (missing if takes is False and reached == "yes" else undecided)(
            "PC427",
            on_kernel.obj,
            program,
            name,
            f"{name}() is a global function, and this kernel takes no pointer for its argument {first + 1}",
            Evidence("btf", f"enum bpf_func_id does not list {_WITNESS}, which came with such arguments"),
            cause="the verifier says: Arg#N type PTR is not supported yet",
            fix="declare the function static, so that it is checked where it is called",
        )
        return
    nameless = [number for number, kind in pointers.items() if kind == "void"]
    if nameless and _reach(on_kernel, program, start) == "yes":
        yield missing(
            "PC427",
            on_kernel.obj,
            program,
            name,
            f"argument {nameless[0] + 1} of {name}(), a global function, is a pointer to void",
            Evidence("object", f"BTF of {name}"),
            cause="the verifier says: reference type size cannot be determined, or invalid args into func",
            fix="give the pointer the type of what it points to, or declare the function static",
        )
        return
    code = on_kernel.code(program)
    for use in accesses(code, _nothing, entry=_entry(start, pointers)):
        reached = _reach(on_kernel, program, use.slot)
        if use.checked or not use.size or reached == "no":
            continue
        origin = code.origins[use.slot]
        certain = reached == "yes" and pointers[use.word] != "tagged"
        made = (missing if certain else undecided)(
            "PC427",
            on_kernel.obj,
            program,
            name,
            f"{name}() is a global function and follows argument {use.word + 1} without comparing it with 0",
            Evidence("object", f"a read at offset {use.offset} of argument {use.word + 1}"),
            cause="checked on its own, every pointer may be null: invalid mem access 'mem_or_null'",
            fix="compare it with 0 first, declare the function static, or tag it __arg_nonnull (6.8)",
        )
        yield replace(made, location=place(on_kernel.obj, origin.section, origin.insn))
        return


def _nothing(offset: int, size: int) -> int | None:
    return None


def _entry(start: int, pointers: dict[int, str]) -> tuple[int, dict[int, Held]]:
    """What registers hold where the function begins; each argument is a read of its own."""
    return start, {number + 1: Held(number, read=-2 - number) for number in pointers if number < 5}


def _reach(on_kernel: RelocatedObject, program: Program, slot: int) -> str:
    return next(iter(on_kernel.reach(program, [slot]).values())).answer
