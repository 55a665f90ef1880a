# SPDX-License-Identifier: Apache-2.0
"""Variants in booted kernels: what is predicted to attach attaches, and what it counts is right.

By default the tracers with surfaces that a host may lack (kprobe, fentry, LSM) and those of threads,
functions and disks, on the oldest and the newest cloud kernel of the catalogue; with PREFLIGHT_LAB_ALL set
all tracers on all of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight.kernels import Kernel, Store
from preflight.lab.material import NotBootableError, Supply
from preflight.tracers.choose import FAILS, LOADS, Chooser
from preflight.tracers.load import catalogue
from tests.lab.boots import bootable_kernels
from tests.tracers import guest
from tests.tracers.working import compiled, needs_compiler

pytestmark = [
    pytest.mark.lab,
    needs_compiler,
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the lab boots x86-64 kernels only"),
]


_EVERYTHING = bool(os.environ.get("PREFLIGHT_LAB_ALL"))
_TRACERS = (
    *("opens", "vfslat", "tcpconnect", "blocklat", "funclat", "futexes", "pthreadlocks", "locks"),
    *("offcpu", "runqlat", "oncpu", "ufunclat", "usdtcount"),
)


#: Which of the kernels at hand: the oldest and the newest, or every one of the catalogue.
_WHICH = Store().match("debian/*cloud-amd64") if _EVERYTHING else ["oldest", "newest"]


@pytest.fixture
def kernel(which: str, tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    if _EVERYTHING:
        return Store().get(which)
    return bootable_kernels(tmp_path_factory)[0 if which == "oldest" else -1]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("work"))


def _predicted(kernel: Kernel) -> dict[tuple[str, str], str]:
    return {
        (tracer.name, judged.variant.name): judged.verdict
        for tracer, variants in Chooser(kernel).judge(catalogue())
        for judged in variants
    }


@pytest.mark.parametrize("which", _WHICH)
def test_what_the_tracers_count_is_right(kernel: Kernel, work: Path) -> None:
    try:
        Supply().files(kernel)
    except NotBootableError as error:
        pytest.skip(f"the kernel's image is not at hand: {error}")
    found = guest.results(kernel, work, *(() if _EVERYTHING else _TRACERS))
    predicted = _predicted(kernel)
    wrong = []
    for one in found:
        verdict = predicted[one["tracer"], one["variant"]]
        if "error" in one:
            wrong.append(f"{one['check']}: {one['error']}")
        elif "refused" in one:
            if verdict == LOADS:
                wrong.append(f"{one['check']}: predicted to load, and refused: {one['refused']}")
        elif verdict == FAILS:
            wrong.append(f"{one['check']}: predicted to fail, and attached")
        elif one["got"] != one["wanted"]:
            wrong.append(f"{one['check']}: {one['got']} instead of {one['wanted']}; {one['health']}")
        elif not one["whole"]:
            wrong.append(f"{one['check']}: {one['health']}")
    assert not wrong, "\n".join(wrong)
    without = {one["tracer"] for one in found} - {one["tracer"] for one in found if "got" in one}
    assert not without, f"no variant works: {without}"
    assert len(found) >= 30
