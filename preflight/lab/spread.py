# SPDX-License-Identifier: Apache-2.0
"""A run on several kernels spread over the workers of a cluster, each kernel's machine on one of them.

What goes into a machine is made here and what comes out of it is judged here, so that a worker needs QEMU and
preflight, and neither the objects, the kernels nor the lab's programs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from preflight.errors import InstrumentError
from preflight.kernels.model import Kernel
from preflight.lab import guest, qemu, there
from preflight.lab.material import NotBootableError, Supply
from preflight.lab.results import KernelRun
from preflight.lab.run import (
    InterruptedRun,
    Plan,
    Say,
    equipment,
    for_machine,
    interruptible,
    job_of,
    judged,
    ready,
    setting_of,
    unmeasured,
    without_files,
    without_machine,
)

if TYPE_CHECKING:
    from preflight.matrix import engine
    from preflight.matrix.dask_client import Address
    from preflight.matrix.dask_executor import Shipment


class LostRunError(InstrumentError):
    """The cluster went away; `runs` has every kernel, in the order asked for."""

    def __init__(self, why: str, runs: Sequence[KernelRun]) -> None:
        super().__init__(why)
        self.runs = tuple(runs)


def run(
    kernels: Sequence[Kernel],
    plan: Plan,
    where: Address,
    *,
    say: Say = lambda _k, _t: None,
    done: Callable[[KernelRun], None] = lambda _: None,
) -> list[KernelRun]:
    """Measure on every kernel, as `preflight.lab.run.run` does, with the machines on a cluster.

    InterruptedRun and LostRunError carry what was measured until then. InstrumentError when the cluster
    cannot be used, or a program for the guests is missing here.
    """
    from preflight.matrix import engine
    from preflight.matrix.cluster import Cluster

    loads = _Loads(kernels, plan, say)
    found: dict[int, KernelRun] = {}
    tasks = [str(number) for number in range(len(kernels))]
    with interruptible():
        answers = engine.run(str, tasks, Cluster(where, loads, by_thread=True))
        try:
            for answer in answers:
                found[answer.number] = one = loads.judged(answer)
                done(one)
        except KeyboardInterrupt:
            raise InterruptedRun(_all(kernels, plan, found, "interrupted")) from None
        except engine.LostError as error:
            raise LostRunError(str(error), _all(kernels, plan, found, str(error))) from None
        finally:
            answers.close()
    return _all(kernels, plan, found, "")


def _all(kernels: Sequence[Kernel], plan: Plan, found: dict[int, KernelRun], why: str) -> list[KernelRun]:
    """What became of each kernel; of those without an answer, why there is none."""
    return [
        found.get(number) or unmeasured(kernel, plan, "interrupted", f"{why} before it was measured")
        for number, kernel in enumerate(kernels)
    ]


class _Loads:
    """Makes of a kernel's number what its machine needs. What cannot be booted is answered at once."""

    def __init__(self, kernels: Sequence[Kernel], plan: Plan, say: Say) -> None:
        self._kernels = kernels
        self._plan = plan
        self._say = say
        self._supply = Supply()
        self._gear = equipment(_machines(kernels), plan)

    def __call__(self, task: str) -> Shipment | str:
        from preflight.matrix.dask_executor import Shipment
        from preflight.matrix.parcel import parcel_of

        kernel = self._kernels[int(task)]
        plan = for_machine(self._plan, kernel.arch)
        self._supply.say = lambda text: self._say(kernel.name, text)
        try:
            inside = ready(kernel, self._gear)
            files = self._supply.files(kernel, plan.modules)
            initrd = guest.build(job_of(kernel, files, plan), inside)
            image = files.image.read_bytes()
        except NotBootableError as error:
            return self._known(without_files(kernel, plan, error))
        except OSError as error:
            return self._known(without_machine(kernel, plan, error))
        self._say(kernel.name, "sent to the cluster")
        text = there.ask(inside.arch, plan.accel, setting_of(plan))
        return Shipment("preflight.lab.there:boot", text, (parcel_of(image), parcel_of(initrd)))

    def _known(self, found: KernelRun) -> str:
        return json.dumps({"unmeasured": [found.outcome, found.detail]})

    def judged(self, answer: engine.Answer) -> KernelRun:
        """What became of a kernel, from what the cluster answered."""
        kernel = self._kernels[answer.number]
        plan = for_machine(self._plan, kernel.arch)
        if answer.text is None:
            return unmeasured(kernel, plan, "vm-failed", answer.trouble or "no answer")
        known = json.loads(answer.text).get("unmeasured")
        if known is not None:
            return unmeasured(kernel, plan, *known)
        ended = there.answered(answer.text)
        if isinstance(ended, there.Problem):
            return without_machine(kernel, plan, OSError(ended.errno, f"a worker: {ended.why}"))
        return judged(kernel, ended, plan)


def _machines(kernels: Sequence[Kernel]) -> dict[str, str | InstrumentError]:
    """The architectures of the kernels; an error for those the lab has no machine for. Workers have QEMU."""
    found: dict[str, str | InstrumentError] = {}
    for arch in {str(kernel.arch): None for kernel in kernels}:
        try:
            found[arch] = qemu.machine_for(arch).program
        except InstrumentError as error:
            found[arch] = error
    return found
