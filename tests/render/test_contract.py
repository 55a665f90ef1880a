# SPDX-License-Identifier: Apache-2.0
"""The models of the JSON contract: one per command; asking for one makes no others."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from preflight.render.contract import COMMANDS, model_of


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_schema_admits_its_own_results_alone(command: str) -> None:
    field = model_of(command).model_json_schema()["properties"]["command"]
    named = field.get("enum") or [field["const"]]

    assert command in named
    assert all(model_of(other) is model_of(command) for other in named)


def test_an_unknown_command_has_no_model() -> None:
    with pytest.raises(KeyError):
        model_of("nothing")


def _loaded(code: str) -> set[str]:
    """The modules that a Python process has after it ran this."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_naming_the_commands_does_without_the_models() -> None:
    assert "pydantic" not in _loaded("from preflight.render.contract import COMMANDS")


def test_one_commands_model_does_without_those_of_the_others() -> None:
    loaded = _loaded("from preflight.render.contract import model_of; model_of('log')")
    package = "preflight.render.contract."

    assert {name.removeprefix(package) for name in loaded if name.startswith(package)} == {"common", "log"}
