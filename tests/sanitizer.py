# SPDX-License-Identifier: Apache-2.0
"""Runs a compiled module of native/ under AddressSanitizer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.compile_native import build, compiler

#: Stands before a program: `module(NAME)` is the compiled module, whose path is the first argument.
_LOADS = """
import importlib.util, random, sys
def module(name):
    spec = importlib.util.spec_from_file_location(name, sys.argv[1])
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made
"""


def assert_stays_within_its_bytes(source: Path, program: str, folder: Path) -> None:
    """Compile `source`, and run the Python program, which uses `module(NAME)` and has to come to its end."""
    runtime = _runtime()
    if runtime is None:
        pytest.skip("the C compiler here has no AddressSanitizer, which this test is about")
    built = folder / "checked.abi3.so"
    absent = build(built, source=source, flags=("-fsanitize=address", "-g", "-O1"))
    if absent:
        pytest.skip(f"nothing to hold against Python: {absent}")
    # in Python's own pools a read beyond a block would go unseen; leaks are of no interest here
    env = {
        **os.environ,
        "LD_PRELOAD": runtime,
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    command = [sys.executable, "-c", f"{_LOADS}{program}\nprint('came to its end')", str(built)]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert run.stdout == "came to its end\n", run.stderr[-3000:]


def _runtime() -> str | None:
    """Path of the sanitizer's library, which has to be there before Python's own allocations."""
    found = compiler()
    if found is None:
        return None
    named = subprocess.run(
        [found, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False
    )
    path = named.stdout.strip()
    return path if Path(path).is_absolute() else None
