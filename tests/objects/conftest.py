# SPDX-License-Identifier: Apache-2.0
"""The objects inside the installed libbpf-tools, as a corpus."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.objects import BpfObject, open_objects

#: The package whose contents the numbers below were counted in.
VERSION = "0.26.0+ds-1"


@pytest.fixture(scope="session")
def commands() -> list[Path]:
    """The commands of libbpf-tools, or a skip that says why there are none."""
    if shutil.which("dpkg-query") is None:
        pytest.skip("no dpkg to ask for libbpf-tools")
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "libbpf-tools"], capture_output=True, text=True, check=False
    )
    if shown.returncode or shown.stdout != VERSION:
        pytest.skip(f"libbpf-tools {VERSION} is not installed (found: {shown.stdout or 'none'})")
    listing = subprocess.run(["dpkg-query", "-L", "libbpf-tools"], capture_output=True, text=True, check=True)
    return [Path(line) for line in listing.stdout.splitlines() if "/sbin/" in line]


@pytest.fixture(scope="session")
def corpus(commands: list[Path]) -> list[BpfObject]:
    """The distinct objects inside them."""
    found: dict[str, BpfObject] = {}
    for command in commands:
        for obj in open_objects(command):
            found.setdefault(obj.sha256, obj)
    return list(found.values())
