# SPDX-License-Identifier: Apache-2.0
"""What a program does with objects of the kernel's beyond its hook's arguments (PC435). Pure.

Followed are pointers from object to object: behind an argument, out of an iterator's or struct_ops' context,
from helpers that give one. Each read is looked up in the kernel's own struct (btf_struct_access()), nothing
may be written, and a helper or kernel function that wants one struct takes no other, nor a number
(btf_struct_ids_match(), process_kf_arg_ptr_to_btf_id()). What lies directly
behind the arguments of tracing programs is PC305's (`argument_structs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, Func, FuncProto, Ptr
from preflight.bytecode.helpers import helper_name
from preflight.bytecode.image import KfuncRef
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.argument_flow import Access, accesses
from preflight.predict.argument_structs import (
    OPERATOR,
    UNBOUNDED,
    followed,
    given_by_hook,
    word_of_arguments,
)
from preflight.predict.causes import missing, place, undecided
from preflight.predict.code import OwnNumber
from preflight.predict.helper_arguments import taken_by
from preflight.predict.hooks import member_prototype
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.kfunc_types import flags
from preflight.predict.rcu_sections import outside
from preflight.predict.struct_ops_rules import may_write, program_rules, rules_of
from preflight.predict.struct_walk import member_at, refusal
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.bytecode.insn import Insn
    from preflight.predict.code import Code
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

#: Helpers that give a pointer to a struct of the kernel's (`ret_btf_id` of their prototypes).
_GIVES: Final = {
    "get_current_task_btf": "task_struct",
    "skc_to_tcp6_sock": "tcp6_sock",
    "skc_to_tcp_sock": "tcp_sock",
    "skc_to_tcp_timewait_sock": "tcp_timewait_sock",
    "skc_to_tcp_request_sock": "tcp_request_sock",
    "skc_to_udp6_sock": "udp6_sock",
    "skc_to_unix_sock": "unix_sock",
    "skc_to_mptcp_sock": "mptcp_sock",
    "sock_from_file": "socket",
    "task_pt_regs": "pt_regs",
}
_Root = tuple[str, str, str]
_HOOK, _STRUCT_OPS = "hook", "struct_ops"
_NO_ROOT: Final[_Root] = ("", "", "")
#: What a helper gives is the word of this number less the helper's.
_GIVEN: Final = -10
#: Program types whose context holds objects.
_WITH_OBJECTS: Final = ("tracing", "lsm", "struct_ops")
_ITERATOR: Final = "trace_iter"
#: How structs begin that kernel functions are given on the stack, in values of maps or as the context
#: (get_kfunc_ptr_arg_type()).
_OF_THE_VERIFIER: Final = (
    "bpf_dynptr", "bpf_iter", "bpf_list", "bpf_rb_", "bpf_wq", "bpf_timer", "bpf_task_work", "bpf_res_spin",
    "__sk_buff", "xdp_md", "bpf_sock",
)  # fmt: skip
#: Flags of kernel functions whose objects have to be trusted; some only since 7.0.
_TRUSTING: Final = frozenset({"trusted", "|trusted", "rcu"})
#: How the kernel's structs are named that list members (BTF_TYPE_SAFE_TRUSTED() and the like); the last two
#: in an RCU section.
_LISTED: Final = ("__safe_trusted", "__safe_trusted_or_null", "__safe_rcu", "__safe_rcu_or_null")
_TRUSTED_RESULT: Final = "get_current_task_btf"
#: Whose arguments are trusted (prog_args_trusted()), and whose are not.
_TRUSTED_HOOKS: Final = frozenset({"trace_raw_tp", "trace_iter", "lsm_mac", "lsm_cgroup"})
_OF_FUNCTIONS: Final = frozenset({"trace_fentry", "trace_fexit", "modify_return"})
#: bpf_lsm_is_trusted()
_UNTRUSTED_HOOKS: Final = frozenset({
    "bpf_map_free", "bpf_prog_free", "file_alloc_security", "file_free_security", "sk_alloc_security",
    "sk_free_security", "task_free",
})  # fmt: skip
#: A kernel function of the version since which integers behind objects are read (6.17).
_READS_INTEGERS: Final = "bpf_strcmp"
#: What sockets of all kinds begin with.
_SOCKET: Final = "sock_common"
_DOING: Final = ("passes on", "writes to", "computes with", "reads")
_WORD: Final = 8
_DEPTH: Final = 8


def object_use_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC435 for the first use of an object that verifiers refuse, `unknown` where they may not."""
    root, gives = _root(on_kernel, program), _calls_one(on_kernel, program)
    if root is None and not gives:
        return
    code = on_kernel.code(program)
    others_ask = root is not None and root[0] == _HOOK and root[1] != _ITERATOR
    if others_ask and not gives and not _follows(on_kernel, program, code):
        return
    uses = _all_uses(on_kernel, program, with_context=root is not None)
    if others_ask:
        asked = {use.slot for use in followed(on_kernel, program, word_of_arguments)}
        uses = tuple(
            use
            for use in uses
            if use.path
            or use.given
            or (use.varies and not use.computes)
            or use.word <= _GIVEN
            or use.slot not in asked
        )
    functions = _functions(on_kernel, program)
    calls = code.memo("helpers-by-slot", lambda: {insn.slot: insn for insn in code.helper_calls})
    for use in uses:
        function = functions.get(use.slot, "")
        made = _judged(on_kernel, program, root or _NO_ROOT, use, calls.get(use.slot), function)
        if made is not None:
            yield made
            return


def decided_stores(on_kernel: RelocatedObject, program: Program) -> frozenset[int]:
    """The slots of a struct_ops program's stores to objects that are known, and so decided."""
    root = _root(on_kernel, program)
    if root is None:
        return frozenset()
    return frozenset(
        use.slot
        for use in _all_uses(on_kernel, program, with_context=True)
        if use.stores
        and on_kernel.ask_at(program, _written, root, use.size, use.word, use.offset, *use.path) is not None
    )


def _root(on_kernel: RelocatedObject, program: Program) -> _Root | None:
    """What tells where the objects in a program's context come from: how, and the names of a hook, or of a
    struct and its member. None for a context without any."""
    target = program.hook.target
    if program.program_type == _STRUCT_OPS:
        found = program_rules(on_kernel.obj, program)
        return None if found is None else (_STRUCT_OPS, *found[:2])
    if program.program_type not in _WITH_OBJECTS or target is None or not target.name or target.is_open:
        return None
    return (_HOOK, program.hook.attach_type, target.text)


def _calls_one(on_kernel: RelocatedObject, program: Program) -> bool:
    """Whether the program calls a helper that gives an object."""
    used = on_kernel.obj.usage(program).helpers
    return any(use.name.removeprefix("bpf_") in _GIVES for use in used)


def _follows(on_kernel: RelocatedObject, program: Program, code: Code) -> bool:
    """Whether a pointer is read out of what an argument leads to, or a helper called that wants an object."""
    if any(use.size == _WORD and not use.stores for use in followed(on_kernel, program, word_of_arguments)):
        return True
    if any(use.computes or not use.size for use in followed(on_kernel, program, word_of_arguments)):
        return True
    if _functions(on_kernel, program):
        return True
    return any(_wanted(insn, register) for insn in code.helper_calls for register in range(1, 6))


def _functions(on_kernel: RelocatedObject, program: Program) -> dict[int, str]:
    """The kernel functions that a program calls, by slot."""
    refs = on_kernel.obj.image(program).refs
    return {slot: ref.name.partition("___")[0] for slot, ref in refs.items() if isinstance(ref, KfuncRef)}


def _outside(on_kernel: RelocatedObject, program: Program, code: Code) -> frozenset[int]:
    """The calls of kernel functions outside of any section of RCU."""
    return code.memo("outside-of-rcu", lambda: outside(code, _functions(on_kernel, program)))


def _all_uses(on_kernel: RelocatedObject, program: Program, *, with_context: bool) -> tuple[Access, ...]:
    code, functions = on_kernel.code(program), _functions(on_kernel, program)
    return code.memo(
        ("object-uses", not with_context), lambda: _uses(code, functions, with_context=with_context)
    )


def _uses(code: Code, functions: Mapping[int, str], *, with_context: bool) -> tuple[Access, ...]:
    """What is done with objects, in the order of the program. Where relocation found a member, the struct is
    the one that the program took it for, and others ask whether that is so."""
    word_of = word_of_arguments if with_context else _nothing
    calls = {insn.slot: insn for insn in code.helper_calls}
    found = accesses(code, word_of, deep=True, result_of=_given_by)
    return tuple(
        use
        for use in found
        if (
            use.slot in functions or _wanted(calls.get(use.slot), use.given)
            if use.given
            else use.stores or use.varies or not _is_member(use.offset)
        )
    )


def _is_member(offset: int | OwnNumber) -> bool:
    """Whether it is the offset of a member that relocation found, and not one behind that."""
    return isinstance(offset, OwnNumber) and not offset.number.plus


def _nothing(offset: int, size: int) -> int | None:
    return None


def _given_by(insn: Insn) -> int | None:
    """The word of what a call gives."""
    if not insn.is_helper_call or helper_name(insn.imm).removeprefix("bpf_") not in _GIVES:
        return None
    return _GIVEN - insn.imm


def _judged(
    on_kernel: RelocatedObject, program: Program, root: _Root, use: Access, call: Insn | None, function: str
) -> Finding | None:
    why = None
    if use.given and function:
        asked = (root, function, use.given, use.word, use.offset, *use.path)
        why = on_kernel.ask_at(program, _other_than_declared, *asked)
        marks = flags(function)
        if why is None and marks & _TRUSTING:
            out = program.hook.sleepable and use.slot in _outside(on_kernel, program, on_kernel.code(program))
            way = (root, "rcu" in marks and not out, use.word)
            why = on_kernel.ask_at(program, _untrusted, *way, *use.path)
    elif use.given:
        wanted = _wanted(call, use.given)
        if wanted:
            why = on_kernel.ask_at(program, _other_struct, root, wanted, use.word, use.offset, *use.path)
    elif use.varies and (use.size or use.stores):
        if on_kernel.ask_at(program, _leads, root, use.word, *use.path):
            why = "invalid variable offset"
    elif use.computes:
        if on_kernel.ask_at(program, _leads, root, use.word, *use.path):
            why = UNBOUNDED if use.varies else OPERATOR
    elif use.stores:
        asks = _not_written if program.program_type == _STRUCT_OPS else _only_read
        why = on_kernel.ask_at(program, asks, root, use.size, use.word, use.offset, *use.path)
    elif use.size:
        why = on_kernel.ask_at(program, _refused, root, use.size, use.word, use.offset, *use.path)
        if why is None and use.path:
            why = on_kernel.ask_at(program, _behind_number, root, use.word, *use.path)
    if why is None:
        return None
    reached = next(iter(on_kernel.reach(program, [use.slot]).values())).answer
    certain = reached == "yes" and not use.joined and why != UNBOUNDED
    return None if reached == "no" else _finding(on_kernel, program, use, why, certain=certain)


@cache
def _wanted_by(helper: int, register: int) -> tuple[str, ...]:
    for one in taken_by(helper_name(helper).removeprefix("bpf_")):
        if one.register == register and {"object", "socket"} & set(one.word.split("|")):
            return one.structs or ((_SOCKET,) if "socket" in one.word else ())
    return ()


def _wanted(call: Insn | None, register: int) -> tuple[str, ...]:
    """The structs of the kernel's of which a helper wants one in a register; none for anything else."""
    return () if call is None else _wanted_by(call.imm, register)


def _finding(
    on_kernel: RelocatedObject, program: Program, use: Access, why: str, *, certain: bool
) -> Finding:
    origin = on_kernel.image(program).origins[use.slot]
    does = (use.given, use.stores, use.computes, True)
    doing = next(words for words, is_so in zip(_DOING, does, strict=True) if is_so)
    made = (missing if certain else undecided)(
        "PC435",
        on_kernel.obj,
        program,
        "",
        f"{program.name} {doing} an object of the kernel's: {why}",
        Evidence("object", f"instruction {origin.insn} of section {origin.section}"),
        Evidence("btf", why),
        cause=f"the verifier says: {why}, or the like",
        fix="follow the kernel's own types, or read it with bpf_probe_read_kernel()"
        + ("" if certain else "; decided by a load: `preflight lab run`"),
    )
    return replace(made, location=place(on_kernel.obj, origin.section, origin.insn))


# what is asked of the kernel's types


def _refused(target: KernelTarget, root: _Root, size: int, word: int, offset: int, *path: int) -> str | None:
    """Why a read of an object is refused."""
    struct = _struct(target, root, word, *path)
    return None if struct is None else refusal(target.kernel.btf, struct.id, offset, size)


def _behind_number(target: KernelTarget, root: _Root, word: int, *path: int) -> str | None:
    """Why nobody may follow a member that points to an integer, which is a number before 6.17."""
    btf, struct = target.kernel.btf, _struct(target, root, word, *path[:-1])
    member = None if struct is None else member_at(btf, struct.id, path[-1], _WORD)
    pointer = None if member is None else btf.type(btf.resolve(member[1].type))
    if not isinstance(pointer, Ptr) or not pointer.type or btf.ids_by_name(_READS_INTEGERS, {Kind.FUNC}):
        return None
    behind = btf.kind(btf.resolve(pointer.type))
    return "a pointer to an integer is a number to the verifier" if behind == Kind.INT else None


def _leads(target: KernelTarget, root: _Root, word: int, *path: int) -> bool:
    """Whether it is known to be an object of the kernel's."""
    return _struct(target, root, word, *path) is not None


def _only_read(
    target: KernelTarget, root: _Root, size: int, word: int, offset: int, *path: int
) -> str | None:
    """Why an object is not written to."""
    return "only read is supported" if _leads(target, root, word, *path) else None


def _not_written(
    target: KernelTarget, root: _Root, size: int, word: int, offset: int, *path: int
) -> str | None:
    """Why a program of a struct_ops does not write there (btf_struct_access() of its verifier operations)."""
    if _written(target, root, size, word, offset, *path) is not False:
        return None
    struct = _struct(target, root, word, *path)
    return f"no write support to {'' if struct is None else struct.name} at off {offset} with size {size}"


def _written(target: KernelTarget, root: _Root, size: int, word: int, offset: int, *path: int) -> bool | None:
    """Whether a program of a struct_ops may write there; None where it is not known."""
    struct = _struct(target, root, word, *path)
    name = "" if struct is None else struct.name
    return may_write(target.kernel.btf, root[1], name, offset, size) if name else None


def _other_struct(
    target: KernelTarget, root: _Root, wanted: tuple[str, ...], word: int, offset: int, *path: int
) -> str | None:
    """Why an object is none of the structs that a helper wants."""
    btf, struct = target.kernel.btf, _struct(target, root, word, *path)
    if struct is None and not path and _is_number(target, root, word):
        return f"it is a number to the verifier but {wanted[0]} is expected"
    if struct is None or not struct.name or any(_holds(btf, struct, one, offset) for one in wanted):
        return None
    return f"it is of type {struct.name} but {wanted[0]} is expected"


def _other_than_declared(
    target: KernelTarget, root: _Root, function: str, register: int, word: int, offset: int, *path: int
) -> str | None:
    """Why an object is none of the struct that a kernel function declares to take."""
    declared = _declared(target.kernel.btf, function, register)
    return None if declared is None else _other_struct(target, root, (declared,), word, offset, *path)


def _untrusted(target: KernelTarget, root: _Root, in_rcu: bool, word: int, *path: int) -> str | None:
    """Why an object is none that the verifier trusts, which is so of what tracing programs of functions get
    and of what is behind members that the kernel does not list (type_is_trusted(), type_is_rcu())."""
    how, attach_type, text = root
    if word <= _GIVEN:
        if helper_name(_GIVEN - word).removeprefix("bpf_") != _TRUSTED_RESULT:
            return None
    elif how == _HOOK and (attach_type not in _TRUSTED_HOOKS or text in _UNTRUSTED_HOOKS):
        return "it must be referenced or trusted" if attach_type in _OF_FUNCTIONS else None
    btf, listed = target.kernel.btf, _LISTED if in_rcu else _LISTED[:2]
    for number, offset in enumerate(path):
        struct = _struct(target, root, word, *path[:number])
        member = None if struct is None else member_at(btf, struct.id, offset, _WORD)
        if struct is None or member is None:
            return None
        lists = (_named(btf, f"{struct.name}{suffix}") for suffix in listed)
        names = {part.name for one in lists if one is not None for part in one.members}
        if member[1].name not in names:
            return f"it is behind {struct.name}.{member[1].name}, and must be referenced or trusted"
    return None


def _declared(btf: Btf, function: str, register: int) -> str | None:
    """The struct that a kernel function takes in a register; None for what is checked in other ways."""
    ids = btf.ids_by_name(function, {Kind.FUNC})
    found = btf.type(ids[0]) if ids else None
    proto = btf.type(found.type) if isinstance(found, Func) else None
    if not isinstance(proto, FuncProto) or register > len(proto.params):
        return None
    parameter = proto.params[register - 1]
    struct = _pointed(btf, parameter.type)
    if struct is None or "__" in parameter.name or struct.name.startswith(_OF_THE_VERIFIER):
        return None
    return struct.name or None


def _is_number(target: KernelTarget, root: _Root, word: int) -> bool:
    """Whether an argument of a hook is a number to the verifier, as pointers to none but structs are."""
    how, attach_type, text = root
    if how != _HOOK or attach_type == _ITERATOR or word < 0:
        return False
    given = target.ask(given_by_hook, attach_type, text) or []
    return word < len(given) and given[word].struct is None and not given[word].tagged


def _holds(btf: Btf, struct: Composite, wanted: str, offset: int) -> bool:
    """Whether a struct of that name begins at an offset of another one (btf_struct_ids_match())."""
    found: object = struct
    for _ in range(_DEPTH):
        if not isinstance(found, Composite):
            return False
        if offset == 0 and found.name == wanted:
            return True
        inner = (
            (btf.type(btf.resolve(one.type)), one.bit_offset // 8)
            for one in found.members
            if not one.bitfield_size
        )
        found, offset = next(
            ((one, offset - at) for one, at in inner
             if at <= offset < at + (getattr(one, "size", 0) or 0)), (None, 0))  # fmt: skip
    return False


def _struct(target: KernelTarget, root: _Root, word: int, *path: int) -> Composite | None:
    """The struct that is behind a word of the context, or given by a helper, and then behind members."""
    btf = target.kernel.btf
    found = _first(target, root, word)
    for offset in path:
        member = None if found is None else member_at(btf, found.id, offset, _WORD)
        if member is None:
            return None
        found = _pointed(btf, member[1].type)
    return found


def _first(target: KernelTarget, root: _Root, word: int) -> Composite | None:
    btf, (how, first, second) = target.kernel.btf, root
    if word <= _GIVEN:
        return _named(btf, _GIVES[helper_name(_GIVEN - word).removeprefix("bpf_")])
    if how == _STRUCT_OPS:
        proto = member_prototype(btf, first, second)
        passed = _pointed(btf, proto.params[word].type) if proto and word < len(proto.params) else None
        rules = rules_of(first)
        promoted = None if passed is None or rules is None else rules.reads_as.get(passed.name)
        return passed if promoted is None else _named(btf, promoted)
    if first == _ITERATOR:
        context = _named(btf, f"bpf_iter__{second}")
        member = None if context is None else member_at(btf, context.id, word * _WORD, _WORD)
        return None if member is None else _pointed(btf, member[1].type)
    given = target.ask(given_by_hook, first, second) or []
    return given[word].struct if word < len(given) and not given[word].tagged else None


def _named(btf: Btf, name: str) -> Composite | None:
    found = next((btf.type(one) for one in btf.ids_by_name(name, {Kind.STRUCT})), None)
    return found if isinstance(found, Composite) else None


def _pointed(btf: Btf, type_id: int) -> Composite | None:
    """The struct behind a pointer; None for one with a tag, and for what is no pointer to a struct."""
    pointer = btf.type(btf.resolve(type_id))
    if not isinstance(pointer, Ptr) or not pointer.type or btf.kind(pointer.type) == Kind.TYPE_TAG:
        return None
    found = btf.type(btf.resolve(pointer.type))
    return found if isinstance(found, Composite) else None
