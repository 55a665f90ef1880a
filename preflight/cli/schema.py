# SPDX-License-Identifier: Apache-2.0
"""`preflight schema [COMMAND]`: the JSON Schema of a command's result."""

from __future__ import annotations

import typer


def schema(
    command: list[str] = typer.Argument(
        None, metavar="[COMMAND]", help="A command, as in `lab run`; without one, all are listed."
    ),
) -> None:
    """Print the JSON Schema of a command's --format json."""
    import json

    from preflight.cli.output import write_stdout
    from preflight.errors import UsageError
    from preflight.render.contract import COMMANDS, model_of

    name = " ".join(command or ())
    if not name:
        write_stdout("".join(f"{command}\n" for command in COMMANDS))
        return
    if name not in COMMANDS:
        raise UsageError(f"no schema {name[:40]!r}; there are {', '.join(COMMANDS)}")
    write_stdout(json.dumps(model_of(name).model_json_schema(), indent=2, sort_keys=True) + "\n")
