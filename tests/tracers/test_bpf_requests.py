# SPDX-License-Identifier: Apache-2.0
"""What the tracer of block devices says of reads and writes that go straight to one."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.tracers.session import Options
from tests.host.live import needs_loads
from tests.tracers.events import health_is_whole, observed, total

pytestmark = [pytest.mark.kernel, needs_loads]

BLOCK = 4096
TIMES = 40
FEW = 4


@pytest.fixture
def direct(tmp_path: Path) -> Iterator[int]:
    """A file with TIMES blocks on disk, open past the page cache."""
    path = tmp_path / "direct"
    path.write_bytes(b"\0" * BLOCK * TIMES)
    if os.major(path.stat().st_dev) == 0:
        pytest.skip("the folder for temporary files is on no block device of its own (tmpfs, overlay, btrfs)")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_DIRECT)
    except OSError as error:
        if error.errno == errno.EINVAL:
            pytest.skip("the file system of temporary files has no direct I/O")
        raise
    os.fsync(descriptor)
    yield descriptor
    os.close(descriptor)


def reads(descriptor: int) -> Callable[[], None]:
    def make() -> None:
        with mmap.mmap(-1, BLOCK) as memory:
            for at in range(TIMES):
                os.preadv(descriptor, [memory], at * BLOCK)

    return make


def writes(descriptor: int) -> Callable[[], None]:
    def make() -> None:
        with mmap.mmap(-1, BLOCK) as memory:
            for at in range(TIMES):
                os.pwritev(descriptor, [memory], at * BLOCK)

    return make


@pytest.mark.parametrize("variant", ["tp_btf", "raw_tp", "tracepoint"])
@pytest.mark.parametrize(("operation", "make"), [("read", reads), ("write", writes)])
def test_each_direct_request_is_served_once(
    direct: int, variant: str, operation: str, make: Callable[[int], Callable[[], None]]
) -> None:
    outcome = observed("blocklat", variant, make(direct), only_pid=False)
    # Others use the disk as well. Requests end in interrupts, where a kernel that keeps programs away from
    # the task that is interrupted shows nothing.
    assert total(outcome, "latencies", operation=operation, stage="served", error=0) >= TIMES - FEW
    assert health_is_whole(outcome.health)


@pytest.mark.parametrize("variant", ["tp_btf", "raw_tp", "tracepoint"])
def test_all_variants_name_the_device_alike(direct: int, variant: str) -> None:
    device = os.fstat(direct).st_dev
    # The disk has the minor number of its first partition or a lower one.
    outcome = observed("blocklat", variant, reads(direct), only_pid=False)
    found = {row.key["device"] for row in outcome.rows["latencies"] if row.key["operation"] == "read"}
    assert any(one >> 20 == os.major(device) and one & 0xFFFFF <= os.minor(device) for one in found)


def test_another_device_is_left_out(direct: int) -> None:
    options = Options(constants={"target_device": 0xFFF << 20 | 0xFFFFF})
    outcome = observed("blocklat", "tp_btf", reads(direct), options, only_pid=False)
    assert outcome.rows["latencies"] == []
    assert outcome.health["filtered"] == outcome.health["seen"] >= TIMES - FEW
