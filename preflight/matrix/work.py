# SPDX-License-Identifier: Apache-2.0
"""What one worker does: one kernel with a batch of objects, from a JSON text to a JSON text.

Nothing else goes over the border: no exception, no object of ours. A worker gets the batch once
(`set_up`) and then one task per kernel (`judge`), wherever it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.errors import InputError, PreflightError
from preflight.matrix.subjects import Build, Subject, merge

if TYPE_CHECKING:
    from preflight.kernels.model import Kernel
    from preflight.matrix.cells import Judged
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.verdict import ObjectVerdict


class Batch(NamedTuple):
    """What every worker needs: the columns, the catalogue, and how to judge.

    `key` tells batches apart; it is the digest of what is asked.
    """

    key: str
    subjects: tuple[Subject, ...]
    store: str
    modules: tuple[str, ...]
    judge: str


class Found(NamedTuple):
    """A kernel to judge; None, and why, for one that shows no BTF."""

    kernel: Kernel | None
    why: str = ""


class _Ready(NamedTuple):
    """A batch with what was made of it. `judged` has cells by the verdict they are of (`id`)."""

    batch: Batch
    objects: dict[str, BpfObject]
    judged: dict[int, tuple[ObjectVerdict, Judged]]


#: Verdicts whose cells are kept.
_KEPT = 4096
#: Objects that this process has read already, by digest.
_opened: dict[str, BpfObject] = {}
#: The batch of this process. A forked worker finds its parent's here, with the objects already read.
_ready: list[_Ready] = []


def make_batch(subjects: Iterable[Subject], store: str, modules: Sequence[str], judge: str) -> Batch:
    """A batch whose content does not depend on the order in which objects were found or named."""
    from hashlib import sha256

    merged = merge(subjects)
    digest = sha256(repr((store, sorted(set(modules)), judge)).encode("utf-8", "surrogateescape"))
    for one in merged:
        text = repr((one.name, one.aliases, [(b.machine, b.byteorder, b.sha256) for b in one.builds]))
        digest.update(text.encode("utf-8", "surrogateescape"))
    return Batch(digest.hexdigest(), merged, store, tuple(sorted(set(modules))), judge)


def set_up(batch: Batch) -> None:
    """Read the first build of each object, once per process. InputError for what is no BPF object."""
    if _ready and _ready[0].batch.key == batch.key:
        return
    _ready[:] = [_Ready(batch, {}, {})]
    for subject in batch.subjects:
        _object(subject, subject.builds[0])


def _object(subject: Subject, build: Build) -> BpfObject:
    """A build as facts, read when a kernel first asks for it."""
    from preflight.objects.load import load

    objects = _ready[0].objects
    key = build.sha256
    if key not in objects:
        known = _opened.get(key)
        if known is None or (known.name, known.aliases) != (subject.name, subject.aliases):
            known = load(build.data, subject.name, subject.aliases)
        objects[key] = known
    return objects[key]


def already_open(objects: Iterable[BpfObject]) -> None:
    """Objects of the next batch that need not be read again in this process."""
    _opened.clear()
    _opened.update({obj.sha256: obj for obj in objects})


def first_builds(batch: Batch) -> tuple[BpfObject, ...]:
    """The first build of each object of a batch, in its order."""
    set_up(batch)
    return tuple(_object(subject, subject.builds[0]) for subject in batch.subjects)


def build_of(subject: Subject, build: Build) -> BpfObject:
    """A build of an object, as the batch that was set up last has read it."""
    return _object(subject, build)


def judge(task: str) -> str:
    """Judge the batch on one kernel.

    `task` is `{"name", "ref"}`; the answer `{"name", "kernel", "cells", "causes", "error", "fault"}`: facts
    about the kernel, one cell per object in the batch's order, and the causes they name. `error` says why
    there is none of it; `fault` is `input` (the kernel's facts are damaged) or `internal`.
    """
    import json

    asked = json.loads(task)
    return judge_found(asked["name"], lambda: find(asked["ref"], _ready[0].batch.store))


def judge_found(name: str, find: Callable[[], Found]) -> str:
    """The same for a kernel that is found in another way; what `find` raises is an answer too."""
    import json

    return json.dumps(_judge(name, find), separators=(",", ":"))


def _judge(name: str, find: Callable[[], Found]) -> dict[str, Any]:
    failed: dict[str, Any] = {"name": name, "kernel": None, "cells": [], "causes": {}}
    try:
        return _answer(name, find)
    except PreflightError as error:
        return failed | {"error": _plain(error), "fault": "input"}
    except MemoryError:
        return failed | {"error": "out of memory", "fault": "internal"}
    except Exception as error:
        return failed | {"error": f"{type(error).__name__}: {_plain(error)}", "fault": "internal"}


def _plain(error: Exception) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()[:500]


def _answer(name: str, find: Callable[[], Found]) -> dict[str, Any]:
    from preflight.matrix.cells import untested

    batch = _ready[0].batch
    kernel, why = find()
    facts = None if kernel is None else _asked(kernel, batch.modules)
    cells, faults = [], 0
    causes: dict[str, dict[str, Any]] = {}
    machine, order = (kernel.arch, kernel.byteorder) if kernel is not None else (None, None)
    for subject in batch.subjects:
        build, none = subject.choose(machine, order)
        if build is None:
            cells.append(untested(none))
            continue
        try:
            judged = _cell(_object(subject, build), name, facts, why)
        except InputError as error:
            cells.append(untested(_plain(error)))
            faults += 1
            continue
        cells.append(judged.cell)
        for key, cause in judged.causes.items():
            causes.setdefault(key, cause)
    return {
        "name": name,
        "kernel": _facts(kernel, name, why),
        "cells": cells,
        "causes": causes,
        "error": None,
        "fault": "input" if faults else None,
    }


def find(ref: str, store: str) -> Found:
    """The kernel behind a reference, from the catalogue in the folder `store`."""
    from pathlib import Path

    from preflight.kernels.refs import resolve
    from preflight.kernels.store import Store

    try:
        (kernel,) = resolve(ref, Store(Path(store)) if store else None)
    except InputError as error:
        # a kernel without BTF is an answer; a file that is no kernel is none
        if "shows no BTF" in error.message or "holds no BTF" in error.message:
            return Found(None, str(error))
        raise
    return Found(kernel)


def _asked(kernel: Kernel, wanted: tuple[str, ...]) -> KernelFacts:
    """What is asked of a kernel; `wanted` modules are taken as loaded where their BTF is known."""
    from preflight.kernels.indexed import use_index
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.target import KernelTarget

    use_index(kernel)
    known = kernel.modules or frozenset()
    modules = tuple(module for module in wanted if module in known) if wanted else None
    return KernelFacts(KernelTarget(kernel, modules))


def _cell(obj: BpfObject, name: str, facts: KernelFacts | None, why: str) -> Judged:
    """The cell of an object on a kernel; made once of each verdict, as many kernels share one."""
    from preflight.predict.predict_report import result, without_btf
    from preflight.predict.verdict import predict

    if facts is None:
        return _described(obj, without_btf(obj, name, why)[0])
    verdict, known = predict(obj, facts), _ready[0].judged
    # the verdict is kept with its cell, so that no other one gets its id
    if id(verdict) not in known:
        if len(known) >= _KEPT:
            known.clear()
        known[id(verdict)] = verdict, _described(obj, result(verdict, name))
    return known[id(verdict)][1]


def _described(obj: BpfObject, result: dict[str, Any]) -> Judged:
    from preflight.matrix.cells import Judged, predicted

    cell, causes = predicted(result, _ready[0].batch.judge)
    return Judged(cell, {key: cause | {"object": obj.name} for key, cause in causes.items()})


def _facts(kernel: Kernel | None, name: str, why: str) -> dict[str, Any]:
    """What the result says of a kernel. Its source's files stay out: their names may be paths."""
    if kernel is None:
        return {"kernel": name, "btf_sha256": None, "note": why[:300]}
    shown = kernel.to_dict()
    del shown["name"], shown["source"]
    return {"kernel": name, **shown, "note": ""}
