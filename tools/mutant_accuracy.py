#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold predictions for kernels against what they do with real programs of which an instruction was changed.

    python tools/mutant_accuracy.py OBJECT... --kernel REF [--kernel REF ...] [--rounds N] [--first SEED]

OBJECTs are those of every command: files, folders, names of installed tools, `tracers:`. In one boot each
kernel is given the objects as they are and changed N times. Counted are programs that load as they are, and
are said to. Prints how many of each answer and what was wrong; exits with 1 when a program that loads was
said to fail.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.kernels.model import Kernel  # noqa: E402
from preflight.kernels.refs import resolve  # noqa: E402
from preflight.lab.run import Plan, Subject, run  # noqa: E402
from preflight.lab.subjects import subjects  # noqa: E402
from preflight.objects.load import load  # noqa: E402
from preflight.predict.kernel_facts import KernelFacts  # noqa: E402
from preflight.predict.target import KernelTarget  # noqa: E402
from preflight.predict.verdict import predict  # noqa: E402
from tests.predict.mutants import mutant  # noqa: E402
from tools.random_accuracy import Counts, Truth, said, show  # noqa: E402

#: Objects of one boot, and what is kept of a log: newer kernels explain at its end.
BOOT, LOG = 400, 16_000
#: A mutant that runs for ever has a log that is longer than any; the others are there.
_USABLE = ("booted", "lost-data")


def mutants(originals: Sequence[Subject], seeds: range) -> list[Subject]:
    """The objects as they are, called `NAME`, and changed, called `NAME@SEED`."""
    found = []
    for one in originals:
        found.append(one)
        own = int(one.sha256[:8], 16)
        for seed in seeds:
            data = mutant(one.data, own + seed)
            found.append(Subject(f"{one.name}@{seed}", sha256(data).hexdigest(), data, one.arch))
    return found


def measured(kernel: Kernel, objects: Sequence[Subject]) -> dict[tuple[str, str], Truth]:
    """(object, program) -> what the kernel did. RuntimeError when a guest did not come to its end."""
    found = {}
    for at in range(0, len(objects), BOOT):
        plan = Plan(subjects=tuple(objects[at : at + BOOT]), attach=False, log_tail=LOG)
        (result,) = run([kernel], plan)
        if result.outcome not in _USABLE:
            raise RuntimeError(f"{kernel.name}: {result.outcome}: {result.detail}")
        for one in result.objects:
            for program in one.programs:
                found[one.object, program.name] = Truth(program.verdict, program.log or program.messages)
    return found


def compared(
    kernel: Kernel, objects: Sequence[Subject], truths: dict[tuple[str, str], Truth]
) -> tuple[Counts, dict[str, list[str]]]:
    """How often (predicted, kernel's answer), and the wrong ones by what the kernel or the rules said."""
    facts = KernelFacts(KernelTarget(kernel))
    counts: Counts = Counter()
    wrong: dict[str, list[str]] = defaultdict(list)
    sound: dict[tuple[str, str], bytes] = {}
    for one in objects:
        name, _, seed = one.name.partition("@")
        verdict = predict(load(one.data, one.name), facts)
        for found in verdict.programs:
            key, truth = found.program.name, truths.get((one.name, found.program.name))
            if not seed and truth is not None and truth.verdict == found.verdict == "loads":
                sound[name, key] = found.program.code
            if not seed or truth is None or sound.get((name, key), found.program.code) == found.program.code:
                continue
            counts[found.verdict, truth.verdict] += 1
            if "unknown" not in (found.verdict, truth.verdict) and found.verdict != truth.verdict:
                loads = truth.verdict == "loads"
                what = str([each.title for each in found.findings]) if loads else said(truth.log)
                wrong[f"{found.verdict}: {what}"].append(f"{one.name}/{key}")
    return counts, wrong


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("objects", nargs="+", metavar="OBJECT")
    parser.add_argument("--kernel", action="append", required=True, metavar="REF", help="a kernel to boot")
    parser.add_argument("--rounds", type=int, default=2, help="how often each object is changed")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    given = parser.parse_args()
    every = mutants(subjects(given.objects), range(given.first, given.first + given.rounds))
    refused = 0
    for kernel in (kernel for ref in given.kernel for kernel in resolve(ref, None)):
        objects = [one for one in every if one.arch in (None, kernel.arch)]
        counts, wrong = compared(kernel, objects, measured(kernel, objects))
        show(kernel.name, counts, wrong)
        refused += counts["fails", "loads"]
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
