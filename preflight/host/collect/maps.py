# SPDX-License-Identifier: Apache-2.0
"""Collects PH5xx: creates and closes the smallest correct map of every type, and asks map features."""

from __future__ import annotations

import errno
import mmap
import sys
from collections.abc import Callable
from contextlib import ExitStack

from preflight.host.areas.maps import MapFacts, MapFeature, MapType
from preflight.host.areas.programs import Trial
from preflight.host.bpf.attrs import MapFlag
from preflight.host.bpf.implementations import MAP_TYPES
from preflight.host.bpf.mapshapes import MapShape, shape_of
from preflight.host.bpf.names import MapType as Mt
from preflight.host.bpf.syscall import (
    ENOTSUPP,
    Result,
    btf_load,
    map_create,
    map_freeze,
    map_lookup_batch,
    map_update,
)
from preflight.host.bpf.tinybtf import TinyBtf
from preflight.host.collect.ktypes import KernelTypes
from preflight.host.collect.loading import NOT_LIVE, memlock_raised
from preflight.host.collect.session import Session
from preflight.host.collect.witnesses import witnesses
from preflight.records import replace

_PREFIX = "BPF_MAP_TYPE_"
PAGE = mmap.PAGESIZE

#: Errnos of map_create for a type or flag the kernel does not have (kernel/bpf/syscall.c:map_create).
_LACKS = frozenset({errno.EINVAL, errno.EOPNOTSUPP, ENOTSUPP})


def collect(session: Session) -> MapFacts:
    """All map types of the kernel's enum (of preflight's table without BTF), and the map features."""
    shared = witnesses(session)
    enum = shared.types.enum("bpf_map_type")
    claims = shared.bpftool.value
    with memlock_raised(), Creator(shared.types) as creator:
        types = tuple(
            MapType(
                name=name,
                number=number,
                in_btf=None if enum is None else number in enum.values(),
                create=_create(creator, number) if session.is_live else NOT_LIVE,
                built=shared.types.has_func(MAP_TYPES.get(name)),
                bpftool=claims.map_types.get(name) if claims is not None else None,
            )
            for name, number in _names(enum)
        )
        features = tuple(
            MapFeature(name, needs, ask(creator) if session.is_live else NOT_LIVE)
            for name, (needs, ask) in FEATURES.items()
        )
    return MapFacts(types, features, "table" if enum is None else "btf")


def _names(enum: dict[str, int] | None) -> list[tuple[str, int]]:
    """Names in bpftool's spelling and numbers: those of the kernel, then those only preflight knows.

    Deprecated types have two names for one number; the last, current one counts.
    """
    table = {int(t): t.name.lower() for t in Mt}
    if enum is None:
        return [(name, number) for number, name in table.items()]
    named = {
        number: name.removeprefix(_PREFIX).lower()
        for name, number in enum.items()
        if name.startswith(_PREFIX) and number and not name.endswith("_DEPRECATED")
    }
    return [(name, number) for number, name in (table | named).items()]


def _create(creator: Creator, number: int) -> Trial:
    shape = shape_of(number)
    if shape is None:
        return Trial("not-tried", reason="newer than preflight, which does not know how to create it")
    return creator.trial(shape)


def trial_of(answer: Result) -> Trial:
    """A map creation's answer as a value."""
    if answer.ok:
        return Trial("works", "ok")
    if answer.errno in (errno.EPERM, errno.EACCES):
        return Trial("denied", answer.errno_name)
    if answer.errno in _LACKS:
        return Trial("unsupported", answer.errno_name)
    return Trial("inconclusive", answer.errno_name)


class Creator:
    """Creates maps by shape; holds the probes' BTF and inner map templates until the end."""

    def __init__(self, types: KernelTypes) -> None:
        self._types = types
        self._held = ExitStack()
        self._btf: Result | None = None
        self._inner: dict[Mt, Result] = {}

    def __enter__(self) -> Creator:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def create(self, shape: MapShape) -> Result:
        """Create a map; the caller closes it. What it depends on failing is its own answer."""
        btf_fd = inner_fd = kernel_type = 0
        if shape.typed or shape.vmlinux_type:
            btf = self._int_btf()
            if btf.fd is None:
                return Result(None, btf.errno)
            btf_fd = btf.fd.number
        if shape.inner is not None:
            inner = self._template(shape.inner)
            if inner.fd is None:
                return Result(None, inner.errno)
            inner_fd = inner.fd.number
        if shape.vmlinux_type:
            kernel_type = self._types.struct(shape.vmlinux_type)
        return map_create(
            shape.type,
            key_size=shape.key,
            value_size=shape.value or (self._struct_size(kernel_type) if kernel_type else 0),
            max_entries=PAGE if shape.pages and shape.type is not Mt.ARENA else shape.entries,
            map_flags=shape.flags,
            inner_map_fd=inner_fd,
            btf_fd=btf_fd,
            btf_key_type_id=1 if shape.typed else 0,
            btf_value_type_id=1 if shape.typed else 0,
            btf_vmlinux_value_type_id=kernel_type,
            map_extra=shape.extra,
        )

    def trial(self, shape: MapShape) -> Trial:
        """Create and close; the answer as a value."""
        if shape.vmlinux_type and not self._types.struct(shape.vmlinux_type):
            why = "there is no kernel BTF" if not self._types.readable else "the kernel's BTF has none"
            return Trial("not-tried", reason=f"wants struct {shape.vmlinux_type}, and {why}")
        with self.create(shape) as answer:
            return trial_of(answer)

    def _struct_size(self, type_id: int) -> int:
        return self._types.size_of(type_id)

    def _int_btf(self) -> Result:
        if self._btf is None:
            btf = TinyBtf()
            btf.int_()
            self._btf = self._held.enter_context(btf_load(btf.to_bytes()))
        return self._btf

    def _template(self, inner: Mt) -> Result:
        if inner not in self._inner:
            self._inner[inner] = self._held.enter_context(map_create(inner))
        return self._inner[inner]


Change = Callable[[MapShape], MapShape]


def _same(shape: MapShape) -> MapShape:
    return shape


def _flag(map_type: Mt, flag: int, change: Change = _same) -> Callable[[Creator], Trial]:
    """Ask for a type with a flag. The plain type must work, else the answer says nothing about the flag."""

    def ask(creator: Creator) -> Trial:
        shape = shape_of(map_type)
        if shape is None:
            return Trial("not-tried", reason="preflight does not know the map type")
        plain = creator.trial(shape)
        if not plain.works:
            return replace(plain, reason=plain.reason or "the plain map type answered so")
        return creator.trial(change(replace(shape, flags=shape.flags | flag)))

    return ask


def _with_map(
    map_type: Mt, then: Callable[[Creator, int], Trial], change: Change = _same
) -> Callable[[Creator], Trial]:
    """Create a map of a type and ask something of it."""

    def ask(creator: Creator) -> Trial:
        shape = shape_of(map_type)
        if shape is None:
            return Trial("not-tried", reason="preflight does not know the map type")
        with creator.create(change(shape)) as answer:
            if answer.fd is None:
                return replace(trial_of(answer), reason="its map could not be created")
            return then(creator, answer.fd.number)

    return ask


def _mmap(_: Creator, fd: int) -> Trial:
    try:
        with mmap.mmap(fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE):
            return Trial("works", "ok")
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) and error.errno else errno.EINVAL
        return trial_of(Result(None, number))


def _batch(_: Creator, fd: int) -> Trial:
    """An array always holds all of its elements, so the first batch must bring the one it has."""
    answer, count = map_lookup_batch(fd, 4, 4, 1)
    if answer.ok or (answer.errno == errno.ENOENT and count == 1):
        return Trial("works", "ok")
    return trial_of(answer)


def _freeze(_: Creator, fd: int) -> Trial:
    """Global read-only data: fill, freeze, and see that user space may no longer write."""
    filled = map_update(fd, bytes(4), bytes(4))
    frozen = map_freeze(fd)
    if not filled.ok or not frozen.ok:
        return trial_of(frozen if filled.ok else filled)
    again = map_update(fd, bytes(4), bytes(4))
    if again.errno == errno.EPERM:
        return Trial("works", "ok", reason="writing is refused after the freeze")
    return Trial("inconclusive", again.errno_name, reason="the map took a write after it was frozen")


def _size_rule(creator: Creator) -> Trial:
    """A ring buffer's size must be a power of two and whole pages: three pages must be refused."""
    with map_create(Mt.RINGBUF, key_size=0, value_size=0, max_entries=PAGE) as whole:
        if not whole.ok:
            return replace(trial_of(whole), reason="a ring buffer of one page could not be created")
    with map_create(Mt.RINGBUF, key_size=0, value_size=0, max_entries=3 * PAGE) as odd:
        if odd.errno == errno.EINVAL:
            return Trial("works", "EINVAL", reason=f"3 x {PAGE} bytes refused, {PAGE} bytes taken")
        return Trial("inconclusive", odd.errno_name, reason="the kernel took a size that is no power of two")


def _inner_differs(creator: Creator) -> Trial:
    """BPF_F_INNER_MAP: an outer map takes arrays of another length than its template."""
    flag = int(MapFlag.INNER_MAP)
    with (
        map_create(Mt.ARRAY, map_flags=flag) as template,
        map_create(Mt.ARRAY, map_flags=flag, max_entries=7) as longer,
    ):
        if template.fd is None or longer.fd is None:
            return trial_of(longer if template.ok else template)
        with map_create(Mt.ARRAY_OF_MAPS, inner_map_fd=template.fd.number) as outer:
            if outer.fd is None:
                return trial_of(outer)
            number = longer.fd.number.to_bytes(4, sys.byteorder)
            return trial_of(map_update(outer.fd.number, bytes(4), number))


#: Feature -> (the map type it is about, how it is asked).
FEATURES: dict[str, tuple[str, Callable[[Creator], Trial]]] = {
    "mmapable-array": (
        "array",
        _with_map(Mt.ARRAY, _mmap, lambda s: replace(s, value=PAGE, flags=int(MapFlag.MMAPABLE))),
    ),
    "frozen-data": (
        "array",
        _with_map(Mt.ARRAY, _freeze, lambda s: replace(s, flags=int(MapFlag.RDONLY_PROG))),
    ),
    "batch-operations": ("array", _with_map(Mt.ARRAY, _batch)),
    "no-prealloc": ("hash", _flag(Mt.HASH, int(MapFlag.NO_PREALLOC))),
    "numa-node": ("hash", _flag(Mt.HASH, int(MapFlag.NUMA_NODE))),
    "zero-seed": ("hash", _flag(Mt.HASH, int(MapFlag.ZERO_SEED))),
    "lru-per-cpu-lists": (
        "lru_hash",
        _flag(Mt.LRU_HASH, int(MapFlag.NO_COMMON_LRU), lambda s: replace(s, entries=256)),
    ),
    "stack-build-id": (
        "stack_trace",
        _flag(Mt.STACK_TRACE, int(MapFlag.STACK_BUILD_ID), lambda s: replace(s, value=32)),
    ),
    "preserve-perf-events": ("perf_event_array", _flag(Mt.PERF_EVENT_ARRAY, int(MapFlag.PRESERVE_ELEMS))),
    "inner-map-of-other-length": ("array_of_maps", _inner_differs),
    "ringbuf-size-rule": ("ringbuf", _size_rule),
    "arena-mmap": ("arena", _with_map(Mt.ARENA, _mmap)),
}
