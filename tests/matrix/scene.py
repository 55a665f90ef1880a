# SPDX-License-Identifier: Apache-2.0
"""A small catalogue and a few objects, and `preflight matrix` run on them in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from preflight.cli.main import run
from preflight.kernels.model import Kernel
from preflight.kernels.store import Store
from preflight.objects.model import BpfObject
from preflight.render.contract.matrix import MatrixResult
from tests.predict.cases_load import HASH
from tests.predict.worlds import program, world

GOOD = world(symbols=["T work"], tracepoints={"made": 1})
OTHER = world(symbols=["T work", "T other"], tracepoints={"made": 1}, functions=["extra"])
POOR = world(symbols=["T else"], tracepoints={"made": 1})
BARE = world(symbols=None, tracepoints={"made": 1})

ATTACHES = program("kprobe/work")
ABSENT = program("kprobe/gone")
TRACEPOINT = program("raw_tp/made")
FAILS = program("raw_tp/made", license="Proprietary", maps=[{**HASH, "type": 25}])
OPEN = program("raw_tp/made", maps=[{**HASH, "max_entries": 0}])


@dataclass
class Ran:
    """What one run printed."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON on standard output, which must follow the contract."""
        loaded: dict[str, Any] = json.loads(self.out)
        MatrixResult.model_validate(loaded)
        return loaded


@dataclass
class Scene:
    """A folder with a catalogue and objects."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    objects: dict[str, Path] = field(default_factory=dict)

    def kernels(self, kernels: Mapping[str, Kernel]) -> None:
        """Put kernels into the catalogue."""
        store = Store(self.folder / "store")
        for name, kernel in kernels.items():
            store.add(kernel, name)

    def put(self, **objects: BpfObject) -> None:
        """Write objects, each under its name."""
        for name, obj in objects.items():
            path = self.folder / name
            path.write_bytes(obj.data)
            self.objects[name] = path

    def run(self, *words: str, objects: Sequence[str] | None = None, command: str = "matrix") -> Ran:
        """`preflight COMMAND` with these words, the catalogue, and the objects named (all)."""
        chosen = [str(self.objects[name]) for name in (self.objects if objects is None else objects)]
        arguments = [*chosen, "--store", str(self.folder / "store"), *words]
        self.monkeypatch.setattr(sys, "argv", ["preflight", command, *arguments])
        code = run()
        out, err = self.capsys.readouterr()
        return Ran(code, out, err)

    def json(self, *words: str, objects: Sequence[str] | None = None) -> dict[str, Any]:
        """The result of a run."""
        return self.run(*words, "--format", "json", objects=objects).result
