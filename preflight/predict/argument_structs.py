# SPDX-License-Identifier: Apache-2.0
"""Arguments that a tracing program follows, against what the kernel passes there (PC305, PC307). Pure.

To the verifier an argument points to the struct of the kernel's own prototype, whatever the program
declares; each load is looked up in that struct (btf_struct_access()). What is a number may not be followed.
A program written for another signature is refused, or loads and reads something else. Measured on 5.10, 6.1,
6.12 and 7.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from preflight import tables
from preflight.btf import Btf, Kind, essential_name
from preflight.btf.types import Composite, FuncProto, Ptr
from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Severity, Verdict
from preflight.objects.model import Program
from preflight.predict.argument_flow import Access, accesses
from preflight.predict.causes import missing, place, undecided
from preflight.predict.hooks import prototype_of
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.struct_walk import refusal
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

_WITH_RESULT: Final = ("trace_fexit", "trace_fsession", "modify_return", "lsm_mac", "lsm_cgroup")
#: How names of parameters end that may be null (btf_param_match_suffix() in btf_ctx_access()).
_NULLABLE: Final = "__nullable"
_TRUSTED: Final = ("trace_raw_tp", "lsm_mac", "lsm_cgroup")
_LOAD: Final = "decided by a load on this kernel: `preflight lab run`"
_DEPTH: Final = 8


#: What verifiers say of what pointers do not take; bounds of what is subtracted are not known here.
OPERATOR: Final = "pointer arithmetic with this operator prohibited"
UNBOUNDED: Final = "math between ptr_ pointer and register with unbounded min value is not allowed"


class _Argument(NamedTuple):
    """What the kernel passes in one word: the struct it points to (None: a number to the verifier) and its C.

    `tagged`: the pointer carries a type tag, which makes it memory of another kind. `nullable`: the kernel's
    name of it says that it may be null.
    """

    struct: Composite | None
    text: str
    tagged: bool
    nullable: bool = False


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "nullable_arguments.toml")


def argument_struct_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC305 for each argument that is followed as something else, PC307 for one that may be null."""
    arguments = arguments_of(on_kernel, program)
    if arguments is None:
        return
    uses = followed(on_kernel, program, word_of_arguments)
    told: set[tuple[str, int]] = set()
    for use in uses:
        if use.word >= len(arguments):
            continue
        for made in _judged(on_kernel, facts, program, use, arguments[use.word]):
            if (key := (f"{made.code}{made.verdict}", use.word)) not in told:
                told.add(key)
                yield made


def arguments_of(on_kernel: RelocatedObject, program: Program) -> tuple[Shown, ...] | None:
    """What a program's hook hands over; None where that is not known, or nothing with types."""
    target = program.hook.target
    if target is None or not target.name or target.is_open or program.attach_type == "trace_iter":
        return None
    if program.program_type not in ("tracing", "lsm"):
        return None
    found: tuple[Shown, ...] | None = on_kernel.ask(_shown, program.hook.attach_type, target.text)
    return found


def followed(on_kernel: RelocatedObject, program: Program, word_of: Any) -> list[Access]:
    """The program's accesses through its arguments on this kernel."""
    code = on_kernel.code(program)
    return code.memo(("accesses", word_of), lambda: accesses(code, word_of))


def word_of_arguments(offset: int, size: int) -> int | None:
    """The argument that a read of the context gives."""
    return offset // 8 if offset >= 0 and offset % 8 == 0 and size == 8 else None


def given_by_hook(target: KernelTarget, attach_type: str, text: str) -> list[_Argument] | None:
    """What the target's context holds, result included; None for no such target, or a variable number."""
    found = prototype_of(target, attach_type, text)
    if found is None or found[1].variadic:
        return None
    return words_of(target, *found, with_result=attach_type in _WITH_RESULT)


class Shown(NamedTuple):
    """An argument without its types: `points` to a struct, its C, whether it is `tagged`, or `nullable`."""

    points: bool
    text: str
    tagged: bool
    nullable: bool = False


def shown(argument: _Argument) -> Shown:
    """An argument as it can be compared between kernels."""
    return Shown(argument.struct is not None, argument.text, argument.tagged, argument.nullable)


def _shown(target: KernelTarget, attach_type: str, text: str) -> tuple[Shown, ...] | None:
    found = target.ask(given_by_hook, attach_type, text)
    return None if found is None else tuple(map(shown, found))


def argument_of(target: KernelTarget, attach_type: str, text: str, word: int) -> Composite | None:
    """The struct that an argument points to."""
    return (target.ask(given_by_hook, attach_type, text) or [])[word].struct


def _refusal(
    target: KernelTarget, attach_type: str, text: str, word: int, offset: int, size: int
) -> str | None:
    given = argument_of(target, attach_type, text, word)
    return None if given is None else refusal(target.kernel.btf, given.id, offset, size)


def _is_other(target: KernelTarget, attach_type: str, text: str, word: int, declared: str) -> bool:
    given = argument_of(target, attach_type, text, word)
    return not same_or_embedded(target.kernel.btf, declared, given)


def words_of(
    target: KernelTarget, btf: Btf, proto: FuncProto, first: int, *, with_result: bool
) -> list[_Argument]:
    """What the context holds, 8 bytes by 8 bytes."""
    words: list[_Argument] = []
    for param in proto.params[first:]:
        found = btf.type(btf.resolve(param.type))
        width = max(1, (found.size + 7) // 8) if isinstance(found, Composite) else 1
        given = _argument(target, btf, param.type)
        words += [given._replace(nullable=True) if param.name.endswith(_NULLABLE) else given] * width
    if with_result:
        words.append(_argument(target, btf, proto.ret))
    return words


def _argument(target: KernelTarget, btf: Btf, type_id: int) -> _Argument:
    """Made once for all functions that have such an argument."""
    known = target.arguments.get((btf, type_id))
    if known is None:
        known = target.arguments[btf, type_id] = _described(btf, type_id)
    found: _Argument = known
    return found


def _described(btf: Btf, type_id: int) -> _Argument:
    from preflight.btf.c_decl import spell

    pointer = btf.type(btf.resolve(type_id)) if type_id else None
    text = spell(btf, type_id, "").strip() if type_id else "void"
    if not isinstance(pointer, Ptr) or not pointer.type:
        return _Argument(None, text, False)
    inner, tagged = pointer.type, False
    for _ in range(_DEPTH):
        if btf.kind(inner) != Kind.TYPE_TAG:
            break
        tagged, inner = True, btf.type(inner).type  # type: ignore[attr-defined]
    found = btf.type(btf.resolve(pointer.type))
    return _Argument(found if isinstance(found, Composite) else None, text, tagged)


def _judged(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, use: Access, given: Shown
) -> Iterator[Finding]:
    declared = declared_struct(on_kernel, program, use.slot)
    target = program.hook.target.text if program.hook.target else ""
    asked = program.hook.attach_type, target, use.word
    other = declared is not None and on_kernel.ask(_is_other, *asked, declared)
    why = None
    if use.size and not given.points:
        why = "the verifier takes it for a number and lets nobody follow it"
    elif use.stores:
        why = "only read is supported"
    elif use.computes and given.points:
        why = UNBOUNDED if use.varies else OPERATOR
    elif use.size:
        why = on_kernel.ask_at(program, _refusal, *asked, use.offset, use.size)
    if why is not None:
        yield from _stopped(on_kernel, program, use, given, declared, why)
    elif other and given.points:
        yield wrong_struct(on_kernel, program, use, declared or "", given.text, _name(program))
    moved = use.size or not use.computes
    if moved and given.points and not use.checked and why is None:
        yield from _may_be_null(on_kernel, facts, program, use, named=given.nullable)


def _stopped(
    on_kernel: RelocatedObject,
    program: Program,
    use: Access,
    given: Shown,
    declared: str | None,
    why: str,
) -> Iterator[Finding]:
    reached = next(iter(on_kernel.reach(program, [use.slot]).values())).answer
    if reached == "no":
        return
    certain = reached == "yes" and not given.tagged and why != UNBOUNDED
    as_what = f" as struct {declared}" if declared else ""
    doing = "computes with it:" if use.computes else "writes" if use.stores else "reads"
    what = f"argument {use.word + 1} of {_name(program)}"
    origin = on_kernel.image(program).origins[use.slot]
    made = (missing if certain else undecided)(
        "PC305",
        on_kernel.obj,
        program,
        str(use.word + 1),
        f"{program.name} follows {what}{as_what}, which is {given.text} in this kernel: {why}",
        Evidence("btf", f"{what} is {given.text}"),
        Evidence("object", f"{doing} {use.size} bytes at offset {use.offset} of what it points to"),
        cause="the function's signature is another one than the program was written for, or the argument "
        f"is none that may be followed; the verifier says: {why}",
        fix="declare the argument as this kernel has it, or read it with bpf_probe_read_kernel()"
        + ("" if certain else f"; {_LOAD}"),
    )
    yield replace(made, location=place(on_kernel.obj, origin.section, origin.insn))


def wrong_struct(
    on_kernel: RelocatedObject, program: Program, use: Access, declared: str, text: str, target: str
) -> Finding:
    """The finding of an argument that is read as another struct, without an error."""
    origin = on_kernel.image(program).origins[use.slot]
    return Finding(
        code="PC305",
        verdict=Verdict.DEGRADED,
        severity=Severity.RECOMMENDED,
        title=f"{program.name} reads argument {use.word + 1} of {target} as struct {declared}; it is {text} "
        "in this kernel: wrong data, no error",
        subject=f"{program.name}/{use.word + 1}",
        evidence=(Evidence("btf", f"argument {use.word + 1} of {target} is {text}"),),
        cause="the signature is another one than the program was written for, or the argument is cast",
        fix="hold the program against the prototype in this kernel's BTF (bpftool btf dump ... format c)",
        location=place(on_kernel.obj, origin.section, origin.insn),
        confidence=Confidence.MEDIUM,
        data={"argument": use.word + 1, "declared": declared},
    )


def declared_struct(on_kernel: RelocatedObject, program: Program, slot: int) -> str | None:
    """The struct, without its flavour, that the program's own relocation names at this slot."""
    origin = on_kernel.image(program).origins[slot]
    record = on_kernel.by_place.get((origin.section, origin.insn))
    if record is None or record.kind != "byte_off" or on_kernel.obj.btf is None:
        return None
    btf = on_kernel.obj.btf
    root = btf.type(btf.resolve(record.type_id))
    return essential_name(root.name) if isinstance(root, Composite) and root.name else None


def same_or_embedded(btf: Btf, declared: str, given: Composite | None) -> bool:
    """Whether a pointer to the one is a pointer to the other: the same name, or one begins with the other."""
    if given is None or not given.name:
        return True
    if essential_name(given.name) == declared or _begins_with(btf, given, declared):
        return True
    mine = btf.ids_by_name(declared, {Kind.STRUCT, Kind.UNION})
    wanted = essential_name(given.name)
    return not mine or any(_begins_with(btf, btf.type(one), wanted) for one in mine)


def _begins_with(btf: Btf, outer: object, name: str) -> bool:
    """Whether a struct has a struct of that name at its beginning, however deep."""
    for _ in range(_DEPTH):
        if not isinstance(outer, Composite) or not outer.members:
            return False
        first = [btf.type(btf.resolve(m.type)) for m in outer.members if not m.bit_offset]
        if any(isinstance(one, Composite) and essential_name(one.name) == name for one in first):
            return True
        outer = next((one for one in first if isinstance(one, Composite)), None)
    return False


def _name(program: Program) -> str:
    return program.hook.target.name if program.hook.target else program.name


def _may_be_null(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, use: Access, *, named: bool
) -> Iterator[Finding]:
    """Arguments that the verifier wants compared with 0 before they are followed: those of some tracepoints,
    and those that are `named` so."""
    name, table = _name(program), _table()
    if named and program.attach_type in _TRUSTED:
        shown = Evidence("btf", f"the kernel's name of argument {use.word + 1} ends with {_NULLABLE}")
        yield from _null(on_kernel, program, use, shown, certain=True)
        return
    always = use.word + 1 in table["always"].get(name, ())
    later = use.word + 1 in table["later"].get(name, ())
    if program.attach_type != "trace_raw_tp" or not (always or later):
        return
    has_list = facts.data_symbol(table["witness"])
    if has_list is False:
        return
    listed = f"{table['witness']} {'is' if has_list else 'may be'} among this kernel's symbols"
    yield from _null(on_kernel, program, use, Evidence("procfs", listed), certain=has_list is True and always)


def _null(
    on_kernel: RelocatedObject, program: Program, use: Access, shown: Evidence, *, certain: bool
) -> Iterator[Finding]:
    """PC307 where the verifier comes to it."""
    name = _name(program)
    reached = next(iter(on_kernel.reach(program, [use.slot]).values())).answer
    if reached == "no":
        return
    certain = certain and reached == "yes" and bool(use.size)
    origin = on_kernel.image(program).origins[use.slot]
    made = (missing if certain else undecided)(
        "PC307",
        on_kernel.obj,
        program,
        str(use.word + 1),
        f"{program.name} follows argument {use.word + 1} of {name}, which may be null",
        shown,
        Evidence("object", f"no comparison with 0 before the read at offset {use.offset}"),
        cause="the verifier says: invalid mem access 'trusted_ptr_or_null_'",
        fix="compare the argument with 0 first; it is null at times" + ("" if certain else f"; {_LOAD}"),
    )
    yield replace(made, location=place(on_kernel.obj, origin.section, origin.insn))
