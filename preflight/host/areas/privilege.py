# SPDX-License-Identifier: Apache-2.0
"""PH2xx: what this caller may ask of the kernel."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capability sets of this process, by name without `CAP_`, sorted; unknown bits are `CAP_<number>`."""

    effective: tuple[str, ...]
    permitted: tuple[str, ...]
    bounding: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seccomp:
    """`mode` as in /proc/self/status: 0 off, 1 strict, 2 filter. `filters` may be absent."""

    mode: int
    filters: int | None


@dataclass(frozen=True, slots=True)
class Memlock:
    """RLIMIT_MEMLOCK in bytes, None for unlimited."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True, slots=True)
class TokenMount:
    """A bpffs mount that delegates BPF: its `delegate_*` options, by name to value."""

    delegates: dict[str, str]


@dataclass(frozen=True, slots=True)
class PrivilegeFacts:
    """Capabilities and the limits that act like missing ones.

    `bpf_syscall`, `perf_self`, `perf_system` are errno names of harmless trials (`OK` when allowed):
    bpf(2) with an impossible size, perf_event_open(2) on this process and on a whole CPU.
    `capability_last` is the highest capability the kernel knows (39 = CAP_BPF).
    `memlock_accounting` is `memcg` or `rlimit`. `kallsyms_hidden` = all addresses read as zero.
    """

    capabilities: Fact[Capabilities]
    is_uid_zero: bool
    bpf_syscall: Fact[str]
    unprivileged_bpf: Fact[int]
    seccomp: Fact[Seccomp]
    no_new_privs: Fact[bool]
    user_namespace_initial: Fact[bool]
    token_mounts: Fact[tuple[TokenMount, ...]]
    perf_event_paranoid: Fact[int]
    perf_self: Fact[str]
    perf_system: Fact[str]
    kptr_restrict: Fact[int]
    kallsyms_hidden: Fact[bool]
    memlock: Memlock
    memlock_accounting: Fact[str]
    capability_last: Fact[int]
