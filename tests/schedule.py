# SPDX-License-Identifier: Apache-2.0
"""Which tests one worker runs one after the other, and what begins first (`pytest -n N --dist loadgroup`).

A file's tests stay in one worker: what its fixtures boot, compile or open is made once. Files that would
wait for each other stay together, too. What waits a lot (for a virtual machine, a time limit, a lock) begins
early, by turns with what computes; what takes long begins before what is short, so that no worker is left
alone with it at the end.

This stands here and not in marks: xdist writes its groups into the ids of tests, and with pytest 9.2 they get
lost on the way, so that every test goes to any worker.
"""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatch
from functools import cache

import pytest
from xdist.scheduler import LoadScopeScheduling

#: They watch the whole machine, one at a time (tests/tracers/conftest.py).
WATCHING = (
    "tests/tracers/test_bpf_[!l]*.py",
    "tests/tracers/test_filters_kernel.py",
    "tests/tracers/test_session_kernel.py",
)
#: What begins first, in this order; each is handed out as a whole.
FIRST: tuple[tuple[str, ...], ...] = (
    WATCHING,
    ("tests/fleet/test_from_nothing.py",),
    ("tests/tracers/test_bpf_lab.py",),
    ("tests/bytecode/test_reach_kernel.py",),
    ("tests/lab/test_real_outcomes.py",),
    ("tests/gate/test_tracers.py",),
    ("tests/fleet/test_routes_ansible.py",),
    ("tests/matrix/test_dask_lost.py",),
    ("tests/kernels/test_sites_booted.py",),
    ("tests/lab/test_cluster.py",),
    ("tests/fleet/test_canaries.py",),
    ("tests/gate/test_real_change.py",),
    ("tests/cli/test_check.py",),
    ("tests/fleet/test_script.py",),
    ("tests/render/test_matrix_browser.py",),
    ("tests/matrix/test_cluster_page.py",),
    ("tests/test_build.py",),
    ("tests/lab/test_boot.py",),
    ("tests/fleet/test_routes_systemd_booted.py",),
    ("tests/predict/test_blind_recorded.py",),
    ("tests/matrix/test_dask.py",),
    ("tests/kernels/test_fixtures.py",),
    ("tests/fleet/test_guide.py",),
)


@cache
def unit(file: str) -> str:
    """What the tests of this file (from the root of the repository) are handed out with."""
    for patterns in FIRST:
        if any(fnmatch(file, pattern) for pattern in patterns):
            return patterns[0]
    return file


def file_of(test: str) -> str:
    """The file in a test's id."""
    return test.partition("::")[0]


def ordered(items: list[pytest.Item]) -> None:
    """Put what begins first to the front, and then the files with the most tests."""
    sizes = Counter(unit(file_of(item.nodeid)) for item in items)
    first = {patterns[0]: place for place, patterns in enumerate(FIRST)}
    place = {name: (first.get(name, len(first)), -size, name) for name, size in sizes.items()}
    items.sort(key=lambda item: place[unit(file_of(item.nodeid))])


class Schedule(LoadScopeScheduling):
    """Hands out one unit after the other, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(file_of(nodeid))
