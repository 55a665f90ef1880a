# SPDX-License-Identifier: Apache-2.0
"""CO-RE: access specs, candidates, matching, values, patching; the same answers as libbpf.

Pure functions. May import btf, bytecode and the loaders' table.

    target = Target(kernel_btf)                       # or Target(kernel_btf, modules)
    plan = make_plan(name, btf, "little", ext.core_relos, functions)
    result = relocate(plan, target)                   # ObjectRelocation
    result.relocations[0].outcome                     # unchanged patched absent poisoned error
    result.stock_error                                # errno name, or None
    result.patches()                                  # {(section, slot): bytes}

A plan is made once per object and loader, a target once per kernel; both are reused.
"""

from preflight.core.errors import Cause
from preflight.core.kinds import ReloKind
from preflight.core.question import Function, ObjectFunction, Plan, Skipped
from preflight.core.question import plan as make_plan
from preflight.core.relocate import Candidate, ObjectRelocation, Relocation, relocate
from preflight.core.target import Target

__all__ = [
    "Candidate",
    "Cause",
    "Function",
    "ObjectFunction",
    "ObjectRelocation",
    "Plan",
    "ReloKind",
    "Relocation",
    "Skipped",
    "Target",
    "make_plan",
    "relocate",
]
