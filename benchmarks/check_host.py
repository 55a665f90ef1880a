# SPDX-License-Identifier: Apache-2.0
"""`preflight check` against `bpftool feature probe kernel full`, and the start-up of `preflight --help`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.cpu import alternate, report

_BARE_TYPER = """\
import typer
app = typer.Typer(rich_markup_mode=None)
@app.command()
def one(name: str = "x") -> None:
    "One command."
@app.command()
def two(name: str = "x") -> None:
    "Another."
app()
"""


def main() -> None:
    """Print both ratios; where bpftool is absent, say so and print the second only."""
    preflight = str(Path(sys.executable).parent / "preflight")
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(_BARE_TYPER, encoding="utf-8")
        samples = alternate(
            {
                "preflight --help": [preflight, "--help"],
                "bare typer --help": [sys.executable, str(bare), "--help"],
            }
        )
        report("start-up", samples, "preflight --help", "bare typer --help", 1.5)
    bpftool = shutil.which("bpftool", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if bpftool is None:
        print("bpftool is not installed, so `preflight check` has no peer here")
        return
    samples = alternate(
        {
            "preflight check": [preflight, "check", "--format", "json"],
            "bpftool feature probe kernel full": [bpftool, "feature", "probe", "kernel", "full"],
        },
        rounds=5,
    )
    report("host check", samples, "preflight check", "bpftool feature probe kernel full", 6.0)


if __name__ == "__main__":
    main()
