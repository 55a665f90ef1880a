# SPDX-License-Identifier: Apache-2.0
"""The recorded truths hold together, and the surface table is the one they give."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from preflight.lab import truth

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "fixtures" / "truth").glob("*.json.xz"))


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_truth", ROOT / "tools" / "record_truth.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_truth_is_of_a_complete_run(path: Path) -> None:
    found = truth.read(path)
    assert (found.outcome, f"{found.release}.json.xz") == ("booted", path.name)
    assert len(found.objects) > 90
    assert [o.object for o in found.objects if o.problem] == []
    assert {o.verdict for o in found.objects} == {"loads", "fails"}


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_bpftool_said_the_same_of_every_object(path: Path) -> None:
    for measured in truth.read(path).objects:
        assert measured.bpftool is not None
        assert (measured.verdict == "loads") == (measured.bpftool.exit_code == 0), measured.object


def test_every_object_was_measured_on_every_kernel() -> None:
    assert len({frozenset(o.sha256 for o in truth.read(path).objects) for path in FILES}) == 1


def test_every_kernel_of_the_set_is_recorded() -> None:
    names = tomllib.loads((ROOT / "matrices" / "lab.toml").read_text(encoding="utf-8"))["kernels"]
    assert {truth.read(path).kernel for path in FILES} == set(names)


def test_the_surface_table_is_current() -> None:
    tool = _tool()
    from preflight.kernels.store import natural

    table = tool.surfaces(sorted(map(truth.read, FILES), key=lambda found: natural(found.kernel)))
    assert json.loads((ROOT / "matrices" / "surfaces.json").read_text(encoding="utf-8")) == table
    assert (ROOT / "matrices" / "surfaces.md").read_text(encoding="utf-8") == tool.markdown(table)
