# SPDX-License-Identifier: Apache-2.0
"""What an object asks of a kernel and a host: one `Need` per thing, with the place that asks for it.

Read off the linked program, before anybody asks whether it is there. Whether a need that
is not met does any harm depends on reachability, which is asked only then
(`RelocatedObject.reach`): a helper behind a guard is no need at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from preflight.objects.model import BpfObject, Program
from preflight.objects.parts import SourceLine
from preflight.objects.usage import Use
from preflight.records import dataclass

#: Kinds of needs, in the order they are shown.
KINDS = (
    "byte-order",
    "arch",
    "btf",
    "program-type",
    "hook",
    "function",
    "tracepoint",
    "map-type",
    "helper",
    "kfunc",
    "isa",
    "size",
)

#: Program types whose verifier limit is the large one on every kernel that has BPF complexity limits raised.
SMALL_PROGRAM = 4096


@dataclass(frozen=True, slots=True)
class Need:
    """One thing an object asks for.

    `kind` is one of KINDS; `name` what is needed (a helper's name, a map type, a function);
    `program` the program that needs it, "" for the object as a whole; `program_type` that
    program's type. `number` is a helper's id. `place` is the first instruction that asks,
    `source` its line; `why` one phrase for people. `weak`: the object copes without it.
    """

    kind: str
    name: str
    program: str
    program_type: str
    why: str
    number: int | None = None
    place: tuple[str, int] | None = None
    source: SourceLine | None = None
    weak: bool = False


def object_needs(obj: BpfObject, programs: Iterable[Program] | None = None) -> tuple[Need, ...]:
    """All needs of the programs that load by default (or of `programs`), each thing once per program."""
    chosen = [p for p in obj.programs if p.autoload] if programs is None else list(programs)
    # The programs are kept beside the answer, so that no other ones can come to their ids.
    _, needs = obj.memo(("needs", *map(id, chosen)), lambda: (chosen, _needs(obj, chosen)))
    return needs


def _needs(obj: BpfObject, chosen: list[Program]) -> tuple[Need, ...]:
    needs = [*_of_object(obj, bool(chosen))]
    for program in chosen:
        needs += _of_program(obj, program)
    needs += _maps(obj, chosen)
    return tuple(sorted(needs, key=lambda need: KINDS.index(need.kind)))


def _of_object(obj: BpfObject, any_program: bool) -> Iterator[Need]:
    if not any_program:
        return
    yield Need("byte-order", obj.byteorder, "", "", f"the object is {obj.byteorder}-endian")
    if obj.arch is not None:
        yield Need("arch", obj.arch, "", "", f"its source reads {obj.arch} registers")
    isa = obj.isa
    if isa.level > 1:
        place = (isa.first.section, isa.first.insn) if isa.first else None
        yield Need("isa", f"v{isa.level}", "", "", f"compiled code uses {isa.proof}", None, place, isa.source)
    records = sum(map(len, obj.btf_ext.core_relos.values())) if obj.btf_ext else 0
    if records:
        yield Need("btf", "vmlinux", "", "", f"{records} CO-RE relocations")
    elif any(p.autoload and p.hook.needs_kernel_btf for p in obj.programs):
        yield Need("btf", "vmlinux", "", "", "hooks that are found in the kernel's BTF")


def _of_program(obj: BpfObject, program: Program) -> Iterator[Need]:
    kind = program.program_type
    if kind != "unknown":
        yield Need("program-type", kind, program.name, kind, f'SEC("{program.section}")')
    yield from _hook(program)
    used = obj.usage(program)
    if used.insn_count > SMALL_PROGRAM:
        yield Need("size", str(used.insn_count), program.name, kind, f"{used.insn_count} instructions")
    yield from (_use("helper", use, program) for use in used.helpers)
    yield from (_use("kfunc", use, program) for use in used.kfuncs)


def _use(kind: str, use: Use, program: Program) -> Need:
    place = (use.first.section, use.first.insn)
    why = f"called by {program.name}"
    return Need(
        kind, use.name, program.name, program.program_type, why, use.number, place, use.source, use.weak
    )


#: Targets that name something in the kernel: kind of the target -> kind of the need.
_TARGETS = {"function": "function", "raw-tracepoint": "tracepoint", "tracepoint": "tracepoint"}


def _hook(program: Program) -> Iterator[Need]:
    hook = program.hook
    if not hook.prefix:
        return
    yield Need("hook", hook.prefix, program.name, program.program_type, f'SEC("{program.section}")')
    target = hook.target
    if target is None or target.is_open or target.kind not in _TARGETS:
        return
    name = f"{target.category}/{target.name}" if target.category else target.name
    yield Need(_TARGETS[target.kind], name, program.name, program.program_type, f'SEC("{program.section}")')


def _maps(obj: BpfObject, programs: list[Program]) -> Iterator[Need]:
    """Every map the loader creates: it does so whether or not a program of it is loaded."""
    users = {use.name: program for program in reversed(programs) for use in obj.usage(program).maps}
    for definition in obj.all_maps:
        if not definition.autocreate or definition.type == "unspec":
            continue
        user = users.get(definition.name)
        yield Need(
            "map-type",
            definition.type,
            user.name if user else "",
            user.program_type if user else "",
            f"map {definition.name}",
        )
