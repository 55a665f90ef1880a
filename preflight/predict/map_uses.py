# SPDX-License-Identifier: Apache-2.0
"""Maps that a program may not use: by the helper they are given to, and by what they hold (PC426). Pure.

Which map a helper gets is followed along the program's paths; what is not seen on a path that every verifier
walks is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from preflight import tables
from preflight.btf import Kind
from preflight.btf.types import Composite
from preflight.bytecode.helpers import helper_name
from preflight.bytecode.image import MapRef
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.objects.parts import MapDef
from preflight.predict.causes import missing, place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.maps_passed import maps_passed
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage
    from preflight.bytecode.insn import Insn
    from preflight.bytecode.reach_reading import Environment, Shared
    from preflight.bytecode.state import State
    from preflight.predict.relocated import RelocatedObject

_BUDGET: Final = 20_000
_NO_PREALLOC: Final = 1
#: Maps that may lack preallocation and perf_event programs may use all the same: none of the hash kind.
_HASHES: Final = ("hash", "percpu_hash", "hash_of_maps")
_DEPTH: Final = 8


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "map_uses.toml")


def map_use_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC426 for each map of the program that it may not use, or may not give to the helper it gives it to."""
    obj = on_kernel.obj
    used = {ref.name for ref in obj.image(program).refs.values() if isinstance(ref, MapRef)}
    if not used:
        return
    for definition in (one for one in obj.all_maps if one.name in used):
        yield from _held(on_kernel, facts, program, definition)
    yield from _given(on_kernel, program)


def _held(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, definition: MapDef
) -> Iterator[Finding]:
    """What the map is made of, against the program's type."""
    obj, kind = on_kernel.obj, program.program_type
    for name, row in _table()["fields"].items():
        if kind not in row["types"] or not _has_field(obj, definition, name):
            continue
        if row.get("helper") and not _has_helper(facts, row["helper"]):
            continue  # to this kernel it is a struct like any other
        rule = undecided if row.get("open") and not _is_old(facts) else missing
        yield rule(
            "PC426",
            obj,
            program,
            definition.name,
            f"{kind} programs may not use map {definition.name}, whose values hold a {name}",
            Evidence("object", f"struct {name} in the value of {definition.name}"),
            cause=f"the verifier says: tracing progs cannot use {name} yet",
        )
    if program.hook.sleepable and kind != "syscall":
        yield from _sleepable(on_kernel, facts, program, definition)
    preallocated = definition.type not in _HASHES or not definition.flags & _NO_PREALLOC
    if kind == "perf_event" and not preallocated:
        yield from _not_preallocated(on_kernel, facts, program, definition)


def _sleepable(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, definition: MapDef
) -> Iterator[Finding]:
    """Map types that sleepable programs got one after the other."""
    table = _table()["sleepable"]
    if definition.type in table["always"] or definition.origin not in ("btf", "legacy"):
        return
    witness = table["later"].get(definition.type)
    if witness and (facts.lists_helper(witness) or facts.has_func(witness) or facts.symbol(witness)):
        return
    yield undecided(
        "PC426",
        on_kernel.obj,
        program,
        definition.name,
        f"nothing shows that sleepable programs may use map {definition.name}, a {definition.type}, here",
        Evidence("btf", f"no {witness or 'witness'} in this kernel's BTF"),
        cause="older verifiers say: Sleepable programs can only use array, hash, and ringbuf maps",
        fix="decided by a load on this kernel: `preflight lab run`",
    )


def _has_helper(facts: KernelFacts, name: str) -> bool:
    return facts.lists_helper(name) is not False


def _is_old(facts: KernelFacts) -> bool:
    """Whether the kernel is of those measured to refuse: without what the first that does not has."""
    return facts.symbol("bpf_async_schedule_op") == ""


def _not_preallocated(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, definition: MapDef
) -> Iterator[Finding]:
    """perf_event programs take only preallocated hashes, until an allocator came that is safe there (6.1)."""
    if facts.has_func("bpf_mem_alloc_init") or facts.symbol("bpf_mem_alloc_init"):
        return
    shown = Evidence("btf", "no bpf_mem_alloc_init(), with which hashes could be used there")
    rule = undecided if facts.symbol("bpf_mem_alloc_init") is None else missing
    yield rule(
        "PC426",
        on_kernel.obj,
        program,
        definition.name,
        f"perf_event programs may not use map {definition.name}, which is not preallocated",
        Evidence("object", f"flags {definition.flags:#x} of a {definition.type} map"),
        shown,
        cause="the verifier says: perf_event programs can only use preallocated hash map",
        fix="leave BPF_F_NO_PREALLOC out of the map's flags",
    )


def _has_field(obj: BpfObject, definition: MapDef, name: str) -> bool:
    if obj.btf is None or not definition.value_type:
        return False
    key = ("map-field", definition.value_type, name)
    return obj.memo(key, lambda: _holds(obj, definition.value_type, name, _DEPTH))


def _holds(obj: BpfObject, type_id: int, name: str, depth: int) -> bool:
    btf = obj.btf
    if btf is None or not depth or not type_id:
        return False
    found = btf.type(btf.resolve(type_id))
    if btf.kind(found.id) == Kind.ARRAY:
        return _holds(obj, found.type, name, depth - 1)  # type: ignore[attr-defined]
    if not isinstance(found, Composite):
        return False
    if found.name == name:
        return True
    return any(_holds(obj, member.type, name, depth - 1) for member in found.members)


def _given(on_kernel: RelocatedObject, program: Program) -> Iterator[Finding]:
    """Which map each helper gets, against what the verifier lets it have."""
    obj = on_kernel.obj
    maps = {one.name: one.type for one in obj.all_maps}
    image = on_kernel.obj.image(program)
    told = set()
    for slot, number, map_name in _maps_given(on_kernel, program):
        helper = helper_name(number).removeprefix("bpf_")
        kind = maps.get(map_name, "")
        if not kind or not _is_wrong(number, kind) or (helper, map_name) in told:
            continue
        told.add((helper, map_name))
        origin = image.origins[slot]
        made = missing(
            "PC426",
            obj,
            program,
            map_name,
            f"bpf_{helper}() does not take map {map_name}, which is a {kind}",
            Evidence("object", f"{program.name} passes {map_name} to helper {number}"),
            cause="the verifier says: cannot pass map_type into func",
        )
        yield replace(made, location=place(obj, origin.section, origin.insn))


def _maps_given(on_kernel: RelocatedObject, program: Program) -> tuple[tuple[int, int, str], ...]:
    numbers = _suspicious(on_kernel, program)
    if not numbers or not _may_pass_wrong(on_kernel, program, numbers):
        return ()
    return on_kernel.about(_given_to, program, numbers)


def _may_pass_wrong(on_kernel: RelocatedObject, program: Program, numbers: frozenset[int]) -> bool:
    """Whether a look at the instructions before the calls leaves open that one passes a wrong map."""
    kinds = {one.name: one.type for one in on_kernel.obj.all_maps}
    refs, code = on_kernel.obj.image(program).refs, on_kernel.code(program)
    return any(
        maps is None or any(_is_wrong(number, kinds.get(name, "")) for name in maps)
        for number, maps in code.memo("maps-passed", lambda: maps_passed(code, refs))
        if number in numbers
    )


def _is_wrong(number: int, kind: str) -> bool:
    """Whether a helper does not take a map of that type."""
    helper, table = helper_name(number).removeprefix("bpf_"), _table()
    takes = table["map"].get(kind, (helper,)), table["helper"].get(helper, (kind,))
    return helper not in takes[0] or kind not in takes[1]


def _given_to(
    image: ProgramImage, environment: Environment, numbers: frozenset[int], *, shared: Shared | None = None
) -> tuple[tuple[int, int, str], ...]:
    """(slot, helper, map) of calls of some helpers that every verifier comes to with that map."""
    from preflight.bytecode.reach_explore import explore_paths
    from preflight.bytecode.reach_graph import Graph
    from preflight.bytecode.reach_step import Machine, Successors
    from preflight.bytecode.state import POINTER

    found: dict[tuple[int, str], int] = {}

    class Watching(Machine):
        def _call_helper(self, insn: Insn, state: State) -> Successors:
            if insn.imm in numbers and not state.doubt:
                for value in state.frames[-1].regs[1:4]:
                    if value.kind == POINTER and isinstance(value.data, MapRef):
                        found[(insn.slot, value.data.name)] = insn.imm
            return super()._call_helper(insn, state)

    explore_paths(Watching(Graph(image, shared=shared), environment, exact=True), _BUDGET, ())
    return tuple((slot, number, name) for (slot, name), number in sorted(found.items()))


def _suspicious(on_kernel: RelocatedObject, program: Program) -> frozenset[int]:
    """Helpers of the program that do not take every map of it that could be meant."""
    obj, table = on_kernel.obj, _table()
    used = {ref.name for ref in obj.image(program).refs.values() if isinstance(ref, MapRef)}
    kinds = {one.type for one in obj.all_maps if one.name in used}
    found = set()
    for use in obj.usage(program).helpers:
        helper = use.name.removeprefix("bpf_")
        takes = table["helper"].get(helper)
        listed = takes is not None or helper in _ALL_MAPS
        if listed and any(
            helper not in table["map"].get(kind, (helper,)) or kind not in (takes or (kind,))
            for kind in kinds
        ):
            found.add(use.number or 0)
    return frozenset(found)


#: Helpers that take any map but those that are reserved for others.
_ALL_MAPS: Final = ("map_lookup_elem", "map_update_elem", "map_delete_elem")
