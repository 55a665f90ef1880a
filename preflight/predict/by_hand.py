# SPDX-License-Identifier: Apache-2.0
"""The same facts by hand: llvm-objdump for the object, bpftool for the kernel."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.objects.model import BpfObject


def commands(paths: Sequence[str], objects: Sequence[BpfObject], kernels: Sequence[str]) -> list[str]:
    """Shell lines, most useful first; `kernels` are BTF files; names are quoted for a shell."""
    from shlex import quote

    found = []
    for path in paths:
        found += [
            f"llvm-objdump -d -r -S {quote(path)}  # instructions with source lines and CO-RE records",
            f"llvm-objdump -s -j .BTF.ext {quote(path)}  # the records themselves",
            f"bpftool btf dump file {quote(path)} format raw  # the object's types",
        ]
    for kernel in kernels:
        found.append(f"bpftool btf dump file {quote(kernel)} format c  # the kernel's types")
        found += [
            f"bpftool -d gen min_core_btf {quote(kernel)} /dev/null {quote(path)} 2>&1"
            "  # libbpf's own word on every relocation"
            for path in paths
        ]
    if any(
        obj.data[:4] == b"\x7fELF" and obj.name not in {p.rpartition("/")[2] for p in paths}
        for obj in objects
    ):
        found.append("# an object inside an executable has to be carved out before llvm-objdump can read it")
    return found
