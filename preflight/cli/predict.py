# SPDX-License-Identifier: Apache-2.0
"""`preflight predict OBJECT... --kernel REF...`: will they load and attach there? Nothing is loaded."""

from __future__ import annotations

import typer


def predict(
    objects: list[str] = typer.Argument(
        ...,
        metavar="OBJECT...",
        help="BPF objects, executables with objects inside, directories, tracers:NAME.",
    ),
    kernel: list[str] = typer.Option(
        ["host"], "--kernel", metavar="REF", help="host, a path, a catalogue name or glob; repeatable."
    ),
    judge: str = typer.Option(
        "adjusted", "--judge", help="adjusted (what user space sets is open) or as-is: what decides the exit."
    ),
    module: list[str] = typer.Option(
        [], "--module", help="Take this module as loaded; repeatable. Default on the host: all that are."
    ),
    store: str = typer.Option("", "--store", metavar="DIRECTORY", help="The catalogue's directory."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, jsonl, csv, markdown or html; FORMAT=FILE, repeatable."
    ),
    fail_on: str = typer.Option("required", "--fail-on", help="required or never."),
    undecided: str = typer.Option("exit3", "--undecided", help="exit3, ok or fail: open required questions."),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Every program and every cause."),
) -> int:
    """Predict from facts, per object, program and kernel, whether they load and whether they attach.

    Of the verifier's analysis of memory accesses only a part is made: `loads` means that nothing known
    stops it.
    """
    import sys

    from preflight.cli.options import choose
    from preflight.cli.output import emit, split_format
    from preflight.cli.predict_run import Request, run
    from preflight.cli.targets import object_paths
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "never"))
    choose("--undecided", undecided, ("exit3", "ok", "fail"))
    choose("--judge", judge, ("adjusted", "as-is"))
    forms = renderers("predict")
    for wanted in format_:
        split_format(wanted, list(forms))
    result, code = run(
        Request(object_paths(objects), tuple(kernel), judge, tuple(module), store, fail_on, undecided)
    )
    emit(result, format_, forms, color=color, verbose=verbose)
    if code:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code
