# SPDX-License-Identifier: Apache-2.0
"""One machine, whoever runs it: with KVM while that works, with the emulator otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from preflight.lab import qemu
from preflight.lab.qemu import Ended, Limits


class Setting(NamedTuple):
    """MiB of memory, what is added to the kernel's command line, and the limits of time."""

    memory: int
    append: str
    limits: Limits


class Acceleration:
    """KVM or the emulator, decided once per run: KVM only until a guest fails to start under it."""

    def __init__(self, wanted: str, arch: str) -> None:
        self._lock = threading.Lock()
        self._kvm = wanted == "kvm" or (wanted == "auto" and qemu.kvm_offered(arch))
        self._fixed = wanted != "auto"

    def current(self) -> str:
        """What to boot with now."""
        with self._lock:
            return "kvm" if self._kvm else "tcg"

    def failed(self) -> bool:
        """No guest started under KVM: whether to try again without."""
        with self._lock:
            again = self._kvm and not self._fixed
            if again:
                self._kvm = False
            return again


def booted(
    program: str,
    image: Path,
    initrd: bytes,
    arch: str,
    setting: Setting,
    acceleration: Acceleration,
    stopped: Callable[[], bool],
    *,
    what: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Ended:
    """One machine from its start to its end; once more with the emulator where KVM runs no guest.

    `what` it is about, in words for `say`. OSError where this machine has no room for its files.
    """
    while True:
        accel = acceleration.current()
        say(f"booting ({accel}): {what or 'boot only'}")
        ended = qemu.boot(
            program,
            image,
            initrd,
            arch=arch,
            accel=accel,
            memory=setting.memory,
            append=setting.append,
            limits=setting.limits,
            stopped=stopped,
        )
        if accel == "kvm" and not ended.output and ended.reason != "stopped" and acceleration.failed():
            say("KVM does not run a guest here; the emulator takes over")
            continue
        return ended
