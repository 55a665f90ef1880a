#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random programs with one miss where reachability says `yes`: a kernel that loads one shows a false `yes`.

    python tools/reached_accuracy.py [--programs N] [--first SEED] [--old] [KERNEL]

KERNEL is one of the catalogue, booted by the lab (default: the newest packaged one). `--old` writes
instructions that kernels since 5.10 take. Prints how many were refused at their miss, how many for something
else, which decides nothing, and how many load; 1 when one loads. tools/reach_accuracy.py has the guard
programs, and random ones with misses where the answer is `no`.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from preflight.bytecode.image import ProgramImage
from preflight.bytecode.insn import decode
from preflight.bytecode.opcodes import BPF_JMP, BPF_JMP32
from preflight.bytecode.reach import reach
from preflight.errors import PreflightError
from preflight.kernels import resolve_all
from preflight.lab.qemu import Limits
from preflight.lab.run import Plan, Subject, run
from preflight.records import replace
from tests.bytecode import mined
from tests.predict import measured

KERNEL = "debian/7.3.4+deb13-amd64"
PER_OBJECT = 20
PER_PROGRAM = 3
#: Programs that were not loaded by then are left out.
SECONDS = 900.0
_JUMPS = (BPF_JMP, BPF_JMP32)
_MISS = "unknown#195896080"


def with_a_miss(first: int, *, old: bool) -> Iterator[ProgramImage]:
    """Programs without end, each with a miss in one slot that is said to be reached."""
    for seed in count(first):
        image = mined.random_image(seed)
        if old:
            plain = mined.for_old_kernels(image)
            if plain is None:
                continue
            image = plain
        slots = [i.slot for i in decode(image.code, image.byteorder) if i.slots == 1 and i.cls not in _JUMPS]
        asked = random.Random(seed).sample(slots, min(2 * PER_PROGRAM, len(slots)))
        said = [slot for slot, found in reach(image, asked).items() if found.answer == "yes"]
        for slot in said[:PER_PROGRAM]:
            yield replace(mined.with_misses(image, [slot]), name=f"seed_{seed}_{slot}")


def subjects(images: list[ProgramImage]) -> Iterator[Subject]:
    """The programs as objects for the lab."""
    for at in range(0, len(images), PER_OBJECT):
        data = mined.as_object(images[at : at + PER_OBJECT])
        yield Subject(f"reached_{at}", hashlib.sha256(data).hexdigest(), data)


def main() -> int:
    """Boot, load, count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kernel", nargs="?", default=KERNEL)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--first", type=int, default=100_000)
    parser.add_argument("--old", action="store_true")
    given = parser.parse_args()
    images = list(islice(with_a_miss(given.first, old=given.old), given.programs))
    plan = Plan(subjects=tuple(subjects(images)), attach=False, limits=Limits(total=SECONDS))
    (result,) = run(list(resolve_all([given.kernel])), plan)
    counts: Counter[str] = Counter()
    for one in result.objects:
        for name, seen in measured.seen(one).items():
            if seen.verdict == "loads":
                print(f"{name} loads")
            fate = "loads" if seen.verdict == "loads" else "miss" if _MISS in str(seen.words) else "other"
            counts[fate] += 1
    print(
        f"{given.kernel}: {counts['miss']} of {len(images)} programs refused at their miss, "
        f"{counts['other']} for something else, {counts['loads']} load"
    )
    return 1 if counts["loads"] or not counts["miss"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PreflightError as error:
        sys.exit(f"error: {error}")
