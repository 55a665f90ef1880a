# SPDX-License-Identifier: Apache-2.0
"""CPU time (user + system) of whole processes, run alternately so that noise hits both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """CPU seconds of the runs of one command, and the largest resident set in MiB."""

    seconds: tuple[float, ...]
    peak_mib: float

    @property
    def median(self) -> float:
        """Median CPU seconds."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        low, high = min(self.seconds) * 1000, max(self.seconds) * 1000
        return f"{self.median * 1000:.1f} ms ({low:.1f}..{high:.1f}), {self.peak_mib:.0f} MiB"


def run_once(command: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[float, float]:
    """CPU seconds and peak MiB of one run; its output is thrown away, its exit code not judged."""
    with open(os.devnull, "r+b") as null:
        process = subprocess.Popen(
            command, stdin=null, stdout=null, stderr=null, env=None if env is None else dict(env)
        )
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def alternate(
    commands: Mapping[str, Sequence[str]], rounds: int = 7, env: Mapping[str, str] | None = None
) -> dict[str, Sample]:
    """Run the commands in turn, `rounds` times, after one round that warms the caches."""
    for command in commands.values():
        run_once(command, env)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peak = dict.fromkeys(commands, 0.0)
    for _ in range(rounds):
        for name, command in commands.items():
            used, size = run_once(command, env)
            seconds[name].append(used)
            peak[name] = max(peak[name], size)
    return {name: Sample(tuple(values), peak[name]) for name, values in seconds.items()}


def report(
    title: str, samples: Mapping[str, Sample], ours: str, peer: str, bound: float | None = None
) -> float:
    """Print the samples and the ratio of two of them; returns the ratio."""
    ratio = samples[ours].median / samples[peer].median
    print(f"## {title}  ({time.strftime('%Y-%m-%d')})")
    for name, sample in samples.items():
        print(f"  {name:<34} {sample}")
    goal = "" if bound is None else f" (goal: at most {bound})"
    print(f"  ratio {ours} / {peer} = {ratio:.2f}{goal}\n")
    return ratio
