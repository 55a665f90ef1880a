# SPDX-License-Identifier: Apache-2.0
"""Collects PH4xx: every program type by BTF enum, trial load and bpftool; attach features by load.

Whether an attach path is compiled in is asked with link arguments that can never attach
(an interface that does not exist, a pointer to nothing): the errno tells the path that
looked at them from the stub that refuses all.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from preflight.host.areas.programs import AttachFeature, ProgramFacts, ProgramType, Trial
from preflight.host.bpf.attrs import LinkKprobeMulti, LinkNetfilter, LinkTcx, LinkUprobeMulti, LogLevel
from preflight.host.bpf.implementations import PROGRAM_TYPES
from preflight.host.bpf.names import ProgType
from preflight.host.bpf.syscall import errno_name, link_create, prog_load
from preflight.host.bpf.vehicles import FEATURES, Target, Vehicle, vehicles_of
from preflight.host.collect.loading import MINIMAL, NOT_LIVE, PROBE_LOG, Loader, memlock_raised
from preflight.host.collect.session import Session
from preflight.host.collect.witnesses import Witnesses, witnesses
from preflight.records import dataclass, replace

if TYPE_CHECKING:
    from ctypes import Structure

    from preflight.host.collect.ktypes import KernelTypes

_PREFIX = "BPF_PROG_TYPE_"
#: An attach type no kernel has; a load that takes it shows that attach types are not checked.
_SENSELESS_ATTACH = 0x7FFF0000
#: An interface index and a user address that are nobody's, a file descriptor that is not open.
_NO_INTERFACE, _NO_ADDRESS, _NO_FD, _NO_FAMILY = 0x7FFFFFF0, 8, 0x7FFFFFF0, 200

#: Best answer first: what one way of loading showed is not undone by another.
_BEST = ("works", "denied", "inconclusive", "unsupported", "not-tried")


@dataclass(frozen=True, slots=True)
class _Ask:
    """A link request that cannot attach, and the errno of a kernel that has the path.

    `stub` is the errno of one that was built without it. Where that is EINVAL, which has many
    meanings, it counts only when `function` is not in the kernel's BTF either.

    Source: kernel/trace/bpf_trace.c, kernel/bpf/tcx.c, drivers/net/netkit.c,
    net/netfilter/nf_bpf_link.c, kernel/bpf/syscall.c.
    """

    target_fd: int
    target: Structure | None
    there: int
    stub: int
    function: str = ""


_ASKS: dict[str, _Ask] = {
    "kprobe.multi": _Ask(0, LinkKprobeMulti(cnt=1, syms=_NO_ADDRESS), errno.EFAULT, errno.EOPNOTSUPP),
    "kprobe.session": _Ask(0, LinkKprobeMulti(cnt=1, syms=_NO_ADDRESS), errno.EFAULT, errno.EOPNOTSUPP),
    "uprobe.multi": _Ask(
        0,
        LinkUprobeMulti(cnt=1, path=_NO_ADDRESS, offsets=_NO_ADDRESS),
        errno.EFAULT,
        errno.EOPNOTSUPP,
    ),
    "uprobe.session": _Ask(
        0,
        LinkUprobeMulti(cnt=1, path=_NO_ADDRESS, offsets=_NO_ADDRESS),
        errno.EFAULT,
        errno.EOPNOTSUPP,
    ),
    "perf_link": _Ask(_NO_FD, None, errno.EBADF, errno.EOPNOTSUPP),
    "tcx": _Ask(_NO_INTERFACE, LinkTcx(), errno.ENODEV, errno.EINVAL, "tcx_link_attach"),
    "netkit": _Ask(_NO_INTERFACE, LinkTcx(), errno.ENODEV, errno.EINVAL, "netkit_link_attach"),
    "netfilter": _Ask(0, LinkNetfilter(pf=_NO_FAMILY), errno.EAFNOSUPPORT, errno.EOPNOTSUPP),
}


def collect(session: Session) -> ProgramFacts:
    """All program types of the kernel's enum (of preflight's table without BTF), and the attach features."""
    shared = witnesses(session)
    enum = shared.types.enum("bpf_prog_type")
    with memlock_raised(), Loader(shared.types, session.system.release, shared.trials) as loader:
        types = tuple(
            _program_type(name, number, shared, loader if session.is_live else None)
            for name, number in _names(enum)
        )
        controls = _Controls(loader)
        features = tuple(
            _feature(vehicle, shared.types, loader if session.is_live else None, controls)
            for vehicle in FEATURES
        )
    return ProgramFacts(types, features, "table" if enum is None else "btf")


def _names(enum: dict[str, int] | None) -> list[tuple[str, int]]:
    """Names in bpftool's spelling and numbers: those of the kernel, then those only preflight knows."""
    table = {t.name.lower(): int(t) for t in ProgType}
    if enum is None:
        return list(table.items())
    named = {
        name.removeprefix(_PREFIX).lower(): number
        for name, number in enum.items()
        if name.startswith(_PREFIX) and not name.endswith("_UNSPEC")
    }
    return list((named | {name: n for name, n in table.items() if n not in named.values()}).items())


def _program_type(name: str, number: int, shared: Witnesses, loader: Loader | None) -> ProgramType:
    enum, claims = shared.types.enum("bpf_prog_type"), shared.bpftool.value
    vehicles = vehicles_of(number)
    if loader is None:
        trials = [NOT_LIVE]
    elif not vehicles:
        trials = [Trial("not-tried", reason="newer than preflight, which does not know how to load it")]
    else:
        trials = [loader.trial(vehicle) for vehicle in vehicles]
    return ProgramType(
        name=name,
        number=number,
        in_btf=None if enum is None else number in enum.values(),
        load=min(trials, key=lambda trial: _BEST.index(trial.state)),
        tried=tuple(vehicle.name for vehicle in vehicles) if loader is not None else (),
        built=shared.types.has_func(PROGRAM_TYPES.get(name)),
        bpftool=claims.program_types.get(name) if claims is not None else None,
    )


def _feature(
    vehicle: Vehicle, types: KernelTypes, loader: Loader | None, controls: _Controls
) -> AttachFeature:
    attach = f"BPF_{vehicle.attach.name}" if vehicle.attach is not None else ""
    feature = AttachFeature(
        name=vehicle.name,
        program_type=vehicle.type.name.lower(),
        attach_type=attach.removeprefix("BPF_"),
        in_btf=types.enum_has("bpf_attach_type", attach)
        if attach
        else types.enum_has("bpf_prog_type", f"{_PREFIX}{vehicle.type.name}"),
        load=NOT_LIVE,
    )
    if loader is None:
        return feature
    load = loader.trial(vehicle)
    checked = vehicle.attach is None or bool(vehicle.flags) or controls.attach_type_is_checked(vehicle)
    return replace(
        feature,
        load=load,
        load_is_evidence=checked,
        attach=_ask(vehicle, loader, types) if vehicle.name in _ASKS and load.works else None,
        target=loader.ready(vehicle).target,
    )


class _Controls:
    """Counter-tests: does a load with an attach type that no kernel has fail, as it must to be evidence."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._checked: dict[ProgType, bool] = {}

    def attach_type_is_checked(self, vehicle: Vehicle) -> bool:
        """Whether the kernel refuses a senseless attach type for this program type."""
        if vehicle.target is not Target.NONE:
            return True
        if vehicle.type not in self._checked:
            with prog_load(
                vehicle.type,
                MINIMAL,
                expected_attach_type=_SENSELESS_ATTACH,
                kern_version=self._loader.kern_version,
                log_level=LogLevel.STATS,
                log_size=PROBE_LOG,
            ) as answer:
                self._checked[vehicle.type] = not answer.ok
        return self._checked[vehicle.type]


def _ask(vehicle: Vehicle, loader: Loader, types: KernelTypes) -> Trial:
    """Ask for a link that cannot be made; the errno says whether the path is compiled in."""
    ask = _ASKS[vehicle.name]
    with loader.load(loader.ready(vehicle)) as program:
        if program.fd is None:
            return Trial("not-tried", reason="its program did not load again")
        attach = int(vehicle.attach) if vehicle.attach is not None else 0
        with link_create(program.fd.number, ask.target_fd, attach, target=ask.target) as answer:
            trial = read_link_answer(answer.errno, ask.there, ask.stub)
    if trial.state == "unsupported" and ask.function and types.has_func(ask.function) is not False:
        return Trial("inconclusive", trial.errno, reason="EINVAL alone does not say what was wrong")
    return trial


def read_link_answer(error: int, there: int, stub: int) -> Trial:
    """What the errno of an impossible link request says; `there` and `stub` are the two expected ones."""
    name = errno_name(error)
    if error == there:
        return Trial("works", name, reason="the attach path is compiled in: it looked at the arguments")
    if error == stub:
        return Trial("unsupported", name, reason="the kernel was built without this attach path")
    if error in (errno.EPERM, errno.EACCES):
        return Trial("denied", name)
    return Trial("inconclusive", name)
