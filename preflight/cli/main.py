# SPDX-License-Identifier: Apache-2.0
"""The command line: the table of commands, and Typer's reading of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

import typer

from preflight import __version__
from preflight.cli.lean import LeanCommand, LeanGroup, lean
from preflight.cli.outcome import outcome_of

#: Command name -> module under preflight.cli. A module holds a function of the same name,
#: or a Typer application called `app` for a group of commands.
COMMANDS = {
    "check": "check",
    "core": "core",
    "log": "log",
    "predict": "predict",
    "matrix": "matrix",
    "collect": "collect",
    "fleet": "fleet",
    "gate": "gate",
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

        from preflight.btf import quick
        from preflight.bytecode import insn
        from preflight.kernels import symbols

        elftools = importlib.metadata.version("pyelftools")
        loops = "with" if quick.native and insn.native and symbols.native else "without"
        print(
            f"preflight {__version__} (Python {platform.python_version()}, pyelftools {elftools}, "
            f"{loops} compiled loops)"
        )
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
            "and what a rejection means. Sends nothing anywhere but to a cluster named with `--dask`; else "
            "only `kernels fetch`, `kernels renew` and `lab` use the network."
        ),
        epilog=(
            "Exit codes of all commands: 0 decided and fine, 1 findings, 2 usage or input error, "
            "3 a required question is open, 4 preflight itself failed, 130 interrupted."
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
            app.add_typer(lean(group), name=name, cls=LeanGroup)
        else:
            app.command(name, cls=LeanCommand)(getattr(module, name.replace("-", "_")))
    return app


def _named(words: Sequence[str]) -> Iterable[str]:
    """The command that the first word names; all of them when it names none (help, completion, a mistake)."""
    return words[:1] if words and words[0] in COMMANDS else COMMANDS


def run() -> int:
    """Run the command line; the exit code of the contract.

    Typer ends an uncaught exception with 1, which would read as "findings"; so everything
    is caught in `outcome`.
    """
    return outcome_of(_by_typer)


def _by_typer() -> object:
    try:
        return application(_named(sys.argv[1:]))(standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
