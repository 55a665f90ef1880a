#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetch the packaged kernels that the differential tests relocate for, into `.cache/kernels`.

    python tools/fetch_test_kernels.py [--into .cache/kernels]

One kernel per series and byte order, the newest its suite has; what is there already is
not fetched again. Kernels that cannot be had are named and left out: exit code 1 then.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

#: suite, architecture, flavour, with modules
WANTED = (
    ("bullseye", "amd64", "cloud-amd64", False),
    ("bookworm", "amd64", "cloud-amd64", False),
    ("trixie", "amd64", "cloud-amd64", True),
    ("trixie", "s390x", "s390x", False),
    ("trixie", "arm64", "cloud-arm64", False),
    ("sid", "amd64", "cloud-amd64", False),
)


def main() -> int:
    """Command line."""
    from preflight.errors import PreflightError
    from preflight.kernels import Store
    from preflight.kernels.fetch_debian import Request, builds, fetch, open_suite, select

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--into", type=Path, default=ROOT / ".cache/kernels")
    arguments = parser.parse_args()
    missing = 0
    for suite, arch, flavour, modules in WANTED:
        store = Store(arguments.into / arch)
        request = Request(suite, arch, (flavour,), with_modules=modules)
        try:
            root = open_suite(suite, arch, cache=ROOT / ".cache/debian", say=print)
            chosen = select(builds(root.packages("linux-")), request)
            outcomes = [fetch(root, build, store, request) for build in chosen]
        except PreflightError as problem:
            print(f"{suite}/{arch}: {problem}")
            missing += 1
            continue
        for outcome in outcomes:
            print(f"{suite}/{arch}: {outcome.name} {outcome.state} {outcome.detail}".rstrip())
        missing += not outcomes or any(o.state in ("lost", "failed") for o in outcomes)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
