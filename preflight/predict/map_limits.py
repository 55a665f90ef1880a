# SPDX-License-Identifier: Apache-2.0
"""Sizes of maps that the kernel refuses, whatever user space means by them (PC425). Pure.

Follows each map type's alloc check: htab_map_alloc_check(), array_map_alloc_check(),
bpf_local_storage_map_alloc_check(), trie_alloc(), queue_stack_map_alloc_check(), bloom_map_alloc(), and those
named below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from preflight.btf import Kind
from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.objects.parts import MapDef
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.owned_types import in_type
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
#: Sizes of keys and values that some types take alone; none: the type has neither. dev_map_alloc_check(),
#: cpu_map_alloc(), xsk_map_alloc(), sock_map_alloc(), sock_hash_alloc(), reuseport_array_alloc_check(),
#: cgroup_storage_map_alloc(), ringbuf_map_alloc(), arena_map_alloc().
_NONE: Final = frozenset({0})
_TAKEN: Final = {
    "ringbuf": (_NONE, _NONE), "user_ringbuf": (_NONE, _NONE), "arena": (_NONE, _NONE),
    "devmap": ({4}, {4, 8}), "devmap_hash": ({4}, {4, 8}), "cpumap": ({4}, {4, 8}), "xskmap": ({4}, {4}),
    "sockmap": ({4}, {4, 8}), "sockhash": (None, {4, 8}), "reuseport_sockarray": ({4}, {4, 8}),
    "cgroup_storage": ({8, 16}, None), "percpu_cgroup_storage": ({8, 16}, None),
}  # fmt: skip
#: BPF_F_NUMA_NODE, and NUMA_NO_NODE as 32 bits.
_NUMA, _NO_NODE = 4, 0xFFFFFFFF
_CGROUP_STORAGE: Final = ("cgroup_storage", "percpu_cgroup_storage")
#: KMALLOC_MAX_SIZE where pages have 4 KiB; what local storage may have is bounded by 16 bits.
_KMALLOC: Final = 4 << 20
_STORED: Final = (1 << 16) - 1
#: Of an arena; buckets of 16 bytes that a hash may have, as a power of two (htab_map_alloc()).
_ARENA, _PAGE, _BUCKETS = 1 << 32, 4096, 1 << 27
#: Of a version that takes larger values in arrays (5.10 does not).
_LARGE_ARRAYS: Final = "bpf_retval_range"
_OWN_EXTRA: Final = ("bloom_filter", "arena")
#: Bits of a filter's map_extra, the number of its hash functions.
_FUNCTIONS: Final = 0xF
#: sysctl_perf_event_max_stack, as it is where nobody changed it, and the bytes of one frame.
_FRAMES: Final = 127
_BUILD_IDS, _FRAME, _FRAME_WITH_ID = 0x20, 8, 32
#: Fields that no local storage may have (map_check_btf()); without types it is refused as well.
_NOT_STORED: Final = frozenset({"bpf_timer", "bpf_wq", "bpf_list_head", "bpf_rb_root"})
#: Types without map_meta_equal(): bpf_map_meta_alloc() (kernel/bpf/map_in_map.c) takes none inside.
_NEVER_INSIDE: Final = frozenset({"prog_array", "cgroup_storage", "percpu_cgroup_storage", "struct_ops"})


def limit_findings(obj: BpfObject, facts: KernelFacts, definition: MapDef) -> Iterator[Finding]:
    """PC425 for a map whose key, value or number of entries no kernel, or not this one, accepts."""
    if definition.origin not in ("btf", "legacy"):
        return
    answer = _refused(facts, definition) or _refused_more(obj, facts, definition)
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


def _refused_more(obj: BpfObject, facts: KernelFacts, definition: MapDef) -> Answer | None:
    kind, key, value = definition.type, definition.key_size, definition.value_size
    entries, extra = definition.max_entries, definition.map_extra
    if definition.flags & _NUMA and definition.numa_node not in (None, 0, _NO_NODE):
        shown = Evidence("inferred", "bpf_map_create() wants a node that is online")
        return Answer(
            None, f"memory of node {definition.numa_node}, which may not be there", shown, "a trial load"
        )
    if definition.inner is not None and definition.inner.type in _NEVER_INSIDE:
        return _never(f"a {definition.inner.type} inside, which stands in no map of maps", "ENOTSUPP")
    keys, values = _TAKEN.get(kind, (None, None))
    if keys is not None and key not in (*keys, 0):
        return _never(f"keys of {key} bytes", "EINVAL")
    if values is not None and value not in (*values, 0):
        return _never(f"values of {value} bytes", "EINVAL")
    if kind in _CGROUP_STORAGE and entries:
        return _never("storage of control groups takes no number of entries", "EINVAL")
    if kind == "sockhash" and key > _KEY_ON_STACK:
        return _never(f"keys of {key} bytes, {_KEY_ON_STACK} are the most", "E2BIG")
    if kind in _LOCAL_STORAGE:
        return _of_storage(obj, facts, definition)
    if extra and kind not in _OWN_EXTRA and kind in (*_TAKEN, *_HASHES, *_NO_KEY, *_DESCRIPTORS, "array"):
        return _never(f"map_extra {extra:#x}, which maps of the type do not have", "EINVAL")
    if kind == "bloom_filter" and extra & ~_FUNCTIONS:
        return _never(f"map_extra {extra:#x}, which is more than {_FUNCTIONS} hash functions", "EINVAL")
    if kind == "arena" and entries * _PAGE > _ARENA:
        return _never(f"{entries:,} pages, which are more than 4 GiB", "E2BIG")
    if kind in _HASHES and entries > _BUCKETS:
        return _never(f"{entries:,} entries, {_BUCKETS:,} are the most", "E2BIG")
    if kind in (*_HASHES, "queue", "stack") and kind not in _PER_CPU_VALUES and key + value > _KMALLOC:
        return _too_large(facts, value)
    if kind == "array" and value > _KMALLOC and not facts.has_type(_LARGE_ARRAYS, Kind.STRUCT):
        shown = Evidence("btf", f"struct {_LARGE_ARRAYS} is not in this kernel's BTF, which is older")
        return Answer(None, f"values of {value:,} bytes, which older kernels refuse", shown, "a trial load")
    if kind == "stack_trace":
        frames = value // (_FRAME_WITH_ID if definition.flags & _BUILD_IDS else _FRAME)
        if frames > _FRAMES:
            shown = Evidence("inferred", f"kernel.perf_event_max_stack is {_FRAMES} where nobody changed it")
            return Answer(None, f"stacks of {frames} frames, {_FRAMES} are the most by default", shown)
    if kind == "cpumap":
        return _more_than_processors(facts, entries)
    return None


def _of_storage(obj: BpfObject, facts: KernelFacts, definition: MapDef) -> Answer | None:
    if definition.value_size > _STORED:
        return _never(f"values of {definition.value_size:,} bytes, {_STORED:,} are too many", "E2BIG")
    if not definition.key_type or not definition.value_type:
        return _never("local storage without the types of its key and value", "EINVAL")
    places = in_type(obj.btf, definition.value_type) if obj.btf is not None else ()
    for one in places:
        # plain bytes to a kernel from before timers (5.15)
        if one.name == "bpf_timer" and facts.lists_helper("timer_init") is False:
            continue
        if one.name in _NOT_STORED:
            return _never(f"local storage with a {one.name}", "EOPNOTSUPP")
    return None


def _too_large(facts: KernelFacts, value: int) -> Answer:
    """What one allocation may have depends on the size of pages."""
    if facts.kernel.arch == "x86_64":
        return _never(f"values of {value:,} bytes, {_KMALLOC:,} are too many", "E2BIG")
    shown = Evidence("inferred", "KMALLOC_MAX_SIZE is larger where pages are")
    return Answer(None, f"values of {value:,} bytes, which may be too many", shown, "a trial load")


def _more_than_processors(facts: KernelFacts, entries: int) -> Answer | None:
    most = facts.setting("CONFIG_NR_CPUS")
    if most is None or not most.isdigit() or entries <= int(most):
        return None
    shown = Evidence("procfs", f"CONFIG_NR_CPUS={most}")
    return Answer(False, f"{entries:,} entries, more than processors: it is refused (E2BIG)", shown)


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
