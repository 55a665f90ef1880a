# SPDX-License-Identifier: Apache-2.0
"""Commands whose plain options are taken as they are.

Typer converts option values with pydantic, which takes longer to import than most commands take
to answer. Text, lists of text, flags and counts need no conversion.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from typer.core import TyperCommand, TyperGroup

Parameter = TypeVar("Parameter")

#: Annotations whose values the command line already delivers in their own type.
_AS_THEY_ARE = (str, list[str])


class LeanCommand(TyperCommand):
    """A Typer command that leaves plain options alone; the others are converted by Typer."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters, `--help` included."""
        return _plain(super().get_params(ctx))


class LeanGroup(TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters, `--help` included."""
        return _plain(super().get_params(ctx))


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
        if of_type in _AS_THEY_ARE or getattr(param, "is_flag", False) or getattr(param, "count", False):
            param._runtime_param = _AsItIs()  # type: ignore[attr-defined]
    return found
