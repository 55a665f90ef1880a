# SPDX-License-Identifier: Apache-2.0
"""An interrupted check says what it found until then, marked as a part, and ends with 130."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from preflight.render.contract.check import CheckResult
from tests.elfwriter import ElfWriter, exit_, mov

#: Runs `preflight check` with one function replaced by what Ctrl-C makes of it.
_CHECK = """
import importlib, sys
module, _, name = {function!r}.rpartition(".")
def interrupted(*_, **__):
    raise KeyboardInterrupt
setattr(importlib.import_module(module), name, interrupted)
sys.argv = ["preflight", "check", "--format", "json", *{words!r}]
from preflight.__main__ import main
main()
"""


def check(function: str, *words: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    program = _CHECK.format(function=function, words=words)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout, done.stderr
    return done, json.loads(done.stdout)


def test_areas_that_were_not_reached_are_open_and_say_why() -> None:
    done, result = check("preflight.host.collect.maps.collect", "--no-samples")
    assert (done.returncode, done.stderr) == (130, "preflight: interrupted\n")
    CheckResult.model_validate(result)
    summary = result["summary"]
    assert (summary["partial"], summary["exit_code"]) == (True, 130)
    assert summary["verdict"] in ("undecided", "not-ready")
    assert summary["sentence"].startswith("PARTIAL: the run was interrupted")
    by_area = {f["code"][:3]: f for f in result["results"]}
    assert by_area["PH5"]["verdict"] == by_area["PH6"]["verdict"] == "unknown"
    assert "interrupted" in by_area["PH5"]["title"]
    assert "interrupted" not in by_area["PH0"]["title"]


def test_samples_that_were_not_reached_have_no_rows() -> None:
    done, result = check("preflight.host.samples._of_the_host")
    assert done.returncode == 130
    assert result["objects"] == result["tracers"] == []
    assert result["summary"]["partial"] is True
    assert "interrupted" not in {f["title"] for f in result["results"]}


def test_an_object_that_was_not_reached_is_not_ready(tmp_path: Path) -> None:
    writer = ElfWriter()
    writer.code("socket", [mov(0, 0), exit_()], functions=["entry"])
    writer.license()
    path = tmp_path / "one.bpf.o"
    path.write_bytes(writer.bytes())
    done, result = check("preflight.host.readiness.assess_object", str(path))
    assert done.returncode == 130
    assert result["summary"]["verdict"] != "ready"
    assert result["objects"] == []
    assert result["summary"]["partial"] is True
