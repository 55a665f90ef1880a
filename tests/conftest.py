# SPDX-License-Identifier: Apache-2.0
"""How property tests look for counterexamples: anew on a developer's machine, the same ones in CI.

A gate has to give one answer for one commit; new counterexamples are found where somebody
can look at them. And how tests are given to several workers: tests/schedule.py.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from hypothesis import settings

# what a script starts in the background ignores Ctrl-C, and tests of interrupts would wait for ever
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("developer", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """`--dist loadgroup` by the groups of tests/schedule.py."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from tests.schedule import Schedule

    config.option.loadscopereorder = False
    return Schedule(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers begin with what takes long."""
    if hasattr(config, "workerinput"):
        from tests.schedule import ordered

        ordered(items)
