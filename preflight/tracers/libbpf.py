# SPDX-License-Identifier: Apache-2.0
"""The system's libbpf through ctypes: one tracer object opened, set, loaded, attached and closed.

Only objects packaged with preflight come here. Everything is held by descriptors of this process:
nothing is pinned, and the end of the process, however it comes, is the end of all of it.
Signatures follow bpf/libbpf.h and bpf/bpf.h of libbpf 1.1; later ones keep them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from ctypes import c_bool, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from functools import cache
from typing import Any

from preflight.errors import InstrumentError, PreflightError
from preflight.host.bpf.syscall import errno_name

NAME = "libbpf.so.1"

#: Room for one message of libbpf, of which a whole verifier log is one, and messages kept.
_MESSAGE = 1 << 16
_MESSAGES = 400
_WARN, _DEBUG = 0, 2

_PrintFunction = ctypes.CFUNCTYPE(c_int, c_int, c_char_p, c_void_p)
_SampleFunction = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)

#: What hears each record of a ring buffer.
Sample = Callable[[bytes], None]


class LibbpfError(PreflightError):
    """libbpf or the kernel refused a step. `lines` are libbpf's messages, a verifier log among them."""

    def __init__(self, step: str, number: int, lines: tuple[str, ...] = ()) -> None:
        super().__init__(f"{step}: {errno_name(number)}")
        self.step = step
        self.number = number
        self.lines = lines


class _OpenOptions(ctypes.Structure):
    """The head of `struct bpf_object_open_opts`; libbpf takes what `sz` covers."""

    _fields_ = [("sz", c_size_t), ("object_name", c_char_p)]


#: name -> (result, arguments)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "libbpf_version_string": (c_char_p, []),
    "libbpf_set_print": (c_void_p, [c_void_p]),
    "libbpf_num_possible_cpus": (c_int, []),
    "bpf_object__open_mem": (c_void_p, [c_void_p, c_size_t, c_void_p]),
    "bpf_object__load": (c_int, [c_void_p]),
    "bpf_object__close": (None, [c_void_p]),
    "bpf_object__next_program": (c_void_p, [c_void_p, c_void_p]),
    "bpf_object__next_map": (c_void_p, [c_void_p, c_void_p]),
    "bpf_program__name": (c_char_p, [c_void_p]),
    "bpf_program__fd": (c_int, [c_void_p]),
    "bpf_program__set_autoload": (c_int, [c_void_p, c_bool]),
    "bpf_program__set_attach_target": (c_int, [c_void_p, c_int, c_char_p]),
    "bpf_program__attach": (c_void_p, [c_void_p]),
    "bpf_program__attach_kprobe": (c_void_p, [c_void_p, c_bool, c_char_p]),
    "bpf_program__attach_uprobe": (c_void_p, [c_void_p, c_bool, c_int, c_char_p, c_size_t]),
    "bpf_program__attach_usdt": (c_void_p, [c_void_p, c_int, c_char_p, c_char_p, c_char_p, c_void_p]),
    "bpf_program__attach_cgroup": (c_void_p, [c_void_p, c_int]),
    "bpf_program__attach_perf_event": (c_void_p, [c_void_p, c_int]),
    "bpf_link__destroy": (c_int, [c_void_p]),
    "bpf_map__name": (c_char_p, [c_void_p]),
    "bpf_map__fd": (c_int, [c_void_p]),
    "bpf_map__type": (c_int, [c_void_p]),
    "bpf_map__key_size": (c_uint32, [c_void_p]),
    "bpf_map__value_size": (c_uint32, [c_void_p]),
    "bpf_map__max_entries": (c_uint32, [c_void_p]),
    "bpf_map__set_max_entries": (c_int, [c_void_p, c_uint32]),
    "bpf_map__initial_value": (c_void_p, [c_void_p, c_void_p]),
    "bpf_map_get_next_key": (c_int, [c_int, c_void_p, c_void_p]),
    "bpf_map_lookup_elem": (c_int, [c_int, c_void_p, c_void_p]),
    "bpf_map_delete_elem": (c_int, [c_int, c_void_p]),
    "ring_buffer__new": (c_void_p, [c_int, _SampleFunction, c_void_p, c_void_p]),
    "ring_buffer__poll": (c_int, [c_void_p, c_int]),
    "ring_buffer__consume": (c_int, [c_void_p]),
    "ring_buffer__free": (None, [c_void_p]),
}


@cache
def library() -> ctypes.CDLL:
    """libbpf of major version 1. InstrumentError says what to install."""
    try:
        found = ctypes.CDLL(NAME, use_errno=True)
    except OSError:
        raise InstrumentError(
            f"{NAME} is not installed: apt-get install libbpf1 (Fedora: dnf install libbpf; "
            "Alpine: apk add libbpf)"
        ) from None
    for name, (result, arguments) in _SIGNATURES.items():
        try:
            function = getattr(found, name)
        except AttributeError:
            raise InstrumentError(f"{NAME} lacks {name}: it is too old or too new") from None
        function.restype, function.argtypes = result, arguments
    return found


def version() -> str:
    """`v1.1`."""
    return bytes(library().libbpf_version_string()).decode("ascii", "replace")


def possible_cpus() -> int:
    """How many values an element of a per-CPU map has."""
    count = int(library().libbpf_num_possible_cpus())
    if count < 1:
        raise LibbpfError("counting CPUs", -count)
    return count


class Messages:
    """libbpf's messages while the block lasts; who listened before listens again afterwards."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._libc = ctypes.CDLL(None)
        # Kept as a member: libbpf holds only the bare pointer.
        self._function = _PrintFunction(self._heard)
        self._before: int | None = None

    def __enter__(self) -> Messages:
        self._before = library().libbpf_set_print(ctypes.cast(self._function, c_void_p))
        return self

    def __exit__(self, *_: object) -> None:
        library().libbpf_set_print(self._before)

    def _heard(self, level: int, form: bytes, arguments: int) -> int:
        """A va_list travels as one pointer on every machine the project builds for."""
        if level < _DEBUG and len(self.lines) < _MESSAGES:
            room = ctypes.create_string_buffer(_MESSAGE)
            self._libc.vsnprintf(room, c_size_t(_MESSAGE), c_char_p(form), c_void_p(arguments))
            text = room.value.decode("utf-8", "replace")
            self.lines += [line for line in text.splitlines() if line.strip()][-_MESSAGES:]
        return 0


class Program:
    """One program of an open object."""

    __slots__ = ("_object", "handle", "name")

    def __init__(self, owner: Object, handle: int) -> None:
        self._object = owner
        self.handle = handle
        self.name = bytes(library().bpf_program__name(handle)).decode("utf-8", "replace")

    @property
    def fd(self) -> int:
        """Its descriptor after load, which stays libbpf's; negative when it was not loaded."""
        return int(library().bpf_program__fd(self.handle))

    def leave_out(self) -> None:
        """Do not load it with the object."""
        library().bpf_program__set_autoload(self.handle, False)

    def set_target(self, function: str) -> None:
        """The kernel function of an fentry or fexit program, before load."""
        answer = library().bpf_program__set_attach_target(self.handle, 0, function.encode())
        if answer < 0:
            raise self._object.refused(f"no attach target {function}", -answer)

    def attach(self) -> int:
        """Attach to what the section name says."""
        return self._made(library().bpf_program__attach(self.handle))

    def attach_kprobe(self, function: str, *, returns: bool) -> int:
        """Attach to a kernel function chosen now."""
        return self._made(library().bpf_program__attach_kprobe(self.handle, returns, function.encode()))

    def attach_uprobe(self, binary: str, offset: int, *, returns: bool, pid: int = -1) -> int:
        """Attach at an offset of a file, in all processes or in one."""
        return self._made(
            library().bpf_program__attach_uprobe(self.handle, returns, pid, os.fsencode(binary), offset)
        )

    def attach_usdt(self, binary: str, provider: str, name: str, *, pid: int = -1) -> int:
        """Attach to a static probe of a binary."""
        return self._made(
            library().bpf_program__attach_usdt(
                self.handle, pid, os.fsencode(binary), provider.encode(), name.encode(), None
            )
        )

    def attach_cgroup(self, folder: int) -> int:
        """Attach to a cgroup by a descriptor of its folder."""
        return self._made(library().bpf_program__attach_cgroup(self.handle, folder))

    def attach_perf_event(self, event: int) -> int:
        """Attach to an open perf event; the link owns its descriptor from then on."""
        return self._made(library().bpf_program__attach_perf_event(self.handle, event))

    def _made(self, link: int | None) -> int:
        if not link:
            raise self._object.refused(f"attaching {self.name}", ctypes.get_errno() or errno.EIO)
        return self._object.keep(link)


class Map:
    """One map of a loaded object. Keys and values are bytes; a per-CPU value is all CPUs' in a row."""

    __slots__ = ("fd", "handle", "key_size", "max_entries", "name", "type_number", "value_size")

    def __init__(self, handle: int) -> None:
        lib = library()
        self.handle = handle
        self.name = bytes(lib.bpf_map__name(handle)).decode("utf-8", "replace")
        self.fd = int(lib.bpf_map__fd(handle))
        self.type_number = int(lib.bpf_map__type(handle))
        self.key_size = int(lib.bpf_map__key_size(handle))
        self.value_size = int(lib.bpf_map__value_size(handle))
        self.max_entries = int(lib.bpf_map__max_entries(handle))

    def each_key(self) -> Iterator[bytes]:
        """Each key once. Bounded, also while programs add and remove keys."""
        before: Any = None
        after = ctypes.create_string_buffer(self.key_size)
        seen: set[bytes] = set()
        for _ in range(2 * self.max_entries + 1):
            if library().bpf_map_get_next_key(self.fd, before, after):
                return
            key = after.raw
            if key not in seen:
                seen.add(key)
                yield key
            before = ctypes.create_string_buffer(key, self.key_size)

    def lookup(self, key: bytes, size: int) -> bytes | None:
        """The value's `size` bytes, None when the key is gone."""
        value = ctypes.create_string_buffer(size)
        if library().bpf_map_lookup_elem(self.fd, ctypes.create_string_buffer(key, len(key)), value):
            return None
        return value.raw


class RingBuffer:
    """Reads a ring buffer map. A callback's exception ends the poll and is raised there."""

    def __init__(self, map_fd: int, sample: Sample) -> None:
        self._sample = sample
        self._error: BaseException | None = None
        self._function = _SampleFunction(self._heard)
        self._handle = library().ring_buffer__new(map_fd, self._function, None, None)
        if not self._handle:
            raise LibbpfError("opening the ring buffer", ctypes.get_errno() or errno.EIO)

    def _heard(self, _context: int, data: int, size: int) -> int:
        try:
            self._sample(ctypes.string_at(data, size))
        except BaseException as error:
            self._error = error
            return -1
        return 0

    def poll(self, milliseconds: int) -> None:
        """Wait for records and hand them over; returns early for a signal."""
        self._done(library().ring_buffer__poll(self._handle, milliseconds))

    def consume(self) -> None:
        """Hand over what is there now."""
        self._done(library().ring_buffer__consume(self._handle))

    def _done(self, answer: int) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
        if answer < 0 and answer not in (-errno.EINTR, -errno.EAGAIN):
            raise LibbpfError("reading the ring buffer", -answer)

    def close(self) -> None:
        """Unmap it; a second call does nothing."""
        if self._handle:
            library().ring_buffer__free(self._handle)
            self._handle = None


class Object:
    """One object from open to close.

    A context manager: leaving it detaches what is attached, the last first, and closes everything.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._links: list[int] = []
        self._handle: int | None = None
        self._rings: list[RingBuffer] = []
        self._data = data  # libbpf reads from it as long as the object is open
        self._listening = contextlib.ExitStack()
        self._messages = self._listening.enter_context(Messages())
        options = _OpenOptions(ctypes.sizeof(_OpenOptions), name.encode())
        ctypes.set_errno(0)
        self._handle = library().bpf_object__open_mem(data, len(data), ctypes.byref(options))
        if not self._handle:
            number = ctypes.get_errno() or errno.EINVAL
            self._listening.close()
            raise self.refused("opening the object", number)
        self.programs = {
            program.name: program
            for program in (Program(self, handle) for handle in self._each("bpf_object__next_program"))
        }

    def _each(self, function: str) -> Iterator[int]:
        step = getattr(library(), function)
        handle = step(self._handle, None)
        while handle:
            yield handle
            handle = step(self._handle, handle)

    def maps(self) -> dict[str, Map]:
        """Its maps by name, after load; those of global data are called `OBJECT.rodata` and the like."""
        return {one.name: one for one in (Map(handle) for handle in self._each("bpf_object__next_map"))}

    def constants(self, name: str = ".rodata") -> memoryview | None:
        """The bytes of a section of global data, to be changed before load; None without the section."""
        for handle in self._each("bpf_object__next_map"):
            if bytes(library().bpf_map__name(handle)).decode("utf-8", "replace").endswith(name):
                size = c_size_t()
                start = library().bpf_map__initial_value(handle, ctypes.byref(size))
                if not start:
                    return None
                return memoryview((ctypes.c_char * size.value).from_address(start)).cast("B")
        return None

    def resize(self, name: str, entries: int) -> bool:
        """Give a map another number of entries (a ring buffer: bytes) before load; false without the map."""
        for handle in self._each("bpf_object__next_map"):
            if bytes(library().bpf_map__name(handle)).decode("utf-8", "replace") == name:
                answer = library().bpf_map__set_max_entries(handle, entries)
                if answer < 0:
                    raise self.refused(f"resizing map {name}", -answer)
                return True
        return False

    def load(self) -> None:
        """Load maps and programs. LibbpfError with the verifier's words when the kernel refuses."""
        answer = library().bpf_object__load(self._handle)
        if answer < 0:
            raise self.refused("loading", -answer)

    def ring_buffer(self, map_fd: int, sample: Sample) -> RingBuffer:
        """Read a ring buffer map until the object is closed."""
        ring = RingBuffer(map_fd, sample)
        self._rings.append(ring)
        return ring

    def keep(self, link: int) -> int:
        """Own a link; returns it."""
        self._links.append(link)
        return link

    def refused(self, step: str, number: int) -> LibbpfError:
        """The error of a step, with all libbpf said so far."""
        return LibbpfError(step, number, tuple(self._messages.lines))

    def detach(self) -> int:
        """Destroy all links, the last one made first; how many failed to."""
        failed = 0
        while self._links:
            failed += library().bpf_link__destroy(self._links.pop()) != 0
        return failed

    def close(self) -> None:
        """Detach and close everything; a second call does nothing."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        self.detach()
        for ring in self._rings:
            ring.close()
        self._rings.clear()
        library().bpf_object__close(handle)
        self._listening.close()

    def __enter__(self) -> Object:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
