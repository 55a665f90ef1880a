# SPDX-License-Identifier: Apache-2.0
"""One source compiled for both byte orders gives the same facts."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.bytecode.image import DataRef
from preflight.bytecode.insn import decode
from preflight.objects import BpfObject, load

SAMPLE = Path(__file__).parent / "oracle" / "sample.bpf.c"


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[BpfObject, BpfObject]:
    if shutil.which("clang") is None:
        pytest.skip("no clang to compile the sample")
    folder = tmp_path_factory.mktemp("twins")
    multiarch = f"/usr/include/{os.uname().machine}-linux-gnu"
    found = []
    for target in ("bpfel", "bpfeb"):
        command = ["clang", "-target", target, "-O2", "-g", "-I", multiarch, "-c", str(SAMPLE)]
        built = subprocess.run(
            [*command, "-o", f"{target}.o"], cwd=folder, capture_output=True, text=True, check=False
        )
        if built.returncode:
            pytest.skip(f"the sample does not compile here: {built.stderr.splitlines()[0]}")
        found.append(load((folder / f"{target}.o").read_bytes(), "sample.bpf.o"))
    return found[0], found[1]


def test_the_same_programs_maps_and_externs(twins: tuple[BpfObject, BpfObject]) -> None:
    little, big = (obj.to_dict() for obj in twins)
    assert (little["byteorder"], big["byteorder"]) == ("little", "big")
    for differing in ("byteorder", "sha256", "bytes"):
        del little[differing], big[differing]
    assert little == big


def test_the_same_linked_instructions(twins: tuple[BpfObject, BpfObject]) -> None:
    little, big = twins
    assert len(little.programs) == 4
    for program in little.programs:
        ours, theirs = little.image(program), big.image(big.program(program.name))
        assert decode(ours.code, "little") == decode(theirs.code, "big")
        assert (ours.subprogs, ours.origins) == (theirs.subprogs, theirs.origins)
        bare = [
            {s: replace(r, frozen=None) if isinstance(r, DataRef) else r for s, r in image.refs.items()}
            for image in (ours, theirs)
        ]
        assert bare[0] == bare[1]
