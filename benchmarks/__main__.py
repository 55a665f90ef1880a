# SPDX-License-Identifier: Apache-2.0
"""Run every benchmark of this folder: each module has a `main()` that prints its figures."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks

HELPERS = {"__main__", "cpu"}


def main() -> None:
    """Run all, or those named on the command line."""
    names = sys.argv[1:] or [
        m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name not in HELPERS
    ]
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
