# SPDX-License-Identifier: Apache-2.0
"""Our reader and linker against libbpf itself: the same programs, maps and instructions.

libbpf loads the objects with every bpf(2) call faked (`oracle/fake_bpf.c`), so no privilege and no kernel
take part. Of the instructions every byte is compared but the descriptors only a kernel can give and the
slots CO-RE patches.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from preflight.bytecode.image import DataRef, KfuncRef, KsymRef, MapRef, ProgramImage
from preflight.objects import BpfObject, MapDef, load
from preflight.objects.hooks import SECTION_DEFS
from preflight.objects.kinds import attach_type_number, program_type_number
from tests import elfwriter as e
from tests.elfwriter import ElfWriter

ORACLE = Path(__file__).parent / "oracle"


@dataclass
class Dump:
    """What libbpf says of one object."""

    programs: list[tuple[str, int, int, bool, str]] = field(default_factory=list)
    maps: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    code: dict[str, bytes] = field(default_factory=dict)


@pytest.fixture(scope="module")
def libbpf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shim and the dumper, built here; skips where they cannot be."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("libbpf")
    shim = ["cc", "-shared", "-fPIC", "-o", folder / "fake.so", ORACLE / "fake_bpf.c", "-ldl"]
    dump = ["cc", "-o", folder / "dump", ORACLE / "dump.c", "-lbpf"]
    for command in (shim, dump):
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            pytest.skip(f"libbpf's development files are missing: {built.stderr.splitlines()[0]}")
    return folder


@pytest.fixture(scope="module")
def sample(libbpf: Path) -> BpfObject:
    """`oracle/sample.bpf.c`, compiled here."""
    if shutil.which("clang") is None:
        pytest.skip("no clang to compile the sample")
    multiarch = f"/usr/include/{os.uname().machine}-linux-gnu"
    command = ["clang", "-target", "bpf", "-O2", "-g", "-mcpu=v3", "-I", multiarch, "-c"]
    built = subprocess.run(
        [*command, ORACLE / "sample.bpf.c"], cwd=libbpf, capture_output=True, text=True, check=False
    )
    if built.returncode:
        pytest.skip(f"the sample does not compile here: {built.stderr.splitlines()[0]}")
    return load((libbpf / "sample.bpf.o").read_bytes(), "sample.bpf.o")


def dumps(folder: Path, objects: list[BpfObject]) -> list[Dump]:
    """libbpf's view of the objects, in their order. Fails when libbpf does not open one."""
    files = []
    for n, obj in enumerate(objects):
        files.append(folder / f"{n}.bpf.o")
        files[-1].write_bytes(obj.data)
    run = subprocess.run(
        [folder / "dump", *files],
        env=os.environ | {"LD_PRELOAD": str(folder / "fake.so")},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[Dump] = []
    for line in run.stdout.splitlines():
        word, rest = line.split(" ", 1)
        if word == "object":
            assert rest.endswith(" -"), f"libbpf cannot open {objects[len(found)].name}"
            found.append(Dump())
        elif word == "program":
            name, kind, attach, autoload, section = rest.split(" ", 4)
            found[-1].programs.append((name, int(kind), int(attach), autoload == "1", section))
        elif word == "map":
            *numbers, name = rest.split(" ", 9)
            found[-1].maps.append((name, tuple(int(number) for number in numbers)))
        elif word == "code":
            name, code = rest.split(" ")
            found[-1].code[name] = bytes.fromhex(code)
    return found


def assert_same_code(obj: BpfObject, image: ProgramImage, expected: bytes) -> None:
    assert len(image.code) == len(expected), f"{obj.name}/{image.name}: another length"
    relocated = obj.btf_ext.core_relos if obj.btf_ext else {}
    core = {(section, r.insn) for section, records in relocated.items() for r in records}
    slot = 0
    while slot < len(image.origins):
        ours, theirs = image.code[slot * 8 : slot * 8 + 8], expected[slot * 8 : slot * 8 + 8]
        wide = ours[0] == 0x18
        origin, ref = image.origins[slot], image.refs.get(slot)
        if (origin.section, origin.insn) in core:
            slot += 2 if wide else 1
            continue
        if isinstance(ref, (MapRef, DataRef)):
            theirs = theirs[:4] + ours[4:]
        elif isinstance(ref, (KsymRef, KfuncRef)):
            ours, theirs = ours[:2], theirs[:2]
        assert ours == theirs, f"{obj.name}/{image.name}: instruction {slot}"
        slot += 1


def assert_same_facts(obj: BpfObject, dump: Dump) -> None:
    ours = [
        (
            program.name,
            program_type_number(program.program_type),
            attach_type_number(program.attach_type) if program.attach_type else 0,
            program.autoload,
            program.section.removeprefix("?"),
        )
        for program in obj.programs
    ]
    assert ours == dump.programs
    assert len(obj.all_maps) == len(dump.maps)
    for definition, (name, numbers) in zip(obj.all_maps, dump.maps, strict=True):
        assert name.endswith(definition.name)
        assert _numbers(definition) == numbers, f"{obj.name}/{name}"


def _numbers(definition: MapDef) -> tuple[int, ...]:
    return (
        definition.type_number,
        definition.key_size,
        definition.value_size,
        definition.max_entries,
        definition.flags,
        definition.map_extra,
        definition.numa_node or 0,
        int(definition.pinned),
        int(definition.autocreate),
    )


def test_every_program_and_map_of_libbpf_tools(libbpf: Path, corpus: list[BpfObject]) -> None:
    compared = 0
    for obj, dump in zip(corpus, dumps(libbpf, corpus), strict=True):
        assert_same_facts(obj, dump)
        for name, code in dump.code.items():
            assert_same_code(obj, obj.image(obj.program(name)), code)
            compared += 1
    assert compared == 240


def test_nested_subprograms_callbacks_and_data(libbpf: Path, sample: BpfObject) -> None:
    assert not sample.problems
    assert {s.name for s in sample.subprograms} >= {"leaf", "middle", "global_leaf", "each", "replaceable"}
    (dump,) = dumps(libbpf, [sample])
    assert_same_facts(sample, dump)
    assert dump.code.keys() == {"first", "second", "loops", "off"}
    for name, code in dump.code.items():
        assert_same_code(sample, sample.image(sample.program(name)), code)


def test_what_the_sample_was_made_to_show(sample: BpfObject) -> None:
    uses = {program.name: sample.usage(program) for program in sample.programs}
    assert uses["loops"].callbacks
    assert len(uses["first"].subprograms) == 3
    assert sample.isa.level == 3
    rodata = sample.data_section(".rodata")
    assert rodata is not None
    assert {v.name: v.settable for v in rodata.variables}["limit"]


def test_every_section_name_means_what_libbpf_takes_it_for(libbpf: Path) -> None:
    w = ElfWriter()
    for n, definition in enumerate(SECTION_DEFS):
        bare = definition.pattern.removesuffix("+")
        section = bare + "/target" if definition.pattern.endswith("+") else bare
        w.code(section, [e.mov(0, 0), e.exit_()], functions=[f"p{n}"])
    w.code("no/such_thing", [e.mov(0, 0), e.exit_()], functions=["unknown"])
    w.license()
    obj = load(w.bytes(), "sections")
    (dump,) = dumps(libbpf, [obj])
    compared = 0
    for program, (name, kind, attach, _, _) in zip(obj.programs, dump.programs, strict=True):
        assert program.name == name
        if kind == 0:
            continue  # this libbpf is older than the section
        ours = attach_type_number(program.attach_type) if program.attach_type else 0
        assert (program_type_number(program.program_type), ours) == (kind, attach), program.section
        compared += 1
    assert compared > 80
