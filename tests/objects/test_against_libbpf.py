# SPDX-License-Identifier: Apache-2.0
"""Our linker against libbpf itself: the same instructions, in the same order.

libbpf loads the objects with every bpf(2) call faked (`oracle/fake_bpf.c`), so no privilege and no kernel
take part. Compared is every byte but the descriptors only a kernel can give and the slots CO-RE patches.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.bytecode.image import DataRef, KfuncRef, KsymRef, MapRef, ProgramImage
from preflight.objects import BpfObject, load

ORACLE = Path(__file__).parent / "oracle"


@pytest.fixture(scope="module")
def libbpf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shim and the dumper, built here; skips where they cannot be."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("libbpf")
    shim = ["cc", "-shared", "-fPIC", "-o", folder / "fake.so", ORACLE / "fake_bpf.c", "-ldl"]
    dump = ["cc", "-o", folder / "dump", ORACLE / "dump_insns.c", "-lbpf"]
    for command in (shim, dump):
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            pytest.skip(f"libbpf's development files are missing: {built.stderr.splitlines()[0]}")
    return folder


def dumped(folder: Path, objects: list[BpfObject]) -> Iterator[tuple[BpfObject, str, bytes]]:
    """(object, program, libbpf's instructions) of every program libbpf opened."""
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
    current = objects[0]
    for line in run.stdout.splitlines():
        word, rest = line.split(" ", 1)
        if word == "object":
            path, outcome = rest.rsplit(" ", 1)
            assert outcome != "open", f"libbpf cannot open {path}"
            current = objects[int(Path(path).name.split(".")[0])]
        else:
            yield current, word, bytes.fromhex(rest)


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


def test_every_program_of_libbpf_tools(libbpf: Path, corpus: list[BpfObject]) -> None:
    compared = 0
    for obj, name, code in dumped(libbpf, corpus):
        assert_same_code(obj, obj.image(obj.program(name)), code)
        compared += 1
    assert compared == 240


def test_nested_subprograms_callbacks_and_data(libbpf: Path) -> None:
    if shutil.which("clang") is None:
        pytest.skip("no clang to compile the sample")
    multiarch = f"/usr/include/{os.uname().machine}-linux-gnu"
    command = ["clang", "-target", "bpf", "-O2", "-g", "-mcpu=v3", "-I", multiarch, "-c"]
    built = subprocess.run(
        [*command, ORACLE / "sample.bpf.c"], cwd=libbpf, capture_output=True, text=True, check=False
    )
    if built.returncode:
        pytest.skip(f"the sample does not compile here: {built.stderr.splitlines()[0]}")
    obj = load((libbpf / "sample.bpf.o").read_bytes(), "sample.bpf.o")
    assert not obj.problems
    assert {s.name for s in obj.subprograms} >= {"leaf", "middle", "global_leaf", "each", "replaceable"}
    compared = {}
    for _, name, code in dumped(libbpf, [obj]):
        assert_same_code(obj, obj.image(obj.program(name)), code)
        compared[name] = obj.usage(obj.program(name))
    assert compared.keys() == {"first", "second", "loops", "off"}
    assert compared["loops"].callbacks
    assert len(compared["first"].subprograms) == 3
    assert obj.isa.level == 3
    limit = obj.data_section(".rodata")
    assert limit is not None
    assert {v.name: v.settable for v in limit.variables}["limit"]
