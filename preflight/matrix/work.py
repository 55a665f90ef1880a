# SPDX-License-Identifier: Apache-2.0
"""What one worker does: one kernel with a batch of objects, from a JSON text to a JSON text.

Nothing else goes over the border: no exception, no object of ours. A worker gets the batch once
(`set_up`) and then one task per kernel (`judge`), wherever it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.errors import InputError, PreflightError

if TYPE_CHECKING:
    from preflight.kernels.model import Kernel
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts


class Batch(NamedTuple):
    """What every worker needs: objects as (name, aliases, bytes), the catalogue, and how to judge.

    `key` tells batches apart; it is the digest of what is asked.
    """

    key: str
    objects: tuple[tuple[str, tuple[str, ...], bytes], ...]
    store: str
    modules: tuple[str, ...]
    judge: str


class _Ready(NamedTuple):
    batch: Batch
    objects: tuple[BpfObject, ...]


#: The batch of this process. A forked worker finds its parent's here, with the objects already read.
_ready: list[_Ready] = []


def make_batch(objects: Iterable[BpfObject], store: str, modules: Sequence[str], judge: str) -> Batch:
    """A batch whose content does not depend on the order in which objects were found or named."""
    from hashlib import sha256

    plain = []
    for obj in objects:
        name, *aliases = sorted({obj.name, *obj.aliases})
        plain.append((name, tuple(aliases), bytes(obj.data)))
    plain.sort(key=lambda one: (one[0], sha256(one[2]).digest()))
    digest = sha256(repr((store, sorted(modules), judge)).encode())
    for shown, others, data in plain:
        digest.update(repr((shown, others)).encode("utf-8", "surrogateescape"))
        digest.update(sha256(data).digest())
    return Batch(digest.hexdigest(), tuple(plain), store, tuple(sorted(set(modules))), judge)


def set_up(batch: Batch) -> None:
    """Read the batch's objects, once per process. InputError for what is no BPF object."""
    if _ready and _ready[0].batch.key == batch.key:
        return
    from preflight.objects.load import load

    _ready[:] = [_Ready(batch, tuple(load(data, name, aliases) for name, aliases, data in batch.objects))]


def objects_of(batch: Batch) -> tuple[BpfObject, ...]:
    """The objects of a batch, in its order."""
    set_up(batch)
    return _ready[0].objects


def judge(task: str) -> str:
    """Judge the batch on one kernel.

    `task` is `{"name", "ref"}`; the answer `{"name", "kernel", "cells", "causes", "error", "fault"}`: facts
    about the kernel, one cell per object in the batch's order, and the causes they name. `error` says why
    there is none of it; `fault` is `input` (the kernel's facts are damaged) or `internal`.
    """
    import json

    asked = json.loads(task)
    answer = _judge(asked["name"], asked["ref"])
    return json.dumps(answer, separators=(",", ":"))


def _judge(name: str, ref: str) -> dict[str, Any]:
    failed: dict[str, Any] = {"name": name, "kernel": None, "cells": [], "causes": {}}
    try:
        return _answer(name, ref)
    except PreflightError as error:
        return failed | {"error": _plain(error), "fault": "input"}
    except MemoryError:
        return failed | {"error": "out of memory", "fault": "internal"}
    except Exception as error:
        return failed | {"error": f"{type(error).__name__}: {_plain(error)}", "fault": "internal"}


def _plain(error: Exception) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()[:500]


def _answer(name: str, ref: str) -> dict[str, Any]:
    from preflight.matrix.cells import predicted, untested

    batch, objects = _ready[0]
    kernel, facts, why = _kernel(ref, batch)
    cells, faults = [], 0
    causes: dict[str, dict[str, Any]] = {}
    for obj in objects:
        try:
            judged = predicted(_result(obj, name, facts, why), batch.judge)
        except InputError as error:
            cells.append(untested(_plain(error)))
            faults += 1
            continue
        cells.append(judged.cell)
        for key, cause in judged.causes.items():
            causes.setdefault(key, cause | {"object": obj.name})
    return {
        "name": name,
        "kernel": _facts(kernel, name, why),
        "cells": cells,
        "causes": causes,
        "error": None,
        "fault": "input" if faults else None,
    }


def _kernel(ref: str, batch: Batch) -> tuple[Kernel | None, KernelFacts | None, str]:
    """The kernel and what is asked of it; neither, and why, for one that shows no BTF."""
    from pathlib import Path

    from preflight.kernels.indexed import use_index
    from preflight.kernels.refs import resolve
    from preflight.kernels.store import Store
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.target import KernelTarget

    try:
        (kernel,) = resolve(ref, Store(Path(batch.store)) if batch.store else None)
    except InputError as error:
        # a kernel without BTF is an answer; a file that is no kernel is none
        if "shows no BTF" in error.message or "holds no BTF" in error.message:
            return None, None, str(error)
        raise
    use_index(kernel)
    known = kernel.modules or frozenset()
    modules = tuple(module for module in batch.modules if module in known) if batch.modules else None
    return kernel, KernelFacts(KernelTarget(kernel, modules)), ""


def _result(obj: BpfObject, name: str, facts: KernelFacts | None, why: str) -> dict[str, Any]:
    from preflight.predict.predict_report import result, without_btf
    from preflight.predict.verdict import predict

    if facts is None:
        return without_btf(obj, name, why)[0]
    return result(predict(obj, facts), name)


def _facts(kernel: Kernel | None, name: str, why: str) -> dict[str, Any]:
    """What the result says of a kernel. Its source's files stay out: their names may be paths."""
    if kernel is None:
        return {"kernel": name, "btf_sha256": None, "note": why[:300]}
    shown = kernel.to_dict()
    del shown["name"], shown["source"]
    return {"kernel": name, **shown, "note": ""}
