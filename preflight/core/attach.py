# SPDX-License-Identifier: Apache-2.0
"""Where a BTF-based program attaches: the name libbpf looks up, and whether the kernel's BTF has it.

Follows find_kernel_btf_id() and btf_get_kernel_prefix_kind() in libbpf.c (1.7.0), their prefix
comparison of module names included. A function in BTF is no proof that it can be attached to.
"""

from __future__ import annotations

from preflight.btf import Btf, Kind
from preflight.core.target import VMLINUX, Target
from preflight.records import dataclass

#: BTF_MAX_NAME_SIZE
_MAX_NAME = 128

#: Attach type -> what is put before the name, and the kind of the type looked for.
_LOOKUPS: dict[str, tuple[str, int]] = {
    "trace_raw_tp": ("btf_trace_", Kind.TYPEDEF),
    "lsm_mac": ("bpf_lsm_", Kind.FUNC),
    "lsm_cgroup": ("bpf_lsm_", Kind.FUNC),
    "trace_iter": ("bpf_iter_", Kind.FUNC),
}


@dataclass(frozen=True, slots=True)
class AttachTarget:
    """The answer: `type_id` in the BTF called `btf`, or `error` (ESRCH, ENAMETOOLONG) with both empty.

    `looked_up` is the BTF name, `btf_trace_sched_switch` for `tp_btf/sched_switch`.
    """

    looked_up: str
    type_id: int = 0
    btf: str | None = None
    error: str | None = None


def lookup_name(attach_type: str, name: str) -> tuple[str, int]:
    """The BTF name and kind that stand for an attach target; FUNC of that name for fentry and its like."""
    prefix, kind = _LOOKUPS.get(attach_type, ("", Kind.FUNC))
    return prefix + name, kind


def find_attach_target(target: Target, attach_type: str, name: str) -> AttachTarget:
    """Look up what follows the slash in a section name, `MODULE:` in front included.

    `attach_type` is libbpf's name (`trace_fentry`, `trace_raw_tp`, `lsm_mac`, `trace_iter` ...).
    """
    known = target.attach_targets.get((attach_type, name))
    if known is None:
        known = target.attach_targets[attach_type, name] = _find(target, attach_type, name)
    return known


def _find(target: Target, attach_type: str, name: str) -> AttachTarget:
    module, colon, rest = name.partition(":")
    looked_up, kind = lookup_name(attach_type, rest if colon else name)
    if len(looked_up.encode("utf-8", "surrogateescape")) >= _MAX_NAME:
        return AttachTarget(looked_up, error="ENAMETOOLONG")
    # libbpf compares as many characters as the user wrote: `vm:f` means vmlinux, too
    if not colon or VMLINUX.startswith(module):
        if looked_up == "void":
            return AttachTarget(looked_up, 0, VMLINUX)
        found = _first(target.vmlinux.btf, looked_up, kind)
        if found:
            return AttachTarget(looked_up, found, VMLINUX)
    for candidate in target.modules:
        if colon and not candidate.name.startswith(module):
            continue
        # a module's BTF continues vmlinux's, so what vmlinux has is found here, too
        found = _first(candidate.btf, looked_up, kind)
        if found:
            return AttachTarget(looked_up, found, candidate.name)
    return AttachTarget(looked_up, error="ESRCH")


def _first(btf: Btf, name: str, kind: int) -> int:
    return next(iter(btf.ids_by_name(name, {kind})), 0) if name else 0
