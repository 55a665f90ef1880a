# SPDX-License-Identifier: Apache-2.0
"""The kernels that tests boot: the oldest and newest cloud builds at hand, else two from Debian's suites."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from preflight.errors import PreflightError
from preflight.kernels import Kernel, Store
from preflight.lab import tools
from preflight.lab.material import NotBootableError, Supply

SUITES = ("trixie", "trixie-backports")


#: What this process found.
_found: list[Kernel] = []
_folder: list[Path] = []


def bootable_kernels(folders: pytest.TempPathFactory) -> list[Kernel]:
    """Two kernels, oldest first; skips where no machine can be run or no kernel can be had."""
    try:
        tools.emulator("x86_64")
        tools.guest_tools(objects=True, bpftool=True)
        _found[:] = _found or _from_catalogue() or _from_suites(folders)
    except PreflightError as error:
        pytest.skip(f"no lab here: {error}")
    return list(_found)


def fetched() -> Path | None:
    """The catalogue that `bootable_kernels` fetched into, None when the user's own has what is needed."""
    return _folder[0] if _folder else None


def _from_catalogue() -> list[Kernel]:
    store = Store()
    names = store.match("debian/*cloud-amd64")
    found: list[Kernel] = []
    for name in [*names[:1], *names[-1:]] if len(names) > 1 else []:
        kernel = store.get(name)
        try:
            Supply().files(kernel)
        except NotBootableError:
            return []
        found.append(kernel)
    return found


def _from_suites(folders: pytest.TempPathFactory) -> list[Kernel]:
    from preflight.kernels import fetch_debian
    from preflight.kernels.fetch_debian import Request

    with _of_all_workers(folders) as folder:
        store = Store(folder)
        _folder[:] = [folder]
        for suite in SUITES:
            root = fetch_debian.open_suite(suite, "amd64")
            request = Request(suite, "amd64", ("cloud-amd64",))
            (build,) = fetch_debian.select(fetch_debian.builds(root.packages("linux-")), request)
            outcome = fetch_debian.fetch(root, build, store, request)
            if outcome.state not in ("added", "present"):
                pytest.skip(f"{build.name} cannot be had: {outcome.detail}")
    return [store.get(name) for name in store.names()]


@contextmanager
def _of_all_workers(folders: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that all workers of this run have; one of them at a time, as fetching takes a while."""
    base = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # a worker's own folder lies in that of the run
    with (base / "catalogue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield base / "catalogue"
