# SPDX-License-Identifier: Apache-2.0
"""`preflight lab score`: predictions held against measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from preflight.cli.exits import Exit

if TYPE_CHECKING:
    from preflight.lab.scoring.measurements import Measured
    from preflight.lab.scoring.predictions import MadeBefore, MadeNow
    from preflight.lab.scoring.report import Scored

_FAIL_ON = ("wrong", "false-good", "never")


def score(
    measured: list[Path] = typer.Argument(
        ...,
        metavar="MEASURED...",
        help="Results of `lab run --format json`, recorded truth, or folders of them.",
    ),
    predicted: list[Path] = typer.Option(
        [], "--predicted", metavar="FILE", help="Results of `predict --format json`; without, predicted now."
    ),
    objects: list[str] = typer.Option(
        [], "--object", metavar="OBJECT", help="Look for the measured objects here; repeatable."
    ),
    only: str = typer.Option("*", "--only", metavar="PATTERN", help="Only measured kernels of such names."),
    names: bool = typer.Option(
        True, "--names/--no-names", help="Also judge by names alone, as the yardstick."
    ),
    fail_on: str = typer.Option("wrong", "--fail-on", help="wrong, false-good or never."),
    store: Path | None = typer.Option(None, "--store", help="Catalogue directory (default: the user's)."),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, markdown or html, or FORMAT=FILE; repeatable."
    ),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="List everything that differs."),
) -> int:
    """Score predictions against what kernels did: matrices by kernel, object, program and cause."""
    from fnmatch import fnmatchcase

    from preflight.cli.options import choose
    from preflight.cli.output import emit
    from preflight.errors import UsageError
    from preflight.lab.scoring.measurements import read_all
    from preflight.lab.scoring.report import parts
    from preflight.lab.scoring.report import score as compare
    from preflight.render.envelope import envelope
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, _FAIL_ON)
    kernels = [one for one in read_all(measured) if fnmatchcase(one.name, only)]
    if not kernels:
        raise UsageError(f"no measured kernel is called {only[:80]!r}")
    scored = compare(kernels, _predictions(kernels, predicted, objects, names, store))
    if not scored.own.pairs:
        raise UsageError(_nothing(scored))
    summary, results, more = parts(scored)
    code = _exit(scored, fail_on)
    result = envelope("lab score", {**summary, "exit_code": int(code)}, results, **more)
    emit(result, format_, renderers("lab score"), color=color, verbose=verbose)
    return int(code)


def _predictions(
    kernels: list[Measured], predicted: list[Path], objects: list[str], names: bool, store: Path | None
) -> MadeNow | MadeBefore:
    from preflight.errors import InputError, UsageError
    from preflight.lab.scoring.predictions import MadeBefore, MadeNow, by_rules, measured_objects

    if predicted:
        from preflight.render.load import read_result

        results = []
        for path in predicted:
            found = read_result(path)
            if found["command"] != "predict":
                raise InputError("is no result of preflight predict", subject=path.name)
            results += found["results"]
        return MadeBefore.of(results)
    from preflight.kernels import Store
    from preflight.lab.scoring.name_differ import predict_by_names

    here = measured_objects(kernels, objects)
    if not here:
        raise UsageError("none of the measured objects is on this machine; name them with --object")
    return MadeNow(here, Store(store), (by_rules, predict_by_names) if names else (by_rules,))


def _nothing(scored: Scored) -> str:
    reasons = [f"{name}: {why}" for name, why in scored.not_predicted.items()]
    reasons += [f"{reason}: {count}" for reason, count in scored.own.left_out.items()]
    return f"nothing can be compared: {'; '.join(reasons[:5]) or 'nothing was measured'}"


def _exit(scored: Scored, fail_on: str) -> Exit:
    kinds = {pair.kind for pair in scored.own.pairs}
    counted = {"wrong": {"false-good", "false-bad"}, "false-good": {"false-good"}, "never": set[str]()}[
        fail_on
    ]
    return Exit.FINDINGS if kinds & counted else Exit.FINE
