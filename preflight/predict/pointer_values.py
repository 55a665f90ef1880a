# SPDX-License-Identifier: Apache-2.0
"""Pointers whose target a verifier knows the size or the state of, and what a path holds. Pure.

The kinds are those of `enum bpf_reg_type` (include/linux/bpf.h) that calls and contexts hand out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from preflight.predict.owned_types import Lead, OwnType

if TYPE_CHECKING:
    from preflight.predict.signatures import Signature
    from preflight.predict.struct_ops_rules import Marked

#: Values of maps, records of ring buffers, allocated memory: `size` bytes.
MEMORY: Final = "memory"
#: Bytes of the packet, readable as far as a comparison with PACKET_END showed.
PACKET: Final = "packet"
PACKET_END: Final = "packet end"
#: What pointers to bytes before the packet have as `source`; the packet's own start ends those.
METADATA: Final = "the metadata"
SOCKET: Final = "socket"
#: A map found in another one.
MAP: Final = "map"
#: An object of the kernel's.
OBJECT: Final = "object"
#: A variable that each CPU has one of (MEM_PERCPU): two helpers lead to it, and nothing else does.
PERCPU: Final = "percpu"
#: A place on the stack that was found with a number that is not constant.
ON_STACK: Final = "stack"
#: Types of maps whose lookups give a value, or null.
PLAIN_MAPS: Final = frozenset({"hash", "array", "percpu_hash", "percpu_array", "lru_hash", "lru_percpu_hash",
                               "lpm_trie"})  # fmt: skip
#: Maps of devices: lookups give values, too, which the kernel lets nobody write to (dev_map_alloc_check()).
DEVICE_MAPS: Final = frozenset({"devmap", "devmap_hash"})
#: A dynptr that a callback was handed: helpers alone look behind it.
DYNPTR: Final = "dynptr"
#: What a misuse is about where nothing at all bounds a number.
OPEN_NUMBER: Final = "a number without bounds"
#: What gives memory of an iterator's (PTR_TO_BUF), which is read at constant offsets alone, from 0 on.
BUFFER: Final = "a buffer of the context"
#: The field of a map's value that holds a pointer of the kernel's.
KPTR: Final = "kptr"
#: How the source of a key begins that a callback was handed (PTR_TO_MAP_KEY).
KEY_OF: Final = "a key of "
#: A flag of maps: programs may only read them (BPF_F_RDONLY_PROG).
READONLY: Final = 0x80
#: The opposite: programs may only write to them (BPF_F_WRONLY_PROG).
WRITEONLY: Final = 0x100
#: Bytes of struct bpf_sock that sockets of any state do not have: type to priority
#: (bpf_sock_common_is_valid_access()).
OF_FULL_SOCKETS: Final = (8, 16, "field of full sockets")
#: What tells an argument of a hook from what instructions made: this less its number.
FIRST_ARGUMENT: Final = -(1 << 20)
#: Behind a place further than this no comparison tells anything (MAX_PACKET_OFF, find_good_pkt_pointers()).
FURTHEST: Final = 0xFFFF
#: sizeof(struct bpf_flow_keys), which is fixed.
FLOW_KEYS: Final = 56
#: Sizes from here on are unbounded (BPF_MAX_VAR_SIZ).
UNBOUNDED: Final = 1 << 29
#: Types whose contexts are read in whole words between two offsets: *_is_valid_access() of
#: kernel/trace/bpf_trace.c; others are in data/context_fields.toml. Of saved registers those of x86-64:
#: elsewhere there are more, or the walk finds nothing to object to.
CONTEXTS: Final = {
    "kprobe": (0, 168),
    "tracepoint": (8, 8192),
    "raw_tracepoint": (0, 96),
    "raw_tracepoint_writable": (0, 96),
    "perf_event": (0, 4096),
    "syscall": (0, 1 << 16),
}
#: Bytes of the context of perf_event programs on x86-64; where more registers are saved it has more.
SMALLEST_SAMPLE: Final = 184


class Pointer(NamedTuple):
    """A pointer: `ident` is the slot of the instruction that made it, and shared by all its copies.

    `size` is None where the target's is not known. `low` and `high` bound the bytes added to it; `wild`: by a
    number nobody bounded. `nullable`: `yes`, `no`, or `maybe` where kernels differ. `held`: a reference that
    has to be released. `source` is the map or the function that gave it, `guarded` are byte ranges behind
    it that programs may not touch, `readonly` that nothing there may be written. `parent`: the reference it
    ends with (a socket it was cast from, the iterator that gave it). `stale`: `yes` where a global function
    may have moved the packet since, which newer verifiers look at, `maybe` behind a tail call, which some of
    them do. `handed`: to a callback, by a helper. `most`: what numbers that are not constant may have added
    to a pointer into the packet. `struct`: the type of an object; `local`: its id in the program's own BTF,
    which says what may be allocated. `lent`: until the lock is released (a non-owning reference). `trust`:
    `no` for what kernel functions do not take, `maybe` where verifiers differ. `kept_in`: the map that an
    object was read from. `below`: the lowest that numbers which are not constant may have added.
    """

    kind: str
    ident: int
    source: str
    size: int | None = None
    nullable: str = "no"
    held: bool = False
    low: int = 0
    high: int = 0
    wild: bool = False
    readonly: bool = False
    guarded: tuple[tuple[int, int, str], ...] = ()
    parent: int | None = None
    stale: str = ""
    handed: bool = False
    most: int = 0
    struct: str = ""
    local: int = 0
    lent: bool = False
    trust: str = ""
    kept_in: str = ""
    below: int = 0


class Held(NamedTuple):
    """What a path holds: references by ident with their source (iterators and dynptrs by their place on the
    stack), what tells a taken lock, how far packets were compared (ident, bytes), set dynptrs, which of
    them are of a packet, and which are clones of which; iterators that a section of RCU protects."""

    references: tuple[tuple[int, str], ...] = ()
    lock: int = -1
    compared: tuple[tuple[int, int], ...] = ()
    dynptrs: tuple[int, ...] = ()
    of_packet: tuple[int, ...] = ()
    clones: tuple[tuple[int, int], ...] = ()
    protected: tuple[int, ...] = ()


class MapOf(NamedTuple):
    """What has to be known of a map: its type, sizes, flags, the fields of its values that are not plain
    bytes (offset, size, name), and what those lead to."""

    name: str
    type: str
    value_size: int
    key_size: int
    flags: int
    fields: tuple[tuple[int, int, str], ...] = ()
    leads: tuple[Lead, ...] = ()

    def lead_at(self, offset: int, field: str) -> Lead | None:
        """What a field at an offset leads to."""
        return next((one for one in self.leads if one.offset == offset and one.field == field), None)


class Ksym(NamedTuple):
    """What the verifier knows behind the address of a variable of the kernel's (check_pseudo_btf_id()).

    `typed` is False for one without a type, whose address is a number. `percpu`: each CPU has one. `struct`:
    it is an object of that struct, else memory that is only read. `size` is None where it is not known, or
    the struct ends with an array without a length.
    """

    name: str
    typed: bool = False
    percpu: bool = False
    struct: str = ""
    size: int | None = None


class Misuse(NamedTuple):
    """Something a verifier refuses: `kind` says which rule, `slot` where; `sure`: every verifier does.

    `about`: the struct that a kernel has to know for it (`field`), the offset behind the access (`end`), the
    map (`kptr`), or OPEN_NUMBER.
    """

    kind: str
    slot: int
    detail: str
    sure: bool
    about: str = ""


#: Misuses that depend on what is known of numbers.
OF_NUMBERS: Final = frozenset({"bounds", "below", "size", "packet", "result", "number-given"})


def is_open(one: Misuse) -> bool:
    """Whether it depends on what a verifier knows of a number, and some may know more."""
    return one.kind in OF_NUMBERS and (not one.sure or one.about == OPEN_NUMBER)


class Asked(NamedTuple):
    """What a walk has to know besides the program.

    `unset`: registers are followed that nothing was written to. `functions`: what kernel functions take, by
    name, and global functions, by slot. `stack`: how deep it was written is followed, too. `loses`: as a
    verifier that computes with unknown numbers for + - and & alone. `once`: as one that walks each callback
    once. `own`: what the program may allocate. `sleepable`: it may sleep. `older`: what the verifier does not
    know of numbers, `newest`: it knows what any may know, but for those (`Reading`). `ksyms`: the kernel's
    variables that the program names. `marked`: arguments that may be null, or are references.
    """

    maps: tuple[MapOf, ...] = ()
    program_type: str = ""
    attach_type: str = ""
    iterator: str = ""
    unset: bool = False
    functions: tuple[tuple[int | str, Signature], ...] = ()
    stack: bool = False
    loses: bool = False
    once: bool = False
    own: tuple[OwnType, ...] = ()
    sleepable: bool = False
    older: frozenset[str] = frozenset()
    ksyms: tuple[Ksym, ...] = ()
    marked: tuple[Marked, ...] = ()
    newest: bool = False
