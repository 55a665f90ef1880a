# SPDX-License-Identifier: Apache-2.0
"""Compiles work.c, once for each module of tests; worker.py runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tracers.worker import SECONDS

_SOURCE = Path(__file__).parent / "work.c"

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="the program that does the known work needs a C compiler"
)


def compiled(folder: Path) -> Path:
    """The program, built in `folder`. Frame pointers make its stacks readable."""
    # A command name of its own: the same tests may run beside these.
    binary = folder / f"work{os.getpid()}"
    subprocess.run(
        [
            "cc",
            "-O1",
            "-pie",
            "-fPIE",
            "-fno-omit-frame-pointer",
            "-pthread",
            str(_SOURCE),
            "-o",
            str(binary),
        ],
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
    return binary
