# SPDX-License-Identifier: Apache-2.0
"""Sizes of maps that the kernel refuses, whatever user space means by them (PC425). Pure.

Follows each map type's alloc check: htab_map_alloc_check(), array_map_alloc_check(),
bpf_local_storage_map_alloc_check(), trie_alloc(), queue_stack_map_alloc_check(), bloom_map_alloc().
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.objects.parts import MapDef
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer

#: PCPU_MIN_UNIT_SIZE: what one allocation per CPU may have.
_PER_CPU: Final = 32 << 10
#: KMALLOC_MAX_SIZE is 4 MiB or more; values beyond 2 GiB are refused in every case.
_LARGEST: Final = (1 << 31) - 1
#: MAX_BPF_STACK: keys had to fit on a program's stack.
_KEY_ON_STACK: Final = 512
_HASHES: Final = ("hash", "lru_hash", "percpu_hash", "lru_percpu_hash")
_PER_CPU_VALUES: Final = ("percpu_array", "percpu_hash", "lru_percpu_hash")
_LOCAL_STORAGE: Final = ("sk_storage", "task_storage", "inode_storage", "cgrp_storage")
_NO_KEY: Final = ("queue", "stack", "bloom_filter")
#: LPM_KEY_SIZE_MIN and _MAX of struct bpf_lpm_trie_key: four bytes of length, then 1 to 256 of data.
_TRIE_KEYS: Final = (5, 260)
#: Types whose value is the descriptor of something else.
_DESCRIPTORS: Final = ("prog_array", "perf_event_array", "cgroup_array", "array_of_maps", "hash_of_maps")


def limit_findings(obj: BpfObject, facts: KernelFacts, definition: MapDef) -> Iterator[Finding]:
    """PC425 for a map whose key, value or number of entries no kernel, or not this one, accepts."""
    if definition.origin not in ("btf", "legacy"):
        return
    answer = _refused(facts, definition)
    if answer is None:
        return
    shown = f"key {definition.key_size}, value {definition.value_size}, entries {definition.max_entries}"
    yield Finding(
        code="PC425",
        verdict=Verdict.UNKNOWN if answer.there is None else Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f"map {definition.name} ({definition.type}): {answer.why}",
        subject=definition.name,
        evidence=(Evidence("object", shown), answer.evidence),
        fix=f"decided by {answer.decided_by}" if answer.decided_by else "",
        location=Location(obj.name, definition.section or None),
        data={"map": definition.name, "type": definition.type},
    )


def _refused(facts: KernelFacts, definition: MapDef) -> Answer | None:
    kind, key, value = definition.type, definition.key_size, definition.value_size
    if kind in _HASHES and key > _KEY_ON_STACK:
        return _big_key(facts, key)
    if kind in _PER_CPU_VALUES and (value + 7) // 8 * 8 > _PER_CPU:
        return _never(f"values of {value:,} bytes per CPU, {_PER_CPU:,} is the most", "E2BIG")
    if kind in _LOCAL_STORAGE and definition.max_entries:
        return _never("local storage takes no number of entries", "EINVAL")
    if kind in _LOCAL_STORAGE and key != 4:
        return _never(f"keys of {key} bytes instead of 4", "EINVAL")
    if kind in _NO_KEY and key:
        return _never(f"keys of {key} bytes in a map without keys", "EINVAL")
    if kind == "lpm_trie" and not _TRIE_KEYS[0] <= key <= _TRIE_KEYS[1]:
        return _never(f"keys of {key} bytes, {_TRIE_KEYS[0]} to {_TRIE_KEYS[1]} are taken", "EINVAL")
    if kind in _DESCRIPTORS and value not in (0, 4):
        return _never(f"values of {value} bytes instead of a descriptor's 4", "EINVAL")
    if max(key, value) > _LARGEST:
        return _never("a key or value of more than 2 GiB", "E2BIG")
    return None


def _never(why: str, errno: str) -> Answer:
    return Answer(False, f"{why}: it is refused ({errno})", Evidence("object", "no kernel takes it"))


def _big_key(facts: KernelFacts, key: int) -> Answer | None:
    """Keys beyond 512 bytes: refused (E2BIG) until the check for the stack was dropped (5.11)."""
    larger = facts.lists_helper("task_storage_get")
    if larger is None:
        shown = Evidence("btf", "enum bpf_func_id is not in this kernel's BTF")
        return Answer(None, f"keys of {key} bytes, which older kernels refuse", shown, "a trial load")
    if larger:
        return None
    shown = Evidence(
        "btf", "enum bpf_func_id does not list task_storage_get, which came with the larger keys"
    )
    return Answer(False, f"keys of {key} bytes: kernels this old take {_KEY_ON_STACK} (E2BIG)", shown)
