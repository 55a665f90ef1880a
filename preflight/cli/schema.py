# SPDX-License-Identifier: Apache-2.0
"""`preflight schema [COMMAND]`: the JSON Schema of a command's result."""

from __future__ import annotations

import typer


def schema(
    command: str = typer.Argument("", metavar="[COMMAND]", help="A command; without one, all are listed."),
) -> None:
    """Print the JSON Schema of a command's --format json."""
    import json

    from preflight.cli.output import write_stdout
    from preflight.errors import UsageError
    from preflight.render.contract import COMMANDS, model_of

    if not command:
        write_stdout("".join(f"{name}\n" for name in COMMANDS))
        return
    if command not in COMMANDS:
        raise UsageError(f"no schema {command[:40]!r}; there are {', '.join(COMMANDS)}")
    write_stdout(json.dumps(model_of(command).model_json_schema(), indent=2, sort_keys=True) + "\n")
