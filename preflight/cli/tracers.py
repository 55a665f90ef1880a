# SPDX-License-Identifier: Apache-2.0
"""`preflight tracers`: the shipped tracers: list, show, run, runbook; and lint for anybody's."""

from __future__ import annotations

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="The shipped tracers: what would run where, how to run one in production, and running it.",
)

_FORMAT = typer.Option([], "--format", help="text or json; FORMAT=FILE, repeatable.")
_COLOR = typer.Option("auto", "--color", help="auto, always or never.")
_VERBOSE = typer.Option(0, "-v", "--verbose", count=True, help="Show everything.")


@app.command("list")
def list_(
    names: list[str] = typer.Argument(None, metavar="[NAME...]", help="Tracers; default: all."),
    kernel: list[str] = typer.Option(
        ["host"], "--kernel", metavar="REF", help="host, a path, a catalogue name or glob; repeatable."
    ),
    trial_load: bool = typer.Option(
        False, "--trial-load", help="On the host: load and attach each variant for a moment."
    ),
    fail_on: str = typer.Option("required", "--fail-on", help="required or never."),
    store: str = typer.Option("", "--store", metavar="DIRECTORY", help="The catalogue's directory."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json or markdown; FORMAT=FILE, repeatable."
    ),
    color: str = _COLOR,
    verbose: int = _VERBOSE,
) -> int:
    """Say for each tracer which variant would run on a kernel, and why not the better ones.

    A prediction; on the host what can be attached there counts too. Nothing is loaded without --trial-load.
    """
    from preflight.cli.options import choose
    from preflight.cli.output import emit, split_format
    from preflight.cli.tracers_run import listing
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "never"))
    forms = renderers("tracers list")
    for wanted in format_:
        split_format(wanted, list(forms))
    result, code = listing(names or [], kernel, store, trial_load=trial_load)
    emit(result, format_, forms, color=color, verbose=verbose)
    return 0 if fail_on == "never" else code


@app.command()
def show(
    names: list[str] = typer.Argument(..., metavar="NAME...", help="Tracers."),
    format_: list[str] = _FORMAT,
    color: str = _COLOR,
    verbose: int = _VERBOSE,
) -> int:
    """Show what the catalogue says: attach points, fields and their privacy, filters, cost."""
    from preflight.cli.output import emit
    from preflight.cli.tracers_run import showing
    from preflight.render.registry import renderers

    emit(showing(names), format_, renderers("tracers show"), color=color, verbose=verbose)
    return 0


@app.command()
def lint(
    objects: list[str] = typer.Argument(..., metavar="OBJECT...", help="Anybody's objects, or tracers:NAME."),
    fail_on: str = typer.Option("recommended", "--fail-on", help="recommended, info or never."),
    ignore: list[str] = typer.Option([], "--ignore", help="CODE=REASON: leave a code out, and say why."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, markdown, sarif or github; FORMAT=FILE, repeatable."
    ),
    color: str = _COLOR,
    verbose: int = _VERBOSE,
) -> int:
    """Say how programs will behave in production: filters, bounds, losses, privacy (codes PT###)."""
    from preflight.cli.options import choose, codes_of, parse_ignores
    from preflight.cli.output import emit
    from preflight.cli.tracers_lint import linted
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("recommended", "info", "never"))
    ignored = parse_ignores(ignore)
    result, code = linted(objects, codes_of(list(ignored)), ignored, fail_on)
    emit(result, format_, renderers("tracers lint"), color=color, verbose=verbose)
    return code


@app.command()
def runbook(
    names: list[str] = typer.Argument(..., metavar="NAME...", help="Tracers."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json or markdown; FORMAT=FILE, repeatable."
    ),
    color: str = _COLOR,
) -> int:
    """Print the production runbook, filled in; its last part looks at what is in the kernel now."""
    from preflight.cli.output import emit
    from preflight.cli.tracers_run import runbooks
    from preflight.render.registry import renderers

    emit(runbooks(names), format_, renderers("tracers runbook"), color=color)
    return 0


@app.command()
def run(
    name: str = typer.Argument(..., metavar="NAME", help="A tracer, or TRACER_VARIANT."),
    for_: str = typer.Option("", "--for", metavar="DURATION", help="How long, as in 10s; required."),
    variant: str = typer.Option("", "--variant", help="Only this variant; default: the first that works."),
    cgroup: str = typer.Option(None, "--cgroup", metavar="FOLDER", help="Only tasks in this cgroup (v2)."),
    pidns: int = typer.Option(
        None, "--pidns", min=1, metavar="PID", help="Only the PID namespace of this process."
    ),
    pid: int = typer.Option(None, "--pid", min=1, help="Only this process."),
    tid: int = typer.Option(None, "--tid", min=1, help="Only this thread."),
    uid: int = typer.Option(None, "--uid", min=0, help="Only this user, by number."),
    comm: str = typer.Option(None, "--comm", help="Only tasks with this command name."),
    sample: int = typer.Option(0, "--sample", min=0, metavar="N", help="Keep 1 of N events."),
    minimum: str = typer.Option("", "--min", metavar="DURATION", help="Leave out what took less."),
    maximum: str = typer.Option("", "--max", metavar="DURATION", help="Leave out what took more."),
    settings: list[str] = typer.Option([], "--set", metavar="NAME=VALUE", help="A constant; see show."),
    reveal: list[str] = typer.Option([], "--reveal", metavar="FIELD", help="Show this private field."),
    function: str = typer.Option("", "--function", help="The function to trace."),
    binary: str = typer.Option("", "--binary", metavar="PATH", help="The binary or library to trace."),
    usdt: str = typer.Option("", "--usdt", metavar="PROVIDER:NAME", help="The static probe to trace."),
    interface: str = typer.Option("", "--interface", help="Packets of this interface only."),
    frequency: int = typer.Option(0, "--frequency", min=0, help="Samples per second and CPU."),
    max_events: int = typer.Option(10_000, "--max-events", min=1, help="Events to keep; others count."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, otlp, prom, folded or svg; FORMAT=FILE, repeatable."
    ),
    color: str = _COLOR,
    verbose: int = _VERBOSE,
) -> int:
    """Run a tracer for a stated time, print what it found, and leave nothing behind.

    The filters are constants that the programs are loaded with. Ends early and orderly on SIGINT and SIGTERM.
    """
    import sys

    from preflight.cli.output import emit, split_format
    from preflight.cli.tracers_run import RunRequest, running
    from preflight.render.registry import renderers

    forms = renderers("tracers run")
    outputs = [split_format(wanted, list(forms)) for wanted in format_]
    result, code = running(
        RunRequest(
            name, for_, variant, cgroup, pidns, pid, tid, uid, comm, sample, minimum, maximum,
            tuple(settings), tuple(reveal), function, binary, usdt, interface, frequency, max_events,
        ),
        outputs,
    )  # fmt: skip
    emit(result, format_, forms, color=color, verbose=verbose)
    if code:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code
