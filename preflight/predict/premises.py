# SPDX-License-Identifier: Apache-2.0
"""What must hold before relocations can be asked for: BTF on both sides, the same machine."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.objects.arch import infer
from preflight.objects.model import BpfObject
from preflight.predict.target import KernelTarget

#: Other spellings of the same machine -> `uname -m`.
_SAME = {"amd64": "x86_64", "arm64": "aarch64", "s390": "s390x", "ppc64": "ppc64le", "i386": "i686"}


def object_without_btf(obj: BpfObject) -> Iterator[Finding]:
    """PC101: what an object without `.BTF` cannot do."""
    if obj.btf is not None:
        return
    needs = []
    if any(definition.origin == "btf" for definition in obj.maps) or obj.elf.section(".maps") is not None:
        needs.append("maps in .maps")
    if obj.externs:
        needs.append("externs")
    if obj.struct_ops:
        needs.append("struct_ops")
    if needs:
        title = f"{obj.name} has no .BTF, which its {' and '.join(needs)} need: libbpf refuses it (ENOENT)"
        verdict, severity = Verdict.MISSING, Severity.REQUIRED
    else:
        title = f"{obj.name} has no .BTF: it reads at the offsets it was compiled with, on every kernel"
        verdict, severity = Verdict.DEGRADED, Severity.RECOMMENDED
    yield Finding(
        code="PC101",
        verdict=verdict,
        severity=severity,
        title=title,
        subject=obj.name,
        evidence=(Evidence("object", "no section .BTF"),),
        location=Location(obj.name),
    )


def needs_kernel_btf(obj: BpfObject) -> list[str]:
    """Why libbpf would read the kernel's BTF (obj_needs_vmlinux_btf()); empty when it would not."""
    reasons = []
    records = sum(map(len, obj.btf_ext.core_relos.values())) if obj.btf_ext else 0
    if records:
        reasons.append(f"{records} CO-RE relocations")
    if any(extern.typed for extern in obj.externs):
        reasons.append("typed kernel symbols")
    if any(p.autoload and (p.hook.needs_kernel_btf or p.program_type == "struct_ops") for p in obj.programs):
        reasons.append("hooks that are found in BTF")
    return reasons


def kernel_without_btf(obj: BpfObject, kernel: str, why: str) -> Iterator[Finding]:
    """PC102: an object that needs kernel BTF on a kernel that shows none."""
    reasons = needs_kernel_btf(obj)
    if reasons:
        yield Finding(
            code="PC102",
            verdict=Verdict.MISSING,
            severity=Severity.REQUIRED,
            title=f"{obj.name} needs the kernel's BTF ({', '.join(reasons)}), and {kernel} has none",
            subject=obj.name,
            evidence=(Evidence("btf", why),),
            location=Location(obj.name),
        )


def machine_of(target: KernelTarget) -> tuple[str | None, str]:
    """A kernel's machine as `uname -m` prints it, None when it is not known, and its byte order."""
    return target.kernel.arch or infer(target.kernel.btf), target.kernel.byteorder


def wrong_machine(obj: BpfObject, kernel: tuple[str | None, str]) -> Iterator[Finding]:
    """PC211: an object compiled for another machine's registers, or another byte order (see `machine_of`)."""
    machine, byteorder = kernel
    if obj.byteorder != byteorder:
        detail = f"the object is {obj.byteorder}-endian, the kernel {byteorder}-endian"
        cause, fix = "no loader loads an object of the other byte order", _REBUILD_ORDER[byteorder]
        verdict, severity = Verdict.MISSING, Severity.REQUIRED
    elif obj.arch is not None and machine is not None and _name(obj.arch) != _name(machine):
        detail = f"the object reads {obj.arch} registers (struct pt_regs), the kernel is {machine}"
        cause = "PT_REGS_PARM1() and its like were compiled for the other machine's registers"
        define = _TARGET_ARCH.get(_name(machine), machine)
        fix = f"compile one object per machine: clang -D__TARGET_ARCH_{define}"
        verdict, severity = Verdict.DEGRADED, Severity.RECOMMENDED
    else:
        return
    yield Finding(
        code="PC211",
        verdict=verdict,
        severity=severity,
        title=f"{obj.name} was built for another machine: {detail}",
        subject=obj.name,
        evidence=(Evidence("btf", detail),),
        cause=cause,
        fix=fix,
        location=Location(obj.name),
    )


_REBUILD_ORDER = {
    "little": "compile it with clang --target=bpfel",
    "big": "compile it with clang --target=bpfeb",
}
_TARGET_ARCH = {
    "x86_64": "x86",
    "i686": "x86",
    "aarch64": "arm64",
    "armv7l": "arm",
    "s390x": "s390",
    "ppc64le": "powerpc",
    "riscv64": "riscv",
    "loongarch64": "loongarch",
    "mips64": "mips",
}


def _name(machine: str) -> str:
    return _SAME.get(machine, machine)
