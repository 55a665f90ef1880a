# SPDX-License-Identifier: Apache-2.0
"""The JSON contract as models: the source of `preflight schema`, and the gate for result files.

One module holds the models of one command, or of a few that share most of theirs. It is imported when
that command is asked for: making the models of all commands takes longer than most of what is done with one.

Enumerations are plain strings on purpose (open), unknown keys are kept, and changes
within a major version only add. Renderers still work on plain dictionaries; these models
are for the edge.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preflight.render.contract.common import Result

#: Command -> module of this package, and the model of the command's result in it.
_MODELS = {
    "check": ("check", "CheckResult"),
    "core": ("core", "CoreResult"),
    "fleet": ("fleet", "FleetResult"),
    "fleet diff": ("fleet_diff", "FleetDiffResult"),
    "gate": ("gate", "GateResult"),
    "kernels diff": ("kernels", "KernelDiffResult"),
    "lab boot": ("lab", "LabResult"),
    "lab probe": ("lab", "LabResult"),
    "lab run": ("lab", "LabResult"),
    "lab score": ("lab_score", "ScoreResult"),
    "log": ("log", "LogResult"),
    "matrix": ("matrix", "MatrixResult"),
    "predict": ("predict", "PredictResult"),
    "tracers lint": ("lint", "LintResult"),
    "tracers list": ("tracers", "TracersListResult"),
    "tracers run": ("tracers_run", "TracersRunResult"),
    "tracers runbook": ("tracers", "TracersRunbookResult"),
    "tracers show": ("tracers", "TracersShowResult"),
}

#: The commands whose results have a model, sorted.
COMMANDS = tuple(sorted(_MODELS))


def model_of(command: str) -> type[Result]:
    """The model of a command's result; KeyError for what is not among COMMANDS."""
    module, name = _MODELS[command]
    model: type[Result] = getattr(import_module(f"{__name__}.{module}"), name)
    return model
