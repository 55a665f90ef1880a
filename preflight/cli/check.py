# SPDX-License-Identifier: Apache-2.0
"""`preflight check [OBJECT...]`: is this host ready?"""

from __future__ import annotations

import typer


def check(
    objects: list[str] = typer.Argument(
        None,
        metavar="[OBJECT...]",
        help="BPF objects, executables with objects inside, directories, tracers:NAME.",
    ),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, markdown, html, prom, nfd, ansible; FORMAT=FILE, repeatable."
    ),
    html: str | None = typer.Option(None, "--html", metavar="FILE", help="Short for --format html=FILE."),
    select: list[str] = typer.Option([], "--select", help="Only these codes, names or prefixes (PH6)."),
    ignore: list[str] = typer.Option([], "--ignore", help="CODE=REASON: leave a code out, and say why."),
    fail_on: str = typer.Option("required", "--fail-on", help="required, recommended or never."),
    undecided: str = typer.Option("exit3", "--undecided", help="exit3, ok or fail: open required questions."),
    exit_zero: bool = typer.Option(False, "--exit-zero", help="Findings and open questions end with 0."),
    full: bool = typer.Option(
        False,
        "--full",
        help="Ask all program types for all helpers, also for those that write to the kernel log.",
    ),
    attach: bool = typer.Option(
        False, "--attach", help="Also attach to harmless targets of this process, and detach again."
    ),
    kernel_config: str | None = typer.Option(
        None, "--kernel-config", metavar="FILE", help="The kernel's configuration file."
    ),
    btf_dir: str | None = typer.Option(
        None, "--btf-dir", metavar="DIRECTORY", help="Directory of external BTF files."
    ),
    samples: bool = typer.Option(
        True, help="Without OBJECT: also judge the shipped tracers and the installed libbpf-tools."
    ),
    cache: bool = typer.Option(True, help="Remember what was read off files that do not change."),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Show what passes, and all evidence."),
) -> int:
    """Check this host for eBPF: what runs, what does not, why, and what to change.

    Tiny programs are loaded and closed at once; nothing is attached or pinned unless --attach is given.
    """
    from preflight.cli.check_run import checked

    return checked(
        objects,
        format_=format_,
        html=html,
        select=select,
        ignore=ignore,
        fail_on=fail_on,
        undecided=undecided,
        exit_zero=exit_zero,
        full=full,
        attach=attach,
        kernel_config=kernel_config,
        btf_dir=btf_dir,
        samples=samples,
        cache=cache,
        color=color,
        verbose=verbose,
    )
