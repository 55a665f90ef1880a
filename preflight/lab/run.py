# SPDX-License-Identifier: Apache-2.0
"""Runs a job on several kernels, some at a time; each kernel's result stands for itself."""

from __future__ import annotations

import contextlib
import errno
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from preflight.errors import InstrumentError
from preflight.kernels.model import Kernel
from preflight.lab import guest, outcome, tools
from preflight.lab.bare import expected_btf
from preflight.lab.guest import Job
from preflight.lab.machine import Acceleration, Setting, booted
from preflight.lab.material import BootFiles, NotBootableError, Supply
from preflight.lab.qemu import Ended, Limits
from preflight.lab.results import LOG_TAIL, KernelRun, ObjectMeasurement

T = TypeVar("T")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

#: What the lab says meanwhile: kernel name, and a few words.
Say = Callable[[str, str], None]
#: Seconds after which a wait looks whether it was interrupted.
_STEP = 0.5


class InterruptedRun(KeyboardInterrupt):
    """An interrupt, with what was measured until then: `runs` has every kernel, in the order asked for."""

    def __init__(self, runs: Sequence[KernelRun]) -> None:
        super().__init__()
        self.runs = tuple(runs)


@dataclass(frozen=True, slots=True)
class Subject:
    """One object to measure: what it is called, its digest, its bytes.

    `arch` is the machine it was compiled for (`uname -m`), None when it suits every one.
    """

    name: str
    sha256: str
    data: bytes
    arch: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do on every kernel. `modules` by name; `append` is added to the kernel's command line.

    `log_tail`: how many characters of the end of each verifier log are kept.
    """

    subjects: tuple[Subject, ...] = ()
    probe: bool = False
    bpftool: bool = False
    attach: bool = True
    log_level: int = 1
    log_tail: int = LOG_TAIL
    modules: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    memory: int = 1024
    append: str = ""
    accel: str = "auto"


def run(
    kernels: Sequence[Kernel],
    plan: Plan,
    *,
    jobs: int = 1,
    say: Say = lambda _k, _t: None,
    done: Callable[[KernelRun], None] = lambda _: None,
) -> list[KernelRun]:
    """Measure on every kernel, `jobs` machines at a time; results in the order of `kernels`.

    `say` hears what each machine does, `done` of each result as it comes, from several threads.
    InstrumentError when a program of the host is missing. Interrupted, all machines end at once, and
    InterruptedRun carries what was measured.
    """
    emulators = _emulators(kernels)
    gear = equipment(emulators, plan)
    acceleration = {arch: Acceleration(plan.accel, arch) for arch in emulators}
    stop = threading.Event()
    supply = Supply()
    with interruptible(stop), ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        pending: list[Future[KernelRun] | KernelRun] = []
        try:
            for kernel in kernels:
                supply.say = lambda text, name=kernel.name: say(name, text)  # type: ignore[misc]
                try:
                    program, inside = ready(kernel, emulators), ready(kernel, gear)
                    files = supply.files(kernel, plan.modules)
                except NotBootableError as error:
                    nothing = without_files(kernel, plan, error)
                    pending.append(nothing)
                    done(nothing)
                    continue
                task = pool.submit(
                    _one,
                    kernel,
                    program,
                    files,
                    for_machine(plan, kernel.arch),
                    inside,
                    acceleration[str(kernel.arch)],
                    stop.is_set,
                    say,
                )
                task.add_done_callback(lambda task: None if _failed(task) else done(task.result()))
                pending.append(task)
            return [item if isinstance(item, KernelRun) else _waited(item) for item in pending]
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise InterruptedRun(_so_far(kernels, pending, plan)) from None
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _waited(task: Future[KernelRun]) -> KernelRun:
    """A machine's result. Waited for in steps: a signal that comes just before a wait without an end is not
    looked at until that is over (PyThread_acquire_lock_timed())."""
    while not task.done():
        wait([task], timeout=_STEP)
    return task.result()


def _so_far(
    kernels: Sequence[Kernel], pending: Sequence[Future[KernelRun] | KernelRun], plan: Plan
) -> list[KernelRun]:
    """What became of each kernel, when the machines have ended."""
    found: list[KernelRun] = []
    for kernel, item in zip_longest(kernels, pending):
        if isinstance(item, KernelRun):
            found.append(item)
        elif item is None or _failed(item):
            found.append(unmeasured(kernel, plan, "interrupted", "interrupted before it was measured"))
        else:
            found.append(item.result())
    return found


def _emulators(kernels: Sequence[Kernel]) -> dict[str, str | InstrumentError]:
    """QEMU's path by architecture, or why there is none. InstrumentError when there is none for any."""
    found: dict[str, str | InstrumentError] = {}
    for arch in {str(kernel.arch): None for kernel in kernels}:
        try:
            found[arch] = tools.emulator(arch)
        except InstrumentError as error:
            found[arch] = error
    return _some(found)


def equipment(emulators: Mapping[str, object], plan: Plan) -> dict[str, guest.Tools | InstrumentError]:
    """What goes into guests by architecture, or why it cannot. InstrumentError when it can for none.

    `emulators` as found; one that is an error takes its architecture along.
    """
    found: dict[str, guest.Tools | InstrumentError] = {}
    for arch, emulator in emulators.items():
        if isinstance(emulator, InstrumentError):
            continue
        try:
            found[arch] = tools.guest_tools(
                arch=arch,
                objects=bool(plan.subjects),
                bpftool=plan.probe or plan.bpftool,
                collector=plan.probe,
            )
        except InstrumentError as error:
            found[arch] = error
    return _some(found)


def _some(found: dict[str, T | InstrumentError]) -> dict[str, T | InstrumentError]:
    """The same; the first error is raised when there is nothing but errors."""
    errors = [one for one in found.values() if isinstance(one, InstrumentError)]
    if errors and len(errors) == len(found):
        raise errors[0]
    return found


def ready(kernel: Kernel, found: Mapping[str, T | InstrumentError]) -> T:
    """What is there for a kernel's machine. NotBootableError with the reason when nothing is."""
    one = found[str(kernel.arch)]
    if isinstance(one, InstrumentError):
        raise NotBootableError(str(one))
    return one


def for_machine(plan: Plan, arch: str | None) -> Plan:
    """The plan without the objects of other machines."""
    return replace(plan, subjects=tuple(one for one in plan.subjects if one.arch in (None, arch)))


def _failed(task: Future[KernelRun]) -> bool:
    return task.cancelled() or task.exception() is not None


@contextlib.contextmanager
def interruptible(stop: threading.Event | None = None) -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does, so that no machine outlives it.

    Once: timeout(1) sends it to the process and to its group, and the second would end the ending, in which
    what was measured is kept.
    """

    def interrupted(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if stop is not None:
            stop.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def without_files(kernel: Kernel, plan: Plan, error: NotBootableError) -> KernelRun:
    """The run of a kernel that cannot be booted: there is no image of it, or no room for one."""
    return unmeasured(kernel, plan, "no-room" if no_room(error) else "not-bootable", str(error))


def unmeasured(kernel: Kernel, plan: Plan, outcome: str, why: str) -> KernelRun:
    """The run of a kernel of which nothing was measured."""
    objects = tuple(
        ObjectMeasurement(s.name, s.sha256, "unknown", problem="the kernel was not booted")
        for s in for_machine(plan, kernel.arch).subjects
    )
    return KernelRun(kernel.name, outcome, why, release=kernel.release, objects=objects)


def no_room(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        error = error.__cause__ or error.__context__
    return False


def _one(
    kernel: Kernel,
    program: str,
    files: BootFiles,
    plan: Plan,
    equipment: guest.Tools,
    acceleration: Acceleration,
    stopped: Callable[[], bool],
    say: Say,
) -> KernelRun:
    job = job_of(kernel, files, plan)
    try:
        ended = booted(
            program,
            files.image,
            guest.build(job, equipment),
            equipment.arch,
            setting_of(plan),
            acceleration,
            stopped,
            what=", ".join(guest.describe(job)[1:]),
            say=lambda text: say(kernel.name, text),
        )
    except OSError as error:
        return without_machine(kernel, plan, error)
    return judged(kernel, ended, plan)


def without_machine(kernel: Kernel, plan: Plan, error: OSError) -> KernelRun:
    """The run of a kernel whose machine had no place for its files."""
    return unmeasured(
        kernel, plan, "no-room" if no_room(error) else "vm-failed", error.strerror or str(error)
    )


def setting_of(plan: Plan) -> Setting:
    """What a plan says of the machine."""
    return Setting(plan.memory, plan.append, plan.limits)


def job_of(kernel: Kernel, files: BootFiles, plan: Plan) -> Job:
    """What the guest of a kernel does."""
    return Job(
        objects=tuple(subject.data for subject in plan.subjects),
        modules=files.modules,
        probe=plan.probe,
        bpftool=plan.bpftool,
        attach=plan.attach,
        log_level=plan.log_level,
        limit=int(plan.limits.total) + 60,
        config=_config(kernel),
    )


def judged(kernel: Kernel, ended: Ended, plan: Plan) -> KernelRun:
    """What became of a kernel, from how its machine ended."""
    return outcome.judge(
        kernel.name,
        ended,
        [(subject.name, subject.sha256) for subject in plan.subjects],
        btf_sha256=expected_btf(kernel),
        asked_facts=plan.probe,
        log_tail=plan.log_tail,
    )


def _config(kernel: Kernel) -> tuple[str, bytes] | None:
    """The configuration where a distribution keeps it, for objects with `__kconfig` externs."""
    if kernel.contents.config is None or not kernel.release or "/" in kernel.release:
        return None
    return f"config-{kernel.release}", kernel.contents.config.read()


def on_host(
    subjects: Sequence[Subject],
    *,
    attach: bool,
    log_level: int = 1,
    seconds: int = 60,
    log_tail: int = LOG_TAIL,
    front: Sequence[str] = (),
) -> KernelRun:
    """The same loader on the running kernel. The caller has asked the user: this loads their objects here.

    `front` is put before the loader's command line, for example `setpriv` to do it with fewer capabilities.
    """
    import os
    import time
    from hashlib import sha256

    from preflight import subprocesses
    from preflight.lab import records
    from preflight.lab.scratch import scratch

    program = tools.loader()
    target = tools.built("target")
    before = time.monotonic()
    measured: list[ObjectMeasurement] = []
    crashed: list[str] = []
    with scratch() as folder:
        argv = [*front, str(program), "--level", str(log_level), "--timeout", str(seconds)]
        argv += [] if attach else ["--no-attach"]
        if target is not None:
            argv += [
                "--binary",
                str(target),
                "--function",
                guest.TARGET_FUNCTION,
                "--usdt",
                guest.TARGET_USDT,
            ]
        mine = [subject for subject in subjects if subject.arch in (None, os.uname().machine)]
        for number, subject in enumerate(mine):
            path = folder / f"{number}.bpf.o"
            path.write_bytes(subject.data)
            done = subprocesses.run([*argv, str(path)], timeout=seconds + 30, limit=512 << 20)
            if done.exit_code is None and not done.timed_out:
                raise InstrumentError(f"the loader cannot be started: {done.error}")
            found, bad = records.parse(done.stdout)
            one = records.measurement_of(subject.name, subject.sha256, found, bad, log_tail=log_tail)
            if done.timed_out:
                one = replace(one, problem="the loader did not come to an end in time")
            if records.crashed(found):
                crashed.append(subject.name)
            measured.append(one)
    digest = None
    with contextlib.suppress(OSError):
        digest = sha256(Path("/sys/kernel/btf/vmlinux").read_bytes()).hexdigest()
    return KernelRun(
        "host",
        "loader-crash" if crashed else "booted" if digest else "no-btf",
        f"on {', '.join(crashed[:5])}" if crashed else "",
        release=os.uname().release,
        accel="none",
        seconds=time.monotonic() - before,
        btf_sha256=digest,
        btf_identical=None,
        objects=tuple(measured),
    )
