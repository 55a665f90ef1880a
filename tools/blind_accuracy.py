#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count what the sets under fixtures/blind are worth: the numbers of fixtures/blind/README.md.

    python tools/blind_accuracy.py [SET ...]

Prints for each set what was predicted before a kernel was asked (predicted.json.xz) and what is said with
today's rules, on the kernels of the catalogue that it was recorded on: answers about loading and attaching,
how many were decided, wrong and open, and today's wrong ones by name. Nothing is booted. Exits with 1 when a
kernel is not in the catalogue, so that the numbers are not all of them.
"""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.kernels import Store  # noqa: E402
from preflight.lab.scoring.comparison import Pair  # noqa: E402
from preflight.lab.scoring.measurements import read_all  # noqa: E402
from preflight.lab.scoring.predictions import MadeBefore, MadeNow, by_rules  # noqa: E402
from preflight.lab.scoring.report import score  # noqa: E402
from preflight.objects.load import load  # noqa: E402
from tools.record_blind import FIXTURES, unpack  # noqa: E402


def counted(pairs: Sequence[Pair]) -> str:
    """The numbers of a set in one line."""
    good, bad, left = (sum(one.kind == kind for one in pairs) for kind in ("false-good", "false-bad", "open"))
    decided = len(pairs) - left
    share = 100 * (good + bad) / decided if decided else 0.0
    return (
        f"{len(pairs):,} compared, {decided:,} decided, {good + bad} wrong ({share:.1f} %; "
        f"{good} false good, {bad} false bad), {left} open"
    )


def main(names: Sequence[str]) -> int:
    """Command line."""
    missing: set[str] = set()
    for name in names or sorted(one.parent.name for one in FIXTURES.glob("*/objects.tar.xz")):
        folder = FIXTURES / name
        measured = read_all(sorted(folder.glob("[0-9]*.json.xz")))
        said = json.loads(lzma.decompress((folder / "predicted.json.xz").read_bytes()))["results"]
        print(f"{name}, blind: {counted(list(score(measured, MadeBefore.of(said)).own.pairs))}")
        objects = {
            sha256(data).hexdigest(): load(data, file)
            for file, data in unpack(folder / "objects.tar.xz").items()
        }
        found = score(measured, MadeNow(objects, Store(), (by_rules,)))
        missing |= {f"{kernel}: {why}" for kernel, why in found.not_predicted.items()}
        print(f"{name}, today: {counted(list(found.own.pairs))}")
        for pair in found.own.pairs:
            if pair.kind.startswith("false"):
                print(f"    {pair.kind} {pair.object}/{pair.program} on {pair.kernel}: {pair.words[:100]}")
    for one in sorted(missing):
        print(one, file=sys.stderr)
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
