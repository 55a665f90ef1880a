# SPDX-License-Identifier: Apache-2.0
"""`preflight kernels`: the catalogue of known kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from preflight.cli.exits import Exit

if TYPE_CHECKING:
    from preflight.kernels import Kernel, Store
    from preflight.kernels.fetch_debian import Build, Outcome, Request

app = typer.Typer(
    no_args_is_help=True,
    help="The catalogue of known kernels: list, show, diff, fetch, renew, add, remove, verify.",
)
fetch = typer.Typer(no_args_is_help=True, help="Fetch a distribution's packaged kernels into the catalogue.")
app.add_typer(fetch, name="fetch")

_STORE = typer.Option(None, "--store", help="Catalogue directory (default: the user's data directory).")
_FORMAT = typer.Option([], "--format", help="text or json, or FORMAT=FILE; repeatable.")
_COLOR = typer.Option("auto", "--color", help="auto, always or never.")
_REPLACE = typer.Option(False, "--replace", help="Replace what the catalogue has under the same name.")


@app.command("list")
def list_(
    pattern: str = typer.Argument("*", help="Only names that this shell pattern matches."),
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """List the kernels in the catalogue."""
    from preflight.errors import InputError

    catalogue = _store(store)
    found, damaged = [], {}
    for name in catalogue.match(pattern):
        try:
            found.append(catalogue.get(name).to_dict())
        except InputError as error:
            damaged[name] = str(error)
    summary = {
        "store": str(catalogue.root),
        "kernels": len(found),
        "pattern": pattern,
        "damaged": sorted(damaged),
    }
    _emit("kernels list", summary, found, "render_list", format_, color)
    for name, problem in damaged.items():
        _say(f"{name} is damaged: {problem}")
    if damaged or (pattern != "*" and not found):
        raise typer.Exit(Exit.USAGE)


@app.command()
def show(
    refs: list[str] = typer.Argument(
        ..., metavar="REF...", help="host, a path, a catalogue name or a pattern."
    ),
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """Show everything known of kernels, and what is unknown."""
    from preflight.kernels import resolve_all

    found = [_described(kernel) for kernel in resolve_all(refs, _store(store))]
    _emit("kernels show", {"kernels": len(found)}, found, "render_show", format_, color)


@app.command()
def add(
    files: list[str] = typer.Argument(
        ...,
        metavar="FILE...",
        help="host, raw BTF, vmlinux, vmlinuz, .deb (all of one build together), BTFHub .tar.xz.",
    ),
    name: str | None = typer.Option(None, "--name", help="Catalogue name (default: from the release)."),
    with_modules: bool = typer.Option(False, "--with-modules", help="Also read the modules of a package."),
    modules: Path | None = typer.Option(None, "--modules", help="Directory of the kernel's modules."),
    config: Path | None = typer.Option(None, "--config", help="The kernel's configuration."),
    symbols: Path | None = typer.Option(None, "--symbols", help="The kernel's System.map or kallsyms."),
    replace: bool = _REPLACE,
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """Add kernels from files to the catalogue."""
    from preflight.errors import UsageError
    from preflight.kernels.files import kernels_from_refs
    from preflight.kernels.naming import catalogue_name
    from preflight.kernels.parts import with_parts

    found = kernels_from_refs(files, with_modules=with_modules, store=_store(store))
    if len(found) > 1 and (name or modules or config or symbols):
        raise UsageError(
            "--name, --modules, --config and --symbols describe one kernel; these files are several"
        )
    catalogue = _store(store)
    outcomes = []
    for kernel in found:
        whole = with_parts(kernel, config=config, symbols=symbols, modules=modules)
        entry = catalogue.add(whole, name or catalogue_name(kernel), replace_existing=replace)
        outcomes.append(_outcome(entry.name, "added", kernel.provenance.notes))
    _finish("kernels add", outcomes, format_, color)


@app.command()
def diff(
    before: str = typer.Argument(..., metavar="BEFORE", help="One kernel, as REF."),
    after: str = typer.Argument(..., metavar="AFTER", help="The other kernel, as REF."),
    objects: list[str] = typer.Option(
        [], "--object", help="Only what this object depends on (a .bpf.o, an executable, tracers:NAME)."
    ),
    aspect: list[str] = typer.Option(
        [], "--aspect", help="Only this aspect: field, function, raw-tracepoint, event, type, helper, ..."
    ),
    verbose: bool = typer.Option(False, "-v", "--verbose", help="Every change in the text."),
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """What changed between two kernels that programs, or these objects, depend on."""
    from preflight.cli.kernels_diff import compare

    summary, results, code = compare(before, after, objects, aspect, store)
    _emit("kernels diff", summary, results, "render_diff", format_, color, int(verbose))
    if code:
        raise typer.Exit(code)


@app.command()
def remove(
    names: list[str] = typer.Argument(..., metavar="NAME...", help="Catalogue names, no patterns."),
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """Remove kernels from the catalogue."""
    from preflight.errors import UsageError

    catalogue = _store(store)
    for name in names:
        if name not in catalogue:
            raise UsageError(f"no kernel {name[:120]!r} in the catalogue {catalogue.root}")
    for name in dict.fromkeys(names):
        catalogue.remove(name)
    _finish("kernels remove", [_outcome(name, "removed") for name in names], format_, color)


@app.command()
def renew(
    pattern: str = typer.Argument("*", help="Only names that this shell pattern matches."),
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """Read again, from their packages, kernels that an earlier version added with fewer facts."""
    from preflight.kernels.renew import renew as renew_all

    catalogue = _store(store)
    names = _matching(catalogue, pattern)
    heard: list[Outcome] = []

    def done(one: Outcome) -> None:
        heard.append(one)
        _say(f"{one.state} {one.name}")

    try:
        heard = renew_all(catalogue, names, done=done, say=_say)
    except KeyboardInterrupt:
        _finish("kernels renew", [_told(one) for one in heard], format_, color, partial=True)
    _finish("kernels renew", [_told(one) for one in heard], format_, color)


@app.command()
def verify(
    pattern: str = typer.Argument("*", help="Only names that this shell pattern matches."),
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """Check digests and BTF of the kernels in the catalogue; exit code 1 when one is damaged."""
    from preflight.kernels.renew import lacking

    catalogue = _store(store)
    names = _matching(catalogue, pattern)
    outcomes = []
    for name in names:
        problems = catalogue.verify(name)
        missing = "" if problems else lacking(catalogue.get(name))
        hints = [f"has no {missing}, which `preflight kernels renew {name}` adds"] if missing else []
        outcomes.append(_outcome(name, "damaged" if problems else "ok", problems or hints))
    _finish("kernels verify", outcomes, format_, color)


@fetch.command("debian")
def debian(
    suite: list[str] = typer.Option(
        ..., "--suite", help="Suite, e.g. trixie or trixie-backports; repeatable."
    ),
    arch: list[str] = typer.Option(
        [], "--arch", help="Debian architecture (default: the host's); repeatable."
    ),
    flavour: list[str] = typer.Option(
        [], "--flavour", help="Flavour or pattern, e.g. cloud-amd64 or 'rt-*' (default: the standard one)."
    ),
    release: list[str] = typer.Option(["*"], "--release", help="Only releases (`uname -r`) that match."),
    all_: bool = typer.Option(
        False, "--all", help="Every matching build, not only the newest of each flavour."
    ),
    with_modules: bool = typer.Option(False, "--with-modules", help="Also the modules' BTF (much larger)."),
    jobs: int = typer.Option(2, "--jobs", min=1, max=16, help="Kernels at a time."),
    mirror: str | None = typer.Option(None, "--mirror", help="Mirror (default: the host's apt's)."),
    keyring: Path | None = typer.Option(
        None,
        "--keyring",
        exists=True,
        dir_okay=False,
        help="Keyring that signs the suite (default: the host's).",
    ),
    replace: bool = _REPLACE,
    store: Path | None = _STORE,
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
) -> None:
    """Fetch Debian's packaged kernels through a private apt; the system's package state is not touched."""
    from preflight.errors import PreflightError
    from preflight.kernels.fetch_debian import (
        STANDARD_FLAVOUR,
        Request,
        builds,
        fetch_all,
        host_arch,
        open_suite,
        select,
    )

    catalogue = _store(store)
    outcomes: list[dict[str, Any]] = []
    progress: _Progress | None = None
    try:
        for one_arch in arch or [host_arch()]:
            for one_suite in suite:
                wanted = tuple(flavour) or (STANDARD_FLAVOUR.get(one_arch, "*"),)
                request = Request(one_suite, one_arch, wanted, tuple(release), not all_, with_modules)
                what, progress = f"{one_suite} {one_arch}", None
                try:
                    root = open_suite(one_suite, one_arch, mirror=mirror, keyring=keyring, say=_say)
                    chosen = select(builds(root.packages("linux-")), request)
                except PreflightError as error:
                    if error.exit_code == Exit.USAGE:
                        raise
                    # lost is what a mirror has no more; this may come back, or was never there
                    outcomes.append(_outcome(what, "failed", [str(error)]))
                    continue
                if not chosen:
                    outcomes.append(_outcome(what, "lost", ["no kernel of the suite matches"]))
                    continue
                progress = _Progress(chosen, request)
                with progress:
                    results = fetch_all(
                        root,
                        chosen,
                        catalogue,
                        request,
                        jobs=jobs,
                        replace_existing=replace,
                        done=progress.done,
                    )
                outcomes += map(_told, results)
                progress = None
    except KeyboardInterrupt:  # what is in the catalogue by now is told
        outcomes += map(_told, progress.outcomes if progress else ())
        _finish("kernels fetch", outcomes, format_, color, partial=True)
    _finish("kernels fetch", outcomes, format_, color)


class _Progress:
    """Kernels done of kernels wanted, on standard error: a bar on a terminal, else a line each."""

    def __init__(self, chosen: Sequence[Build], request: Request) -> None:
        import sys

        self._title = f"{request.suite} {request.arch}"
        self._total = len(chosen)
        self._bar: Any = None
        self._task: Any = None
        self._tty = sys.stderr.isatty()
        self.outcomes: list[Outcome] = []

    def __enter__(self) -> _Progress:
        if self._tty:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
            self._bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._title, total=self._total)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def done(self, outcome: Outcome) -> None:
        """One more is done."""
        self.outcomes.append(outcome)
        if self._bar is not None:
            self._bar.advance(self._task)
        else:
            _say(f"{outcome.state} {outcome.name}")


def _say(text: str) -> None:
    import sys

    from preflight.render.safe import safe_text

    print(f"preflight: {safe_text(text, limit=1000)}", file=sys.stderr)


def _store(path: Path | None) -> Store:
    from preflight.kernels import Store

    return Store(path)


def _matching(catalogue: Store, pattern: str) -> Sequence[str]:
    """Names of the catalogue that match; UsageError for none, where a command needs one to do anything."""
    from preflight.errors import UsageError

    names = catalogue.match(pattern)
    if not names:
        raise UsageError(f"no kernel in the catalogue {catalogue.root} matches {pattern[:120]!r}")
    return names


def _described(kernel: Kernel) -> dict[str, Any]:
    facts = {
        "config_options": kernel.config,
        "modules": kernel.modules,
        "symbols": kernel.symbols,
        "tracepoints": kernel.tracepoints,
        "available_filter_functions": kernel.available_filter_functions,
        "trace_sites": kernel.trace_sites,
    }
    return {
        **kernel.to_dict(),
        "btf_types": kernel.btf.type_count,
        "btf_size": len(kernel.btf_bytes),
        "counts": {fact: None if value is None else len(value) for fact, value in facts.items()},
    }


def _outcome(name: str, state: str, details: Iterable[str] = ()) -> dict[str, Any]:
    return {"name": name, "state": state, "details": list(details)}


def _told(one: Outcome) -> dict[str, Any]:
    return _outcome(one.name, one.state, [one.detail] if one.detail else [])


def _finish(
    command: str, outcomes: list[dict[str, Any]], formats: list[str], color: str, *, partial: bool = False
) -> None:
    """The result, and the exit code where it is not 0; `partial`: it was interrupted."""
    from collections import Counter

    counts = Counter(outcome["state"] for outcome in outcomes)
    summary = {"counts": dict(sorted(counts.items())), "partial": partial}
    _emit(command, summary, outcomes, "render_outcomes", formats, color)
    if partial:
        raise typer.Exit(Exit.INTERRUPTED)
    if counts["damaged"]:
        raise typer.Exit(Exit.FINDINGS)
    if counts["failed"] or (counts["lost"] and not counts["added"] + counts["renewed"] + counts["present"]):
        raise typer.Exit(Exit.USAGE)


def _emit(
    command: str,
    summary: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    text: str,
    formats: list[str],
    color: str,
    verbose: int = 0,
) -> None:
    from preflight.cli.output import emit
    from preflight.render import json_, text_kernel_diff, text_kernels
    from preflight.render.envelope import envelope

    shown = text_kernel_diff if text == "render_diff" else text_kernels
    renderers = {"text": getattr(shown, text), "json": lambda result, _: json_.render(result)}
    emit(envelope(command, summary, results), formats, renderers, color=color, verbose=verbose)
