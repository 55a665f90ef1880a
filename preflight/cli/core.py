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
    from preflight.cli.core_run import asked

    return asked(
        objects,
        kernel=kernel,
        loader=loader,
        only=only,
        program=program,
        type_=type_,
        module=module,
        store=store,
        format_=format_,
        show_commands=show_commands,
        fail_on=fail_on,
        undecided=undecided,
        color=color,
        verbose=verbose,
    )
