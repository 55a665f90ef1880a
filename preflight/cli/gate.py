# SPDX-License-Identifier: Apache-2.0
"""`preflight gate`: fail CI when a change makes BPF programs worse than the baseline agrees to."""

from __future__ import annotations

from pathlib import Path

import typer


def gate(
    objects: list[str] = typer.Argument(
        None,
        metavar="[OBJECT...]",
        help="BPF objects to load: files, executables, directories, tracers:NAME.",
    ),
    baseline: Path = typer.Option(
        ..., "--baseline", metavar="FILE", help="What is expected; a TOML file in your repository."
    ),
    update: bool = typer.Option(False, "--update", help="Write what was measured into the baseline."),
    kernel: list[str] = typer.Option(
        [],
        "--kernel",
        metavar="REF",
        help="Load the objects on this kernel in the lab, or `host`; repeatable.",
    ),
    yes_load_here: bool = typer.Option(
        False, "--yes-load-here", help="With --kernel host: really load the objects in the running kernel."
    ),
    attach: bool = typer.Option(False, help="Also attach each program that loads, and detach it at once."),
    measured: list[str] = typer.Option(
        [], "--measured", metavar="FILE", help="Result of `lab run --format json` made elsewhere; repeatable."
    ),
    log: list[str] = typer.Option(
        [],
        "--log",
        metavar="FILE",
        help="Verifier log made elsewhere, of the object of that name; repeatable.",
    ),
    veristat: list[str] = typer.Option([], "--veristat", metavar="FILE", help="CSV of veristat; repeatable."),
    kernel_name: str = typer.Option(
        "unnamed", "--kernel-name", help="Kernel on which --log and --veristat were made."
    ),
    compiler: str = typer.Option("", "--compiler", help="The compiler, for objects that do not name it."),
    max_growth: list[str] = typer.Option(
        [],
        "--max-growth",
        metavar="METRIC=N",
        help="insns=20% or stack=+64: instead of the baseline's limit.",
    ),
    max_share: list[str] = typer.Option(
        [], "--max-share", metavar="METRIC=P%", help="insns=80%: share of the kernel's own limit."
    ),
    source_root: Path | None = typer.Option(
        None, "--source-root", metavar="FOLDER", help="Where the programs' sources are, for annotations."
    ),
    undecided: str = typer.Option("exit3", "--undecided", help="exit3 or fail: programs not tested."),
    module: list[str] = typer.Option([], "--module", help="Lab: insert this module first; repeatable."),
    jobs: int = typer.Option(1, "--jobs", min=1, max=16, help="Lab: machines at a time."),
    timeout: int = typer.Option(1200, "--timeout", min=30, help="Lab: seconds for one kernel."),
    store: Path | None = typer.Option(None, "--store", help="Catalogue directory of kernels."),
    format_: list[str] = typer.Option(
        [],
        "--format",
        help="text, json, markdown, junit, sarif, github or veristat, or FORMAT=FILE; repeatable.",
    ),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Show what passes, too."),
) -> int:
    """Hold programs against a baseline: verdicts, families of refusals, instructions, states, stack.

    What could not be tested never counts as passed: exit 3.
    """
    import sys

    from preflight.cli.gate_run import Request, run
    from preflight.cli.options import choose
    from preflight.cli.output import check_formats, emit
    from preflight.errors import UsageError
    from preflight.render.registry import renderers

    choose("--undecided", undecided, ("exit3", "fail"))
    formats = check_formats(format_, list(renderers("gate")))
    if "host" in kernel and not yes_load_here:
        raise UsageError(
            "--kernel host loads these objects in the running kernel of this machine; "
            "add --yes-load-here if you mean it"
        )
    result, code = run(
        Request(
            objects=tuple(objects or ()),
            kernels=tuple(kernel),
            measured=tuple(measured),
            logs=tuple(log),
            veristat=tuple(veristat),
            kernel_name=kernel_name,
            baseline=baseline,
            update=update,
            attach=attach,
            compiler=compiler,
            max_growth=tuple(max_growth),
            max_share=tuple(max_share),
            undecided=undecided,
            modules=tuple(module),
            jobs=jobs,
            timeout=timeout,
            store=store,
            source_root=source_root,
            one_kernel="veristat" in formats,
        )
    )
    emit(result, format_, renderers("gate"), color=color, verbose=verbose)
    if code:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code
