# SPDX-License-Identifier: Apache-2.0
"""The guide to fleets: every command of it runs, in the order in which it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.kernels.store import Store
from tests.cli.run import PREFLIGHT, preflight
from tests.fleet.hosts import KERNELS, OBJECT, Maker, write

GUIDE = Path(__file__).parents[2] / "docs" / "fleet.md"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What the guide takes for granted: a key, facts of a few hosts, an object, their kernels."""
    maker = Maker()
    for folder, kernel in (("facts", "new"), ("before", "new"), ("after", "old")):
        write(
            tmp_path / folder, [maker.document(kernel, number=n, labels={"zone": "eu-1"}) for n in range(3)]
        )
    store = Store(tmp_path / "data" / "preflight" / "kernels")
    for name in ("new", "old"):
        store.add(KERNELS[name], f"made/{name}")
    (tmp_path / "agent.bpf.o").write_bytes(OBJECT.data)
    (tmp_path / "key").write_bytes(b"0123456789abcdef0123")
    return tmp_path


@pytest.mark.skipif(
    not Path("/etc/machine-id").exists(), reason="a machine without an id has nothing to be keyed by"
)
def test_every_command_of_the_guide_runs(place: Path) -> None:
    listed = commands()
    assert len(listed) >= 7
    for line in listed:
        words = shlex.split(line.replace("/etc/preflight.key", str(place / "key")))
        program = {"preflight": list(PREFLIGHT), "python3": [sys.executable, "-I", "-S"]}[words[0]]
        done = subprocess.run(
            [*program, *words[1:]], cwd=place, capture_output=True, check=False, timeout=120,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "XDG_DATA_HOME": str(place / "data"),
                 "XDG_CACHE_HOME": str(place / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        expected = 1 if "--diff" in words else 0
        assert done.returncode == expected, (line, done.stderr.decode())
    for made in ("facts.json", "collect_facts.py", "fleet.html", "fleet.csv", "report/index.html",
                 "report/preflight.css", "report/preflight.js", "rollout.html", "rollout.md"):  # fmt: skip
        assert (place / made).stat().st_size > 200, made
    assert "3 got worse" in (place / "rollout.md").read_text()


def test_every_option_of_the_guide_exists() -> None:
    helps = b"".join(preflight(name, "--help").stdout for name in ("collect", "fleet")).decode()
    text = re.sub(r"python benchmarks/\S+ .*?`", "", GUIDE.read_text())
    for option in set(re.findall(r"--[a-z][a-z-]+", text)):
        assert option in helps, option
