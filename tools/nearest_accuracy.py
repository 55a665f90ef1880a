#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold what is offered instead of a missing member against what became of the members kernels lost.

    python tools/nearest_accuracy.py [KERNEL KERNEL...]   # of the catalogue, oldest first

Every member that a struct has in one kernel and not in the next is asked about as a program built for the
older one would ask. `same place`: the member offered stands between the neighbours that the lost one had, and
has its type. `known before`: the older kernel has the member that is offered beside the lost one, so it is
another field. What is neither was moved to another struct or place, or is told apart by reading alone.
"""

from __future__ import annotations

import sys
from collections import Counter
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from preflight.btf import Btf, Kind
from preflight.errors import PreflightError
from preflight.kernels import resolve_all
from preflight.predict.nearest import Near, Wanted, flat_members, near_members, shape

KERNELS = (
    "debian/5.10.0-32-amd64",
    "debian/6.1.0-50-amd64",
    "debian/6.12.107+deb13-cloud-amd64",
    "debian/7.3.4+deb13-amd64",
)


def structs(btf: Btf) -> dict[tuple[int, str], int]:
    """The first struct or union of each name."""
    found: dict[tuple[int, str], int] = {}
    for kind in (Kind.STRUCT, Kind.UNION):
        for type_id in btf.ids_of_kind(kind):
            if btf.name(type_id):
                found.setdefault((kind, btf.name(type_id)), type_id)
    return found


def replaced(old: Btf, old_id: int, new: Btf, new_id: int) -> dict[str, str]:
    """Members that stand where another of the same type stood, between the same neighbours."""
    before, now = list(flat_members(old, old_id)), list(flat_members(new, new_id))
    names, others = [one.name for one, _ in before], [one.name for one, _ in now]
    found = {}
    for tag, a, b, c, d in SequenceMatcher(None, names, others, autojunk=False).get_opcodes():
        if tag == "replace" and b - a == d - c:
            for (one, _), (other, _) in zip(before[a:b], now[c:d], strict=True):
                if shape(old, one.type) == shape(new, other.type):
                    found[one.name] = other.name
    return found


def verdict(near: Near, at: str | None, known: set[str]) -> str:
    """How an offer fared."""
    if near.how != "renamed":
        return near.how
    if near.path[0] == at:
        return "same place"
    return "known before" if near.path[0] in known else "another place"


def compare(old: Btf, new: Btf) -> Counter[tuple[str, str]]:
    """What was offered for each member lost: (sure, shown or none, how it fared)."""
    counts: Counter[tuple[str, str]] = Counter()
    before, now = structs(old), structs(new)
    for key in sorted(before.keys() & now.keys()):
        holder = before[key]
        members = [one for one, _ in flat_members(old, holder)]
        left = {one.name for one, _ in flat_members(new, now[key])}
        at = replaced(old, holder, new, now[key])
        for member in members:
            if member.name in left:
                continue
            wanted = Wanted.member(old, holder, member, bool(member.bitfield_size))
            near = near_members(wanted, "vmlinux", new, now[key])[:1]
            if near:
                known = {one.name for one in members}
                sure = "sure" if near[0].sure else "shown"
                counts[sure, verdict(near[0], at.get(member.name), known)] += 1
            else:
                counts["none", "same place" if member.name in at else "nothing there"] += 1
    return counts


def main(arguments: list[str]) -> int:
    """Compare each kernel with the next."""
    kernels = list(resolve_all(arguments or KERNELS))
    total: Counter[tuple[str, str]] = Counter()
    for old, new in pairwise(kernels):
        total += compare(old.btf, new.btf)
    for (offered, how), count in sorted(total.items()):
        print(f"{offered:6} {how:14} {count:5}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PreflightError as error:
        sys.exit(f"error: {error}")
