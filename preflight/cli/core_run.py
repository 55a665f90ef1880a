# SPDX-License-Identifier: Apache-2.0
"""What `preflight core` does between its options and its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.cli.core_memory import Answered, CoreMemory
from preflight.cli.core_objects import Objects
from preflight.cli.exits import exit_for
from preflight.cli.targets import WithoutBtf, kernels_named, modules_named
from preflight.errors import InputError, UsageError
from preflight.findings.model import Finding
from preflight.kernels.model import Kernel
from preflight.predict.core_report import Judged, Wanted, judge, summarise, without_btf

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.relocated import RelocatedObject
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
    spelled: bool = False


def asked(
    objects: Sequence[str],
    *,
    kernel: Sequence[str] = ("host",),
    loader: str = "libbpf",
    only: str = "all",
    program: str = "",
    type_: str = "",
    module: Sequence[str] = (),
    store: str = "",
    format_: Sequence[str] = (),
    show_commands: bool = False,
    fail_on: str = "required",
    undecided: str = "exit3",
    color: str = "auto",
    verbose: int = 0,
) -> int:
    """Answer, write the result, and give the exit code. The parameters are the options of `core`."""
    import sys

    from preflight.cli.options import choose
    from preflight.cli.output import emit, split_format
    from preflight.cli.targets import object_paths
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "recommended", "never"))
    choose("--undecided", undecided, ("exit3", "ok", "fail"))
    choose("--only", only, ("misses", "fatal", "all"))
    choose("--loader", loader, ("libbpf", "cilium", "aya", "all"))
    forms = renderers("core")
    for wanted in format_:
        split_format(wanted, list(forms))
    result, code = run(
        Request(
            object_paths(objects), tuple(kernel), loader, only, program, type_, tuple(module), store,
            show_commands, fail_on, undecided,
            listing=verbose > 0 or any(f.startswith("json") for f in format_),
            spelled=bool(format_) and all(f.startswith("json") for f in format_),
        )
    )  # fmt: skip
    emit(result, format_, forms, color=color, verbose=verbose)
    if code:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code


def run(request: Request) -> tuple[dict[str, Any], int]:
    """The result object and the exit code. UsageError when nothing matches the filters.

    Without `listing` no relocation is listed, only findings: the text form shows none by default. With
    `spelled` those listed are texts already, see `preflight.findings.spelled.Rows`.
    """
    from preflight.render.envelope import envelope

    asker = _Asker(request)
    judged: list[Judged] = []
    overall: list[Finding] = []
    by_kernel: dict[tuple[int, str], dict[str, tuple[Finding, ...]]] = {}
    names: list[str] = []
    places: list[str] = []
    kernels = kernels_named(request.kernels, request.store)
    if len(kernels) > 1:
        from preflight.btf.quick import expect_kernels

        expect_kernels()
        asker.several = True
    kernels.reverse()
    while kernels:
        # popped, so that a kernel's BTF is freed before the next one is read
        kernel = kernels.pop()
        names.append(kernel.name)
        places.append(_place(kernel))
        for number, (one, differences) in enumerate(asker.answers(kernel)):
            aliases = asker.objects.aliases(asker.objects.keys[number])
            judged += one.values()
            overall += differences
            for name, result in one.items():
                result.result["aliases"] = aliases
                by_kernel.setdefault((number, name), {})[kernel.name] = result.findings
    _must_match(request, judged)
    if len(names) > 1:
        from preflight.predict.across import across_kernels

        first = judged[:: len(asker.loaders)]
        found = (across_kernels(first[n].result["object"], name, by_kernel[n, name]) for n, name in by_kernel)
        overall += [finding for finding in found if finding is not None]
    findings = [*overall, *(finding for one in judged for finding in one.findings)]
    code = int(exit_for(findings, request.fail_on, request.undecided))
    more: dict[str, Any] = {"findings": [finding.to_dict() for finding in overall]}
    if request.show_commands:
        from preflight.predict.by_hand import commands

        more["commands"] = commands(request.objects, asker.objects.all(), places)
    summary = summarise(judged, overall, code, names)
    return envelope("core", summary, [one.result for one in judged], **more), code


class _Asker:
    """Holds all objects against kernel after kernel; what was answered before is not asked again."""

    def __init__(self, request: Request) -> None:
        from preflight.loaders.table import NAMES

        self._request = request
        #: Whether more than one kernel will be asked about.
        self.several = False
        self.loaders = NAMES if request.loader == "all" else (request.loader,)
        options = (request.loader, request.only, request.program, request.type, str(request.listing))
        self._memory = CoreMemory((*options, *request.modules))
        self.objects = Objects(request.objects)

    def answers(self, kernel: Kernel | WithoutBtf) -> list[Answered]:
        """Per object: how it was judged by loader, and where the loaders differ."""
        memory = self._memory.of(kernel) if isinstance(kernel, Kernel) else None
        keys = self.objects.keys
        known = {} if memory is None else memory.recall(keys)
        if len(known) < len(keys):
            ready = _Ready(kernel, self._request, several=self.several)
            new = {}
            for key in keys:
                if key not in known:
                    obj = self.objects.open(key)
                    by_loader = {name: ready.judge(obj, name) for name in self.loaders}
                    new[key] = Answered(by_loader, ready.differences(obj))
            if memory is not None:
                memory.keep(new)
            known |= new
        return [known[key] for key in keys]


class _Ready:
    """One kernel, held against object after object."""

    def __init__(self, kernel: Kernel | WithoutBtf, request: Request, *, several: bool) -> None:
        self._kernel = kernel
        self._wanted = Wanted(request.only, request.program, request.type, request.listing, request.spelled)
        self._last: dict[str, RelocatedObject] = {}
        self._target: KernelTarget | None = None
        self._facts: KernelFacts | None = None
        if isinstance(kernel, Kernel):
            from preflight.kernels.indexed import use_index
            from preflight.predict.target import KernelTarget

            use_index(kernel)
            self._target = KernelTarget(kernel, modules_named(kernel, request.modules))
            if several:
                from preflight.predict.kernel_facts import KernelFacts

                self._facts = KernelFacts(self._target)

    def judge(self, obj: BpfObject, loader: str) -> Judged:
        """How an object fares on the kernel under a loader."""
        from preflight.predict.relocated import RelocatedObject

        if self._target is None:
            why = self._kernel.why if isinstance(self._kernel, WithoutBtf) else ""
            return without_btf(obj, self._kernel.name, loader, why)
        try:
            on_kernel = RelocatedObject(obj, self._target, loader)
            if self._last and next(iter(self._last.values())).obj is not obj:
                self._last.clear()
            self._last[loader] = on_kernel
            return judge(on_kernel, self._wanted, self._facts)
        except InputError as error:
            raise error.about(f"{obj.name} on {self._kernel.name}") from None

    def differences(self, obj: BpfObject) -> list[Finding]:
        """Where the loaders that just judged the object differ."""
        if len(self._last) < 2:
            return []
        from preflight.predict.loader_findings import loader_findings

        return loader_findings(self._last)


def _place(kernel: Kernel | WithoutBtf) -> str:
    """The file a kernel's BTF can be read from by hand; its name when there is none."""
    path = kernel.contents.btf.path if isinstance(kernel, Kernel) else None
    return str(path) if path is not None else kernel.name


def _must_match(request: Request, judged: list[Judged]) -> None:
    if (request.program or request.type) and not any(one.matched for one in judged):
        asked = " and ".join(
            f"{option} {value[:60]!r}"
            for option, value in (("--program", request.program), ("--type", request.type))
            if value
        )
        raise UsageError(f"no relocation of these objects matches {asked}")
