# SPDX-License-Identifier: Apache-2.0
"""CO-RE: access specs, candidates, matching, values, patching; the same answers as libbpf.

Pure functions. May import btf, bytecode and the loaders' table.

    target = Target(kernel.btf)                        # or Target(kernel.btf, [(name, module_btf), ...])
    result = relocate_object(obj, target)              # ObjectRelocation; "cilium" or "aya" as third
    result.relocations[0].outcome                      # unchanged patched absent poisoned error
    result.stock_error                                 # errno name with which the loader refuses, or None
    result.patches()                                   # {(section, slot): bytes}
    find_attach_target(target, "trace_fentry", "do_exit")
    resolve_externs(obj.btf, obj.externs, target)      # typed ksyms and kfuncs
    kconfig_map(obj.externs, "little", kernel.config, {"LINUX_KERNEL_VERSION": 0x060C00})

Make one Target per kernel and keep it: it remembers answers across objects. An object's
questions are read once and kept in it.
"""

from preflight.core.attach import AttachTarget, find_attach_target, lookup_name
from preflight.core.divergence import Divergence, divergences
from preflight.core.errors import Cause
from preflight.core.externs import ResolvedExtern, resolve_extern, resolve_externs
from preflight.core.kconfig import ConfigValue, KconfigMap, kconfig_map
from preflight.core.kinds import ReloKind
from preflight.core.question import Plan, Skipped
from preflight.core.relocate import (
    ObjectRelocation,
    Relocation,
    Written,
    plan_object,
    relocate,
    relocate_object,
    written,
)
from preflight.core.resolve import Candidate
from preflight.core.target import Target

__all__ = [
    "AttachTarget",
    "Candidate",
    "Cause",
    "ConfigValue",
    "Divergence",
    "KconfigMap",
    "ObjectRelocation",
    "Plan",
    "ReloKind",
    "Relocation",
    "ResolvedExtern",
    "Skipped",
    "Target",
    "Written",
    "divergences",
    "find_attach_target",
    "kconfig_map",
    "lookup_name",
    "plan_object",
    "relocate",
    "relocate_object",
    "resolve_extern",
    "resolve_externs",
    "written",
]
