#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold predictions for this host against what its kernel does with random programs.

    python tools/random_accuracy.py [--programs N] [--first SEED]

Loads each program for real and attaches none. Prints how many of each answer, and what the kernel said of
those that were said to load and did not, most frequent first; exits with 1 when a program that loads was said
to fail.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.kernels.refs import resolve  # noqa: E402
from preflight.predict.kernel_facts import KernelFacts  # noqa: E402
from preflight.predict.target import KernelTarget  # noqa: E402
from preflight.predict.verdict import predict  # noqa: E402
from tests.bytecode import oracle  # noqa: E402
from tests.predict.random_programs import made  # noqa: E402

_NOISE = re.compile(
    r"(processed |verification time|stack depth|mark_precise|from \d|func#|\d+: \(|\d+: R|\s*;|\s*$|last_idx|"
    r"regs=|parent)"
)


def said(log: str) -> str:
    """The verifier's message, numbers left out."""
    lines = [line for line in log.strip().splitlines() if not _NOISE.match(line)]
    return re.sub(r"\d+", "N", lines[-1]) if lines else "nothing"


def answers(seeds: range) -> tuple[Counter[tuple[str, str]], dict[str, list[int]]]:
    """How often (predicted, kernel's answer), and the seeds of wrong ones by what the kernel said."""
    (kernel,) = resolve("host", None)
    facts = KernelFacts(KernelTarget(kernel))
    counts: Counter[tuple[str, str]] = Counter()
    wrong: dict[str, list[int]] = defaultdict(list)
    for seed in seeds:
        obj = made(seed)
        (program,) = predict(obj, facts).programs
        loaded = oracle.load(bytes(obj.data), program.program.name)
        truth = "fails" if loaded.errno else "loads"
        counts[program.verdict, truth] += 1
        if program.verdict not in (truth, "unknown"):
            what = said(loaded.log) if loaded.errno else str([found.title for found in program.findings])
            wrong[f"{program.verdict}: {obj.programs[0].section}: {what}"].append(seed)
    return counts, wrong


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--programs", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    counts, wrong = answers(range(given.first, given.first + given.programs))
    for (predicted, truth), count in sorted(counts.items()):
        print(f"{count:6} predicted {predicted}, {truth}")
    for what, seeds in sorted(wrong.items(), key=lambda one: -len(one[1])):
        print(f"{len(seeds):6} {what[:150]} {seeds[:4]}")
    return int(counts["fails", "loads"] > 0)


if __name__ == "__main__":
    sys.exit(main())
