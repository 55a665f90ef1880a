# SPDX-License-Identifier: Apache-2.0
"""Trial loads: one two-instruction program per surface, loaded and closed, never attached.

No library is needed: the programs have no maps and no relocations. The types that hook a
typed target get its id from the kernel's own BTF.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from preflight.facts import Evidence
from preflight.host.areas.surfaces import Answer
from preflight.host.bpf.asm import R0, exit_, mov
from preflight.host.bpf.attrs import LogLevel
from preflight.host.bpf.names import AttachType, ProgType
from preflight.host.bpf.syscall import ENOTSUPP, Result, prog_load
from preflight.host.surface_data import SurfaceEntry
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.host.collect.ktypes import KernelTypes

_BY_HAND = "bpftool feature probe kernel | grep program_type"

#: Errno of a load that never reached the verifier -> what it says. Source: kernel/bpf/syscall.c
#: (bpf_prog_load, find_prog_type, bpf_prog_load_check_attach), torvalds/linux 6.18.
_ERRNO: dict[int, tuple[str, str]] = {
    errno.EINVAL: ("no", "this kernel was built without it"),
    errno.E2BIG: ("no", "this kernel predates a field that loading it needs"),
    errno.EOPNOTSUPP: ("no", "not supported on this machine or kernel"),
    ENOTSUPP: ("no", "not supported on this machine or kernel"),
    errno.EPERM: ("blocked", "the kernel refused this caller"),
    errno.EACCES: ("blocked", "the kernel refused this caller"),
    errno.ENOSYS: ("unknown", "bpf(2) itself is not available to this process"),
    errno.ENOMEM: ("unknown", "the kernel was out of memory or over the locked-memory limit"),
    errno.EAGAIN: ("unknown", "interrupted too often"),
}


_CAP_SYS_ADMIN = 21
_BPF = {39: "CAP_BPF"}
_PERFMON = {38: "CAP_PERFMON"}
_NET_ADMIN = {12: "CAP_NET_ADMIN"}
#: What a type takes besides CAP_BPF: is_perfmon_prog_type and is_net_admin_prog_type, kernel/bpf/syscall.c.
_BESIDES = {
    **dict.fromkeys(("KPROBE", "TRACEPOINT", "PERF_EVENT", "RAW_TRACEPOINT", "TRACING", "LSM"), _PERFMON),
    **dict.fromkeys(("SCHED_CLS", "XDP", "SK_MSG", "SOCK_OPS", "STRUCT_OPS"), _NET_ADMIN),
    **dict.fromkeys(("CGROUP_SOCK", "CGROUP_SOCKOPT", "CGROUP_SYSCTL", "CGROUP_DEVICE"), _NET_ADMIN),
}


def capabilities(prog_type: str) -> dict[int, str]:
    """The capabilities that loading a type takes (kernels >= 5.8) by number; CAP_SYS_ADMIN includes them."""
    return {**_BPF, **_BESIDES.get(prog_type, {})}


@dataclass(frozen=True, slots=True)
class _Target:
    """What attach_btf_id names; `missing` says why there is none."""

    btf_id: int = 0
    member: int = 0
    name: str = ""
    missing: str | None = None


class TrialLoads:
    """The trial loads of one run. `types` is the kernel's own BTF.

    With `live` false (the files read are not this kernel's) nothing is loaded. `held` are the
    numbers of the capabilities that count for this kernel, None when unknown; they choose the
    advice, never the answer.
    """

    def __init__(self, types: KernelTypes, *, live: bool = True, held: frozenset[int] | None = None) -> None:
        self._types = types
        self._live = live
        self._held = held
        self._answers: dict[tuple[object, ...], Answer] = {}

    def open(self, entry: SurfaceEntry) -> Result | None:
        """Load the trial program of a surface; the caller closes it. None when it has no target here."""
        target = self._target(entry)
        return None if target.missing else self._load(entry, target, log_level=0)

    def answer(self, entry: SurfaceEntry) -> Answer:
        """Whether the surface's program loads. Identical questions are asked once."""
        if not self._live:
            return Answer("unknown", "none", (), "trial loads ask the running kernel, not this one")
        target = self._target(entry)
        if target.missing:
            evidence = (Evidence("btf", target.missing),)
            decided = (
                None
                if self._types.readable
                else "make /sys/kernel/btf/vmlinux readable (mount the host's /sys)"
            )
            return Answer("unknown", "none", evidence, target.missing, decided)
        key = (entry.prog_type, entry.attach_type, entry.returns, target)
        if key not in self._answers:
            with self._load(entry, target, log_level=LogLevel.STATS) as result:
                self._answers[key] = self._read(entry, target, result)
        return self._answers[key]

    def _load(self, entry: SurfaceEntry, target: _Target, log_level: int) -> Result:
        expected = AttachType[entry.attach_type] if entry.attach_type else target.member
        return prog_load(
            ProgType[entry.prog_type],
            mov(R0, entry.returns) + exit_(),
            name="preflight",
            expected_attach_type=expected,
            attach_btf_id=target.btf_id,
            log_level=log_level,
        )

    def _read(self, entry: SurfaceEntry, target: _Target, result: Result) -> Answer:
        what = f"BPF_PROG_TYPE_{entry.prog_type}"
        if entry.attach_type:
            what += f" as BPF_{entry.attach_type}"
        if target.name:
            what += f" on {target.name}"
        if result.ok:
            return Answer(
                "yes", "measured", (Evidence("trial-load", f"{what}: loaded and closed", _BY_HAND),)
            )
        line = result.last_line
        if line:
            # Two instructions that cannot be wrong: what the verifier says of them is no verdict here.
            evidence = Evidence("trial-load", f"{what}: {result.errno_name}, {line[:200]!r}", _BY_HAND)
            reason = (
                "the verifier refused the trial program in words preflight does not know; please report it"
            )
            return Answer("unknown", "measured", (evidence,), reason)
        state, reason = _ERRNO.get(
            result.errno, ("unknown", "an answer preflight does not know; please report it")
        )
        evidences = [Evidence("trial-load", f"{what}: {result.errno_name}, no verifier log", _BY_HAND)]
        if (listed := self._listed(entry)) is not None:
            evidences.append(listed)
        decided = None
        if state == "blocked":
            needed = capabilities(entry.prog_type)
            if self._held is not None and (_CAP_SYS_ADMIN in self._held or set(needed) <= self._held):
                reason = "the kernel refused this caller, although it holds the capabilities"
                decided = "`preflight check --select PH309` lists what was ruled out"
            else:
                names = " and ".join(needed.values())
                decided = f"run with {names}, or as root of the initial user namespace"
        return Answer(state, "measured", tuple(evidences), reason, decided)

    def _listed(self, entry: SurfaceEntry) -> Evidence | None:
        """What the kernel's enums say of the program and attach type."""
        words = [f"BPF_PROG_TYPE_{entry.prog_type}"] + (
            [f"BPF_{entry.attach_type}"] if entry.attach_type else []
        )
        shown = []
        for enum, word in zip(("bpf_prog_type", "bpf_attach_type"), words, strict=False):
            has = self._types.enum_has(enum, word)
            if has is not None:
                shown.append(f"{word} is {'in' if has else 'not in'} enum {enum}")
        return Evidence("btf", "; ".join(shown)) if shown else None

    def _target(self, entry: SurfaceEntry) -> _Target:
        if entry.target is None:
            return _Target()
        if not self._types.readable:
            return _Target(missing="its target is named by a BTF id, and the kernel's BTF cannot be read")
        kind, _, names = entry.target.partition(":")
        for name in names.split(","):
            ids = self._types.ids(name, kind.upper())
            if ids:
                return _Target(ids[0], self._member(ids[0], entry.member), name)
        return _Target(missing=f"the kernel's BTF has no {kind} {names}")

    def _member(self, type_id: int, name: str | None) -> int:
        return (self._types.member_index(type_id, name) or 0) if name else 0
