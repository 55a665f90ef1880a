# SPDX-License-Identifier: Apache-2.0
"""The entry point: the table of commands, and the one place that turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

import typer

from preflight import __version__
from preflight.cli.exits import Exit
from preflight.cli.lean import LeanCommand, LeanGroup
from preflight.errors import PreflightError
from preflight.render.safe import safe_text

#: Command name -> module under preflight.cli. A module holds a function of the same name,
#: or a Typer application called `app` for a group of commands.
COMMANDS = {
    "check": "check",
    "core": "core",
    "log": "log",
    "predict": "predict",
    "matrix": "matrix",
    "collect": "collect",
    "kernels": "kernels",
    "lab": "lab",
    "tracers": "tracers",
    "explain": "explain",
    "report": "report",
    "schema": "schema",
}


def _version(show: bool) -> None:
    if show:
        import importlib.metadata
        import platform

        elftools = importlib.metadata.version("pyelftools")
        print(f"preflight {__version__} (Python {platform.python_version()}, pyelftools {elftools})")
        raise typer.Exit


def root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the versions and exit."
    ),
) -> None:
    """Global options; everything else belongs to a command."""


def application(names: Iterable[str]) -> typer.Typer:
    """The command line with these commands of COMMANDS.

    Typer reads the signature of every command before it runs one, so a run gets only what it names.
    """
    app = typer.Typer(
        name="preflight",
        cls=LeanGroup,
        help=(
            "Tells before deployment whether eBPF programs will run: on this host, on that kernel, "
            "and what a rejection means. Sends nothing anywhere; only `kernels fetch` and `lab` use the "
            "network."
        ),
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for name in names:
        module = import_module(f"preflight.cli.{COMMANDS[name]}")
        group = getattr(module, "app", None)
        if group is not None:
            app.add_typer(group, name=name)
        else:
            app.command(name, cls=LeanCommand)(getattr(module, name.replace("-", "_")))
    return app


def _named(words: Sequence[str]) -> Iterable[str]:
    """The command that the first word names; all of them when it names none (help, completion, a mistake)."""
    return words[:1] if words and words[0] in COMMANDS else COMMANDS


def run() -> int:
    """Run the command line; the exit code of the contract.

    Typer ends an uncaught exception with 1, which would read as "findings"; so everything
    is caught here.
    """
    try:
        outcome = application(_named(sys.argv[1:]))(standalone_mode=False)
        sys.stdout.flush()
        if outcome == Exit.INTERRUPTED:  # Typer has taken the interrupt for an exit
            raise KeyboardInterrupt
        return int(outcome) if isinstance(outcome, int) else int(Exit.FINE)
    except PreflightError as error:
        print(f"preflight: {safe_text(str(error), limit=2000)}", file=sys.stderr)
        return error.exit_code
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("preflight: interrupted", file=sys.stderr)
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away; nothing is wrong with what was found.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.FINE)
    except MemoryError:
        print("preflight: out of memory", file=sys.stderr)
        return int(Exit.INTERNAL)
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    usage_code = getattr(error, "exit_code", None)
    show = getattr(error, "show", None)
    if usage_code == Exit.USAGE and callable(show):
        show()
        return int(Exit.USAGE)
    if os.environ.get("PREFLIGHT_TRACEBACK"):
        import traceback

        traceback.print_exc()
    text = safe_text(f"{type(error).__name__}: {error}", limit=500)
    print(
        f"preflight: internal error: {text} (set PREFLIGHT_TRACEBACK=1 for the traceback; please report it)",
        file=sys.stderr,
    )
    return int(Exit.INTERNAL)
