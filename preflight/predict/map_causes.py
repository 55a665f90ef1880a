# SPDX-License-Identifier: Apache-2.0
"""What keeps a map from being created: its type, and sizes that user space has yet to set (PC42x). Pure.

libbpf creates every map of the object before it loads any program, so one map stops them all.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.objects.parts import MapDef
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.map_flags import flags_answer
from preflight.predict.map_limits import limit_findings
from preflight.predict.witness import type_answer

#: Types that the kernel creates with no entries asked for; libbpf fills in the number of CPUs for the last.
_NO_ENTRIES = (
    "sk_storage", "task_storage", "inode_storage", "cgrp_storage", "cgroup_storage", "percpu_cgroup_storage",
    "struct_ops", "perf_event_array",
)  # fmt: skip
_WITH_VALUES = (
    "hash", "lru_hash", "percpu_hash", "lru_percpu_hash", "array", "percpu_array", "queue", "stack",
    "bloom_filter", "lpm_trie",
)  # fmt: skip
_OF_MAPS = ("array_of_maps", "hash_of_maps")
_KEY_OF_FOUR = ("array", "percpu_array", "prog_array", "perf_event_array", "cgroup_array", "stack_trace")


def map_findings(obj: BpfObject, facts: KernelFacts) -> list[Finding]:
    """Findings about every map libbpf would create; sizes that are open carry `data["open"]`."""
    found: list[Finding] = []
    for definition in obj.all_maps:
        if definition.autocreate and definition.type != "unspec":
            found += _type(obj, facts, definition)
            found += _sizes(obj, definition)
            found += _flags(obj, facts, definition)
            found += limit_findings(obj, facts, definition)
    return found


def _type(obj: BpfObject, facts: KernelFacts, definition: MapDef) -> Iterator[Finding]:
    answer = facts.ask(type_answer, "map", definition.type)
    if answer.there is True:
        return
    fix = f"decided by {answer.decided_by}" if answer.there is None and answer.decided_by else ""
    yield Finding(
        code="PC420",
        verdict=Verdict.UNKNOWN if answer.there is None else Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f"map {definition.name}: {answer.why}",
        subject=definition.name,
        evidence=(answer.evidence,),
        fix=fix,
        location=Location(obj.name, definition.section or None),
        data={"map": definition.name, "type": definition.type},
    )


def _flags(obj: BpfObject, facts: KernelFacts, definition: MapDef) -> Iterator[Finding]:
    # libbpf chooses the flags of the maps that it makes of sections
    if definition.origin not in ("btf", "legacy"):
        return
    answer = facts.ask(flags_answer, definition)
    if answer.there is True:
        return
    yield Finding(
        code="PC422",
        verdict=Verdict.UNKNOWN if answer.there is None else Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f"map {definition.name}: {answer.why}",
        subject=definition.name,
        evidence=(answer.evidence,),
        fix=f"decided by {answer.decided_by}" if answer.decided_by else "",
        location=Location(obj.name, definition.section or None),
        data={"map": definition.name, "type": definition.type, "flags": definition.flags},
    )


def _sizes(obj: BpfObject, definition: MapDef) -> Iterator[Finding]:
    if definition.origin in ("data", "kconfig", "struct_ops"):
        return
    wrong = _wrong_size(definition)
    if wrong:
        yield Finding(
            code="PC421",
            verdict=Verdict.MISSING,
            severity=Severity.REQUIRED,
            title=f"map {definition.name} ({definition.type}) has {wrong}: as it is it fails (EINVAL)",
            subject=definition.name,
            evidence=(
                Evidence(
                    "object",
                    f"key {definition.key_size}, value {definition.value_size}, "
                    f"entries {definition.max_entries}",
                ),
            ),
            location=Location(obj.name, definition.section or None),
            data={"map": definition.name, "type": definition.type, "open": True},
        )


def _wrong_size(definition: MapDef) -> str:
    """What the kernel's map_alloc_check() refuses, as far as user space may still change it."""
    kind = definition.type
    if definition.max_entries == 0 and kind not in _NO_ENTRIES:
        return "no entries"
    if kind == "stack_trace" and (definition.value_size < 8 or definition.value_size % 8):
        return f"values of {definition.value_size} bytes, which hold no stack"
    if kind in _KEY_OF_FOUR and definition.key_size not in (0, 4):
        return f"keys of {definition.key_size} bytes instead of 4"
    if kind in ("hash", "lru_hash", "percpu_hash", "lru_percpu_hash") and definition.key_size == 0:
        return "keys of no bytes"
    if kind in _WITH_VALUES and definition.value_size == 0:
        return "values of no bytes"
    if kind in _OF_MAPS and definition.inner is None:
        return "no map inside"
    return ""
