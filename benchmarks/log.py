# SPDX-License-Identifier: Apache-2.0
"""`preflight log`: one log against a bare Typer program, ten thousand in one call, a very long one.

PREFLIGHT_BENCH_ROUNDS sets the rounds, PREFLIGHT_BENCH_LOG_MIB the size of the long log (1024 by default).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.check_host import _BARE_TYPER
from benchmarks.cpu import alternate, run_once

_RECORDED = Path(__file__).resolve().parent.parent / "fixtures" / "verifier" / "rejections.jsonl"
_MANY = 10_000
_STATS = "processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"


def main() -> None:
    """Print CPU, ratios, throughput and peak memory."""
    rounds = int(os.environ.get("PREFLIGHT_BENCH_ROUNDS", "7"))
    preflight = str(Path(sys.executable).parent / "preflight")
    rows = [json.loads(line)["log"] for line in _RECORDED.read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        # an installed package has its .pyc files
        env["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "pyc")
        _one(preflight, Path(folder), env, rounds, rows)
        _many(preflight, Path(folder), env, rows)
        _long(preflight, Path(folder), env)


def _one(preflight: str, folder: Path, env: dict[str, str], rounds: int, rows: list[str]) -> None:
    log = min(rows, key=lambda text: abs(len(text) - 5000))
    path = folder / "one.log"
    path.write_text(log, encoding="utf-8")
    bare = folder / "bare.py"
    bare.write_text(_BARE_TYPER, encoding="utf-8")
    found = alternate(
        {"bare": [sys.executable, str(bare)], "log": [preflight, "log", str(path)]}, rounds=rounds, env=env
    )
    over = (found["log"].median - found["bare"].median) * 1000
    print(
        f"log: one log of {len(log)} bytes: {found['log']}; bare Typer {found['bare']}; {over:.1f} ms over it"
    )


def _many(preflight: str, folder: Path, env: dict[str, str], rows: list[str]) -> None:
    names = []
    for number in range(_MANY):
        path = folder / f"{number}.log"
        path.write_text(rows[number % len(rows)], encoding="utf-8")
        names.append(str(path))
    seconds, peak = run_once([preflight, "log", *names, "--format", "json"], env)
    print(f"log: {_MANY} logs in one call: {_MANY / seconds:.0f} logs per CPU second, {peak:.0f} MiB")


def _long(preflight: str, folder: Path, env: dict[str, str]) -> None:
    """A level 2 log: paths that are walked, found safe and left, until the last one is rejected."""
    mebibytes = int(os.environ.get("PREFLIGHT_BENCH_LOG_MIB", "1024"))
    path = folder / "long.log"
    block = "".join(
        f"{n}: (07) r1 += {n}                    ; R1_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=255)\n"
        for n in range(10, 500)
    )
    block += "500: (25) if r1 > 0x64 goto pc+5      ; R1_w=scalar(umin=101)\n501: safe\n\n"
    block += "from 500 to 10: R0=1 R1_w=scalar(umax=255,var_off=(0x0; 0xff)) R10=fp0 fp-8=mmmmmmmm\n"
    with path.open("w", encoding="utf-8") as out:
        out.write("func#0 @0\n0: R1=ctx() R10=fp0\n0: (b7) r1 = 0                         ; R1_w=0\n")
        for _ in range(mebibytes * (1 << 20) // len(block)):
            out.write(block)
        out.write("10: (79) r0 = *(u64 *)(r1 +0)\nR1 invalid mem access 'scalar'\n" + _STATS)
    size = path.stat().st_size / (1 << 20)
    seconds, peak = run_once([preflight, "log", str(path)], env)
    print(
        f"log: a level 2 log of {size:.0f} MiB: {size / seconds:.0f} MiB per CPU second, peak {peak:.0f} MiB"
    )
    path.unlink()


if __name__ == "__main__":
    main()
