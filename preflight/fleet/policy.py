# SPDX-License-Identifier: Apache-2.0
"""The policy class of a host: what besides its kernel decides whether eBPF may run there.

Two hosts with one kernel and one policy class get the same answers; so fleets are grouped by both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from preflight.facts import Fact
from preflight.host.facts import HostFacts

if TYPE_CHECKING:
    from preflight.host.areas.policy import PolicyFacts
    from preflight.host.areas.privilege import PrivilegeFacts
    from preflight.host.areas.surfaces import SurfaceFacts

#: What an unknown fact reads in a class: hosts that cannot tell are a class of their own.
UNKNOWN = "unknown"

#: Capabilities that any kind of BPF program or map asks for (kernel/bpf/syscall.c, bpf_prog_load()).
_CAPABILITIES = ("BPF", "PERFMON", "NET_ADMIN", "SYS_ADMIN", "SYS_RESOURCE")


def policy_class(facts: HostFacts) -> dict[str, Any]:
    """Policy by name, in plain values; an area that was not collected reads as unknown."""
    found = {}
    for name, (area_name, read) in _POLICY.items():
        area = getattr(facts, area_name)
        found[name] = UNKNOWN if area is None else read(area)
    return found


def policy_digest(policy: Mapping[str, Any]) -> str:
    """12 hexadecimal digits that name a class."""
    from hashlib import sha256

    return sha256(json.dumps(policy, sort_keys=True).encode()).hexdigest()[:12]


def _value(fact: Fact[Any]) -> Any:
    return fact.value if fact.is_known else UNKNOWN


def _capabilities(privilege: PrivilegeFacts) -> Any:
    held = privilege.capabilities.value
    return UNKNOWN if held is None else [name for name in _CAPABILITIES if name in held.effective]


def _lsms(policy: PolicyFacts) -> Any:
    active = policy.lsm_active.value
    return UNKNOWN if active is None else sorted(active)


def _selinux(policy: PolicyFacts) -> Any:
    found = policy.selinux.value
    return None if found is None else "enforcing" if found.enforcing else "permissive"


def _apparmor(policy: PolicyFacts) -> Any:
    found = policy.apparmor.value
    return None if found is None else found.mode


def _seccomp(privilege: PrivilegeFacts) -> Any:
    found = privilege.seccomp.value
    return UNKNOWN if found is None else found.mode


def _cgroup(surfaces: SurfaceFacts) -> Any:
    found = surfaces.cgroup.value
    return UNKNOWN if found is None else found.mode


#: Name -> the area of HostFacts it is in, and how it is read off that area.
_POLICY: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "lockdown": ("policy", lambda area: _value(area.lockdown)),
    "lsm": ("policy", _lsms),
    "selinux": ("policy", _selinux),
    "apparmor": ("policy", _apparmor),
    "secure_boot": ("policy", lambda area: _value(area.secure_boot)),
    "panic_on_warn": ("policy", lambda area: _value(area.panic_on_warn)),
    "jit_harden": ("policy", lambda area: _value(area.jit_harden)),
    "capabilities": ("privilege", _capabilities),
    "bpf_syscall": ("privilege", lambda area: _value(area.bpf_syscall)),
    "unprivileged_bpf": ("privilege", lambda area: _value(area.unprivileged_bpf)),
    "perf_event_paranoid": ("privilege", lambda area: _value(area.perf_event_paranoid)),
    "kptr_restrict": ("privilege", lambda area: _value(area.kptr_restrict)),
    "seccomp": ("privilege", _seccomp),
    "user_namespace_initial": ("privilege", lambda area: _value(area.user_namespace_initial)),
    "memlock_accounting": ("privilege", lambda area: _value(area.memlock_accounting)),
    "jit": ("resources", lambda area: _value(area.jit_enable)),
    "cgroup": ("surfaces", _cgroup),
    "container": ("context", lambda area: sorted({hint.kind for hint in area.container})),
}
