# SPDX-License-Identifier: Apache-2.0
"""Predicted reachability against the verifier of the running kernel.

Everything is loaded for real, with a log of every instruction the verifier visits. The
release blocker is a false `no`: a visited instruction called unreachable.
"""

from __future__ import annotations

import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.btf import Btf
from preflight.bytecode.image import DataRef, Origin, ProgramImage
from preflight.bytecode.insn import decode
from preflight.bytecode.reach import Environment, MapShape, reach, reachable_slots
from preflight.bytecode.reach_explore import explore_paths
from preflight.bytecode.reach_graph import Graph, is_poison
from preflight.bytecode.reach_step import SURELY, Machine
from preflight.core.relocate import relocate_object
from preflight.core.target import Target
from preflight.host.bpf import syscall
from preflight.objects.kinds import INDEXED_MAPS
from preflight.objects.link import link
from preflight.objects.load import load
from tests.bytecode import oracle
from tests.bytecode.random_programs import write

pytestmark = pytest.mark.kernel

GUARDS = sorted((Path(__file__).parent / "guards").glob("*.bpf.c"), key=lambda path: path.name)

#: Guard programs the verifier must reject, because nothing keeps it from the miss.
OPEN = frozenset(
    [
        "argument_is_zero",
        "arithmetic_open",
        "callback_called_once",
        "callback_sets",
        "data_variable",
        "enum_value_exists_true",
        "enum_value_missing",
        "field_size_true",
        "global_argument",
        "guard_too_late",
        "iterator_open",
        "kconfig_set",
        "kernel_function_succeeds",
        "kconfig_version_open",
        "loop_carried",
        "loop_counter_open",
        "loop_hoisted",
        "map_value",
        "missing_type_read",
        "one_of_two_guarded",
        "or_open",
        "packet_end",
        "remainder_open",
        "reserve_fails",
        "settable_on",
        "socket_filter_unguarded",
        "stack_overwritten",
        "subprogram_two_callers",
        "type_exists_true",
        "unguarded",
        "unguarded_branch",
        "unguarded_tracepoint",
        "value_is_zero",
        "weak_kernel_function_unguarded",
        "weak_kernel_symbol_present",
        "wrong_guard",
        "wrong_guard_inverted",
    ]
)
#: Guard programs on which verifiers differ: `unknown` is the honest answer, whatever this kernel does.
DIFFERS = frozenset(
    [
        "array_never_null",
        "byte_swapped",
        "callback_called_twice",
        "callback_not_called",
        "callback_value_null",
        "compared_with_itself",
        "current_task_null",
        "difference_of_a_copy",
        "global_called_guarded",
        "kernel_context_null",
        "local_storage_null",
        "null_check_repeated",
        "packet_end_twice",
        "processor_number",
        "quotient",
        "range",
        "remainder",
        "shifted_forth_and_back",
        "signed_byte",
        "socket_of_context_null",
        "stack_narrow_number",
        "stack_trace_length",
        "string_length",
        "string_length_checked",
        "sum_of_a_copy",
    ]
)

#: Programs whose guard is a constant user space may set.
SETTABLE = frozenset({"settable_off", "settable_on", "settable_array", "settable_selects"})


def compiled(source: Path, compiler: str, cpu: str, where: Path) -> bytes:
    out = where / f"{source.name}.{compiler}.{cpu}.o"
    command = [compiler, "-target", "bpf", f"-mcpu={cpu}", "-O2", "-g", "-Wall", "-Werror"]
    multiarch = [f"-I{path}" for path in Path("/usr/include").glob("*-linux-gnu")]
    subprocess.run([*command, "-Wno-unused-function", *multiarch, "-c", source, "-o", out], check=True)
    return out.read_bytes()


def name_of(source: Path) -> str:
    return source.name.removesuffix(".bpf.c")


def misses(image: ProgramImage) -> list[int]:
    return [insn.slot for insn in decode(image.code, image.byteorder) if is_poison(insn)]


def test_there_are_enough_shapes_of_both_kinds() -> None:
    names = {name_of(source) for source in GUARDS}
    assert names >= OPEN | DIFFERS | SETTABLE
    assert len(OPEN) >= 20
    assert len(names - OPEN - DIFFERS) >= 40


@pytest.mark.parametrize("source", GUARDS, ids=name_of)
def test_guards(source: Path, compilers: list[tuple[str, str]], tmp_path: Path) -> None:
    """The oldest and the newest code a compiler makes for each, one other in turn."""
    name = name_of(source)
    middle = compilers[1:-1]
    turn = GUARDS.index(source) % len(middle) if middle else 0
    for compiler, cpu in dict.fromkeys([compilers[0], *middle[turn : turn + 1], compilers[-1]]):
        loaded = oracle.load(compiled(source, compiler, cpu, tmp_path), "probe")
        if absent := loaded.missing_kfunc:
            pytest.skip(f"this kernel has no {absent}")
        targets = misses(loaded.image)
        assert targets, f"{compiler} {cpu} left no miss"
        answers = reach(loaded.image, targets, loaded.environment)
        given = {answer.answer for answer in answers.values()}
        visited = loaded.visited
        assert visited - reachable_slots(loaded.image, loaded.environment) == set(), "false no"
        reached = not visited.isdisjoint(targets)
        assert reached or loaded.errno == 0, loaded.log[-2000:]
        if name in DIFFERS:
            assert given == {"unknown"}
            assert all(answer.why for answer in answers.values())
            continue
        assert reached == (name in OPEN), f"{compiler} {cpu}: this kernel disagrees with the list above"
        assert given <= {"yes", "no"}, f"{compiler} {cpu}: {answers}"
        assert ("yes" in given) == reached, f"{compiler} {cpu}: {answers}"
        for answer in answers.values():
            assert bool(answer.assumes) == (name in SETTABLE)
            assert answer.guards or answer.answer == "yes" or answer.why


def test_the_projects_own_linker_and_relocation_lead_to_the_same_answers(
    compilers: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Sources without externs, which take a kernel's configuration and symbols besides its BTF."""
    vmlinux = Path("/sys/kernel/btf/vmlinux")
    if not vmlinux.exists():
        pytest.skip("this kernel has no BTF")
    target = Target(Btf.parse(vmlinux.read_bytes()))
    for source in GUARDS:
        if re.search("__ksym|__kconfig", source.read_text()):
            continue
        name = name_of(source)
        obj = load(compiled(source, *compilers[0], tmp_path), name)
        image = link(obj, obj.programs[0])
        patches = relocate_object(obj, target).patches()
        places = {slot: (origin.section, origin.insn) for slot, origin in enumerate(image.origins)}
        image = image.patched({slot: patches[at] for slot, at in places.items() if at in patches})
        shapes = {
            found.name: MapShape(found.key_size, found.value_size, found.type in INDEXED_MAPS)
            for found in obj.maps
        }
        answers = reach(image, misses(image), Environment(maps=shapes))
        given = {answer.answer for answer in answers.values()}
        expected = "unknown" if name in DIFFERS else "yes" if name in OPEN else "no"
        assert expected in given, name
        assert expected == "yes" or given == {expected}, name
        if name.startswith("global"):
            assert image.global_subprogs, name


def test_a_kernel_known_to_verify_global_functions_lazily_decides(
    compilers: list[tuple[str, str]], tmp_path: Path
) -> None:
    (source,) = (path for path in GUARDS if name_of(path) == "global_called_guarded")
    loaded = oracle.load(compiled(source, *compilers[0], tmp_path), "probe")
    (target,) = misses(loaded.image)
    lazy = replace(loaded.environment, lazy_globals=True)
    eager = replace(loaded.environment, lazy_globals=False)
    assert reach(loaded.image, [target], lazy)[target].answer == "no"
    assert reach(loaded.image, [target], eager)[target].answer == "yes"


def test_installed_tools_hold_no_false_answer(libbpf_here: None) -> None:
    """Every instruction of every program of the installed libbpf-tools that loads here."""
    objects: dict[bytes, str] = {}
    for path in sorted(Path("/usr/sbin").iterdir()):
        raw = oracle.embedded_object(path) if path.is_file() and path.stat().st_size < 1 << 23 else None
        if raw is not None:
            objects.setdefault(raw, path.name)
    if not objects:
        pytest.skip("no libbpf-tools installed")
    false_no, false_yes, programs, visits = [], [], 0, 0
    for raw, tool in objects.items():
        for name, _ in oracle.programs(raw):
            loaded = oracle.load(raw, name)
            visited = loaded.visited
            if not visited:
                continue
            programs += 1
            visits += len(visited)
            missed = visited - reachable_slots(loaded.image, loaded.environment)
            if missed:
                false_no.append((tool, name, sorted(missed)[:5]))
            invented = surely(Graph(loaded.image), loaded.environment) - visited
            if loaded.errno == 0 and loaded.complete and invented:
                false_yes.append((tool, name, sorted(invented)[:5]))
    print(f"{len(objects)} objects, {programs} programs, {visits} visited instructions")
    assert false_no == []
    assert false_yes == []
    assert visits > 1000


def surely(graph: Graph, environment: Environment) -> set[int]:
    """Instructions the exact reading surely reaches."""
    machine = Machine(graph, environment, exact=True, newest=True)
    explore_paths(machine, 20_000, ())
    return {
        slot for slot, mark in enumerate(machine.reached) if mark & SURELY and graph.insns[slot] is not None
    }


DATA = bytes.fromhex(
    "0000000000000000 01000000ffffffff 0500070009010000 0000008000000080 0102030405060708"
) + bytes(8)
_VISITED = re.compile(r"^(\d+): \([0-9a-f]{2}\)", re.MULTILINE)


@pytest.fixture(scope="module")
def frozen_map(kernel_loads: None) -> int:
    """The descriptor of a read-only array with DATA, frozen as a loader does with .rodata."""
    read_only_for_programs = 1 << 7
    made = syscall.map_create(2, value_size=len(DATA), map_flags=read_only_for_programs)
    assert made.fd is not None
    assert syscall.map_update(made.fd.number, bytes(4), DATA).errno == 0
    assert syscall.map_freeze(made.fd.number).errno == 0
    yield made.fd.number
    made.fd.close()


@pytest.mark.skipif(
    Path("/proc/sys/kernel/panic_on_warn").exists()
    and Path("/proc/sys/kernel/panic_on_warn").read_text(encoding="ascii").strip() != "0",
    reason="odd arithmetic makes some verifiers warn about themselves (REG INVARIANTS VIOLATION on 6.18), "
    "and this machine panics on warnings",
)
@pytest.mark.parametrize("first", range(0, 60, 15))
def test_random_programs_hold_no_false_answer(first: int, frozen_map: int) -> None:
    """Joined and path by path."""
    seeds = range(first, first + 15)
    raw_tracepoint = 17
    visits = 0
    for seed in seeds:
        code, entries, loads = write(seed, frozen_map, DATA)
        made = syscall.prog_load(raw_tracepoint, code, log_level=2, log_size=1 << 22)
        if made.fd is not None:
            made.fd.close()
        visited = {int(slot) for slot in _VISITED.findall(made.log)}
        visits += len(visited)
        image = ProgramImage(
            name="random",
            section="",
            code=code,
            byteorder="little",
            subprogs=entries,
            origins=tuple(Origin("", slot) for slot in range(len(code) // 8)),
            refs={slot: DataRef(".rodata", offset, DATA) for slot, offset in loads.items()},
            global_subprogs=frozenset(),
        )
        assert visited - reachable_slots(image) == set(), f"seed {seed}"
        # Asked about alone, only what leads there is walked.
        for slot in random.Random(seed).sample(sorted(visited), min(4, len(visited))):
            assert reach(image, [slot], budget=1_000)[slot].answer != "no", f"seed {seed}, slot {slot}"
        machine = Machine(Graph(image), Environment(), exact=False)
        finished, _ = explore_paths(machine, 15_000, ())
        if finished:
            assert all(machine.reached[slot] for slot in visited), f"seed {seed}"
        if made.fd is not None and 0 in visited:  # all of it was verified, and is in the log
            assert surely(machine.graph, Environment()) - visited == set(), f"seed {seed}"
    assert visits > 100 * len(seeds) // 2
