# SPDX-License-Identifier: Apache-2.0
"""BTF, wrong data, loaders, several kernels and hooks: where each code arises and where it does not."""

from __future__ import annotations

from preflight.findings.model import Finding
from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject
from preflight.predict.across import across_kernels
from preflight.predict.core_findings import core_findings
from preflight.predict.loader_findings import loader_findings
from preflight.predict.premises import kernel_without_btf
from preflight.predict.relocated import relocated
from preflight.predict.target import KernelTarget
from tests.host.cases import Case
from tests.predict import scenes


def _on(obj: BpfObject, kernel: Kernel) -> list[Finding]:
    return core_findings(scenes.on(obj, kernel))


def _across(kernels: dict[str, Kernel]) -> list[Finding]:
    obj = scenes.reader("pid")
    found = across_kernels(obj.name, "libbpf", {name: _on(obj, kernel) for name, kernel in kernels.items()})
    return [found] if found else []


def _loaders(kernel: Kernel) -> list[Finding]:
    obj, target = scenes.number_reader(direct=True), KernelTarget(kernel)
    return loader_findings({name: relocated(obj, target, name) for name in ("libbpf", "cilium", "aya")})


X86 = ("r15", "r14", "di")

CASES = {
    "PC101": Case(
        passing=lambda: _on(scenes.reader("pid"), scenes.kernel()),
        failing=lambda: _on(scenes.without_types(maps=True), scenes.kernel()),
    ),
    "PC102": Case(
        passing=lambda: list(kernel_without_btf(scenes.without_types(), "old", "no BTF")),
        failing=lambda: list(kernel_without_btf(scenes.reader("pid"), "old", "no BTF")),
    ),
    "PC207": Case(
        passing=lambda: _across({"a": scenes.kernel(["pid"]), "b": scenes.kernel(["x", "pid"])}),
        failing=lambda: _across({"a": scenes.kernel(["pid"]), "b": scenes.kernel(["x"])}),
    ),
    "PC208": Case(
        passing=lambda: _on(scenes.number_reader(), scenes.number_kernel(4)),
        failing=lambda: _on(scenes.number_reader(), scenes.number_kernel(8)),
    ),
    "PC209": Case(
        passing=lambda: _on(scenes.number_reader(signed=True), scenes.number_kernel(4, signed=True)),
        failing=lambda: _on(scenes.number_reader(), scenes.number_kernel(4, signed=True)),
    ),
    "PC210": Case(
        passing=lambda: _on(scenes.copy_reader(), scenes.copy_kernel(0)),
        failing=lambda: _on(scenes.copy_reader(), scenes.copy_kernel(16)),
    ),
    "PC211": Case(
        passing=lambda: _on(scenes.register_reader("di", X86), scenes.kernel()),
        failing=lambda: _on(scenes.register_reader("orig_x0"), scenes.kernel()),
    ),
    "PC212": Case(
        passing=lambda: _loaders(scenes.number_kernel(4)),
        failing=lambda: _loaders(scenes.number_kernel(8)),
    ),
    "PC301": Case(
        passing=lambda: _on(scenes.hooked("fentry/do_made"), scenes.tracepoint_kernel("do_made", 1)),
        failing=lambda: _on(scenes.hooked("fentry/do_gone"), scenes.tracepoint_kernel("do_made", 1)),
    ),
    "PC302": Case(
        passing=lambda: _on(scenes.hooked("tp_btf/made", argument=1), scenes.tracepoint_kernel("made", 2)),
        failing=lambda: _on(scenes.hooked("tp_btf/made", argument=1), scenes.tracepoint_kernel("made", 1)),
    ),
}
