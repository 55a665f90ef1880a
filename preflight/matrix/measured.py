# SPDX-License-Identifier: Apache-2.0
"""Results of `lab run` as cells of a matrix. Pure.

A measurement belongs to a kernel of the matrix when the names are the same and nothing says that the
builds are not, or when the BTF is the same. One of another build under the same name is left out, and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from preflight.errors import InputError
from preflight.matrix.cells import Cell, Judged, measured
from preflight.records import dataclass

#: Outcomes after which what a kernel said is not about the kernel its facts are from.
_OTHER = ("other-btf",)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One object on one real kernel: a result of `lab run`, and the digest of the BTF that kernel had."""

    kernel: str
    btf_sha256: str | None
    result: Mapping[str, Any]

    @property
    def object(self) -> tuple[str, str]:
        """Name and digest of the object."""
        return str(self.result["object"]), str(self.result["sha256"])


def measurements(result: Mapping[str, Any]) -> list[Measurement]:
    """The measurements of a result of `lab run`; InputError when it is of another command."""
    if result["command"] != "lab run":
        raise InputError(f"--measured takes results of lab run, not of {str(result['command'])[:40]!r}")
    kernels = {str(kernel["kernel"]): kernel for kernel in result["kernels"]}
    found = []
    for one in result["results"]:
        ran = kernels.get(str(one["kernel"]), {})
        if ran.get("outcome") not in _OTHER:
            found.append(Measurement(str(one["kernel"]), ran.get("btf_sha256"), one))
    return found


@dataclass(frozen=True, slots=True)
class Placed:
    """Measurements by kernel of the matrix and digest of the object, and how many found no place."""

    by_pair: dict[tuple[str, str], Measurement]
    left_out: int
    other_builds: tuple[str, ...]


def place(
    given: Iterable[Measurement], kernels: Mapping[str, str | None], objects: Mapping[str, str]
) -> Placed:
    """Find each measurement's cell.

    `kernels` maps the matrix's kernels to their BTF digests, where known; `objects` digests of builds to the
    digest of their column.
    """
    by_digest: dict[str, list[str]] = {}
    for name, digest in kernels.items():
        if digest:
            by_digest.setdefault(digest, []).append(name)
    placed: dict[tuple[str, str], Measurement] = {}
    left_out, others = 0, set()
    for one in sorted(given, key=_content):
        homes = by_digest.get(one.btf_sha256 or "", [])
        if one.kernel in kernels and one.kernel not in homes:
            theirs = kernels[one.kernel]
            if theirs and one.btf_sha256 and theirs != one.btf_sha256:
                others.add(one.kernel)
            else:
                homes = [*homes, one.kernel]
        column = objects.get(one.object[1])
        if not homes or column is None:
            left_out += 1
            continue
        for home in homes:
            placed.setdefault((home, column), one)
    return Placed(placed, left_out, tuple(sorted(others)))


def _content(one: Measurement) -> str:
    """A measurement that was made keeps its place before one that was not, whichever file came first."""
    import json

    return f"{bool(one.result.get('problem')):d} {json.dumps(one.result, sort_keys=True)}"


def left_to_user_space(cells: Iterable[Cell]) -> tuple[str, ...] | None:
    """What user space sets for an object, from its predictions on any kernel; None without any."""
    known = [set(cell.open) for cell in cells if cell.state != "not-tested"]
    if not known:
        return None
    # what is open on every kernel is the object's own; what is open on some is those kernels'
    return tuple(sorted(set.intersection(*known)))


def judged(one: Measurement, judge: str, own: Cell | None, others: Sequence[Cell]) -> Judged:
    """The cell of a measurement. `own` is the prediction for the same pair, `others` those for the object."""
    left = own.open if own is not None and own.state != "not-tested" else left_to_user_space(others)
    found = measured(one.result, judge, left)
    name = one.object[0]
    return Judged(found.cell, {key: cause | {"object": name} for key, cause in found.causes.items()})
