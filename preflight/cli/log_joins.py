# SPDX-License-Identifier: Apache-2.0
"""Reading the object, the kernel and the host that a log is held against."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.errors import InputError, UsageError
from preflight.verifier.model import Rejection

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts


class Joins:
    """Adds to each rejection what was named on the command line; everything is read when first needed."""

    def __init__(self, obj: str, kernel: str, host: str, store: str) -> None:
        self._object = obj
        self._kernel = kernel
        self._host = host
        self._store = store

    def __call__(self, one: Rejection) -> Rejection:
        """The rejection with more known of it. InputError for an object or kernel that cannot be used."""
        from preflight.joins.regressions import with_regressions

        obj = self._chosen(one)
        if obj is not None:
            from preflight.joins.object import with_object

            one = with_object(one, obj)
        release = None
        if self._kernel:
            from preflight.joins.kernel import with_kernel

            one = with_kernel(one, self._facts, obj)
            release = self._facts.kernel.release
        if self._host:
            from preflight.joins.host import with_host

            one = with_host(one, self._checks)
        return with_regressions(one, release)

    def _chosen(self, one: Rejection) -> BpfObject | None:
        """The object that holds the program; of several the first that does."""
        if not self._object:
            return None
        from preflight.joins.object import program_of

        found = [obj for obj in self._objects if program_of(one, obj) is not None]
        return found[0] if found else self._objects[0]

    @cached_property
    def _objects(self) -> list[BpfObject]:
        from preflight.cli.targets import object_paths
        from preflight.objects.sources import open_all

        return open_all(object_paths([self._object]))

    @cached_property
    def _facts(self) -> KernelFacts:
        from preflight.cli.targets import WithoutBtf, kernels_named
        from preflight.kernels.indexed import use_index
        from preflight.predict.kernel_facts import KernelFacts
        from preflight.predict.target import KernelTarget

        found = kernels_named([self._kernel], self._store)
        if len(found) != 1:
            raise UsageError(f"--kernel {self._kernel[:60]!r} names {len(found)} kernels; a log is of one")
        kernel = found[0]
        if isinstance(kernel, WithoutBtf):
            raise InputError(kernel.why, subject=kernel.name)
        use_index(kernel)
        return KernelFacts(KernelTarget(kernel))

    @cached_property
    def _checks(self) -> list[dict[str, Any]]:
        if self._host == "here":
            from preflight.host.checks.runner import run_checks
            from preflight.host.collect.run import collect_host
            from preflight.joins.host import CODES

            return [found.to_dict() for found in run_checks(collect_host(), CODES)]
        from preflight.render.load import read_result

        result = read_result(Path(self._host))
        if result["command"] != "check":
            raise InputError("is not a result of preflight check", subject=Path(self._host).name)
        found: list[dict[str, Any]] = result["results"]
        return found
