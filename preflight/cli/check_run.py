# SPDX-License-Identifier: Apache-2.0
"""What `preflight check` does between its options and its output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preflight.kernels.model import Kernel
    from preflight.objects.model import BpfObject


def checked(
    objects: Sequence[str] | None = None,
    *,
    format_: Sequence[str] = (),
    html: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    fail_on: str = "required",
    undecided: str = "exit3",
    exit_zero: bool = False,
    full: bool = False,
    attach: bool = False,
    kernel_config: str | None = None,
    btf_dir: str | None = None,
    samples: bool = True,
    cache: bool = True,
    color: str = "auto",
    verbose: int = 0,
) -> int:
    """Check the host, write the result, and give the exit code. The parameters are the options of `check`."""
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


def _opened(objects: Sequence[str] | None) -> list[BpfObject]:
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
