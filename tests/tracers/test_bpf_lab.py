# SPDX-License-Identifier: Apache-2.0
"""Variants in booted kernels: they attach there, and what they count of known events is right.

By default the tracers with surfaces that a host may lack (kprobe, fentry, LSM), on the oldest and the newest
cloud kernel of the catalogue; with PREFLIGHT_LAB_ALL set all tracers on all of them.
"""

from __future__ import annotations

import os

import pytest

from preflight.kernels import Kernel, Store
from preflight.lab.material import NotBootableError, Supply
from tests.tracers import guest

pytestmark = [
    pytest.mark.lab,
    pytest.mark.xdist_group("lab"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the lab boots x86-64 kernels only"),
]


_EVERYTHING = bool(os.environ.get("PREFLIGHT_LAB_ALL"))
_TRACERS = () if _EVERYTHING else ("opens", "vfslat", "tcpconnect")


def _kernels() -> list[Kernel]:
    store = Store()
    names = store.match("debian/*cloud-amd64")
    if not _EVERYTHING:
        names = [*names[:1], *names[-1:]] if len(names) > 1 else names
    return [store.get(name) for name in names]


@pytest.mark.parametrize("kernel", _kernels(), ids=lambda kernel: kernel.name)
def test_what_the_tracers_count_is_right(kernel: Kernel) -> None:
    try:
        Supply().files(kernel)
    except NotBootableError as error:
        pytest.skip(f"the kernel's image is not at hand: {error}")
    found = guest.results(kernel, *_TRACERS)
    assert len(found) >= 9
    for one in found:
        assert "error" not in one, f"{one['check']}: {one['error']}"
        assert one["got"] == one["wanted"], one["check"]
        assert one["whole"], f"{one['check']}: {one['health']}"
