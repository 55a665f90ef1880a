# SPDX-License-Identifier: Apache-2.0
"""Reading BTF starts quickly: it imports nothing heavy, and of the project only errors and records."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"json", "hashlib", "pathlib", "argparse", "elftools", "rich", "jinja2", "pydantic", "typer", "numpy"}
SHOW = "import sys; sys.path.insert(0, {root!r}); before = set(sys.modules); import preflight.btf; " + (
    "print(*(set(sys.modules) - before))"
)


def test_what_an_import_brings_along() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SHOW.format(root=str(ROOT))],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(done.stdout.split())
    assert "preflight.btf.reader" in loaded
    assert not loaded & HEAVY
    ours = {name for name in loaded if name.startswith("preflight.") and not name.startswith("preflight.btf")}
    assert ours == {"preflight.errors", "preflight.records"}
