#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write fixtures/core: what libbpf answers, so that tests hold without libbpf.

    python tools/fetch_test_kernels.py && python tools/freeze_core_truth.py

Needs libbpf's source (fetched), a C compiler, clang in both versions, the fetched kernels
and the installed libbpf-tools. Every answer is compared with ours first; nothing is written when
one differs.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.btf import Btf, essential_name  # noqa: E402
from preflight.core import Target  # noqa: E402
from preflight.objects import BpfObject  # noqa: E402
from tests.differential import frozen  # noqa: E402
from tests.differential.oracle import build as oracle  # noqa: E402
from tests.differential.random_worlds import make_world, pack  # noqa: E402
from tests.differential.reduce import reduce  # noqa: E402
from tests.differential.support import (  # noqa: E402
    Subject,
    differences,
    digest_of,
    host_kernel,
    packaged_kernels,
    paths,
    relocate_as_the_oracle,
    subject,
    synthetic_objects,
    tool_objects,
)


def _names(objects: Iterable[BpfObject]) -> set[str]:
    """Everything the objects could ask a kernel for, by essential name."""
    names: set[str] = set()
    for obj in objects:
        if obj.btf is not None and obj.btf_ext is not None:
            for records in obj.btf_ext.core_relos.values():
                ids = {r.type_id for r in records if r.type_id < obj.btf.type_count}
                names |= {essential_name(obj.btf.name(type_id)) for type_id in ids}
        for program in obj.programs:
            if program.hook.needs_kernel_btf:
                name = program.section.partition("/")[2].rpartition(":")[2]
                names |= {prefix + name for prefix in ("", "btf_trace_", "bpf_lsm_", "bpf_iter_")}
        names |= {extern.essential for extern in obj.externs}
    return names - {""}


def _stripped(subjects: Iterable[Subject], folder: Path) -> list[Subject]:
    """The objects without debug information beyond BTF."""
    found = []
    for one in subjects:
        path = folder / one.name
        done = subprocess.run(["llvm-strip", "-g", "-o", path, one.path], check=False, capture_output=True)
        content = path.read_bytes() if done.returncode == 0 else one.path.read_bytes()
        found.append(subject(one.name, content, folder))
    return found


def _ask(
    btf: Path, target: Target, subjects: list[Subject], modules: dict[str, Path] | None = None
) -> dict[str, str]:
    """libbpf's answers as digests by object name; exits when ours differ."""
    answers = oracle.run(btf, paths(subjects), modules=modules or {})
    for one, answer in zip(subjects, answers, strict=True):
        found = differences(answer, relocate_as_the_oracle(one.obj, target))
        if found:
            sys.exit(f"{one.name} on {btf.name} differs from libbpf: {found[0]}")
    return {one.name: digest_of(answer) for one, answer in zip(subjects, answers, strict=True)}


def main() -> int:
    """Command line."""
    truth: dict[str, Any] = {"libbpf": oracle.libbpf_version(), "kernels": {}, "tools": {}, "worlds": {}}
    frozen.KERNELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        own = _stripped((*synthetic_objects("little"), *synthetic_objects("big")), folder)
        tools = list(tool_objects())
        names = _names(one.obj for one in (*own, *tools))
        kernels = list(packaged_kernels())
        host = host_kernel()
        if host is not None and host.release:
            kernels.append(("host:" + host.release, host))
        for name, kernel in kernels:
            short = f"{name.partition(':')[0]}-{(kernel.release or 'unknown').split('-')[0].split('+')[0]}"
            data = reduce(kernel.btf, names)
            path = folder / f"{short}.btf"
            path.write_bytes(data)
            compressed = lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)
            (frozen.KERNELS / f"{short}.btf.xz").write_bytes(compressed)
            target = Target(Btf.parse(data))
            truth["kernels"][short] = _ask(path, target, own)
            by_name = _ask(path, target, tools)
            truth["tools"][short] = {one.obj.sha256: by_name[one.name] for one in tools}
        for seed in frozen.WORLDS:
            world = make_world(seed)
            (folder / "vmlinux").write_bytes(world.vmlinux)
            modules = {}
            for name, data in world.modules.items():
                modules[name] = folder / name
                modules[name].write_bytes(data)
            vmlinux = Btf.parse(world.vmlinux)
            target = Target(vmlinux, [(n, Btf.parse(d, vmlinux)) for n, d in world.modules.items()])
            subjects = [subject(name, data, folder / "world") for name, data in world.objects.items()]
            truth["worlds"][str(seed)] = {
                "world": hashlib.sha256(pack(world)).hexdigest()[:16],
                "objects": _ask(folder / "vmlinux", target, subjects, modules),
            }
        frozen.OBJECTS.write_bytes(frozen.pack({one.name: one.path.read_bytes() for one in own}))
    frozen.TRUTH.write_text(json.dumps(truth, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    print(
        f"{len(truth['kernels'])} kernels, {len(own)} + {len(tools)} objects, {len(truth['worlds'])} worlds"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
