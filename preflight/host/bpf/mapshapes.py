# SPDX-License-Identifier: Apache-2.0
"""The smallest correct map of every type: sizes, flags, inner maps and BTF that each demands.

Sources: the `map_alloc_check` functions under kernel/bpf and net (for instance
kernel/bpf/ringbuf.c, bpf_local_storage.c, arena.c, net/core/sock_map.c).
"""

from __future__ import annotations

from preflight.host.bpf.attrs import MapFlag
from preflight.host.bpf.names import MapType as Mt
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class MapShape:
    """How to create a map. Sizes in bytes; `entries` 0 means one page for ring buffers and arenas.

    `typed` wants the BTF of an int key and an int value. `inner` wants a map of that type as
    template. `vmlinux_type` names the kernel struct a struct_ops map holds.
    """

    type: Mt
    key: int = 4
    value: int = 4
    entries: int = 1
    flags: int = 0
    typed: bool = False
    inner: Mt | None = None
    pages: bool = False
    vmlinux_type: str = ""
    extra: int = 0


_NO_PREALLOC = int(MapFlag.NO_PREALLOC)

SHAPES: tuple[MapShape, ...] = (
    MapShape(Mt.HASH),
    MapShape(Mt.ARRAY),
    MapShape(Mt.PROG_ARRAY),
    MapShape(Mt.PERF_EVENT_ARRAY),
    MapShape(Mt.PERCPU_HASH),
    MapShape(Mt.PERCPU_ARRAY),
    MapShape(Mt.STACK_TRACE, value=8),
    MapShape(Mt.CGROUP_ARRAY),
    MapShape(Mt.LRU_HASH),
    MapShape(Mt.LRU_PERCPU_HASH),
    MapShape(Mt.LPM_TRIE, key=8, flags=_NO_PREALLOC),
    MapShape(Mt.ARRAY_OF_MAPS, inner=Mt.ARRAY),
    MapShape(Mt.HASH_OF_MAPS, inner=Mt.ARRAY),
    MapShape(Mt.DEVMAP),
    MapShape(Mt.SOCKMAP),
    MapShape(Mt.CPUMAP),
    MapShape(Mt.XSKMAP),
    MapShape(Mt.SOCKHASH),
    MapShape(Mt.CGROUP_STORAGE, key=16, entries=0),
    MapShape(Mt.REUSEPORT_SOCKARRAY),
    MapShape(Mt.PERCPU_CGROUP_STORAGE, key=16, entries=0),
    MapShape(Mt.QUEUE, key=0),
    MapShape(Mt.STACK, key=0),
    MapShape(Mt.SK_STORAGE, entries=0, flags=_NO_PREALLOC, typed=True),
    MapShape(Mt.DEVMAP_HASH),
    MapShape(Mt.STRUCT_OPS, value=0, vmlinux_type="bpf_struct_ops_tcp_congestion_ops"),
    MapShape(Mt.RINGBUF, key=0, value=0, pages=True),
    MapShape(Mt.INODE_STORAGE, entries=0, flags=_NO_PREALLOC, typed=True),
    MapShape(Mt.TASK_STORAGE, entries=0, flags=_NO_PREALLOC, typed=True),
    MapShape(Mt.BLOOM_FILTER, key=0),
    MapShape(Mt.USER_RINGBUF, key=0, value=0, pages=True),
    MapShape(Mt.CGRP_STORAGE, entries=0, flags=_NO_PREALLOC, typed=True),
    MapShape(Mt.ARENA, key=0, value=0, pages=True, flags=int(MapFlag.MMAPABLE)),
    MapShape(Mt.INSN_ARRAY, value=16),
    MapShape(Mt.RHASH, flags=_NO_PREALLOC),
)


def shape_of(map_type: int) -> MapShape | None:
    """The shape of a type, None when preflight does not know it."""
    return next((shape for shape in SHAPES if shape.type == map_type), None)
