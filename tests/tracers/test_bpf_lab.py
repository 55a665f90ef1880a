# SPDX-License-Identifier: Apache-2.0
"""Every variant in booted kernels: it attaches there, and what it counts of known events is right.

The surfaces that the running host lacks (kprobe, fentry, LSM) are only tested here.
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


def _kernels() -> list[Kernel]:
    """The oldest and the newest cloud kernel of the catalogue; all of them with PREFLIGHT_LAB_ALL."""
    store = Store()
    names = store.match("debian/*cloud-amd64")
    if not os.environ.get("PREFLIGHT_LAB_ALL"):
        names = [*names[:1], *names[-1:]] if len(names) > 1 else names
    return [store.get(name) for name in names]


@pytest.mark.parametrize("kernel", _kernels(), ids=lambda kernel: kernel.name)
def test_what_the_tracers_count_is_right(kernel: Kernel) -> None:
    try:
        Supply().files(kernel)
    except NotBootableError as error:
        pytest.skip(f"the kernel's image is not at hand: {error}")
    found = guest.results(kernel)
    assert len(found) > 15
    for one in found:
        assert "error" not in one, f"{one['check']}: {one['error']}"
        assert one["got"] == one["wanted"], one["check"]
        assert one["whole"], f"{one['check']}: {one['health']}"
