# SPDX-License-Identifier: Apache-2.0
"""Builds BTF and .BTF.ext in memory, readably, in either byte order, sound or broken on purpose.

w = BtfWriter()
i = w.int("int")
task = w.struct("task_struct", [field("pid", i, at=4), bitfield("dead", i, bit=64, width=1)], size=12)
btf = Btf.parse(w.bytes())

module = BtfWriter(base=w)                # split BTF: ids and strings continue
ext = ExtWriter(w)
ext.core("kprobe/x", insn=3, type_id=task, access="0:0", kind=0)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from preflight.btf.kinds import TRAILER_WORDS, Kind

_MARK = {"little": "<", "big": ">"}

#: (name, type id, bit offset, bitfield width in bits or 0)
Field = tuple[str, int, int, int]


def field(name: str, type_id: int, *, at: int) -> Field:
    """A member at a byte offset."""
    return name, type_id, at * 8, 0


def bitfield(name: str, type_id: int, *, bit: int, width: int) -> Field:
    """A bitfield member; its struct gets the kflag."""
    return name, type_id, bit, width


class BtfWriter:
    """Collects types in id order. Every method that adds a type returns its id."""

    def __init__(self, byteorder: str = "little", *, base: BtfWriter | None = None) -> None:
        self.byteorder = base.byteorder if base else byteorder
        self.base = base
        self.records: list[bytes] = []
        self._strings = bytearray() if base else bytearray(b"\0")
        self._offsets: dict[str, int] = {"": 0}

    # --- strings and ids

    @property
    def next_id(self) -> int:
        """The id the next type will get; use it for references forward."""
        return (self.base.next_id if self.base else 1) + len(self.records)

    @property
    def string_end(self) -> int:
        return (self.base.string_end if self.base else 0) + len(self._strings)

    def string(self, text: str) -> int:
        """Offset of a string, added when it is new here and in the base."""
        known = self._known_string(text)
        if known is None:
            known = self._offsets[text] = self.string_end
            self._strings += text.encode("utf-8", "surrogateescape") + b"\0"
        return known

    def _known_string(self, text: str) -> int | None:
        if text in self._offsets:
            return self._offsets[text]
        return self.base._known_string(text) if self.base else None

    # --- raw records

    def raw(
        self,
        kind: int,
        name: str | int = "",
        *,
        vlen: int = 0,
        kflag: bool = False,
        value: int = 0,
        words: Iterable[int] = (),
    ) -> int:
        """Any record; `name` may be an offset, `value` is the size or type word, nothing is checked."""
        offset = name if isinstance(name, int) else self.string(name)
        info = vlen | kind << 24 | kflag << 31
        values = [offset, info, value, *words]
        new = self.next_id
        self.records.append(struct.pack(f"{_MARK[self.byteorder]}{len(values)}I", *values))
        return new

    # --- one method per kind

    def int(
        self, name: str = "int", size: int = 4, *, encoding: int = 1, bits: int | None = None, offset: int = 0
    ) -> int:
        data = encoding << 24 | offset << 16 | (size * 8 if bits is None else bits)
        return self.raw(Kind.INT, name, value=size, words=[data])

    def float(self, name: str = "double", size: int = 8) -> int:
        return self.raw(Kind.FLOAT, name, value=size)

    def ptr(self, to: int) -> int:
        return self.raw(Kind.PTR, value=to)

    def typedef(self, name: str, of: int) -> int:
        return self.raw(Kind.TYPEDEF, name, value=of)

    def const(self, of: int) -> int:
        return self.raw(Kind.CONST, value=of)

    def volatile(self, of: int) -> int:
        return self.raw(Kind.VOLATILE, value=of)

    def restrict(self, of: int) -> int:
        return self.raw(Kind.RESTRICT, value=of)

    def type_tag(self, name: str, of: int, *, kflag: bool = False) -> int:
        return self.raw(Kind.TYPE_TAG, name, value=of, kflag=kflag)

    def decl_tag(self, name: str, of: int, component: int = -1, *, kflag: bool = False) -> int:
        return self.raw(Kind.DECL_TAG, name, value=of, words=[component & 0xFFFFFFFF], kflag=kflag)

    def array(self, of: int, nelems: int, index: int = 1) -> int:
        return self.raw(Kind.ARRAY, words=[of, index, nelems])

    def struct(self, name: str, fields: Sequence[Field] = (), size: int = 0, *, kflag: bool = False) -> int:
        return self._composite(Kind.STRUCT, name, fields, size, kflag)

    def union(self, name: str, fields: Sequence[Field] = (), size: int = 0, *, kflag: bool = False) -> int:
        return self._composite(Kind.UNION, name, fields, size, kflag)

    def _composite(self, kind: int, name: str, fields: Sequence[Field], size: int, kflag: bool) -> int:
        kflag = kflag or any(width for *_, width in fields)
        words: list[int] = []
        for member, type_id, bit, width in fields:
            words += [self.string(member), type_id, bit | width << 24]
        return self.raw(kind, name, vlen=len(fields), kflag=kflag, value=size, words=words)

    def enum(
        self, name: str, values: Sequence[tuple[str, int]], size: int = 4, *, signed: bool = False
    ) -> int:
        words: list[int] = []
        for value_name, value in values:
            words += [self.string(value_name), value & 0xFFFFFFFF]
        return self.raw(Kind.ENUM, name, vlen=len(values), kflag=signed, value=size, words=words)

    def enum64(self, name: str, values: Sequence[tuple[str, int]], *, signed: bool = False) -> int:
        words: list[int] = []
        for value_name, value in values:
            words += [self.string(value_name), value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF]
        return self.raw(Kind.ENUM64, name, vlen=len(values), kflag=signed, value=8, words=words)

    def fwd(self, name: str, *, union: bool = False) -> int:
        return self.raw(Kind.FWD, name, kflag=union)

    def func_proto(self, ret: int = 0, params: Sequence[tuple[str, int]] = ()) -> int:
        words: list[int] = []
        for name, type_id in params:
            words += [self.string(name), type_id]
        return self.raw(Kind.FUNC_PROTO, vlen=len(params), value=ret, words=words)

    def func(self, name: str, proto: int, linkage: int = 1) -> int:
        return self.raw(Kind.FUNC, name, vlen=linkage, value=proto)

    def var(self, name: str, of: int, linkage: int = 1) -> int:
        return self.raw(Kind.VAR, name, value=of, words=[linkage])

    def datasec(self, name: str, variables: Sequence[tuple[int, int, int]], size: int) -> int:
        """`variables` are (type id, byte offset, byte size)."""
        words = [word for variable in variables for word in variable]
        return self.raw(Kind.DATASEC, name, vlen=len(variables), value=size, words=words)

    # --- the file

    def bytes(
        self,
        *,
        header: int = 24,
        layout: Sequence[tuple[int, int]] | None = None,
        types: bytes | None = None,
        strings: bytes | None = None,
    ) -> bytes:
        """The BTF blob. `layout` gives (bytes once, bytes per element) by kind and makes the header 32 long.

        `types` and `strings` replace a section's contents, for broken files.
        """
        mark = _MARK[self.byteorder]
        type_data = b"".join(self.records) if types is None else types
        string_data = bytes(self._strings) if strings is None else strings
        layout_data = b"".join(struct.pack(mark + "BBH", *entry, 0) for entry in layout or ())
        header = max(header, 32 if layout is not None else 24)
        string_off = len(type_data) + len(layout_data)
        head = struct.pack(
            mark + "HBBIIIII", 0xEB9F, 1, 0, header, 0, len(type_data), string_off, len(string_data)
        )
        if header >= 32:
            head += struct.pack(mark + "II", len(type_data), len(layout_data))
        return head.ljust(header, b"\0") + type_data + layout_data + string_data


def standard_layout() -> list[tuple[int, int]]:
    """The layout section a kernel writes: trailer sizes of all known kinds."""
    sizes = [(0, 0)]
    for kind in range(1, Kind.ENUM64 + 1):
        once, each = TRAILER_WORDS[kind]
        sizes.append((once * 4, each * 4))
    return sizes


def one_of_every_kind(byteorder: str = "little") -> BtfWriter:
    """One of every kind, referring to each other."""
    w = BtfWriter(byteorder)
    i = w.int("int")
    w.int("long unsigned int", 8, encoding=0)
    p = w.ptr(w.next_id + 1)
    s = w.struct("list___x", [field("next", p, at=0), bitfield("b", i, bit=64, width=3)], size=16)
    w.union("u", [field("", s, at=0), field("a", w.array(i, 4), at=0)], size=16)
    w.enum("e", [("A", 1), ("B", -1)], signed=True)
    w.enum64("e64", [("C", 1 << 40)])
    w.fwd("later")
    w.typedef("t", w.const(w.volatile(w.restrict(w.type_tag("rcu", s)))))
    w.decl_tag("tag", s, 0)
    proto = w.func_proto(i, [("a", p), ("", 0)])
    w.func("f", proto)
    w.datasec(".data", [(w.var("v", i), 0, 4)], 4)
    w.float("double")
    return w


class ExtWriter:
    """Builds the .BTF.ext that belongs to a BtfWriter; strings go into that writer.

    Take the writer's bytes after the last call here.
    """

    def __init__(self, btf: BtfWriter) -> None:
        self.btf = btf
        self._func: dict[str, list[list[int]]] = {}
        self._line: dict[str, list[list[int]]] = {}
        self._core: dict[str, list[list[int]]] = {}

    def func(self, section: str, insn: int, type_id: int) -> None:
        self._func.setdefault(section, []).append([insn * 8, type_id])

    def line(self, section: str, insn: int, file: str, line: int, text: str = "", column: int = 0) -> None:
        record = [insn * 8, self.btf.string(file), self.btf.string(text), line << 10 | column]
        self._line.setdefault(section, []).append(record)

    def core(self, section: str, insn: int, type_id: int, access: str, kind: int) -> None:
        self._core.setdefault(section, []).append([insn * 8, type_id, self.btf.string(access), kind])

    def bytes(self, *, header: int = 32, extra_words: int = 0) -> bytes:
        """The section. `header` 24 leaves the CO-RE part out; `extra_words` lengthens every record."""
        mark = _MARK[self.btf.byteorder]
        parts = [
            self._part(self._func, 2, extra_words),
            self._part(self._line, 4, extra_words),
            self._part(self._core, 4, extra_words),
        ]
        if header < 32:
            parts.pop()
        head = struct.pack(mark + "HBBI", 0xEB9F, 1, 0, header)
        at = 0
        for part in parts:
            head += struct.pack(mark + "II", at, len(part))
            at += len(part)
        return head.ljust(header, b"\0") + b"".join(parts)

    def _part(self, sections: dict[str, list[list[int]]], words: int, extra: int) -> bytes:
        if not sections:
            return b""
        mark = _MARK[self.btf.byteorder]
        out = struct.pack(mark + "I", 4 * (words + extra))
        for name, records in sections.items():
            out += struct.pack(mark + "II", self.btf.string(name), len(records))
            for record in records:
                out += struct.pack(f"{mark}{words + extra}I", *record, *[0xAAAAAAAA] * extra)
        return out
