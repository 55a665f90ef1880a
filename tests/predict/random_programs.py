# SPDX-License-Identifier: Apache-2.0
"""Random programs of many kinds, of which verifiers take about one in six: what predictions are held against.

Made of pieces with registers and offsets that may or may not be right: lookups, comparisons, packets, fields
of the context, spills, arithmetic, jumps. Equal seeds make equal programs.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from preflight.objects.model import BpfObject
from tests import elfwriter
from tests.btfwriter import BtfWriter, ExtWriter
from tests.elfwriter import ElfWriter, Ins, exit_, load_address, mov
from tests.predict.pointers import ARRAY, HASH, LOOKUP
from tests.predict.worlds import call, program

SECTIONS = [
    "socket",
    "xdp",
    "tc",
    "classifier",
    "action",
    "raw_tp/sched_switch",
    "raw_tp.w/sched_switch",
    "tracepoint/sched/sched_switch",
    "perf_event",
    "kprobe/do_nanosleep",
    "cgroup_skb/egress",
    "cgroup/skb",
    "cgroup/sock_create",
    "cgroup/post_bind4",
    "cgroup/connect4",
    "cgroup/bind6",
    "cgroup/sendmsg4",
    "cgroup/sysctl",
    "cgroup/getsockopt",
    "cgroup/setsockopt",
    "cgroup/dev",
    "sockops",
    "sk_skb",
    "sk_skb/stream_parser",
    "sk_msg",
    "sk_lookup",
    "sk_reuseport",
    "lwt_in",
    "lwt_xmit",
    "lwt_seg6local",
    "flow_dissector",
    "syscall",
]
#: Where the context has the packet's beginning and its end.
_PACKETS = {"xdp": (0, 4)} | dict.fromkeys(
    ("tc", "classifier", "action", "cgroup_skb/egress", "cgroup/skb", "sk_skb", "lwt_in", "lwt_xmit"),
    (76, 80),
)
_LOADS, _STORES = (0x79, 0x61, 0x69, 0x71), (0x7B, 0x63)
_SMALL, _OFFSETS = (0, 1, 3, 8, 16, 24), (0, 0, 4, 8, 12, 16, -8, -16)

Piece = Callable[[], list[Ins]]


@dataclass(frozen=True)
class Recipe:
    """A program: its section, instructions without the last exit, and the map they look up in."""

    section: str
    insns: tuple[Ins, ...]
    map0: tuple[tuple[str, int], ...]


def recipe(seed: int) -> Recipe:
    """The program of a seed."""
    pick = random.Random(seed)
    section = pick.choice(SECTIONS)
    insns: list[Ins] = []
    for _ in range(pick.randrange(2, 9)):
        pieces = _of_context(pick, section) if pick.random() < 0.5 else _of_any(pick)
        insns += pick.choice(pieces)()
    known = [Ins(0xBF, 9, 1), *(mov(n, 0) for n in (0, 2, 3, 4, 5, 6, 7, 8))] if pick.random() < 0.9 else []
    end = [mov(0, 0)] * 9 if pick.random() < 0.95 else [mov(0, 0), Ins(0xB7, 1)]
    return Recipe(section, (*known, *insns, *end), tuple(pick.choice([HASH, ARRAY]).items()))


def made(seed: int) -> BpfObject:
    """The object of a seed, with one program `made` and one map."""
    one = recipe(seed)
    return program(one.section, one.insns, maps=[dict(one.map0)])


def together(seeds: Iterable[int], most: int = 100) -> Iterator[bytes]:
    """Objects that hold the programs of the seeds, as `made_SEED`, at most so many in each.

    For kernels that are booted: one object of many programs is loaded sooner than many objects.
    """
    alike: dict[Recipe, list[tuple[int, Recipe]]] = defaultdict(list)
    for seed in seeds:
        one = recipe(seed)
        alike[Recipe(one.section, (), one.map0)].append((seed, one))
    for kind, found in alike.items():
        for at in range(0, len(found), most):
            yield _of_many(kind, found[at : at + most])


def _of_many(kind: Recipe, found: list[tuple[int, Recipe]]) -> bytes:
    types, writer = BtfWriter(), ElfWriter()
    proto = types.func_proto(types.int("long", 8))
    ext = ExtWriter(types)
    code: list[Ins] = []
    starts: list[tuple[str, int]] = []
    for seed, one in found:
        starts.append((f"made_{seed}", sum(insn.slots for insn in code)))
        ext.func(kind.section, starts[-1][1], types.func(starts[-1][0], proto, linkage=1))
        code += [*one.insns, exit_()]
    writer.code(kind.section, code, functions=starts)
    held = writer.section(".maps", bytes(40), flags=elfwriter.ALLOC | elfwriter.WRITE)
    variable = elfwriter.map_definition(types, "map0", **dict(kind.map0))
    writer.symbol("map0", held, 0, 40, type=elfwriter.OBJECT)
    types.datasec(".maps", [(variable, 0, 40)], size=40)
    writer.license("GPL")
    writer.btf(types, ext)
    return writer.bytes()


def _of_any(pick: random.Random) -> list[Piece]:
    left, right = pick.randrange(10), pick.choice([0, 1, 2, 3, 6, 7, 8, 9])
    off, small, over = pick.choice(_OFFSETS), pick.choice(_SMALL), pick.randrange(1, 9)
    spill = pick.choice([-16, -24])
    return [
        lambda: [*LOOKUP],
        lambda: [*LOOKUP, Ins(0xBF, 6, 0)],
        lambda: [*LOOKUP, Ins(0x15, 0, off=over)],
        lambda: [*LOOKUP, Ins(0x55, 0, off=2), mov(0, 0), exit_()],
        lambda: [*LOOKUP, Ins(0x55, 0, off=2), mov(0, 0), exit_(), Ins(0xBF, pick.choice([6, 7]), 0)],
        lambda: [Ins(pick.choice([0x15, 0x55]), left, off=over)],
        lambda: [Ins(pick.choice([0x25, 0x35, 0xA5, 0xB5, 0x65, 0xC5]), left, off=over, imm=small)],
        lambda: [Ins(pick.choice([0x2D, 0xAD, 0x6D, 0xCD]), left, right, off=over)],
        lambda: [Ins(pick.choice(_LOADS), left, right, off)],
        lambda: [Ins(pick.choice(_STORES), left, right, off)],
        lambda: [Ins(0x7B, 10, right, spill), Ins(0x79, left, 10, spill)],
        lambda: [Ins(0x7A, 10, 0, pick.choice([-8, -16, -24]), small)],
        lambda: [Ins(pick.choice([0xBF, 0xBC]), left, right)],
        lambda: [mov(left, small)],
        lambda: [Ins(pick.choice([0x0F, 0x1F]), left, right)],
        lambda: [Ins(pick.choice([0x07, 0x17, 0x57, 0x77, 0x67, 0x47, 0x54, 0x27]), left, imm=small)],
        lambda: [
            Ins(pick.choice([0x37, 0x97, 0xC7, 0x64]), left, imm=pick.choice([0, 1, 5, 31, 32, 63, 64]))
        ],
        lambda: [Ins(pick.choice([0x87, 0x84]), left)],
        lambda: [Ins(pick.choice([0xDC, 0xD4]), left, imm=pick.choice([16, 32, 64]))],
        lambda: [Ins(0xDB, left, right, off, imm=pick.choice([0, 0, 1, 0xE1, 0xF1, 0x40]))],
        lambda: [load_address(left, "map0")],
        lambda: [Ins(0x18, left, imm=small)],
        lambda: [call(pick.choice([5, 7, 8, 14, 35, 125, 160])), Ins(0xBF, left, 0)],
        lambda: [call(7), Ins(0x57, 0, imm=small), Ins(0xBF, left, 0)],
        lambda: [mov(2, small), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), call(16)],
        lambda: [Ins(0x05, off=pick.choice([0, 0, 1, 2, over, 30, -1, -40]))],
        lambda: [Ins(0xBF, 10, left)] if pick.random() < 0.3 else [exit_()],
    ]


def _of_context(pick: random.Random, section: str) -> list[Piece]:
    off, left = 4 * pick.randrange(52), pick.choice([0, 2, 3, 6, 7, 8])
    pieces: list[Piece] = [
        lambda: [Ins(0x61, left, 9, off)],
        lambda: [Ins(0x61, left, 9, 4 * pick.randrange(12))],
        lambda: [Ins(pick.choice([0x69, 0x71, 0x79]), left, 9, off + pick.choice([0, 0, 0, 1, 2]))],
        lambda: [Ins(0x79, left, 9, 8 * pick.randrange(26))],
        lambda: [Ins(pick.choice([0x63, 0x63, 0x6B, 0x73, 0x7B]), 9, pick.choice([6, 7, 8]), off)],
        lambda: [Ins(0xBF, 1, 9), mov(2, 0), Ins(0xBF, 3, 10), Ins(0x07, 3, imm=-16),
                 mov(4, pick.choice([0, 4, 8, 16, 24])), call(26)],
        lambda: [Ins(0x07, 9, imm=pick.choice([0, 4, 8]))] if pick.random() < 0.2 else [mov(7, 1)],
        lambda: [Ins(0xDB, 9, 6, off)] if pick.random() < 0.2 else [mov(8, 3)],
    ]  # fmt: skip
    if section in _PACKETS:
        begin, end = _PACKETS[section]
        room = pick.choice([1, 4, 14, 34])
        compare = Ins(pick.choice([0x2D, 0x3D]), 2, 7, 2)
        if pick.random() < 0.3:
            compare = Ins(pick.choice([0xAD, 0xBD, 0x2D]), 7, 2, 2)
        at = pick.choice([0, 1, room - 1, max(room - 4, 0), room, 13])
        bounded = [
            Ins(0x61, 6, 9, begin),
            Ins(0x61, 7, 9, end),
            Ins(0xBF, 2, 6),
            Ins(0x07, 2, imm=room),
            compare,
        ]
        pieces += [lambda: [*bounded, Ins(pick.choice(_LOADS), 8, 6, at), Ins(0xBF, 3, 8)]] * 3
        pieces += [lambda: [Ins(0x61, 6, 9, begin)], lambda: [Ins(0x71, 8, 6, pick.choice([0, -1, 4]))]]
        pieces += [lambda: [Ins(0x0F, 6, 8)]]
    return pieces
