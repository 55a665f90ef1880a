# SPDX-License-Identifier: Apache-2.0
"""From what is asked for to the members of the result: judge each distinct kernel, add what was measured."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from preflight.errors import UsageError
from preflight.matrix import engine, work
from preflight.matrix.assemble import Matrix, result
from preflight.matrix.cells import MEASURED, PREDICTED, Cell, untested
from preflight.matrix.measured import Measurement, judged, place
from preflight.matrix.plan import KernelRef, Wanted, locate
from preflight.matrix.subjects import Build, Subject

if TYPE_CHECKING:
    from preflight.kernels.store import Store

#: Fewer kernels are judged in one process, unless workers are asked for: each after the first takes 50 ms;
#: to fork, to find out in each process what the others did, too, and to collect takes a third of a second.
_WORTH_A_POOL = 24

#: Given the batch and how many tasks there are, opens the executors that judge it.
MakeOpener = Callable[[work.Batch, int], engine.Opener]


class Outcome:
    """`members` of the result; `faults` has `input` and `internal` for kernels that could not be judged.

    `partial`: not all were reached. `trouble` says what ended the judging, when it was not an interrupt.
    """

    __slots__ = ("faults", "members", "partial", "trouble")

    def __init__(self) -> None:
        self.members: dict[str, Any] = {}
        self.faults: set[str] = set()
        self.partial = False
        self.trouble = ""


def on_this_machine(workers: int) -> MakeOpener:
    """A pool of processes; this process alone for one worker, or where a pool would not pay.

    0 workers: one per CPU, as long as each has something to do after the first kernel, which is judged here.
    """

    def make(batch: work.Batch, tasks: int) -> engine.Opener:
        count = min(workers or engine.workers_here(), tasks - 1)
        if count <= 1 or (not workers and tasks < _WORTH_A_POOL):
            return engine.Here(work.set_up, batch)
        return engine.Pool(work.set_up, batch, count)

    return make


def run(
    wanted: Wanted,
    subjects: Iterable[Subject],
    measurements: Sequence[Measurement],
    store: Store,
    make_opener: MakeOpener,
    progress: Callable[[int, int], None] = lambda done, total: None,
    beside: Mapping[str, str] | None = None,
) -> Outcome:
    """Judge the objects on the kernels and add the measurements.

    Without objects or kernels those of the measurements stand in. `progress` is told how many of the distinct
    kernels are done. An interrupt ends the judging; what is there then is kept, and marked partial. `beside`
    names kernels that cannot be judged, with the reason; they are in the matrix as not tested.
    """
    from preflight.kernels.host import HOST, PREDICTED_NOTE
    from preflight.matrix import same

    opened = list(subjects)
    if not (opened or measurements):
        raise UsageError("no object to judge")
    batch = work.make_batch(opened, str(store.root), wanted.modules, wanted.judge)
    kernels = locate(wanted.kernels, store)
    matrix = Matrix(_objects(batch) if opened else _measured_objects(measurements))
    outcome = Outcome()
    for name, why in (beside or {}).items():
        _untested(matrix, name, why)
    if opened and (kernels or beside):
        groups = same.group(kernels, store)
        try:
            _judge(matrix, outcome, batch, groups, make_opener, progress)
        except KeyboardInterrupt:
            outcome.partial = True
        except engine.LostError as error:
            if not matrix.cells:
                raise
            outcome.partial, outcome.trouble = True, str(error)
            matrix.notes.add(f"not all kernels were judged: {error}"[:400])
        why = outcome.trouble or "interrupted"
        for members in groups:
            for kernel in members:
                _untested(matrix, kernel.name, f"{why} before this kernel was judged")
    else:
        _measured_kernels(matrix, measurements, {kernel.name for kernel in kernels})
    if not matrix.kernels:
        raise UsageError("no kernel to judge the objects on: --kernel, or --measured alone")
    if opened and HOST in matrix.kernels:
        matrix.notes.add(PREDICTED_NOTE)
    builds = {build.sha256: one.sha256 for one in batch.subjects for build in one.builds}
    _measure(matrix, measurements, wanted, builds or {one["sha256"]: one["sha256"] for one in matrix.objects})
    outcome.members = result(matrix, wanted.hosts, outcome.partial)
    return outcome


def _objects(batch: work.Batch) -> list[dict[str, Any]]:
    return [
        {
            "object": one.name,
            "sha256": one.sha256,
            "aliases": list(one.aliases),
            "size": len(obj.data),
            "programs": len(obj.programs),
            "builds": [_build(build) for build in one.builds],
        }
        for one, obj in zip(batch.subjects, work.first_builds(batch), strict=True)
    ]


def _build(build: Build) -> dict[str, Any]:
    return {"machine": build.machine, "byteorder": build.byteorder, "sha256": build.sha256}


def _measured_objects(measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
    """The objects that were measured; of names for one digest the first in order."""
    found: dict[str, dict[str, Any]] = {}
    for one in sorted(measurements, key=lambda one: one.object):
        name, digest = one.object
        programs = len(one.result["programs"])
        first: dict[str, Any] = {
            "object": name,
            "sha256": digest,
            "aliases": [],
            "size": None,
            "programs": 0,
            "builds": [],
        }
        known = found.setdefault(digest, first)
        known["programs"] = max(known["programs"], programs)
    return list(found.values())


def _judge(
    matrix: Matrix,
    outcome: Outcome,
    batch: work.Batch,
    groups: Sequence[Sequence[KernelRef]],
    make_opener: MakeOpener,
    progress: Callable[[int, int], None],
) -> None:
    import json

    from preflight.kernels.indexed import expect_several

    if len(groups) > 1:
        expect_several()
    tasks = [json.dumps({"name": members[0].name, "ref": members[0].ref}) for members in groups]
    answers = _answers(tasks, make_opener(batch, len(tasks)))
    try:
        for done, answer in enumerate(answers, 1):
            members = groups[answer.number]
            if answer.text is None:
                outcome.faults.add("internal")
                _failed(matrix, members, answer.trouble or "no answer")
            else:
                _take(matrix, outcome, members, json.loads(answer.text))
            progress(done, len(tasks))
    finally:
        answers.close()


def _answers(tasks: Sequence[str], opener: engine.Opener) -> Generator[engine.Answer, None, None]:
    """Judge every kernel; the first one here, when processes are to be forked.

    A kernel costs ten times as much before another one was judged as after it: answers are shared by kernels
    that give the same facts. Forked processes begin with what the first one has brought to light,
    instead of working it out in each of them.
    """
    here = tasks[:1] if isinstance(opener, engine.Pool) else ()
    if here and isinstance(opener, engine.Pool):
        yield from engine.run(work.judge, here, engine.Here(opener.set_up, opener.argument))
    with closing(engine.run(work.judge, tasks[len(here) :], opener)) as others:
        for answer in others:
            yield answer._replace(number=answer.number + len(here))


def _take(matrix: Matrix, outcome: Outcome, members: Sequence[KernelRef], answer: dict[str, Any]) -> None:
    """One worker's answer, for every kernel that has the same facts."""
    if answer["fault"]:
        outcome.faults.add(answer["fault"])
    if answer["error"] is not None:
        _failed(matrix, members, answer["error"])
        return
    cells = [Cell.from_list(values) for values in answer["cells"]]
    for kernel in members:
        matrix.kernels[kernel.name] = {**answer["kernel"], "kernel": kernel.name}
        for one, cell in zip(matrix.objects, cells, strict=True):
            matrix.add(kernel.name, one["sha256"], cell)
        matrix.describe(answer["causes"], kernel.name)


def _failed(matrix: Matrix, members: Sequence[KernelRef], why: str) -> None:
    for kernel in members:
        matrix.notes.add(f"{kernel.name} was not judged: {why}"[:400])
        _untested(matrix, kernel.name, why)


def _untested(matrix: Matrix, name: str, why: str) -> None:
    matrix.kernels.setdefault(name, {"kernel": name, "btf_sha256": None, "note": why[:300]})
    for one in matrix.objects:
        if (name, one["sha256"]) not in matrix.cells:
            matrix.add(name, one["sha256"], untested(why))


def _measured_kernels(matrix: Matrix, measurements: Iterable[Measurement], named: set[str]) -> None:
    """Nothing is predicted: the kernels are those that were measured, or those of them that were named."""
    for one in measurements:
        if not named or one.kernel in named:
            matrix.kernels.setdefault(
                one.kernel, {"kernel": one.kernel, "btf_sha256": one.btf_sha256, "note": ""}
            )


def _measure(
    matrix: Matrix, measurements: Sequence[Measurement], wanted: Wanted, builds: Mapping[str, str]
) -> None:
    digests = [one["sha256"] for one in matrix.objects]
    known = {name: kernel.get("btf_sha256") for name, kernel in matrix.kernels.items()}
    placed = place(measurements, known, builds)
    predictions: dict[str, list[Cell]] = {}
    for (_, digest), cells in matrix.cells.items():
        if PREDICTED in cells:
            predictions.setdefault(digest, []).append(cells[PREDICTED])
    for (name, digest), one in placed.by_pair.items():
        own = matrix.cells.get((name, digest), {}).get(PREDICTED)
        found = judged(one, wanted.judge, own, predictions.get(digest, ()))
        matrix.add(name, digest, found.cell)
        matrix.describe(found.causes, name)
    for name in known:
        for digest in digests:
            if (name, digest) not in matrix.cells:
                matrix.add(name, digest, untested("was not measured on this kernel", MEASURED))
    if placed.left_out:
        matrix.notes.add(
            f"{placed.left_out} measurements are of objects or kernels that are not in this matrix"
        )
    for name in placed.other_builds:
        matrix.notes.add(f"measurements of {name} are of another build (its BTF differs) and were left out")
