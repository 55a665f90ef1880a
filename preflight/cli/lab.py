# SPDX-License-Identifier: Apache-2.0
"""`preflight lab`: real kernels in virtual machines, as they are packaged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from preflight.cli.exits import Exit
from preflight.cli.lab_score import score

if TYPE_CHECKING:
    from preflight.kernels import Kernel
    from preflight.lab.results import KernelRun
    from preflight.lab.run import Plan
    from preflight.matrix.dask_client import Address

app = typer.Typer(
    no_args_is_help=True,
    help="Boot real kernels in virtual machines, load and attach there: boot, run, probe, score.",
)

_KERNEL = typer.Option(
    ...,
    "--kernel",
    metavar="REF",
    help="Catalogue name or pattern (debian/... is fetched when it has none), vmlinuz or .deb; repeatable.",
)
_MODULE = typer.Option([], "--module", help="Insert this module of the kernel's package first; repeatable.")
_JOBS = typer.Option(0, "--jobs", min=0, max=16, help="Machines at a time; 0: one per processor, at most 4.")
_TIMEOUT = typer.Option(1200, "--timeout", min=30, help="Seconds for one kernel, all in all.")
_MEMORY = typer.Option(1024, "--memory", min=256, max=65536, help="MiB of memory of a machine.")
_APPEND = typer.Option("", "--append", help="Add to the kernel's command line, e.g. 'lsm=lockdown,bpf'.")
_ACCEL = typer.Option("auto", "--accel", help="auto, kvm or tcg (the emulator).")
_STORE = typer.Option(None, "--store", help="Catalogue directory (default: the user's data directory).")
_FORMAT = typer.Option([], "--format", help="text or json, or FORMAT=FILE; repeatable.")
_COLOR = typer.Option("auto", "--color", help="auto, always or never.")
_VERBOSE = typer.Option(0, "-v", "--verbose", count=True, help="Show every finding.")


@app.command()
def boot(
    kernel: list[str] = _KERNEL,
    module: list[str] = _MODULE,
    jobs: int = _JOBS,
    timeout: int = _TIMEOUT,
    memory: int = _MEMORY,
    append: str = _APPEND,
    accel: str = _ACCEL,
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> int:
    """Boot kernels, compare their BTF with the catalogue's, and power off."""
    from preflight.lab.run import Plan

    plan = Plan(
        modules=tuple(module), limits=_limits(timeout), memory=memory, append=append, accel=_accel(accel)
    )
    measured = _measure(_kernels(kernel, store), plan, jobs)
    return _finish("lab boot", measured, format_, color, 0, "never")


@app.command()
def run(
    objects: list[str] = typer.Argument(
        ..., metavar="OBJECT...", help="BPF objects, executables, directories, probes:, probes:NAME."
    ),
    kernel: list[str] = _KERNEL,
    attach: bool = typer.Option(True, help="Also attach each program that loads, and detach it at once."),
    bpftool: bool = typer.Option(
        False, "--bpftool", help="Also ask bpftool to load each object, and compare."
    ),
    yes_load_here: bool = typer.Option(
        False,
        "--yes-load-here",
        help="With --kernel host: really load (and attach) these objects in the running kernel.",
    ),
    log_level: int = typer.Option(1, "--log-level", min=1, max=2, help="The verifier's log for refusals."),
    module: list[str] = _MODULE,
    jobs: int = _JOBS,
    dask: str = typer.Option(
        "",
        "--dask",
        metavar="ADDRESS",
        help="Boot on this Dask cluster's workers: tcp:// or tls://HOST:PORT.",
    ),
    dask_tls: str = typer.Option(
        "",
        "--dask-tls",
        metavar="FOLDER",
        help="ca.pem, cert.pem and key.pem for tls://; default: Dask's configuration.",
    ),
    timeout: int = _TIMEOUT,
    memory: int = _MEMORY,
    append: str = _APPEND,
    accel: str = _ACCEL,
    fail_on: str = typer.Option("required", "--fail-on", help="required or never."),
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
    verbose: int = _VERBOSE,
) -> int:
    """Load objects on real kernels: as they are, each program alone, then attach and detach.

    An interrupt, a full disk and a cluster that goes away keep what was measured, marked partial.
    """
    from preflight.cli.options import choose, scheduler
    from preflight.errors import UsageError
    from preflight.lab.run import Plan, on_host
    from preflight.lab.subjects import subjects

    choose("--fail-on", fail_on, ("required", "never"))
    here = "host" in kernel
    if here and not yes_load_here:
        raise UsageError(
            "--kernel host loads and attaches these objects in the running kernel of this machine; "
            "add --yes-load-here if you mean it"
        )
    if (dask and jobs) or (dask_tls and not dask):
        raise UsageError("--jobs counts machines here, and --dask-tls needs --dask ADDRESS")
    where = scheduler(dask, dask_tls) if dask else None
    wanted = subjects(objects)
    plan = Plan(
        subjects=wanted,
        bpftool=bpftool,
        attach=attach,
        log_level=log_level,
        modules=tuple(module),
        limits=_limits(timeout),
        memory=memory,
        append=append,
        accel=_accel(accel),
    )
    others = [ref for ref in kernel if ref != "host"]
    kernels = _kernels(others, store) if others else []
    runs = [on_host(wanted, attach=attach, log_level=log_level)] if here else []
    measured = _measure(kernels, plan, jobs, where) if kernels else _Measured([])
    return _finish("lab run", measured._replace(runs=runs + measured.runs), format_, color, verbose, fail_on)


@app.command()
def probe(
    kernel: list[str] = _KERNEL,
    output: Path | None = typer.Option(
        None, "-o", "--output", help="Folder for an entry and a facts file per kernel."
    ),
    update_catalogue: bool = typer.Option(
        False,
        "--update-catalogue",
        help="Put symbols, tracepoints and traceable functions into the catalogue.",
    ),
    module: list[str] = _MODULE,
    jobs: int = _JOBS,
    timeout: int = _TIMEOUT,
    memory: int = _MEMORY,
    append: str = _APPEND,
    accel: str = _ACCEL,
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> int:
    """Boot kernels and collect what only a running kernel knows: symbols, events, traceable functions."""
    from preflight.errors import UsageError
    from preflight.kernels import Store
    from preflight.lab.facts import enriched
    from preflight.lab.run import Plan

    if output is None and not update_catalogue:
        raise UsageError("say where the facts go: --output FOLDER or --update-catalogue (or both)")
    plan = Plan(
        probe=True,
        modules=tuple(module),
        limits=_limits(timeout),
        memory=memory,
        append=append,
        accel=_accel(accel),
    )
    kernels = _kernels(kernel, store)
    measured = _measure(kernels, plan, jobs)
    catalogue = Store(store)
    for one, result in zip(kernels, measured.runs, strict=True):
        if not result.complete:
            continue
        whole = enriched(one, result)
        if update_catalogue and one.name in catalogue:
            catalogue.add(whole, one.name, replace_existing=True)
        if output is not None:
            _write_facts(output, whole, result)
    return _finish("lab probe", measured, format_, color, 0, "never")


app.command()(score)


def _write_facts(output: Path, kernel: Kernel, result: KernelRun) -> None:
    """`OUTPUT/NAME/`, laid out like a catalogue entry, and the facts file `OUTPUT/NAME.facts.json`."""
    import json

    from preflight.cli.output import write_file
    from preflight.kernels import Store
    from preflight.kernels.naming import catalogue_name
    from preflight.lab.facts import document
    from preflight.render.envelope import now

    name = kernel.name if not kernel.name.startswith(("/", ".", "~")) else catalogue_name(kernel)
    Store(output).add(kernel, name, replace_existing=True)
    text = json.dumps(document(kernel, result, now()), sort_keys=True, separators=(",", ":")) + "\n"
    write_file(output / f"{name}.facts.json", text)


def measured_on(
    objects: Sequence[str],
    refs: Sequence[str],
    *,
    attach: bool,
    modules: Sequence[str],
    jobs: int,
    timeout: int,
    store: Path | None,
) -> list[KernelRun]:
    """Measurements of objects on kernels (`host` among them), for commands that go on from there."""
    from preflight.lab.run import Plan, on_host
    from preflight.lab.subjects import subjects

    wanted = subjects(objects)
    plan = Plan(subjects=wanted, attach=attach, modules=tuple(modules), limits=_limits(timeout))
    others = [ref for ref in refs if ref != "host"]
    runs = [on_host(wanted, attach=attach, log_level=1)] if "host" in refs else []
    if not others:
        return runs
    measured = _measure(_kernels(others, store), plan, jobs)
    if measured.ended is not None:
        raise KeyboardInterrupt
    return runs + measured.runs


def _limits(timeout: int) -> Any:
    from preflight.lab.qemu import Limits

    return Limits(total=float(timeout), boot=min(180.0, timeout), idle=min(300.0, timeout))


def _accel(value: str) -> str:
    from preflight.cli.options import choose

    return choose("--accel", value, ("auto", "kvm", "tcg"))


def _kernels(refs: Sequence[str], store: Path | None) -> list[Kernel]:
    from preflight.cli.targets import WithoutBtf, kernels_named
    from preflight.errors import UsageError
    from preflight.kernels import Store
    from preflight.lab.bare import kernel_without_btf
    from preflight.lab.fetching import fetch_missing

    if "host" in refs:
        raise UsageError("the running kernel cannot be booted; only `lab run --yes-load-here` takes host")
    fetch_missing(refs, Store(store), say=_say)
    found = kernels_named(refs, str(store or ""))
    return [
        kernel_without_btf(Path(one.name).expanduser(), one.why) if isinstance(one, WithoutBtf) else one
        for one in found
    ]


def _say(text: str) -> None:
    import sys

    from preflight.render.safe import safe_text

    print(f"preflight: {safe_text(text, limit=1000)}", file=sys.stderr)


class _Measured(NamedTuple):
    """What was measured, and what ended it early: an exit code, None when nothing did."""

    runs: list[KernelRun]
    ended: Exit | None = None


def _measure(kernels: Sequence[Kernel], plan: Plan, jobs: int, where: Address | None = None) -> _Measured:
    """Measure here, or on the cluster at `where`. What ends it early takes no finished kernel along."""
    from preflight.lab import spread
    from preflight.lab.run import InterruptedRun
    from preflight.lab.run import run as measure

    count = jobs or min(4, os.cpu_count() or 1)
    with _Progress(len(kernels)) as progress:
        try:
            if where is not None:
                return _Measured(spread.run(kernels, plan, where, say=progress.say, done=progress.done))
            return _Measured(measure(kernels, plan, jobs=count, say=progress.say, done=progress.done))
        except InterruptedRun as cut:
            return _Measured(list(cut.runs), Exit.INTERRUPTED)
        except spread.LostRunError as cut:
            _say(str(cut))
            return _Measured(list(cut.runs), Exit.INTERNAL)


class _Progress:
    """What each machine does, on standard error: a bar on a terminal, else a line each."""

    def __init__(self, total: int) -> None:
        import sys

        self._total = total
        self._tty = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> _Progress:
        if self._tty:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            text = TextColumn("{task.description}", markup=False)
            self._bar = Progress(*columns, text, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def done(self, result: KernelRun) -> None:
        """One more kernel is done."""
        if self._bar is not None:
            self._bar.advance(self._task)
        self.say(result.kernel, f"{result.outcome} after {result.seconds:.0f} s. {result.detail}".strip())

    def say(self, kernel: str, text: str) -> None:
        """A machine came to another point."""
        from preflight.render.safe import safe_text

        shown = f"{kernel}: {text}"
        if self._bar is not None:
            self._bar.update(self._task, description=safe_text(shown, limit=300))
        else:
            _say(shown)


def _finish(
    command: str, measured: _Measured, formats: list[str], color: str, verbose: int, fail_on: str
) -> int:
    from collections import Counter

    from preflight.cli.output import emit
    from preflight.render.envelope import envelope
    from preflight.render.registry import renderers

    runs = measured.runs
    results = [record.to_dict(one.kernel) for one in runs for record in one.objects]
    code = exit_code(runs, fail_on) if measured.ended is None else measured.ended
    summary = {
        "kernels": len(runs),
        "outcomes": dict(sorted(Counter(one.outcome for one in runs).items())),
        "verdicts": dict(sorted(Counter(record["verdict"] for record in results).items())),
        "partial": any(one.outcome in _CUT_SHORT for one in runs),
        "exit_code": int(code),
    }
    result = envelope(command, summary, results, kernels=[one.to_dict() for one in runs])
    emit(result, formats, renderers(command), color=color, verbose=verbose)
    return int(code)


#: Outcomes of kernels that were asked for and not reached.
_CUT_SHORT = frozenset({"interrupted", "no-room"})
#: Outcomes that say something about the kernel; the others say that nothing was decided.
_KERNELS_OWN = frozenset({"panic", "hang", "boot-hang", "no-btf"})


def exit_code(runs: Sequence[KernelRun], fail_on: str) -> Exit:
    """Findings for what a kernel refused, or does itself wrong; undecided for what was not measured."""
    from preflight.cli.exits import worst
    from preflight.lab.findings import findings_of

    outcomes: set[Exit] = set()
    for one in runs:
        if one.outcome == "interrupted":
            outcomes.add(Exit.UNDECIDED)
        elif one.outcome == "no-room":
            outcomes.add(Exit.INTERNAL)
        elif one.outcome in _KERNELS_OWN:
            outcomes.add(Exit.FINDINGS if not one.objects else Exit.UNDECIDED)
        elif not one.complete:
            outcomes.add(Exit.UNDECIDED)
        for measured in one.objects:
            if measured.verdict == "unknown" or measured.problem:
                outcomes.add(Exit.UNDECIDED)
            if fail_on != "never" and findings_of(measured):
                outcomes.add(Exit.FINDINGS)
    return worst(outcomes)
