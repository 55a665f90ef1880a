# SPDX-License-Identifier: Apache-2.0
"""Commands whose plain options are taken as they are, and whose help is in the user's words.

Typer converts option values with pydantic, which takes longer to import than most commands take
to answer. Text, lists of text, flags and counts need no conversion. In its help Typer names Python's types.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from typer import Typer
from typer.core import TyperCommand, TyperGroup

Parameter = TypeVar("Parameter")

#: Annotations whose values the command line already delivers in their own type.
_AS_THEY_ARE = (str, list[str])

#: What options take that do not say so themselves: those that mean the same everywhere, and the others.
_OPTIONS = {
    "--color": "WHEN",
    "--fail-on": "LEVEL",
    "--format": "FORMAT",
    "--judge": "HOW",
    "--module": "NAME",
    "--store": "DIRECTORY",
    "--undecided": "OUTCOME",
}
_TAKES: dict[Any, str] = {str: "TEXT", list[str]: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH"}


class LeanCommand(TyperCommand):
    """A Typer command that leaves plain options alone; the others are converted by Typer."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters, `--help` included."""
        return _plain(super().get_params(ctx))


class LeanGroup(TyperGroup):
    """The same for a group of commands, whose list has the whole first sentence of each."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters, `--help` included."""
        return _plain(super().get_params(ctx))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands and what they are for."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, found.get_short_help_str(limit=500)) for name, found in commands.items() if found]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _AsItIs:
    """Stands where Typer keeps an option's conversion."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value itself; several values as a list."""
        return list(value or ()) if param.multiple or param.nargs == -1 else value


def _plain(params: Iterable[Parameter]) -> list[Parameter]:
    """Put the identity where Typer would put a conversion when the option is first converted.

    With a Typer that keeps it elsewhere this is an unused attribute, and the conversion Typer's own.
    """
    found = list(params)
    for param in found:
        of_type = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        _word(param, of_type)
        if of_type in _AS_THEY_ARE or getattr(param, "is_flag", False) or getattr(param, "count", False):
            param._runtime_param = _AsItIs()  # type: ignore[attr-defined]
    return found


def _word(param: Any, of_type: Any) -> None:
    """Let help and usage say what is typed: `OBJECT...` for `{OBJECT...}...`, `TEXT` for `<list[str]>`."""
    if param.param_type_name == "argument":
        named = param.metavar or param.name.upper()
        param.metavar = named if param.required or named.startswith("[") else f"[{named}]"
        param.get_usage_pieces = lambda ctx: [param.metavar]
        param.display_type_rich = lambda ctx: None
    elif getattr(param, "count", False):
        param.show_default = False
    elif param.metavar is None:
        param.metavar = next((_OPTIONS[name] for name in param.opts if name in _OPTIONS), _TAKES.get(of_type))


def lean(group: Typer) -> Typer:
    """The same group, with all its commands and their groups' read in this way."""
    for command in group.registered_commands:
        command.cls = LeanCommand
    for inner in group.registered_groups:
        inner.cls = LeanGroup
        if inner.typer_instance is not None:
            lean(inner.typer_instance)
    return group
