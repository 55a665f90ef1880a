# SPDX-License-Identifier: Apache-2.0
"""Linking a program: what is appended, in which order, and what its instructions refer to."""

from __future__ import annotations

import sys

import pytest

from preflight.bytecode.image import DataRef, KfuncRef, KsymRef, MapRef, Origin, SubprogRef
from preflight.bytecode.insn import Insn, decode
from preflight.errors import InputError
from preflight.objects import load, with_kconfig
from preflight.objects.model import BpfObject
from tests import elfwriter as e
from tests.btfwriter import BtfWriter
from tests.elfwriter import ElfWriter, map_definition

EXTERN = 2


def insns(obj: BpfObject, name: str = "entry") -> dict[int, Insn]:
    image = obj.image(obj.program(name))
    return {insn.slot: insn for insn in decode(image.code, image.byteorder)}


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_subprograms_are_appended_at_their_first_use_depth_first(byteorder: str) -> None:
    w = ElfWriter(byteorder)
    w.code("xdp", [e.call("sub_a"), e.call("sub_c"), e.exit_()], functions=["entry"])
    text = w.code(
        ".text",
        [
            *(e.mov(0, 3), e.exit_()),
            *(e.call("sub_b"), e.mov(0, 1), e.exit_()),
            *(e.mov(0, 2), e.exit_()),
            *(e.mov(0, 9), e.exit_()),
        ],
        functions=[("sub_b", 0), ("sub_a", 2), ("sub_c", 5), ("unused", 7)],
    )
    obj = load(w.bytes(), "o")
    image = obj.image(obj.program("entry"))
    assert image.subprogs == (0, 3, 6, 8)
    origins = [image.origins[start] for start in image.subprogs]
    assert origins == [Origin("xdp", 0), Origin(".text", 2), Origin(".text", 0), Origin(".text", 5)]
    found = insns(obj)
    assert [found[slot].call_target for slot in (0, 1, 3)] == [3, 8, 6]
    assert len(image.origins) == 10
    assert text.index


def test_a_subprogram_called_twice_is_appended_once() -> None:
    w = ElfWriter()
    w.code("xdp", [e.call("sub"), e.call("sub"), e.exit_()], functions=["entry"])
    w.code(".text", [e.exit_()], functions=["sub"])
    obj = load(w.bytes(), "o")
    assert obj.image(obj.program("entry")).subprogs == (0, 3)
    assert [insn.call_target for insn in insns(obj).values()][:2] == [3, 3]


def test_recursion_ends() -> None:
    w = ElfWriter()
    w.code("xdp", [e.call("sub"), e.exit_()], functions=["entry"])
    w.code(".text", [e.call("sub"), e.exit_()], functions=["sub"])
    obj = load(w.bytes(), "o")
    found = insns(obj)
    assert (found[0].call_target, found[2].call_target) == (2, 2)


def test_a_static_function_is_called_through_its_section() -> None:
    w = ElfWriter()
    w.code("xdp", [e.call("text", imm=1), e.exit_()], functions=["entry"])
    text = w.code(".text", [e.exit_(), e.exit_(), e.mov(0, 5), e.exit_()])
    w.section_symbol(text, "text")
    w.symbol("s0", text, 0, 16, type=e.FUNC, binding=e.LOCAL)
    w.symbol("s1", text, 16, 16, type=e.FUNC, binding=e.LOCAL)
    obj = load(w.bytes(), "o")
    image = obj.image(obj.program("entry"))
    assert image.origins[image.subprogs[1]] == Origin(".text", 2)
    assert obj.usage(obj.program("entry")).subprograms == ("s1",)


def test_a_call_inside_text_needs_no_relocation() -> None:
    w = ElfWriter()
    w.code("xdp", [e.call("a"), e.exit_()], functions=["entry"])
    w.code(".text", [e.call(None, imm=1), e.exit_(), e.exit_()], functions=[("a", 0), ("b", 2)])
    obj = load(w.bytes(), "o")
    assert obj.usage(obj.program("entry")).subprograms == ("a", "b")


def test_a_chain_of_thousands_of_subprograms_links() -> None:
    count = 3000
    w = ElfWriter()
    w.code("xdp", [e.call("f0"), e.exit_()], functions=["entry"])
    body = [i for n in range(count) for i in (e.call(None, imm=1), e.exit_())]
    body[-2] = e.mov(0, 0)
    w.code(".text", body, functions=[(f"f{n}", 2 * n) for n in range(count)])
    obj = load(w.bytes(), "o")
    assert len(obj.image(obj.program("entry")).subprogs) == count + 1


def test_callbacks_become_relative_and_known() -> None:
    w = ElfWriter()
    w.code(
        "xdp", [e.load_address(2, "cb_global"), e.load_address(3, "text", 8), e.exit_()], functions=["entry"]
    )
    text = w.code(".text", [e.exit_(), e.mov(0, 0), e.exit_(), e.mov(0, 1), e.exit_()])
    w.section_symbol(text, "text")
    w.symbol("x", text, 0, 8, type=e.FUNC, binding=e.LOCAL)
    w.symbol("cb_static", text, 8, 16, type=e.FUNC, binding=e.LOCAL)
    w.symbol("cb_global", text, 24, 16, type=e.FUNC)
    obj = load(w.bytes(), "o")
    image = obj.image(obj.program("entry"))
    assert image.refs == {0: SubprogRef(5), 2: SubprogRef(7)}
    found = insns(obj)
    assert (found[0].src, found[0].imm) == (4, 4)
    assert (found[2].src, found[2].imm) == (4, 4)
    assert obj.usage(obj.program("entry")).callbacks == ("cb_global", "cb_static")


def test_an_exception_callback_is_appended_though_nothing_calls_it() -> None:
    types = BtfWriter()
    proto = types.func_proto()
    entry = types.func("entry", proto)
    types.decl_tag("exception_callback:on_error", entry)
    w = ElfWriter()
    w.code("tc", [e.exit_()], functions=["entry"])
    w.code(".text", [e.exit_()], functions=["on_error"])
    w.btf(types)
    obj = load(w.bytes(), "o")
    assert obj.usage(obj.program("entry")).subprograms == ("on_error",)


def with_data(types: BtfWriter) -> ElfWriter:
    w = ElfWriter(types.byteorder)
    w.code(
        "xdp",
        [
            e.load_address(1, "counts"),
            e.load_address(2, "limit"),
            e.load_address(3, "pool", 6),
            e.load_address(4, "seen"),
            e.exit_(),
        ],
        functions=["entry"],
    )
    maps = w.section(".maps", bytes(8), flags=e.ALLOC | e.WRITE)
    w.symbol("counts", maps, 0, 8, type=e.OBJECT)
    rodata = w.section(".rodata", bytes([0, 0, 0, 0, 7, 0, 0, 0]))
    w.symbol("limit", rodata, 4, 4, type=e.OBJECT)
    strings = w.section(".rodata.str1.1", b"hello\0world\0", flags=e.ALLOC | e.MERGE | e.STRINGS)
    w.section_symbol(strings, "pool")
    bss = w.section(".bss", type=e.NOBITS, size=4, flags=e.ALLOC | e.WRITE)
    w.symbol("seen", bss, 0, 4, type=e.OBJECT)
    counts = map_definition(types, "counts", type=1)
    integer = types.int()
    limit = types.var("limit", types.const(types.volatile(integer)))
    seen = types.var("seen", integer)
    types.datasec(".maps", [(counts, 0, 8)], 8)
    types.datasec(".rodata", [(limit, 4, 4)], 8)
    types.datasec(".bss", [(seen, 0, 4)], 4)
    w.btf(types)
    return w


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_maps_and_data(byteorder: str) -> None:
    obj = load(with_data(BtfWriter(byteorder)).bytes(), "o")
    refs = obj.image(obj.program("entry")).refs
    assert refs == {
        0: MapRef("counts"),
        2: DataRef(".rodata", 4, frozen=bytes([0, 0, 0, 0, 7, 0, 0, 0]), settable=True),
        4: DataRef(".rodata.str1.1", 6, frozen=b"hello\0world\0"),
        6: DataRef(".bss", 0),
    }
    found = insns(obj)
    assert [found[slot].src for slot in (0, 2, 4, 6)] == [1, 2, 2, 2]
    assert found[2].imm64 == 4 << 32


def test_a_map_of_the_old_kind_is_found_by_its_place() -> None:
    w = ElfWriter()
    w.code("xdp", [e.load_address(1, "second"), e.exit_()], functions=["entry"])
    maps = w.section("maps", bytes(40))
    w.symbol("first", maps, 0, 20, type=e.OBJECT)
    w.symbol("second", maps, 20, 20, type=e.OBJECT)
    obj = load(w.bytes(), "o")
    assert obj.image(obj.program("entry")).refs == {0: MapRef("second")}


def test_a_constant_of_the_compiler_beside_described_variables_is_not_settable() -> None:
    types = BtfWriter()
    w = with_data(types)
    w.sections[0].relocations[1] = (16, "limit", 1)
    w.sections[0].data = w.sections[0].data.replace(b"\x18\x02" + bytes(6), b"\x18\x02\0\0\xfc\xff\xff\xff")
    obj = load(w.bytes(), "o")
    ref = obj.image(obj.program("entry")).refs[2]
    assert isinstance(ref, DataRef)
    assert (ref.offset, ref.settable) == (0, False)


def test_without_btf_any_constant_may_be_set_except_in_string_pools() -> None:
    w = ElfWriter()
    w.code("xdp", [e.load_address(1, "a"), e.load_address(2, "b"), e.exit_()], functions=["entry"])
    w.symbol("a", w.section(".rodata", bytes(4)), type=e.OBJECT)
    w.symbol("b", w.section(".rodata.cst16", bytes(16), flags=e.ALLOC | e.MERGE), type=e.OBJECT)
    obj = load(w.bytes(), "o")
    refs = obj.image(obj.program("entry")).refs
    assert [(ref.section, ref.settable) for ref in refs.values()] == [
        (".rodata", True),
        (".rodata.cst16", False),
    ]


def test_externs() -> None:
    types = BtfWriter()
    version = types.var("LINUX_KERNEL_VERSION", types.int("u32", 4, encoding=0), EXTERN)
    hz = types.var("CONFIG_HZ", types.int("u64", 8, encoding=0), EXTERN)
    task = types.var("init_task", types.const(0), EXTERN)
    kfunc = types.func("bpf_task_acquire___v2", types.func_proto(), EXTERN)
    types.datasec(".kconfig", [(version, 0, 4), (hz, 0, 8)], 0)
    types.datasec(".ksyms", [(task, 0, 0), (kfunc, 0, 0)], 0)
    w = ElfWriter()
    w.code(
        "tp_btf/x",
        [
            e.load_address(1, "LINUX_KERNEL_VERSION"),
            e.load_address(2, "init_task"),
            e.call("bpf_task_acquire___v2"),
            e.exit_(),
        ],
        functions=["entry"],
    )
    for name, binding in (
        ("LINUX_KERNEL_VERSION", e.GLOBAL),
        ("CONFIG_HZ", e.GLOBAL),
        ("init_task", e.WEAK),
        ("bpf_task_acquire___v2", e.WEAK),
    ):
        w.symbol(name, binding=binding)
    w.btf(types)
    obj = load(w.bytes(), "o")
    image = obj.image(obj.program("entry"))
    assert image.refs == {
        0: DataRef(".kconfig", 8),
        2: KsymRef("init_task", weak=True),
        4: KfuncRef("bpf_task_acquire___v2", weak=True, gives_number=True),
    }
    assert insns(obj)[4].is_kfunc_call
    contents = bytes(8) + (0x60C00).to_bytes(4, "little")
    known = with_kconfig(image, contents)
    assert known.refs[0] == DataRef(".kconfig", 8, frozen=contents)
    uses = obj.usage(obj.program("entry"))
    assert [u.name for u in uses.kconfig] == ["LINUX_KERNEL_VERSION"]
    assert [(u.name, u.weak) for u in uses.kfuncs] == [("bpf_task_acquire", True)]


def broken(body: list[e.Ins], **sections: bytes) -> BpfObject:
    w = ElfWriter()
    w.code("xdp", body, functions=["entry"])
    w.code(".text", [e.mov(0, 0), e.exit_()], functions=[("sub", 0)])
    for name, data in sections.items():
        w.symbol(f"in_{name}", w.section(f".{name}", data), type=e.OBJECT)
    w.symbol("nowhere")
    w.symbol("absolute", 0xFFF1)
    return load(w.bytes(), "o")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([e.call("sub", imm=100)], "no function in section .text"),
        ([e.call(None, imm=100)], "no function in section .text"),
        ([e.call("nowhere")], "not described well enough"),
        ([e.load_address(1, "nowhere")], "not described well enough"),
        ([e.load_address(1, "absolute")], "nowhere defined"),
        ([e.load_address(1, "in_other")], "neither map nor data"),
        ([e.load_address(1, "in_maps")], "no map that can be read"),
        ([e.load_address(1, "sub", 4)], "is no instruction"),
        ([e.load_address(1, "sub", 800)], "no function in section .text"),
        ([e.call("in_other")], "not in section .text"),
        ([e.Ins(0x85, imm=1, symbol="sub")], "no call of a subprogram"),
        ([e.Ins(0xB7, symbol="sub")], "cannot take it"),
    ],
)
def test_relocations_that_make_no_sense_are_errors_that_name_program_and_place(
    body: list[e.Ins], message: str
) -> None:
    obj = broken([*body, e.exit_()], other=bytes(8), maps=bytes(8))
    with pytest.raises(InputError, match=message) as caught:
        obj.image(obj.program("entry"))
    assert "program 'entry', section xdp, instruction 0" in caught.value.message
    assert caught.value.subject == "o"


def test_a_program_longer_than_the_kernel_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[with_kconfig.__module__], "MAX_SLOTS", 3)
    obj = broken([e.call("sub"), e.exit_()])
    with pytest.raises(InputError, match="longer than 3 instructions"):
        obj.image(obj.program("entry"))


def test_the_object_is_read_though_one_program_cannot_be_linked() -> None:
    obj = broken([e.call("nowhere"), e.exit_()])
    (program,) = obj.to_dict()["programs"]
    assert "not described" in program["error"]
