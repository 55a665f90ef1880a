# SPDX-License-Identifier: Apache-2.0
"""`preflight explain CODE`: what a code means, what is checked, why it happens, how it is fixed."""

from __future__ import annotations

import typer


def explain(
    code: str = typer.Argument(
        "", metavar="[CODE]", help="A code or its name; without one, all codes are listed."
    ),
    format_: str = typer.Option("text", "--format", help="text, json or markdown."),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
) -> None:
    """Explain a code: what it checks, its cause, its fix and where to read on."""
    from preflight.cli.output import split_format, stdout_style, write_stdout
    from preflight.findings.registry import find, iter_codes
    from preflight.render import explain as rendering

    name, _ = split_format(format_, list(rendering.RENDERERS))
    wanted = [find(code)] if code else list(iter_codes())
    write_stdout(rendering.RENDERERS[name](wanted, stdout_style(color, 0), bool(code)))
