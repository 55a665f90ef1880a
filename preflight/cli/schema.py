# SPDX-License-Identifier: Apache-2.0
"""`preflight schema [COMMAND]`: the JSON Schema of a command's result."""

from __future__ import annotations

import typer


def schema(
    command: str = typer.Argument("", metavar="[COMMAND]", help="A command; without one, the names are listed."),
) -> None:
    """Print the JSON Schema of a command's --format json."""
    from preflight.cli.output import write_stdout
    from preflight.errors import UsageError
    from preflight.render.schemas import names, read

    if not command:
        write_stdout("".join(f"{name}\n" for name in names()))
        return
    if command not in names():
        raise UsageError(f"no schema {command[:40]!r}; there are {', '.join(names())}")
    write_stdout(read(command))
