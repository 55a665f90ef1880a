# SPDX-License-Identifier: Apache-2.0
"""Where predictions come from: results of `preflight predict`, or made now for the measured kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.errors import PreflightError
from preflight.lab.scoring.measurements import Measured

if TYPE_CHECKING:
    from preflight.kernels import Store
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts

#: Object digest -> its result in the form of `preflight predict`.
Predicted = Mapping[str, Mapping[str, Any]]


class NotPredictedError(PreflightError):
    """There is no prediction for this kernel; the message says why. Other kernels are not concerned."""


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """Predictions that were made before, by kernel name and object digest."""

    records: Mapping[str, Predicted]

    @classmethod
    def of(cls, results: Iterable[Mapping[str, Any]]) -> MadeBefore:
        """From the results of `preflight predict`."""
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        for one in results:
            found.setdefault(str(one["kernel"]), {})[str(one["sha256"])] = one
        return cls(found)

    def on(self, measured: Measured) -> tuple[Predicted, ...]:
        """What the one judge said about a kernel. NotPredictedError when nothing."""
        if measured.name not in self.records:
            raise NotPredictedError("nothing was predicted for it")
        return (self.records[measured.name],)


#: From object, kernel facts and kernel name to a result in the form of `preflight predict`.
Judge = Callable[["BpfObject", "KernelFacts", str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MadeNow:
    """Judges the given objects on the catalogue's kernels; each kernel is read when it is asked for."""

    objects: Mapping[str, BpfObject]
    store: Store
    judges: tuple[Judge, ...]

    def on(self, measured: Measured) -> tuple[Predicted, ...]:
        """What each judge says. NotPredictedError when the catalogue does not have this very build."""
        from preflight.predict.kernel_facts import KernelFacts
        from preflight.predict.target import KernelTarget

        if measured.name not in self.store:
            raise NotPredictedError("the catalogue does not have it (`preflight kernels fetch`)")
        kernel = self.store.get(measured.name)
        if kernel.btf_sha256 != measured.btf_sha256:
            raise NotPredictedError("the catalogue's kernel of this name is another build")
        facts = KernelFacts(KernelTarget(kernel))
        wanted = dict.fromkeys(one.sha256 for one in measured.objects if one.sha256 in self.objects)
        return tuple(
            {sha256: judge(self.objects[sha256], facts, measured.name) for sha256 in wanted}
            for judge in self.judges
        )


def by_rules(obj: BpfObject, facts: KernelFacts, kernel: str) -> Mapping[str, Any]:
    """What `preflight predict` says."""
    from preflight.predict.predict_report import result
    from preflight.predict.verdict import predict

    return result(predict(obj, facts), kernel)


def measured_objects(measured: Sequence[Measured], specs: Sequence[str]) -> dict[str, BpfObject]:
    """The objects that were measured, by digest, as far as they are on this machine.

    `specs` are OBJECTs as everywhere; without any, the packaged objects and the commands that the
    measurements name are looked for.
    """
    from preflight.lab.subjects import subjects
    from preflight.objects.load import load

    wanted = {one.sha256 for kernel in measured for one in kernel.objects}
    found: dict[str, BpfObject] = {}
    for spec in specs or _named(measured):
        try:
            items = subjects([spec])
        except PreflightError:
            if specs:
                raise
            continue
        for item in items:
            if item.sha256 in wanted and item.sha256 not in found:
                found[item.sha256] = load(item.data, item.name)
    return found


def _named(measured: Sequence[Measured]) -> Iterator[str]:
    """What the names of measured objects may stand for here: `probes:fentry`, `opensnoop`, `./x.bpf.o`."""
    names = dict.fromkeys(one.object for kernel in measured for one in kernel.objects)
    groups = dict.fromkeys(name.partition(":")[0] for name in names if ":" in name)
    yield from (f"{group}:" for group in groups)
    for name in names:
        if ":" not in name and "/" not in name:
            place = next(
                (p for p in (Path("/usr/sbin") / name, Path("/usr/bin") / name) if p.is_file()), None
            )
            yield str(place or name)
