# SPDX-License-Identifier: Apache-2.0
"""`preflight check [OBJECT...]`: is this host ready?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from preflight.kernels.model import Kernel
    from preflight.objects.model import BpfObject


def check(
    objects: list[str] = typer.Argument(
        None,
        metavar="[OBJECT...]",
        help="BPF objects, executables with objects inside, directories, tracers:NAME.",
    ),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, markdown or html; FORMAT=FILE, repeatable."
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
    import sys

    from preflight.cli.check_tracers import shipped
    from preflight.cli.exits import Exit, exit_for
    from preflight.cli.options import choose, codes_of, parse_ignores
    from preflight.cli.output import emit
    from preflight.errors import UsageError
    from preflight.host.assess import assess_host
    from preflight.host.collect.session import Options
    from preflight.host.samples import Samples
    from preflight.host.summary import reason, summary, tables
    from preflight.render.envelope import envelope
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "recommended", "never"))
    choose("--undecided", undecided, ("exit3", "ok", "fail"))
    options = Options(
        kernel_config=Path(kernel_config) if kernel_config else None,
        btf_dir=Path(btf_dir) if btf_dir else None,
        full=full,
        attach=attach,
        cache=cache,
    )
    ignored = parse_ignores(ignore)
    assessment = assess_host(
        _opened(objects),
        samples=Samples(shipped=shipped(), cache=cache) if samples and not objects else None,
        options=options,
        kernel=_kernel,
        select=codes_of(select),
        ignore=codes_of(list(ignored)),
    )
    if not assessment.findings:
        raise UsageError("nothing to report: no finding of this run matches --select without --ignore")
    code = Exit.INTERRUPTED if assessment.interrupted else exit_for(assessment.findings, fail_on, undecided)
    if exit_zero and code in (Exit.FINDINGS, Exit.UNDECIDED):
        code = Exit.FINE
    result = envelope(
        "check",
        summary(assessment, int(code)),
        [finding.to_dict() for finding in assessment.findings],
        ignored=ignored,
        **tables(assessment),
    )
    emit(
        result,
        [*format_, *([f"html={html}"] if html else [])],
        renderers("check"),
        color=color,
        verbose=verbose,
    )
    if code not in (Exit.FINE, Exit.INTERRUPTED):
        print(f"exit {int(code)}: {reason(assessment, int(code))}", file=sys.stderr)
    return int(code)


def _opened(objects: list[str]) -> list[BpfObject]:
    """The objects behind what the user named; nothing of reading objects is imported without any."""
    if not objects:
        return []
    from preflight.cli.targets import object_paths
    from preflight.objects.sources import open_all

    return open_all(object_paths(objects))


def _kernel() -> Kernel:
    """The running kernel, when relocation asks for it."""
    from preflight.kernels.host import running

    return running()
