# SPDX-License-Identifier: Apache-2.0
"""Objects with several functions, struct_ops, and USDT programs, built in memory."""

from __future__ import annotations

from preflight.objects.load import load
from preflight.objects.model import BpfObject
from tests.btfwriter import BtfWriter, ExtWriter
from tests.elfwriter import ElfWriter, Ins, call, exit_, mov
from tests.predict.worlds import program


def two_functions(
    *,
    checked: bool = True,
    pointer: bool = True,
    static: bool = False,
    void: bool = False,
    gives_pointer: bool = False,
    depths: tuple[int, int] = (8, 0),
    first: tuple[Ins, ...] = (),
    tag: str = "",
) -> BpfObject:
    """A program that calls `helper(long *)` with a place on its stack; the function follows its argument.

    `checked`: after a comparison with 0. `void`: it gives nothing, `gives_pointer`: one. `depths` are
    the bytes of stack that the two write to. `first` are instructions that the function begins with,
    `tag` is its argument's.
    """
    types = BtfWriter()
    number = types.int("long", 8)
    taken = types.ptr(number) if pointer else number
    main = types.func("made", types.func_proto(number), linkage=1)
    given = types.ptr(number) if gives_pointer else number
    proto = types.func_proto(0 if void else given, [("a", taken)])
    inner = types.func("helper", proto, linkage=0 if static else 1)
    writer = ElfWriter()
    deep, inside = depths
    writer.code(
        "raw_tp/made",
        [
            Ins(0x7A, 10, off=-deep),
            Ins(0xBF, 1, 10),
            Ins(0x07, 1, imm=-8),
            call("helper"),
            mov(0, 0),
            exit_(),
        ],
        functions=["made"],
    )
    follow = Ins(0x79, 0, 1) if pointer else mov(0, 0)
    if tag:
        types.decl_tag(tag, inner, 0)
    body = [*first, mov(0, 0), *([Ins(0x15, 1, off=1, imm=0)] if checked else []), follow]
    if inside:
        body.insert(0, Ins(0x7A, 10, off=-inside))
    section = writer.code(".text", [*body, exit_()], functions=["helper"], binding=0 if static else 1)
    assert section.name == ".text"
    ext = ExtWriter(types)
    ext.func("raw_tp/made", 0, main)
    ext.func(".text", 0, inner)
    writer.license()
    writer.btf(types, ext)
    return load(writer.bytes(), "two.bpf.o")


def float_object() -> BpfObject:
    """An object whose BTF has a double."""
    types = BtfWriter()
    types.float("double", 8)
    main = types.func("made", types.func_proto(types.int("long", 8)), linkage=1)
    writer = ElfWriter()
    writer.code("raw_tp/made", [mov(0, 0), exit_()], functions=["made"])
    ext = ExtWriter(types)
    ext.func("raw_tp/made", 0, main)
    writer.license()
    writer.btf(types, ext)
    return load(writer.bytes(), "float.bpf.o")


def struct_ops_object() -> BpfObject:
    """An object whose only program is member `init` of a `struct my_ops`."""
    return program("struct_ops/init", struct_ops="my_ops")


def usdt_object(with_maps: bool) -> BpfObject:
    """An object with one USDT program; `with_maps`: and the map of bpf/usdt.bpf.h."""
    definition = {"type": 2, "key_size": 4, "value_size": 8, "max_entries": 4}
    return program(
        "usdt//bin/true:a:b", maps=[definition] if with_maps else (), map_names=["__bpf_usdt_specs"]
    )
