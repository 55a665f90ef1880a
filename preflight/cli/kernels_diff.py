# SPDX-License-Identifier: Apache-2.0
"""What `preflight kernels diff` does between its options and its output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.cli.exits import Exit
from preflight.errors import UsageError

if TYPE_CHECKING:
    from preflight.kernels import Kernel


def compare(
    before: str,
    after: str,
    objects: Sequence[str],
    aspects: Sequence[str],
    store: Path | None,
) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
    """Summary, results and exit code; 3 when an aspect that was asked for could not be compared."""
    from preflight.cli.targets import object_paths
    from preflight.kernels import Store, resolve_all
    from preflight.kernels.indexed import use_index
    from preflight.objects.sources import open_all
    from preflight.predict.kernel_diff import ASPECTS, kernel_diff
    from preflight.predict.object_changes import field_changes, object_wants
    from preflight.predict.target import KernelTarget

    known = (*ASPECTS, "field")
    for aspect in aspects:
        if aspect not in known:
            raise UsageError(f"--aspect {aspect[:40]!r}: there are {', '.join(known)}")
    if "field" in aspects and not objects:
        raise UsageError("--aspect field compares what objects read: name them with --object")
    one, other = (_one(ref, resolve_all([ref], Store(store))) for ref in (before, after))
    for kernel in (one, other):
        use_index(kernel)
    opened = open_all(object_paths(objects))
    found = kernel_diff(one, other, object_wants(opened) if objects else None)
    changes = list(found.changes)
    if opened:
        changes = [*field_changes(opened, KernelTarget(one), KernelTarget(other)), *changes]
    asked = aspects or known
    changes = [change for change in changes if change.aspect in asked]
    undecided = {aspect: why for aspect, why in found.undecided.items() if aspect in asked}
    counts = Counter((change.aspect, change.change) for change in changes)
    code = Exit.UNDECIDED if undecided and (objects or aspects) else Exit.FINE
    summary = {
        "before": _named(one),
        "after": _named(other),
        "same_btf": one.btf_sha256 == other.btf_sha256,
        "objects": [obj.name for obj in opened],
        "counts": {
            aspect: {change: counts[aspect, change] for change in ("added", "removed", "changed")}
            for aspect in ("field", *ASPECTS)
            if any(counts[aspect, change] for change in ("added", "removed", "changed"))
        },
        "undecided": undecided,
        "exit_code": int(code),
    }
    results = [{**change._asdict(), "needed_by": list(change.needed_by)} for change in changes]
    return summary, results, int(code)


def _one(ref: str, found: Sequence[Kernel]) -> Kernel:
    if len(found) != 1:
        raise UsageError(f"a diff is of two kernels; {ref[:80]!r} names {len(found)}")
    return found[0]


def _named(kernel: Kernel) -> dict[str, Any]:
    return {
        "name": kernel.name,
        "release": kernel.release,
        "arch": kernel.identity.arch,
        "btf_sha256": kernel.btf_sha256,
    }
