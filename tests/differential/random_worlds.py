# SPDX-License-Identifier: Apache-2.0
"""Random objects and kernels for CO-RE: related types on both sides, every kind, sound and broken records.

A world is one target (vmlinux BTF and two modules) with several objects that ask of it.
Types of both sides come from the same few names, so that they nearly fit: members move,
change their types, become bitfields, sink into anonymous structs; structs come twice or
with flavours. Everything follows from the seed.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from preflight.btf import Btf
from preflight.core.access import parse
from preflight.core.errors import RelocationError
from preflight.core.kinds import ENUMVAL_KINDS, FIELD_KINDS, ReloKind
from preflight.core.values import enumerator_value, field_value, type_value
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, ExtWriter
from tests.differential.elfbuild import Code, build, insn

_STRUCTS = ("alpha", "beta", "gamma", "delta", "alpha___old", "beta___x___y", "gamma____z", "delta___")
_MEMBERS = ("a", "b", "c", "d", "e", "flags", "len", "next")
_ENUMS = ("color", "shape", "color___v2")
_ENUMERATORS = ("RED", "GREEN", "BLUE", "RED___x", "HUGE", "NEG")
_INTS = (
    ("int", 4, 1), ("unsigned int", 4, 0), ("long", 8, 1), ("unsigned long", 8, 0), ("char", 1, 1),
    ("unsigned char", 1, 0), ("short", 2, 1), ("unsigned short", 2, 0), ("_Bool", 1, 4), ("char", 1, 2),
)  # fmt: skip
_VALUES = (0, 1, 2, 7, 0x7FFFFFFF, 0x80000000, 0xFF000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class World:
    """BTFs of the target and ELF objects by name."""

    vmlinux: bytes
    modules: dict[str, bytes]
    objects: dict[str, bytes]


class _Types:
    """Fills a BtfWriter with types from the shared names."""

    def __init__(
        self, rng: random.Random, writer: BtfWriter, pool: list[int], *, narrow: bool = False
    ) -> None:
        self.rng = rng
        self.w = writer
        self.pool = pool  # ids of types a member can have
        self.roots: list[int] = []  # ids a relocation can start at
        self.narrow = narrow

    def basics(self) -> None:
        rng, w = self.rng, self.w
        for name, size, encoding in rng.sample(_INTS, len(_INTS)):
            narrow = "long" in name and self.narrow
            self.pool.append(w.int(name, 4 if narrow else size, encoding=encoding))
        self.pool.append(w.int("old_bits", 4, encoding=0, bits=3, offset=rng.choice((0, 5))))
        self.pool.append(w.float())
        self.pool.append(w.ptr(0))
        self.roots += self.pool[:2]

    def name(self, names: tuple[str, ...]) -> str:
        name = self.rng.choice(names)
        return f"{name}___f{self.rng.randrange(3)}" if self.rng.random() < 0.1 else name

    def enum(self) -> None:
        rng = self.rng
        names = rng.sample(_ENUMERATORS, rng.randint(1, len(_ENUMERATORS)))
        values = [(name, rng.choice(_VALUES)) for name in names]
        name = "" if rng.random() < 0.02 else self.name(_ENUMS)
        if rng.random() < 0.3:
            wide = [(n, v << rng.choice((0, 0, 20, 32))) for n, v in values]
            new = self.w.enum64(name, wide, signed=rng.random() < 0.5)
        else:
            new = self.w.enum(name, values, rng.choice((4, 4, 4, 1)), signed=rng.random() < 0.5)
        self.pool.append(new)
        self.roots.append(new)

    def usual_type(self, name: str) -> int:
        """The type that most members of a name have, so that both sides often agree."""
        w, ints = self.w, self.pool
        usual = {
            "a": lambda: ints[0],
            "b": lambda: w.ptr(0),
            "c": lambda: ints[self.rng.randrange(10)],
            "d": lambda: w.array(ints[0], self.rng.choice((3, 5))),
            "flags": lambda: ints[2],
            "len": lambda: w.array(ints[4], 4),
        }
        return usual.get(name, lambda: self.rng.choice(self.pool))()

    def member_type(self, name: str) -> int:
        rng, w = self.rng, self.w
        if rng.random() < 0.7:
            return self.usual_type(name)
        base = rng.choice(self.pool)
        shape = rng.random()
        if shape < 0.55:
            return base
        if shape < 0.7:
            return w.ptr(base)
        if shape < 0.85:
            inner = w.array(base, rng.choice((0, 1, 3, 5)))
            return w.array(inner, 2) if rng.random() < 0.3 else inner
        if shape < 0.92:
            return w.const(w.volatile(base))
        return w.typedef(rng.choice(("word_t", "thing_t")), base)

    def fields(self, names: list[str], depth: int) -> list[tuple[str, int, int, int]]:
        rng = self.rng
        found: list[tuple[str, int, int, int]] = []
        at = 0
        kflag = rng.random() < 0.4
        while names:
            if depth < 3 and rng.random() < 0.2:
                inner = [names.pop() for _ in range(min(len(names), rng.randint(1, 3)))]
                make = rng.choice((self.w.struct, self.w.union))
                type_id = make("", self.fields(inner, depth + 1), rng.choice((4, 8, 16)))
                found.append(("", type_id, at * 8, 0))
                at += 16
            else:
                name = names.pop()
                bit = at * 8 + rng.randrange(8) if kflag and rng.random() < 0.6 else at * 8
                if kflag and rng.random() < 0.5:
                    found.append((name, rng.choice(self.pool[:8]), bit, rng.randint(1, 40)))
                else:
                    found.append((name, self.member_type(name), at * 8, 0))
                at += rng.choice((1, 2, 4, 8, 8, 24))
                if rng.random() < 0.03:
                    at += 40000
        return found

    def composite(self) -> None:
        rng = self.rng
        names = rng.sample(_MEMBERS, rng.randint(1, len(_MEMBERS)))
        fields = self.fields(names, 0)
        make = self.w.union if rng.random() < 0.15 else self.w.struct
        name = "" if rng.random() < 0.01 else self.name(_STRUCTS)
        new = make(name, fields, rng.choice((8, 16, 24, 64, 200)))
        self.pool.append(new)
        self.roots.append(new)

    def other(self) -> None:
        rng, w = self.rng, self.w
        pick = rng.randrange(8)
        if pick == 0:
            new = w.fwd(rng.choice(_STRUCTS), union=rng.random() < 0.3)
            self.pool.append(w.ptr(new))
        elif pick == 1:
            new = w.typedef(rng.choice(("word_t", "thing_t", "fn_t")), rng.choice(self.pool))
        elif pick == 2:
            params = [("", rng.choice(self.pool)) for _ in range(rng.randint(0, 3))]
            proto = w.func_proto(rng.choice((0, *self.pool[:4])), params)
            new = w.typedef("fn_t", w.ptr(proto))
            self.pool.append(w.ptr(proto))
        elif pick == 3:
            new = w.typedef("list_t", w.array(rng.choice(self.pool), rng.choice((2, 3))))
        elif pick == 4:
            new = w.typedef("alpha_ptr", w.ptr(rng.choice(self.pool)))
        elif pick == 5:
            new = w.func(rng.choice(("run", "alpha")), w.func_proto(rng.choice(self.pool[:4])))
        elif pick == 6:
            new = w.var(rng.choice(("state", "beta")), rng.choice(self.pool), linkage=1)
            w.decl_tag("tag", new)
        else:
            new = w.type_tag("user", rng.choice(self.pool))
            self.pool.append(w.ptr(new))
            new = w.const(w.restrict(w.ptr(rng.choice(self.pool))))
        self.roots.append(new)

    def fill(self, composites: int) -> None:
        for _ in range(composites):
            self.composite()
            if self.rng.random() < 0.5:
                self.enum()
            if self.rng.random() < 0.5:
                self.other()


def _access(rng: random.Random, btf: Btf, type_id: int, kind: int) -> str:
    """Mostly a sound access string for the type."""
    luck = rng.random()
    if luck < 0.01:
        return rng.choice(
            (
                "",
                ":0",
                "0:",
                "0::1",
                "x",
                "0:x",
                "0:99",
                "1",
                "0 1",
                " 0",
                "0:+1",
                "4294967296",
                ":".join("0" * 70),
            )
        )
    if kind not in FIELD_KINDS and kind not in ENUMVAL_KINDS:
        return "0"
    found = btf.type(btf.resolve(type_id))
    if kind in ENUMVAL_KINDS:
        return str(rng.randrange(max(1, len(getattr(found, "values", ())))))
    parts = [0 if rng.random() < 0.9 else rng.randint(1, 3)]
    for _ in range(rng.randint(1, 5)):
        members = getattr(found, "members", ())
        if members:
            index = rng.randrange(len(members))
            parts.append(index)
            found = btf.type(btf.resolve(members[index].type))
        elif hasattr(found, "nelems"):
            parts.append(rng.randrange(found.nelems + (rng.random() < 0.1)) if found.nelems else 0)
            found = btf.type(btf.resolve(found.type))
        else:
            break
    return ":".join(map(str, parts))


_OF_MEMBERS = (ReloKind.SIGNED, ReloKind.LSHIFT_U64, ReloKind.RSHIFT_U64)


def _ends_at_member(btf: Btf, type_id: int, access: str) -> bool:
    try:
        return parse(btf, type_id, ReloKind.BYTE_OFF, access).steps[-1].name is not None
    except (RelocationError, InputError):
        return False


def _local_value(btf: Btf, type_id: int, kind: int, access: str) -> tuple[int, int]:
    """What the instruction should hold, and the size of the field it accesses."""
    try:
        spec = parse(btf, type_id, kind, access)
        if kind in FIELD_KINDS:
            value = field_value(btf, spec, kind, "little")
        elif kind in ENUMVAL_KINDS:
            value = enumerator_value(btf, spec, kind)
        else:
            value = type_value(btf, type_id, kind)
    except (RelocationError, InputError):
        return 0, 4
    return value.number, value.size


_SIZES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}


def _instruction(rng: random.Random, byteorder: str, kind: int, value: int, size: int) -> bytes:
    """An instruction that holds the value, mostly; 1 or 2 slots."""
    if rng.random() < 0.015:
        value += 1
    shape = rng.random()
    if kind == ReloKind.BYTE_OFF and shape < 0.6:
        size = size if size in _SIZES and rng.random() < 0.95 else rng.choice((1, 2, 4, 8))
        opcode = rng.choice((0x61, 0x61, 0x62, 0x63)) & ~0x18 | _SIZES[size]
        off = (value & 0xFFFF ^ 0x8000) - 0x8000
        return insn(
            byteorder,
            opcode,
            dst=1,
            src=2 if opcode & 7 != 2 else 0,
            off=off,
            imm=7 if opcode & 7 == 2 else 0,
        )
    if shape < 0.85:
        return insn(byteorder, rng.choice((0xB7, 0xB4, 0x07, 0x04)), dst=3, imm=value)
    if shape < 0.99:
        low = insn(byteorder, 0x18, dst=4, imm=value)
        return low + insn(byteorder, 0, imm=value >> 32)
    return insn(byteorder, rng.choice((0xBF, 0x85, 0x95, 0x05, 0x20)), dst=1, src=1, imm=value)


def _object(rng: random.Random, byteorder: str) -> bytes:
    w = BtfWriter(byteorder)
    types = _Types(rng, w, [])
    types.basics()
    types.fill(rng.randint(2, 6))
    btf = Btf.parse(w.bytes(), pointer_size=8)
    ext = ExtWriter(w)
    sections: dict[str, list[Code]] = {}
    exit_ = insn(byteorder, 0x95)
    for section in ("kprobe/one", "?kprobe/off", ".text"):
        codes = []
        start = 0
        for number in range(rng.randint(1, 2)):
            body, begins = b"", [0]
            for _ in range(rng.randint(1, 6)):
                type_id = (
                    rng.choice(types.roots) if rng.random() < 0.99 else rng.choice((0, 9999, types.pool[-1]))
                )
                kind = rng.choice([*ReloKind, ReloKind.BYTE_OFF, ReloKind.BYTE_OFF, ReloKind.FIELD_EXISTS])
                if type_id < btf.type_count:
                    fits = hasattr(btf.type(btf.resolve(type_id)), "values")
                    if (kind in ENUMVAL_KINDS) != fits and rng.random() < 0.9:
                        kind = rng.choice(sorted(ENUMVAL_KINDS)) if fits else ReloKind.BYTE_OFF
                    access = _access(rng, btf, type_id, kind)
                    if (
                        kind in _OF_MEMBERS
                        and rng.random() < 0.9
                        and not _ends_at_member(btf, type_id, access)
                    ):
                        kind = ReloKind.FIELD_EXISTS
                    value, size = _local_value(btf, type_id, kind, access)
                else:
                    access, value, size = "0", 0, 4
                number_of_kind = 13 if rng.random() < 0.004 else int(kind)
                ext.core(section, start + len(body) // 8, type_id, access, number_of_kind)
                body += _instruction(rng, byteorder, kind, value, size)
                begins.append(len(body) // 8)
            body += exit_
            name = f"{section.strip('?.').replace('/', '_')}_{number}"
            inner = None
            if rng.random() < 0.1:
                # never between the halves of a ldimm64, where libbpf 1.7 writes beyond the function
                first, last = sorted(rng.sample(begins, 2))
                inner = (f"{name}_inner", first, last - first)
            codes.append(Code(name, body, inner=inner))
            start += len(body) // 8
        sections[section] = codes
    ext_data = ext.bytes(extra_words=rng.choice((0, 0, 1)) if byteorder == "little" else 0)
    return build(byteorder, sections, w.bytes(), ext_data)


def make_world(seed: int, objects: int = 12) -> World:
    """The world of a seed."""
    rng = random.Random(seed)
    target_order = rng.choice(("little", "little", "big"))
    vmlinux = BtfWriter(target_order)
    base = _Types(rng, vmlinux, [], narrow=rng.random() < 0.3)
    base.basics()
    base.fill(rng.randint(3, 9))
    modules = {}
    for name in ("mod_a", "mod_b") if target_order == "little" else ():
        split = BtfWriter(base=vmlinux)
        types = _Types(rng, split, list(base.pool))
        types.fill(rng.randint(1, 4))
        modules[name] = split.bytes()
    made = {f"o{n}": _object(rng, rng.choice(("little", "little", "big"))) for n in range(objects)}
    return World(vmlinux.bytes(), modules, made)


def pack(world: World) -> bytes:
    """Bytes that identify a world; tests use it to see that the generator is stable."""
    parts = [world.vmlinux, *world.modules.values(), *world.objects.values()]
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)
