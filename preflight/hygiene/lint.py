# SPDX-License-Identifier: Apache-2.0
"""All rules of hygiene over an object."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from preflight.findings.model import Finding
from preflight.hygiene import hooks, maps, outputs
from preflight.objects.model import BpfObject, Program

#: Rules about one program, and rules about the object as a whole.
PROGRAM_RULES: tuple[Callable[[BpfObject, Program], Iterator[Finding]], ...] = (
    hooks.stable_hook,
    hooks.unfiltered_syscalls,
    outputs.silent_drops,
    outputs.payload,
    hooks.hot_stack,
    hooks.hot_hook,
    outputs.fixed_offsets,
    hooks.host_path,
)
OBJECT_RULES: tuple[Callable[[BpfObject], Iterator[Finding]], ...] = (maps.unbounded_hash, maps.kept_starts)


def lint(obj: BpfObject) -> list[Finding]:
    """Findings `PT###` in the order of codes and programs. Programs that cannot be linked are left out."""
    from preflight.errors import InputError

    found: list[Finding] = []
    for program in obj.programs:
        try:
            obj.image(program)
        except InputError:
            continue
        for rule in PROGRAM_RULES:
            found += rule(obj, program)
    for whole in OBJECT_RULES:
        try:
            found += whole(obj)
        except InputError:
            continue
    return sorted(found, key=lambda one: (one.code, one.subject))
