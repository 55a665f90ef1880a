# SPDX-License-Identifier: Apache-2.0
"""struct_ops variables."""

from __future__ import annotations

from preflight.objects import load
from tests import elfwriter as e
from tests.btfwriter import BtfWriter, field
from tests.elfwriter import ElfWriter


def test_members_name_their_programs() -> None:
    types = BtfWriter()
    pointer = types.ptr(types.func_proto())
    shape = types.struct(
        "tcp_congestion_ops", [field("init", pointer, at=0), field("ssthresh", pointer, at=8)], 16
    )
    cubic = types.var("cubic", shape)
    w = ElfWriter()
    w.code("struct_ops/init", [e.mov(0, 0), e.exit_()], functions=["my_init"])
    w.code("struct_ops/ssthresh", [e.mov(0, 0), e.exit_()], functions=["my_ssthresh"])
    section = w.section("?.struct_ops.link", bytes(24), flags=e.ALLOC | e.WRITE)
    types.datasec("?.struct_ops.link", [(cubic, 8, 16)], size=24)
    w.relocate(section, 8, "my_init")
    w.relocate(section, 16, "my_ssthresh")
    w.btf(types)
    obj = load(w.bytes(), "o")
    (ops,) = obj.struct_ops
    assert (ops.name, ops.type_name, ops.link, ops.optional) == ("cubic", "tcp_congestion_ops", True, True)
    assert ops.members == (("init", "my_init"), ("ssthresh", "my_ssthresh"))
    (made,) = [m for m in obj.all_maps if m.type == "struct_ops"]
    assert (made.name, made.value_size, made.autocreate) == ("cubic", 16, False)


def test_a_section_without_btf_is_a_problem() -> None:
    w = ElfWriter()
    w.section(".struct_ops", bytes(16))
    assert [p.kind for p in load(w.bytes(), "o").problems] == ["struct-ops"]
