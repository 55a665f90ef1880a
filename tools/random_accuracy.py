#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold predictions for kernels against what they do with random programs.

    python tools/random_accuracy.py [--programs N] [--first SEED] [--kernel REF ...]

Loads each program for real and attaches none: on this host, or on kernels that the lab boots. Prints how many
of each answer, and what the kernel said of those that were said to load and did not, most frequent first;
exits with 1 when a program that loads was said to fail.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.kernels.model import Kernel  # noqa: E402
from preflight.kernels.refs import resolve  # noqa: E402
from preflight.predict.kernel_facts import KernelFacts  # noqa: E402
from preflight.predict.target import KernelTarget  # noqa: E402
from preflight.predict.verdict import predict  # noqa: E402
from tests.predict.random_programs import made, together  # noqa: E402

_NOISE = re.compile(
    r"(processed |verification time|stack depth|mark_precise|from \d|func#|\d+: \(|\d+: R|\s*;|\s*$|last_idx|"
    r"regs=|parent)"
)
Counts = Counter[tuple[str, str]]


class Truth(NamedTuple):
    """What a kernel did with a program: `loads`, `fails` or `unknown`, and the verifier's log."""

    verdict: str
    log: str


def said(log: str) -> str:
    """The verifier's message, numbers left out; newer kernels explain it behind that."""
    short = log.partition("\nVerification failed:")[0]
    lines = [line for line in short.strip().splitlines() if not _NOISE.match(line)]
    return re.sub(r"\d+", "N", lines[-1]) if lines else "nothing"


def on_host(seeds: range) -> Iterator[tuple[int, Truth]]:
    """What the running kernel does with the programs of seeds."""
    from tests.bytecode import oracle

    for seed in seeds:
        loaded = oracle.load(bytes(made(seed).data), "made")
        yield seed, Truth("fails" if loaded.errno else "loads", loaded.log)


def in_guest(kernel: Kernel, seeds: range) -> Iterator[tuple[int, Truth]]:
    """What a kernel does with them in one boot. RuntimeError when the guest did not come to its end."""
    from preflight.lab.run import Plan, Subject, run

    objects = tuple(
        Subject(f"{at}.bpf.o", sha256(data).hexdigest(), data) for at, data in enumerate(together(seeds))
    )
    (measured,) = run([kernel], Plan(subjects=objects, attach=False))
    if not measured.complete:
        raise RuntimeError(f"{kernel.name}: {measured.outcome}: {measured.detail}")
    for one in measured.objects:
        for program in one.programs:
            yield int(program.name.removeprefix("made_")), Truth(program.verdict, program.log)


def answers(
    seeds: range, kernel: Kernel | None = None, truths: Mapping[int, Truth] | None = None
) -> tuple[Counts, dict[str, list[int]]]:
    """How often (predicted, kernel's answer), and the seeds of wrong ones by what the kernel said.

    On this host unless another kernel is given; `truths` are its answers where they are known already.
    """
    if kernel is None:
        (kernel,) = resolve("host", None)
        truths = dict(on_host(seeds)) if truths is None else truths
    facts = KernelFacts(KernelTarget(kernel))
    counts: Counts = Counter()
    wrong: dict[str, list[int]] = defaultdict(list)
    for seed, truth in (dict(in_guest(kernel, seeds)) if truths is None else truths).items():
        obj = made(seed)
        (program,) = predict(obj, facts).programs
        counts[program.verdict, truth.verdict] += 1
        if "unknown" not in (program.verdict, truth.verdict) and program.verdict != truth.verdict:
            loads = truth.verdict == "loads"
            what = str([found.title for found in program.findings]) if loads else said(truth.log)
            wrong[f"{program.verdict}: {obj.programs[0].section}: {what}"].append(seed)
    return counts, wrong


def show(kernel: str, counts: Counts, wrong: Mapping[str, Sequence[object]]) -> None:
    """Print how many of each answer, and the wrong ones by what the kernel said, most frequent first."""
    print(kernel)
    for (predicted, truth), count in sorted(counts.items()):
        print(f"{count:6} predicted {predicted}, {truth}")
    for what, found in sorted(wrong.items(), key=lambda one: -len(one[1])):
        print(f"{len(found):6} {what[:150]} {list(found[:4])}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--programs", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kernel", action="append", metavar="REF", help="a kernel to boot; may be repeated")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.programs)
    kernels: list[Kernel | None] = [kernel for ref in given.kernel or () for kernel in resolve(ref, None)]
    refused = 0
    for kernel in kernels or [None]:
        counts, wrong = answers(seeds, kernel)
        show(kernel.name if kernel else "this host", counts, wrong)
        refused += counts["fails", "loads"]
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
