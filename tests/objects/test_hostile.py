# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to a file, reading it gives facts or one InputError."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.objects import load
from tests import elfwriter as e
from tests.btfwriter import BtfWriter, ExtWriter
from tests.elfwriter import ElfWriter, map_definition


def rich_object(byteorder: str) -> bytes:
    """One object with a little of everything the reader looks at."""
    types = BtfWriter(byteorder)
    ext = ExtWriter(types)
    integer = types.int()
    counts = map_definition(types, "counts", type=1, key=integer, value=integer, max_entries=8)
    limit = types.var("limit", types.const(types.volatile(integer)))
    config = types.var("CONFIG_HZ", integer, 2)
    proto = types.func_proto()
    kfunc = types.func("kfunc", proto, 2)
    shape = types.struct("some_ops", [("init", types.ptr(proto), 0, 0)], size=8)
    ops = types.var("ops", shape)
    regs = [(f"r{n}", integer, 32 * n, 0) for n in range(16)]
    types.struct("pt_regs", regs, size=64)
    types.decl_tag("exception_callback:sub", types.func("entry", proto))
    w = ElfWriter(byteorder)
    body = [
        e.load_address(1, "counts"),
        e.load_address(2, "limit"),
        e.load_address(3, "CONFIG_HZ"),
        e.load_address(4, "sub"),
        e.call("sub"),
        e.call("kfunc"),
        e.helper(14),
        e.exit_(),
    ]
    w.code("?fentry.s/vfs_read", body, functions=["entry"])
    w.code("struct_ops/init", [e.mov(0, 0), e.exit_()], functions=["init"])
    w.code(".text", [e.mov(0, 0), e.exit_()], functions=["sub"])
    maps = w.section(".maps", bytes(32), flags=e.ALLOC | e.WRITE)
    w.symbol("counts", maps, 0, 32, type=e.OBJECT)
    rodata = w.section(".rodata", bytes(4))
    w.symbol("limit", rodata, 0, 4, type=e.OBJECT)
    struct_ops = w.section(".struct_ops", bytes(8), flags=e.ALLOC | e.WRITE)
    w.relocate(struct_ops, 0, "init")
    legacy = w.section("maps", bytes(20))
    w.symbol("old", legacy, 0, 20, type=e.OBJECT)
    w.symbol("CONFIG_HZ")
    w.symbol("kfunc", binding=e.WEAK)
    w.license()
    w.section("version", bytes(4))
    types.datasec(".maps", [(counts, 0, 32)], size=0)
    types.datasec(".rodata", [(limit, 0, 4)], size=4)
    types.datasec(".kconfig", [(config, 0, 4)], size=0)
    types.datasec(".ksyms", [(kfunc, 0, 0)], size=0)
    types.datasec(".struct_ops", [(ops, 0, 8)], size=8)
    ext.line("?fentry.s/vfs_read", 0, "a.c", 1, "text")
    ext.func("?fentry.s/vfs_read", 0, kfunc)
    w.btf(types, ext)
    return w.bytes()


OBJECTS = {order: rich_object(order) for order in ("little", "big")}


def read_everything(data: bytes) -> bool:
    """Whether the bytes are an object; anything but facts or an InputError fails the test."""
    try:
        obj = load(data, "o")
        json.dumps(obj.to_dict())
        obj.all_maps  # noqa: B018
    except InputError:
        return False
    return True


def test_the_rich_object_itself_is_sound() -> None:
    for data in OBJECTS.values():
        obj = load(data, "o")
        assert [p.kind for p in obj.problems] == ["legacy-maps"]
        shown = obj.to_dict()
        assert not any(program["error"] for program in shown["programs"])
        assert (len(obj.maps), len(obj.externs), len(obj.struct_ops), obj.arch) == (2, 2, 1, "x86_64")


RELAXED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(st.sampled_from(["little", "big"]), st.data())
def test_truncated(byteorder: str, data: st.DataObject) -> None:
    whole = OBJECTS[byteorder]
    assert not read_everything(whole[: data.draw(st.integers(0, len(whole) - 1))])


@RELAXED
@given(st.sampled_from(["little", "big"]), st.data())
def test_changed_bytes(byteorder: str, data: st.DataObject) -> None:
    changed = bytearray(OBJECTS[byteorder])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.one_of(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]), st.integers(0, 255)))
    read_everything(bytes(changed))


@RELAXED
@given(st.sampled_from(["little", "big"]), st.data())
def test_changed_words(byteorder: str, data: st.DataObject) -> None:
    changed = bytearray(OBJECTS[byteorder])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) // 4 - 2)) * 4
        word = data.draw(st.sampled_from([0, 1, 2, 3, 8, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
        changed[at : at + 4] = word.to_bytes(4, "little" if byteorder == "little" else "big")
    read_everything(bytes(changed))


@RELAXED
@given(st.binary(max_size=400))
def test_arbitrary_bytes_after_the_magic(junk: bytes) -> None:
    read_everything(b"\x7fELF\x02\x01\x01" + junk)


def test_every_single_byte_set_to_its_extremes() -> None:
    whole = OBJECTS["little"]
    for at in range(0, len(whole), 7):
        for value in (0x00, 0xFF):
            read_everything(whole[:at] + bytes([value]) + whole[at + 1 :])
