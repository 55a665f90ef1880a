# SPDX-License-Identifier: Apache-2.0
"""`preflight log FILE...|-`: what a verifier log means."""

from __future__ import annotations

import typer


def log(
    files: list[str] = typer.Argument(..., metavar="FILE...", help="Logs; - reads standard input."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, markdown, html, sarif or github; FORMAT=FILE, repeatable."
    ),
    object_: str = typer.Option(
        "", "--object", metavar="OBJECT", help="The object that was loaded: source lines, relocations, maps."
    ),
    kernel: str = typer.Option(
        "", "--kernel", metavar="REF", help="The kernel it was loaded on: host, a path or a catalogue name."
    ),
    host: str = typer.Option(
        "", "--host", metavar="here|FILE", help="What the host forbids: asked here, or a result of check."
    ),
    path: bool = typer.Option(False, "--path", help="Put the verified instructions into the result, too."),
    store: str = typer.Option("", "--store", metavar="DIRECTORY", help="The catalogue's directory."),
    fail_on: str = typer.Option("required", "--fail-on", help="required, recommended or never."),
    undecided: str = typer.Option("exit3", "--undecided", help="exit3, ok or fail: logs that do not tell."),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Show the kernel's report, too."),
) -> int:
    """Say what the verifier rejected, where the trouble began, and how it is fixed.

    Takes logs of any kernel and level, as loaders, CI runners and dmesg print them; also fragments.
    """
    import sys

    from preflight.cli.log_run import PATH_LIMIT, Request, run
    from preflight.cli.options import choose
    from preflight.cli.output import emit, split_format
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "recommended", "never"))
    choose("--undecided", undecided, ("exit3", "ok", "fail"))
    forms = renderers("log")
    for wanted in format_:
        split_format(wanted, list(forms))
    steps = (
        PATH_LIMIT if path or any(split_format(wanted, list(forms))[0] == "html" for wanted in format_) else 0
    )
    result, code = run(Request(tuple(files), fail_on, undecided, object_, kernel, host, store, steps))
    emit(result, format_, forms, color=color, verbose=verbose)
    if code:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code
