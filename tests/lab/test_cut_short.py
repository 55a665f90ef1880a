# SPDX-License-Identifier: Apache-2.0
"""What an interrupt, a full disk or a lost cluster leaves of a run on several kernels."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.cli.exits import Exit
from preflight.cli.lab import exit_code
from preflight.errors import InstrumentError
from preflight.lab import qemu, there, tools
from preflight.lab.machine import Setting
from preflight.lab.material import NotBootableError, Supply
from preflight.lab.qemu import Ended, Limits
from preflight.lab.run import InterruptedRun, run
from tests.cli.run import preflight
from tests.lab.serial import ended
from tests.lab.test_run import PLAN, Boot, good, kernel, machine

__all__ = ["machine"]


def full(*_: object, **__: object) -> Ended:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_costs_only_the_kernels_it_was_full_for(machine: Callable[[Boot], None]) -> None:
    machine(lambda image: full() if image == "bad" else good(image))
    found = run([kernel("fine"), kernel("bad"), kernel("also")], PLAN)
    assert [(one.outcome, one.detail) for one in found] == [
        ("booted", ""),
        ("no-room", "No space left on device"),
        ("booted", ""),
    ]
    assert [one.objects[0].verdict for one in found] == ["loads", "unknown", "loads"]
    assert exit_code(found, "never") is Exit.INTERNAL


def test_an_image_that_finds_no_room_is_not_called_unbootable(
    machine: Callable[[Boot], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(good)

    def files(*_: object) -> object:
        raise NotBootableError("cannot keep it") from OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(Supply, "files", files)
    assert [one.outcome for one in run([kernel("any")], PLAN)] == ["no-room"]


def test_another_trouble_of_the_disk_is_that_of_the_machine(machine: Callable[[Boot], None]) -> None:
    def broken(_image: str) -> Ended:
        raise OSError(errno.EIO, "Input/output error")

    machine(broken)
    assert [(o.outcome, o.detail) for o in run([kernel("any")], PLAN)] == [
        ("vm-failed", "Input/output error")
    ]


def test_an_interrupt_carries_what_was_measured(
    machine: Callable[[Boot], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(good)
    first = threading.Event()

    def boot(
        _program: str, image: Path, _initrd: bytes, *, stopped: Callable[[], bool], **_: object
    ) -> Ended:
        if str(image) == "one":
            return good("one")
        first.wait(10)
        os.kill(os.getpid(), signal.SIGINT)
        while not stopped():
            threading.Event().wait(0.01)
        return ended(b"", reason="stopped")

    monkeypatch.setattr(qemu, "boot", boot)
    with pytest.raises(InterruptedRun) as cut:
        run([kernel("one"), kernel("two"), kernel("three")], PLAN, done=lambda _: first.set())
    assert [one.kernel for one in cut.value.runs] == ["one", "two", "three"]
    assert [one.outcome for one in cut.value.runs] == ["booted", "interrupted", "interrupted"]
    assert [one.objects[0].verdict for one in cut.value.runs] == ["loads", "unknown", "unknown"]


def test_what_a_machine_wrote_comes_back_from_a_worker() -> None:
    wrote = Ended("exit", b"console\xff", bytes(range(256)) * 40, "a word", 1.5, "tcg")
    packed = json.dumps(
        {
            "reason": wrote.reason,
            "console": there.packed(wrote.console),
            "output": there.packed(wrote.output),
            "stderr": wrote.stderr,
            "seconds": wrote.seconds,
            "accel": wrote.accel,
        }
    )
    assert there.answered(packed) == wrote


ASK = there.ask("x86_64", "tcg", Setting(1024, "", Limits()))


def test_a_full_disk_of_a_worker_is_told(machine: Callable[[Boot], None]) -> None:
    machine(full)
    assert there.answered(there.boot(ASK, [], b"", b"")) == there.Problem(
        "No space left on device", errno.ENOSPC
    )


def test_a_worker_without_qemu_says_what_to_install(
    machine: Callable[[Boot], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(good)

    def missing(_arch: str) -> str:
        raise InstrumentError("QEMU is not installed")

    monkeypatch.setattr(tools, "emulator", missing)
    assert there.answered(there.boot(ASK, [], b"", b"")) == there.Problem("QEMU is not installed", 0)


def test_a_worker_boots_the_image_it_was_sent(
    machine: Callable[[Boot], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(good)
    seen: list[object] = []

    def boot(_program: str, image: Path, initrd: bytes, **asked: object) -> Ended:
        seen.extend([image.read_bytes(), initrd, asked["memory"], asked["append"], asked["limits"]])
        return good("")

    monkeypatch.setattr(qemu, "boot", boot)
    asked = there.ask("x86_64", "tcg", Setting(2048, "lsm=bpf", Limits(1.0, 2.0, 3.0)))
    assert there.answered(there.boot(asked, [], b"image", b"initrd")) == good("")
    assert seen == [b"image", b"initrd", 2048, "lsm=bpf", Limits(1.0, 2.0, 3.0)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--dask-tls", "x"], b"--dask-tls needs"),
        (["--dask", "127.0.0.1:9", "--jobs", "2"], b"--jobs counts"),
    ],
)
def test_options_that_do_not_go_together(given: list[str], said: bytes) -> None:
    done = preflight("lab", "run", "probes:kprobe", "--kernel", "x", *given)
    assert done.returncode == 2
    assert said in done.stderr
