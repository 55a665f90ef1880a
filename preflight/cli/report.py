# SPDX-License-Identifier: Apache-2.0
"""`preflight report RESULT.json`: renders a result later, elsewhere."""

from __future__ import annotations

from pathlib import Path

import typer


def report(
    result: Path = typer.Argument(..., help="A result written with --format json; - reads standard input."),
    format_: list[str] = typer.Option(
        [], "--format", help="A format of the command that made the result; FORMAT=FILE, repeatable."
    ),
    html: Path | None = typer.Option(None, "--html", help="Short for --format html=FILE."),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Show what passes, too."),
) -> None:
    """Render a JSON result in any format of its command, without asking the host again."""
    from preflight.cli.output import emit
    from preflight.render.load import read_result
    from preflight.render.registry import renderers

    loaded = read_result(result)
    formats = [*format_, *([f"html={html}"] if html else [])]
    emit(loaded, formats, renderers(loaded["command"]), color=color, verbose=verbose)
