# SPDX-License-Identifier: Apache-2.0
"""`preflight matrix OBJECT... --kernel REF...`: objects x kernels, as a table and as a report."""

from __future__ import annotations

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
    workers: int = typer.Option(
        0, "--workers", min=0, max=1024, help="Processes; 0: one per CPU, where they pay."
    ),
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
    from preflight.cli.matrix_run import asked

    return asked(
        objects or (),
        kernel=kernel,
        set_=set_,
        measured=measured,
        judge=judge,
        module=module,
        store=store,
        workers=workers,
        dask=dask,
        dask_tls=dask_tls,
        format_=format_,
        html_dir=html_dir,
        no_embed=no_embed,
        fail_on=fail_on,
        undecided=undecided,
        color=color,
        verbose=verbose,
    )
