#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold what images say of functions to trace against what the kernels themselves list when they are booted.

    python tools/trace_site_accuracy.py [--kernel PATTERN ...] [--store DIRECTORY]

Boots kernels of the catalogue (a quarter of a minute each) and compares with their entry's file `sites`:
every function of available_filter_functions and of the kprobe blacklist must have its mark, and every mark
its function. Of several symbols at an address both lists show one; the others are told apart by their
address. What a module of the guest brings is left out. 1 when a function differs and nothing explains it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.kernels import Kernel, Store, image  # noqa: E402
from preflight.kernels.kallsyms import symbol_table  # noqa: E402
from preflight.kernels.symbol_addresses import locate  # noqa: E402
from preflight.kernels.trace_sites import BLOCKED, HOOKED, HOOKED_INSIDE, HOOKED_LATER, KPROBES  # noqa: E402
from preflight.lab.material import Supply  # noqa: E402
from preflight.lab.results import KernelRun  # noqa: E402
from preflight.lab.run import Plan, run  # noqa: E402

KERNELS = (
    "debian/5.10.0-46-cloud-amd64",
    "debian/6.1.0-50-amd64",
    "debian/6.12.107+deb13-cloud-amd64",
    "debian/7.1.13+deb13-cloud-amd64",
    "debian/7.3.4+deb13-amd64",
)
#: tracefs shows locations of replaced weak functions so (kernel/trace/ftrace.c).
_INVALID = "__ftrace_invalid_address___"


@dataclass(frozen=True)
class Comparison:
    """One list of a booted kernel beside the marks: what only one of them has, and why that is right."""

    kernel: str
    what: str
    listed: int
    marked: int
    only_listed: tuple[str, ...]
    only_marked: tuple[str, ...]
    explained: Mapping[str, int]

    def __str__(self) -> str:
        why = "; ".join(f"{count} {reason}" for reason, count in self.explained.items() if count) or "none"
        head = f"{self.kernel}: {self.what}: {self.listed} listed, {self.marked} marked"
        wrong = [
            *(f"only listed: {n}" for n in self.only_listed),
            *(f"only marked: {n}" for n in self.only_marked),
        ]
        return "\n  ".join([f"{head}, {len(wrong)} wrong (explained: {why})", *wrong[:20]])


def aliases(data: bytes) -> dict[str, frozenset[str]]:
    """Symbol -> all symbols at its addresses, from an image."""
    found = image.unpack(data)
    order = found.found_btf[1]
    table = symbol_table(found.raw, order)
    located = table and locate(found.raw, table, order)
    if not located:
        raise SystemExit("the image has no symbols with addresses")
    at: dict[int, set[str]] = {}
    for symbol, address in zip(located.names, located.addresses, strict=True):
        at.setdefault(address, set()).add(symbol[1:].decode("utf-8", "surrogateescape"))
    everything: dict[str, set[str]] = {}
    for names in at.values():
        for name in names:
            everything.setdefault(name, set()).update(names)
    return {name: frozenset(names) for name, names in everything.items()}


def compare(kernel: Kernel, measured: KernelRun, data: bytes) -> list[Comparison]:
    """Both lists of a booted kernel beside its marks; `data` is its image."""
    sites = kernel.trace_sites
    if sites is None:
        raise SystemExit(f"{kernel.name} has no trace sites: `preflight kernels renew {kernel.name}`")
    marks = {one.name: one.marks for one in sites if not one.module}
    same = aliases(data)
    listed = {
        line for line in _words(measured.facts["available_filter_functions"]) if not line.startswith(_INVALID)
    }
    hooked = {name for name, mark in marks.items() if HOOKED in mark or HOOKED_LATER in mark}
    left = {name for name, mark in marks.items() if HOOKED_INSIDE in mark}
    found = [_beside(kernel.name, "ftrace", listed, hooked, same, left)]
    blocked = {name for name, mark in marks.items() if BLOCKED in mark}
    refused = set(_words(measured.facts["kprobe_blacklist"]))
    open_ones = set() if KPROBES in sites.parts else refused - blocked
    found.append(_beside(kernel.name, "kprobe blacklist", refused, blocked, same, open_ones))
    return found


def _words(data: bytes) -> Iterable[str]:
    """The first word of each line that is not a module's."""
    lines = (line.split() for line in data.decode("utf-8", "surrogateescape").splitlines())
    return (words[0] for words in lines if len(words) == 1)


def _beside(
    kernel: str,
    what: str,
    listed: set[str],
    marked: set[str],
    same: Mapping[str, frozenset[str]],
    left: set[str],
) -> Comparison:
    others = {name for name in marked - listed if same.get(name, frozenset()) & listed}
    return Comparison(
        kernel,
        what,
        len(listed),
        len(marked),
        tuple(sorted(listed - marked - left)),
        tuple(sorted(marked - listed - others)),
        {
            "further names of a listed address": len(others),
            "marked as not known": len((listed - marked) & left),
        },
    )


def measure(kernels: Sequence[Kernel]) -> Iterable[tuple[Kernel, KernelRun, bytes]]:
    """Boot kernels one after the other; each with its lists and its image."""
    supply = Supply()
    for kernel in kernels:
        (measured,) = run([kernel], Plan(probe=True), jobs=1)
        if not {"available_filter_functions", "kprobe_blacklist"} <= measured.facts.keys():
            raise SystemExit(
                f"{kernel.name}: {measured.outcome} {measured.detail}: it did not tell its lists"
            )
        yield kernel, measured, supply.files(kernel).image.read_bytes()


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--kernel", action="append", help="catalogue name or pattern; repeatable")
    parser.add_argument("--store", type=Path, help="catalogue directory")
    arguments = parser.parse_args()
    store = Store(arguments.store)
    names = [name for pattern in arguments.kernel or KERNELS for name in store.match(pattern)]
    if not names:
        print("none of these kernels is in the catalogue", file=sys.stderr)
        return 2
    wrong = 0
    for kernel, measured, data in measure([store.get(name) for name in names]):
        for found in compare(kernel, measured, data):
            print(found, flush=True)
            wrong += len(found.only_listed) + len(found.only_marked)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
