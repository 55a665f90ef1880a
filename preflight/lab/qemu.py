# SPDX-License-Identifier: Apache-2.0
"""One virtual machine: QEMU without a network, a display or a disk, and two serial ports into files.

What is large comes out through memory that the machine shares with a file of its own (ivshmem-plain), because
an emulated serial port takes a second for every 500 kB.

KVM is used where the processor offers it and a guest really starts with it; the emulator (TCG) otherwise.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from preflight.errors import InstrumentError


class Machine(NamedTuple):
    """One architecture: QEMU's program and its package, what it needs on the command line, and its ports.

    `processors` by accelerator; `port` is the guest's name of the second serial port.
    """

    program: str
    package: str
    processors: Mapping[str, str]
    options: tuple[str, ...]
    output: tuple[str, ...]
    console: str
    port: str


#: `uname -m` -> the machine its kernels are booted on.
MACHINES: dict[str, Machine] = {
    # QEMU 7.2's emulator at times leaves wrong flags behind after cmpxchg16b: 6.12 kernels, whose allocator
    # uses it, died of a double fault at that instruction in one boot of six. Without it they do not use it.
    # It emulates `rep movsb` byte by byte; told of no fast one, kernels copy words: a tenth less time.
    "x86_64": Machine(
        "qemu-system-x86_64",
        "qemu-system-x86",
        {"kvm": "host", "tcg": "max,-cx16,-erms,-fsrm"},
        (),
        ("-serial", "chardev:output"),
        "console=ttyS0 tsc=reliable",
        "ttyS1",
    ),
    # `virt` has one serial port; a second one is a PCI card. pauth-impdef: a cheaper algorithm to emulate.
    "aarch64": Machine(
        "qemu-system-aarch64",
        "qemu-system-arm",
        {"kvm": "host", "tcg": "max,pauth-impdef=on"},
        ("-machine", "virt"),
        ("-device", "pci-serial,chardev=output"),
        "console=ttyAMA0",
        "ttyS0",
    ),
}
#: panic=-1 with -no-reboot ends QEMU; what follows mitigations=off saves time: a second of self-tests of
#: ciphers at boot, and the waiting for grace periods whenever something is attached or detached.
COMMAND_LINE = (
    "quiet loglevel=4 panic=-1 oops=panic random.trust_cpu=on nokaslr mitigations=off cryptomgr.notests "
    "rcupdate.rcu_expedited=1"
)
_CONSOLE_LIMIT = 4 << 20
#: Bytes of shared memory, of which only what is written takes room; a power of two, as PCI wants it.
SHARED_BYTES = 128 << 20
#: A guest that runs at all under KVM says so within this many seconds.
_KVM_BOOT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: until the guest must have booted, without any output, and in all."""

    boot: float = 180.0
    idle: float = 300.0
    total: float = 1200.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a virtual machine ended.

    `reason` is `exit` (by itself), `boot-limit`, `idle-limit`, `total-limit`, `too-much`, `stopped` (asked to
    from outside) or `broken` (QEMU itself failed; `stderr` says why). `output` is the second serial port, and
    behind it what came through the shared memory.
    """

    reason: str
    console: bytes
    output: bytes
    stderr: str
    seconds: float
    accel: str


def machine_for(arch: str | None) -> Machine:
    """The machine for `uname -m`. InstrumentError for one the lab has no recipe for."""
    if arch not in MACHINES:
        raise InstrumentError(f"the lab boots {', '.join(MACHINES)} kernels only, not {arch or 'unknown'}")
    return MACHINES[arch]


def kvm_offered(arch: str, cpuinfo: Path = Path("/proc/cpuinfo"), device: Path = Path("/dev/kvm")) -> bool:
    """Whether KVM is worth a try: same machine, a usable device, and a processor that says it has it.

    A device alone proves nothing: some hosts show one whose guests die at their first instructions.
    """
    if arch != os.uname().machine or not os.access(device, os.R_OK | os.W_OK):
        return False
    if arch != "x86_64":
        return True
    try:
        text = cpuinfo.read_text("ascii", "replace")
    except OSError:
        return False
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    return "vmx" in flags or "svm" in flags


def command(
    program: str,
    accel: str,
    image: Path,
    initrd: Path,
    console: Path,
    output: Path,
    shared: Path,
    *,
    arch: str = "x86_64",
    memory: int = 1024,
    append: str = "",
    disk: Path | None = None,
) -> list[str]:
    """The QEMU command line; `memory` in MiB, `append` is added to the kernel's command line.

    `disk` is the image of an NVMe disk, which kernels for clouds have the driver of built in.
    """
    machine = machine_for(arch)
    line = f"{machine.console} {COMMAND_LINE} {append}".strip()
    return [
        program,
        *machine.options,
        *("-accel", accel),
        *("-cpu", machine.processors[accel]),
        *("-m", str(memory)),
        *("-smp", "1"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-nic", "none"),
        *("-kernel", str(image)),
        *("-initrd", str(initrd)),
        *("-append", line),
        *("-chardev", f"file,id=console,path={_escaped(console)}"),
        *("-serial", "chardev:console"),
        *("-chardev", f"file,id=output,path={_escaped(output)}"),
        *machine.output,
        *(
            "-object",
            f"memory-backend-file,id=shared,share=on,size={SHARED_BYTES},mem-path={_escaped(shared)}",
        ),
        *("-device", "ivshmem-plain,memdev=shared"),
        *(
            ()
            if disk is None
            else (
                *("-drive", f"file={_escaped(disk)},format=raw,if=none,id=disk"),
                *("-device", "nvme,drive=disk,serial=preflight"),
            )
        ),
    ]


def _escaped(path: Path) -> str:
    """A comma in an option's value is doubled (qemu(1))."""
    return str(path).replace(",", ",,")


def boot(
    program: str,
    image: Path,
    initrd: bytes,
    *,
    arch: str = "x86_64",
    accel: str = "tcg",
    memory: int = 1024,
    append: str = "",
    disk_bytes: int = 0,
    limits: Limits,
    stopped: Callable[[], bool] = lambda: False,
) -> Ended:
    """Boot once and wait for the end. Whatever happens, no process is left behind, and no file either.

    What is left where we are killed outright goes with the next run.
    The machine has a blank disk of `disk_bytes`, none when that is 0.
    `stopped` is asked several times a second; true ends the machine at once.
    """
    from preflight import subprocesses
    from preflight.lab.scratch import scratch

    with scratch() as folder:
        console, output, shared = folder / "console", folder / "output", folder / "shared"
        (folder / "initrd").write_bytes(initrd)
        with shared.open("wb") as stream:
            stream.truncate(SHARED_BYTES)
        disk = folder / "disk" if disk_bytes else None
        if disk is not None:
            with disk.open("wb") as stream:
                stream.truncate(disk_bytes)
        watch = _Watch(output, console, limits, stopped, accel)
        argv = bound_to_us() + command(
            program,
            accel,
            image,
            folder / "initrd",
            console,
            output,
            shared,
            arch=arch,
            memory=memory,
            append=append,
            disk=disk,
        )
        before = time.monotonic()
        done = subprocesses.run(argv, timeout=limits.total, stop=watch)
        seconds = time.monotonic() - before
        reason = watch.reason or ("total-limit" if done.timed_out else "exit")
        if reason == "exit" and done.exit_code != 0:
            reason = "broken"
        return Ended(
            reason,
            _read(console, _CONSOLE_LIMIT),
            _read(output, _output_limit()) + _shared(shared),
            (done.error or done.stderr.decode("utf-8", "replace")).strip()[-2000:],
            seconds,
            accel,
        )


def bound_to_us() -> list[str]:
    """What is put before a program so that the kernel ends it when we are killed outright (prctl(2),
    PR_SET_PDEATHSIG); nothing where util-linux's setpriv is not there or is older than that option."""
    from preflight import subprocesses

    tool = subprocesses.find_tool("setpriv").path
    if tool is None or b"--pdeathsig" not in subprocesses.run([tool, "--help"]).stdout:
        return []
    return [tool, "--pdeathsig", "KILL", "--"]


def _output_limit() -> int:
    from preflight.lab.wire import OUTPUT_LIMIT

    return OUTPUT_LIMIT


@dataclass(slots=True)
class _Watch:
    """Looks at a running machine and says when it has to end, and why."""

    output: Path
    console: Path
    limits: Limits
    stopped: Callable[[], bool]
    accel: str
    reason: str = ""
    _size: int = 0
    _began: float = 0.0
    _changed: float = 0.0

    def __call__(self, stderr: bytes) -> bool:
        now = time.monotonic()
        if not self._began:
            self._began = self._changed = now
        size = _size(self.output)
        if size != self._size:
            self._size, self._changed = size, now
        boot = min(self.limits.boot, _KVM_BOOT_SECONDS) if self.accel == "kvm" else self.limits.boot
        self.reason = self._judge(now, boot, stderr)
        return bool(self.reason)

    def _judge(self, now: float, boot: float, stderr: bytes) -> str:
        if self.stopped():
            return "stopped"
        if b"KVM internal error" in stderr:
            return "broken"
        if not self._size and now - self._began > boot:
            return "boot-limit"
        if self._size and now - self._changed > self.limits.idle:
            return "idle-limit"
        if self._size > _output_limit() or _size(self.console) > _CONSOLE_LIMIT:
            return "too-much"
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _shared(path: Path) -> bytes:
    """What the guest put into the shared memory: eight bytes, little-endian, say how much."""
    try:
        with path.open("rb") as stream:
            used = int.from_bytes(stream.read(8), "little")
            return stream.read(min(used, SHARED_BYTES))
    except OSError:
        return b""


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(limit)
    except OSError:
        return b""
