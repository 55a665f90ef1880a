# SPDX-License-Identifier: Apache-2.0
"""The collection that guests get is whole: it runs from its own folder, without this host's library."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.host import codec
from preflight.lab import collector
from preflight.lab.initramfs import Node


@pytest.fixture(scope="module")
def nodes() -> dict[str, Node]:
    return collector.nodes(os.uname().machine)


@pytest.fixture(scope="module")
def unpacked(nodes: dict[str, Node], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("guest")
    for name, node in nodes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(node.data)
    return root


def test_it_collects_the_facts_of_every_area(unpacked: Path) -> None:
    done = subprocess.run(
        [os.path.realpath(sys.executable), "-S", "-s", str(unpacked / collector.SCRIPT.lstrip("/"))],
        env={"PATH": os.environ["PATH"], "PYTHONHOME": str(unpacked / "py")},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found = codec.loads(done.stdout)
    assert found.failures == {}
    assert found.helpers is not None
    assert found.btf is not None


def test_python_and_its_libraries_are_programs(nodes: dict[str, Node]) -> None:
    assert nodes["bin/python3"].mode & stat.S_IXUSR
    assert any(name.startswith("lib/libc.") for name in nodes)


def test_everything_is_compiled_and_of_this_python(nodes: dict[str, Node]) -> None:
    from importlib.util import MAGIC_NUMBER

    python = {name: node for name, node in nodes.items() if name.startswith("py/") and name.endswith(".pyc")}
    assert len(python) > 100
    assert all(node.data.startswith(MAGIC_NUMBER + b"\x01\0\0\0") for node in python.values())
    assert [name for name in nodes if name.endswith(".py")] == [collector.SCRIPT.lstrip("/")]


def test_what_only_type_checkers_import_stays_behind(nodes: dict[str, Node]) -> None:
    assert not [name for name in nodes if "elftools" in name or "pydantic" in name or "preflight/cli" in name]
