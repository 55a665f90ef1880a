# SPDX-License-Identifier: Apache-2.0
"""What `preflight core` does between its options and its output."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from preflight.cli.exits import exit_for
from preflight.errors import InputError, UsageError
from preflight.findings.model import Finding
from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject
from preflight.predict.core_report import Judged, Wanted, judge, summarise, without_btf
from preflight.predict.relocated import RelocatedObject, relocated
from preflight.predict.target import KernelTarget


class Request(NamedTuple):
    """The options, checked."""

    objects: tuple[str, ...]
    kernels: tuple[str, ...]
    loader: str
    only: str
    program: str
    type: str
    modules: tuple[str, ...]
    store: str
    show_commands: bool
    fail_on: str
    undecided: str
    listing: bool = True


class _Without(NamedTuple):
    """A kernel that was named and shows no BTF."""

    name: str
    why: str


def run(request: Request) -> tuple[dict[str, Any], int]:
    """The result object and the exit code. UsageError when nothing matches the filters.

    Without `listing` no relocation is listed, only findings: the text form shows none by default.
    """
    from preflight.loaders.table import NAMES
    from preflight.objects.sources import open_all
    from preflight.render.envelope import envelope

    objects = open_all(request.objects)
    loaders = NAMES if request.loader == "all" else (request.loader,)
    judged: list[Judged] = []
    overall: list[Finding] = []
    by_kernel: dict[tuple[int, str], dict[str, tuple[Finding, ...]]] = {}
    names: list[str] = []
    kernels = _kernels(request)
    kernels.reverse()
    while kernels:
        # popped, so that a kernel's BTF is freed before the next one is read
        kernel = kernels.pop()
        names.append(kernel.name)
        ready = _Ready(kernel, request)
        for number, obj in enumerate(objects):
            results = {name: ready.judge(obj, name) for name in loaders}
            judged += results.values()
            for name, one in results.items():
                by_kernel.setdefault((number, name), {})[kernel.name] = one.findings
            overall += ready.differences(obj)
    _must_match(request, judged)
    if len(names) > 1:
        from preflight.predict.across import across_kernels

        found = (across_kernels(objects[n].name, name, by_kernel[n, name]) for n, name in by_kernel)
        overall += [finding for finding in found if finding is not None]
    findings = [*overall, *(finding for one in judged for finding in one.findings)]
    code = int(exit_for(findings, request.fail_on, request.undecided))
    more: dict[str, Any] = {"findings": [finding.to_dict() for finding in overall]}
    if request.show_commands:
        from preflight.predict.by_hand import commands

        more["commands"] = commands(request.objects, objects, names)
    summary = summarise(judged, overall, code, names)
    return envelope("core", summary, [one.result for one in judged], **more), code


class _Ready:
    """One kernel, held against object after object."""

    def __init__(self, kernel: Kernel | _Without, request: Request) -> None:
        self._kernel = kernel
        self._wanted = Wanted(request.only, request.program, request.type, request.listing)
        self._last: dict[str, RelocatedObject] = {}
        self._target: KernelTarget | None = None
        if isinstance(kernel, Kernel):
            from preflight.kernels.indexed import use_index

            use_index(kernel)
            self._target = KernelTarget(kernel, _modules(kernel, request.modules))

    def judge(self, obj: BpfObject, loader: str) -> Judged:
        if self._target is None:
            why = self._kernel.why if isinstance(self._kernel, _Without) else ""
            return without_btf(obj, self._kernel.name, loader, why)
        try:
            on_kernel = relocated(obj, self._target, loader)
            if self._last and next(iter(self._last.values())).obj is not obj:
                self._last.clear()
            self._last[loader] = on_kernel
            return judge(on_kernel, self._wanted)
        except InputError as error:
            raise error.about(f"{obj.name} on {self._kernel.name}") from None

    def differences(self, obj: BpfObject) -> list[Finding]:
        """Where the loaders that just judged the object differ."""
        if len(self._last) < 2:
            return []
        from preflight.predict.loader_findings import loader_findings

        return loader_findings(self._last)


def _kernels(request: Request) -> list[Kernel | _Without]:
    from preflight.kernels.refs import resolve
    from preflight.kernels.store import Store

    store = Store(Path(request.store)) if request.store else None
    found: dict[str, Kernel | _Without] = {}
    for ref in request.kernels:
        try:
            for kernel in resolve(ref, store):
                found.setdefault(kernel.name, kernel)
        except InputError as error:
            if not _has_no_btf(error):
                raise
            found.setdefault(ref, _Without(ref, str(error)))
    return list(found.values())


def _has_no_btf(error: InputError) -> bool:
    """Whether an error means a kernel without BTF, which is an answer, and not a file that is none."""
    return "shows no BTF" in error.message or "holds no BTF" in error.message


def _modules(kernel: Kernel, wanted: tuple[str, ...]) -> tuple[str, ...] | None:
    """The modules to take as loaded; UsageError for one whose BTF nobody has."""
    if not wanted:
        return None
    for name in wanted:
        if name not in (kernel.modules or ()):
            known = "no module BTF is known of it" if not kernel.modules else "its BTF is not known"
            raise UsageError(f"--module {name[:60]!r}: {known} ({kernel.name})")
    return wanted


def _must_match(request: Request, judged: list[Judged]) -> None:
    if (request.program or request.type) and not any(one.matched for one in judged):
        asked = " and ".join(
            f"{option} {value[:60]!r}"
            for option, value in (("--program", request.program), ("--type", request.type))
            if value
        )
        raise UsageError(f"no relocation of these objects matches {asked}")
