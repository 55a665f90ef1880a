# SPDX-License-Identifier: Apache-2.0
"""`preflight check` against `bpftool feature probe kernel full`, and the start-up of `preflight --help`.

The check is measured cold (an empty cache directory before every run: objects opened, BTF and
tables parsed) and warm (what the run before remembered). Both with compiled Python files present,
as `make build` and every installed wheel have them.
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import tempfile
from pathlib import Path

import preflight
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

#: Empties the cache and runs the command behind it; the shell and rm(1) cost the cold figure 2 ms.
_COLD = 'rm -rf "$XDG_CACHE_HOME" && exec "$@"'


def main() -> None:
    """Print the ratios; where bpftool is absent, say so and print the start-up only."""
    compileall.compile_dir(Path(preflight.__file__).parent, quiet=2)
    command = str(Path(sys.executable).parent / "preflight")
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        bare = Path(folder) / "bare.py"
        bare.write_text(_BARE_TYPER, encoding="utf-8")
        samples = alternate(
            {
                "preflight --help": [command, "--help"],
                "bare typer --help": [sys.executable, str(bare), "--help"],
            },
            env=env,
        )
        report("start-up", samples, "preflight --help", "bare typer --help", 1.5)
        _check(command, env)


def _check(command: str, env: dict[str, str]) -> None:
    peer = "bpftool feature probe kernel full"
    bpftool = shutil.which("bpftool", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if bpftool is None:
        print("bpftool is not installed, so `preflight check` has no peer here")
        return
    check = [command, "check", "--format", "json"]
    probe = [bpftool, *peer.split()[1:]]
    warm, cold = "preflight check, warm", "preflight check, cold"
    found = alternate({warm: check, peer: probe}, rounds=7, env=env)
    report("host check, warm: what the run before remembered", found, warm, peer, 6.0)
    found = alternate({cold: ["/bin/sh", "-c", _COLD, "sh", *check], peer: probe}, rounds=5, env=env)
    report("host check, cold: an empty cache before every run", found, cold, peer, 6.0)


if __name__ == "__main__":
    main()
