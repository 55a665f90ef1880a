# SPDX-License-Identifier: Apache-2.0
"""`preflight core OBJECT... --kernel REF...`: every CO-RE relocation, and which misses matter."""

from __future__ import annotations

import typer


def core(
    objects: list[str] = typer.Argument(
        ...,
        metavar="OBJECT...",
        help="BPF objects, executables with objects inside, directories, tracers:NAME.",
    ),
    kernel: list[str] = typer.Option(
        ["host"], "--kernel", metavar="REF", help="host, a path, a catalogue name or glob; repeatable."
    ),
    loader: str = typer.Option("libbpf", "--loader", help="libbpf, cilium, aya or all."),
    only: str = typer.Option("all", "--only", help="misses, fatal or all: which relocations are listed."),
    program: str = typer.Option("", "--program", help="Only what this program uses."),
    type_: str = typer.Option("", "--type", help="Only accesses of this type: task_struct."),
    module: list[str] = typer.Option(
        [], "--module", help="Take this module as loaded; repeatable. Default on the host: all that are."
    ),
    store: str = typer.Option("", "--store", metavar="DIRECTORY", help="The catalogue's directory."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json or markdown; FORMAT=FILE, repeatable."
    ),
    show_commands: bool = typer.Option(
        False, "--show-commands", help="Also print how to see the same with llvm-objdump and bpftool."
    ),
    fail_on: str = typer.Option("required", "--fail-on", help="required, recommended or never."),
    undecided: str = typer.Option("exit3", "--undecided", help="exit3, ok or fail: open required questions."),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Show what is harmless, too."),
) -> int:
    """Relocate objects for kernels as libbpf would, and say which misses the verifier reaches.

    Nothing is loaded. Whether the verifier takes a program for other reasons is not judged.
    """
    import sys

    from preflight.cli.core_run import Request, run
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
            show_commands, fail_on, undecided, verbose > 0 or any(f.startswith("json") for f in format_),
        )
    )  # fmt: skip
    emit(result, format_, forms, color=color, verbose=verbose)
    if code:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code
