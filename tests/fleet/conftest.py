# SPDX-License-Identifier: Apache-2.0
"""`preflight fleet` in this process, on a folder of synthetic facts and a catalogue of synthetic kernels."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from preflight.cli.main import run
from preflight.kernels.store import Store
from preflight.render.contract import model_of
from tests.fleet.hosts import KERNELS, OBJECT, Maker


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
        model_of(loaded["command"]).model_validate(loaded)
        return loaded


class Scene:
    """A folder, a catalogue that knows the kernels named in `add`, and one object."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.maker = Maker()
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.object = folder / "made.bpf.o"
        self.object.write_bytes(OBJECT.data)

    def add(self, *kernels: str) -> None:
        """Put kernels into the catalogue, under names that say nothing."""
        store = Store(self.folder / "store")
        for name in kernels:
            store.add(KERNELS[name], f"entry-{name}")

    def run(self, *words: str | Path, objects: bool = True) -> Ran:
        """`preflight fleet` with these words."""
        asked: Sequence[str] = ["--object", str(self.object)] if objects else []
        store = ["--store", str(self.folder / "store")]
        self._monkeypatch.setattr(
            sys, "argv", ["preflight", "fleet", *map(str, words), *asked, *store, "--workers", "1"]
        )
        code = run()
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)

    def result(self, *words: str | Path, objects: bool = True) -> dict[str, Any]:
        """The JSON result of such a run."""
        return self.run(*words, "--format", "json", objects=objects).result


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scene:
    """Nothing in the catalogue yet; the clock of results stands still."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    return Scene(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="session")
def podman() -> None:
    """Skips a test where podman cannot run a container; asked when the first one runs, not at import."""
    from tests.fleet.containers import why_not

    if why_not():
        pytest.skip(why_not())


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips a test where hosts made of namespaces cannot be."""
    from tests.fleet.namespaces import why_not

    if why_not():
        pytest.skip(why_not())
