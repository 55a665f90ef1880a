# SPDX-License-Identifier: Apache-2.0
"""The kernels that tests boot: the oldest and newest cloud builds at hand, else two from Debian's suites."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import PreflightError
from preflight.kernels import Kernel, Store
from preflight.lab import tools
from preflight.lab.material import NotBootableError, Supply

SUITES = ("trixie", "trixie-backports")


#: What was found in this run: fetching takes a while, and all tests that boot run in one process.
_found: list[Kernel] = []
_folder: list[Path] = []


def bootable_kernels(folders: pytest.TempPathFactory) -> list[Kernel]:
    """Two kernels, oldest first; skips where no machine can be run or no kernel can be had."""
    try:
        tools.emulator("x86_64")
        tools.guest_tools(objects=True, bpftool=True)
        _found[:] = _found or _from_catalogue() or _from_suites(folders.mktemp("catalogue"))
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


def _from_suites(folder: Path) -> list[Kernel]:
    from preflight.kernels import fetch_debian
    from preflight.kernels.fetch_debian import Request

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
