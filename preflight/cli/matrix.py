# SPDX-License-Identifier: Apache-2.0
"""`preflight matrix OBJECT... --kernel REF...`: objects x kernels, as a table and as a report."""

from __future__ import annotations

from pathlib import Path

import typer


def matrix(
    objects: list[str] = typer.Argument(
        None,
        metavar="[OBJECT...]",
        help="BPF objects, executables with objects inside, directories, tracers:NAME.",
    ),
    kernel: list[str] = typer.Option(
        [], "--kernel", metavar="REF", help="host, a path, a catalogue name or glob; repeatable."
    ),
    set_: str = typer.Option(
        "",
        "--set",
        metavar="FILE",
        help="A TOML file with objects, kernels and options, or NAME for "
        "matrices/NAME.toml; the command line adds to it.",
    ),
    measured: list[str] = typer.Option(
        [],
        "--measured",
        metavar="FILE",
        help="A result of `lab run --format json` or recorded truth; repeatable. Measured "
        "cells are shown instead of predicted ones, and marked.",
    ),
    judge: str = typer.Option(
        "", "--judge", help="adjusted (what user space sets is open; the default) or as-is."
    ),
    module: list[str] = typer.Option(
        [], "--module", help="Take this module as loaded wherever its BTF is known; repeatable."
    ),
    store: str = typer.Option("", "--store", metavar="DIRECTORY", help="The catalogue's directory."),
    workers: int = typer.Option(0, "--workers", min=0, max=1024, help="Processes; 0: one per CPU."),
    dask: str = typer.Option(
        "", "--dask", metavar="ADDRESS", help="Judge on this Dask cluster: tcp:// or tls://HOST:PORT."
    ),
    dask_tls: str = typer.Option(
        "",
        "--dask-tls",
        metavar="FOLDER",
        help="ca.pem, cert.pem and key.pem for tls://; default: Dask's configuration.",
    ),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, jsonl, csv, markdown or html; FORMAT=FILE, repeatable."
    ),
    html_dir: str = typer.Option(
        "",
        "--html-dir",
        metavar="DIRECTORY",
        help="Write the page with its style sheet and script as files "
        "of their own, for places that forbid inline ones.",
    ),
    no_embed: bool = typer.Option(False, "--no-embed", help="Leave the JSON result out of the HTML page."),
    fail_on: str = typer.Option("required", "--fail-on", help="required or never."),
    undecided: str = typer.Option("exit3", "--undecided", help="exit3, ok or fail: cells that stay open."),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Every cause, and who is alike."),
) -> int:
    """Predict every object on every kernel, and show which causes stop most.

    Nothing is loaded. Every cell says whether it was predicted or measured. An interrupt keeps what is there.
    """  # fmt: skip
    import sys
    from contextlib import ExitStack

    from preflight.cli.exits import Exit
    from preflight.cli.matrix_run import Request, run, write_folder
    from preflight.cli.options import choose, judges
    from preflight.cli.output import emit, split_format
    from preflight.errors import UsageError
    from preflight.matrix.plan import JUDGES, Wanted, join, read_set
    from preflight.render import matrix_html
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "never"))
    choose("--undecided", undecided, ("exit3", "ok", "fail"))
    forms = renderers("matrix")
    if sum(split_format(wanted, list(forms))[1] is None for wanted in format_) > 1:
        raise UsageError("only one format can go to standard output; give the others a file: csv=matrix.csv")
    named = Wanted(tuple(objects or ()), tuple(kernel), tuple(measured), tuple(module))
    wanted = join(read_set(set_), named) if set_ else named
    if judge:
        wanted = wanted.with_judge(choose("--judge", judge, JUDGES))
    result, code = run(Request(wanted, store, workers, fail_on, undecided), judges(workers, dask, dask_tls))
    if no_embed:
        forms["html"] = lambda given, style: matrix_html.render(given, style, embed=False)
    with ExitStack() as outputs:  # the last one first, and each whatever becomes of the others
        if format_ or not html_dir:
            outputs.callback(emit, result, format_, forms, color=color, verbose=verbose)
        if html_dir:
            outputs.callback(
                lambda: write_folder(Path(html_dir), matrix_html.folder(result, embed=not no_embed))
            )
    if code and code != Exit.INTERRUPTED:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code
