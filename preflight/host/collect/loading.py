# SPDX-License-Identifier: Apache-2.0
"""Trial loads of vehicles: attach targets resolved in the kernel's BTF, answers as `Trial` values.

Programs are loaded and closed; nothing is attached, pinned or linked.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from preflight.host.areas.programs import Trial
from preflight.host.bpf.asm import R0, exit_, mov
from preflight.host.bpf.attrs import LogLevel
from preflight.host.bpf.classify import classify_load
from preflight.host.bpf.names import ProgType
from preflight.host.bpf.syscall import Result, btf_load, prog_load
from preflight.host.bpf.tinybtf import TinyBtf
from preflight.host.bpf.vehicles import Target, Vehicle
from preflight.host.collect.ktypes import KernelTypes
from preflight.records import dataclass

#: A probe's log buffer in bytes: the longest message of a small program fits many times.
PROBE_LOG = 8 * 1024

MINIMAL = mov(R0, 0) + exit_()

NOT_LIVE = Trial("not-tried", reason="the files read are not this running kernel's, so it was not asked")


@dataclass(frozen=True, slots=True)
class Ready:
    """A vehicle with its attach target found: the arguments of `prog_load` beside the instructions.

    `target` names what it would attach to. `btf_fd` and `func_info` are the program's own BTF, which
    only an extension needs. `missing` says why it cannot be tried, empty when it can.
    """

    vehicle: Vehicle
    attach_type: int = 0
    attach_btf_id: int = 0
    attach_fd: int = 0
    target: str = ""
    missing: str = ""
    btf_fd: int = 0
    func_info: bytes = b""


class Loader:
    """Loads vehicles on the running kernel. Use as a context manager: it may hold a target program."""

    def __init__(
        self, types: KernelTypes, release: str = "", trials: dict[tuple[object, ...], Trial] | None = None
    ) -> None:
        """`trials` are answers already known, shared by the loaders of one session."""
        self._types = types
        self._kern_version = kernel_version_code(release)
        #: By identity: a `Ready` keeps its vehicle, and comparing all fields takes longer than a load.
        self._ready: dict[int, Ready] = {}
        self._held = ExitStack()
        self._trials = trials if trials is not None else {}

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def ready(self, vehicle: Vehicle) -> Ready:
        """The vehicle with its attach target; asked once."""
        if id(vehicle) not in self._ready:
            self._ready[id(vehicle)] = self._prepare(vehicle)
        return self._ready[id(vehicle)]

    def load(self, ready: Ready, insns: bytes = MINIMAL, *, log_level: int = LogLevel.STATS) -> Result:
        """Load instructions as this vehicle; the caller closes the result."""
        return prog_load(
            ready.vehicle.type,
            insns,
            expected_attach_type=ready.attach_type,
            prog_flags=ready.vehicle.flags,
            attach_btf_id=ready.attach_btf_id,
            attach_btf_obj_fd=ready.attach_fd,
            prog_btf_fd=ready.btf_fd,
            func_info=ready.func_info,
            kern_version=self._kern_version,
            log_level=log_level,
            log_size=PROBE_LOG,
        )

    def trial(self, vehicle: Vehicle) -> Trial:
        """Load the minimal program and close it; identical questions are asked once."""
        ready = self.ready(vehicle)
        if ready.missing:
            return Trial("not-tried", reason=ready.missing)
        key = (vehicle.type, ready.attach_type, vehicle.flags, ready.attach_btf_id, vehicle.target)
        if key not in self._trials:
            with self.load(ready) as answer:
                self._trials[key] = trial_of(answer)
        return self._trials[key]

    @property
    def kern_version(self) -> int:
        """LINUX_VERSION_CODE of the release, which kernels before 5.0 want of kprobe programs."""
        return self._kern_version

    def _prepare(self, vehicle: Vehicle) -> Ready:
        attach = 0 if vehicle.attach is None else int(vehicle.attach)
        match vehicle.target:
            case Target.NONE:
                return Ready(vehicle, attach)
            case Target.PROGRAM:
                return self._program_target(vehicle)
            case Target.STRUCT:
                return self._struct_target(vehicle)
        if not self._types.readable:
            return Ready(
                vehicle, attach, missing="needs an attach target, and there is no kernel BTF to find it in"
            )
        find = self._types.func if vehicle.target is Target.FUNC else self._types.typedef
        for name in vehicle.targets:
            if found := find(name):
                return Ready(vehicle, attach, found, target=name)
        wanted = ", ".join(vehicle.targets)
        return Ready(vehicle, attach, missing=f"the kernel's BTF has none of the attach targets {wanted}")

    def _struct_target(self, vehicle: Vehicle) -> Ready:
        if not self._types.readable:
            return Ready(vehicle, missing="needs an attach target, and there is no kernel BTF to find it in")
        for name in vehicle.targets:
            struct = self._types.struct(name)
            member = self._types.member_index(struct, vehicle.member)
            if struct and member is not None:
                return Ready(vehicle, member, struct, target=f"{name}.{vehicle.member}")
        return Ready(vehicle, missing=f"the kernel's BTF has no {vehicle.targets[0]}.{vehicle.member}")

    def _program_target(self, vehicle: Vehicle) -> Ready:
        """Load a program with BTF that an extension could replace, and keep it until the end."""
        btf = TinyBtf()
        number = btf.int_()
        context = btf.struct_("__sk_buff", 4, (("len", number, 0),))
        proto = btf.proto(number, (("ctx", btf.pointer(context)),))
        function = btf.func("replace_me", proto)
        types = self._held.enter_context(btf_load(btf.to_bytes()))
        if types.fd is None:
            return Ready(vehicle, missing=f"the BTF of its target program does not load ({types.errno_name})")
        main = struct.pack("=II", 0, function)
        target = self._held.enter_context(
            prog_load(
                ProgType.SOCKET_FILTER,
                MINIMAL,
                prog_btf_fd=types.fd.number,
                func_info=main,
                log_level=LogLevel.STATS,
            )
        )
        if target.fd is None:
            return Ready(vehicle, missing=f"its target program does not load ({target.errno_name})")
        return Ready(
            vehicle,
            attach_btf_id=function,
            attach_fd=target.fd.number,
            target="a socket filter of preflight's own",
            btf_fd=types.fd.number,
            func_info=main,
        )


@contextmanager
def memlock_raised() -> Iterator[None]:
    """RLIMIT_MEMLOCK as high as this process may have it, and as before afterwards.

    Kernels before 5.11 charge maps and programs against it and answer EPERM beyond; what was
    just closed is given back late, so even small probes add up.
    """
    import resource

    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    for wanted in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (before[1], before[1])):
        try:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, wanted)
            break
        except (ValueError, OSError):
            continue
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_MEMLOCK, before)


def trial_of(answer: Result) -> Trial:
    """A load's answer as a value."""
    state, line = classify_load(answer.errno, answer.log)
    return Trial(state.value, answer.errno_name, line)


def kernel_version_code(release: str) -> int:
    """LINUX_VERSION_CODE of a release such as `4.19.0-26-amd64`, 0 when it is not one."""
    match = re.match(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,5}))?", release)
    if match is None:
        return 0
    major, minor, patch = (int(part or 0) for part in match.groups())
    return major << 16 | min(minor, 255) << 8 | min(patch, 255)
