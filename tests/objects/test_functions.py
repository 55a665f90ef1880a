# SPDX-License-Identifier: Apache-2.0
"""Programs and subprograms of an object."""

from __future__ import annotations

import pickle
import struct

import pytest

from preflight.errors import InputError
from preflight.objects import elf, load, precheck
from tests import elfwriter as e
from tests.elfwriter import ElfWriter

RETURN_0 = [e.mov(0, 0), e.exit_()]


def test_programs_carry_section_place_and_code() -> None:
    w = ElfWriter()
    w.code("kprobe/a", RETURN_0 * 2, functions=["first", ("second", 2)])
    second = load(w.bytes(), "o").programs[1]
    assert (second.name, second.section, second.section_insn, second.insn_count) == (
        "second",
        "kprobe/a",
        2,
        2,
    )
    assert second.code == b"".join(i.encode("little") for i in RETURN_0)
    assert second.program_type == "kprobe"
    assert second.autoload


def test_a_question_mark_switches_autoload_off_and_is_no_part_of_the_hook() -> None:
    w = ElfWriter()
    w.code("?fentry.s/vfs_read", RETURN_0, functions=["p"])
    (program,) = load(w.bytes(), "o").programs
    assert not program.autoload
    assert program.section == "?fentry.s/vfs_read"
    assert program.hook.sleepable
    assert program.hook.target is not None
    assert program.hook.target.name == "vfs_read"


def test_functions_in_text_are_subprograms() -> None:
    w = ElfWriter()
    w.code("xdp", RETURN_0, functions=["entry"])
    w.code(".text", RETURN_0, functions=["hidden"], visibility=e.HIDDEN)
    obj = load(w.bytes(), "o")
    assert [p.name for p in obj.programs] == ["entry"]
    (subprogram,) = obj.subprograms
    assert (subprogram.name, subprogram.hidden, subprogram.binding) == ("hidden", True, "global")


def test_programs_stand_in_section_order_then_by_place_whatever_the_symbol_table_says() -> None:
    w = ElfWriter()
    last = w.code("xdp", RETURN_0 * 2)
    w.code("tc", RETURN_0, functions=["c"])
    w.symbol("b", last, 16, 16, type=e.FUNC)
    w.symbol("a", last, 0, 16, type=e.FUNC)
    assert [p.name for p in load(w.bytes(), "o").programs] == ["a", "b", "c"]


def test_a_static_program_is_a_problem_for_libbpf_but_readable() -> None:
    w = ElfWriter()
    w.code("xdp", RETURN_0, functions=["entry"], binding=e.LOCAL)
    obj = load(w.bytes(), "o")
    assert [(p.kind, p.subject) for p in obj.problems] == [("static-program", "entry")]
    assert [p.name for p in obj.programs] == ["entry"]


@pytest.mark.parametrize(("value", "size"), [(0, 0), (0, 12), (4, 8), (8, 16), (2**63, 2**63)])
def test_a_function_that_does_not_fit_its_section_is_refused(value: int, size: int) -> None:
    w = ElfWriter()
    section = w.code("xdp", RETURN_0)
    w.symbol("entry", section, value, size, type=e.FUNC)
    with pytest.raises(InputError, match="function") as caught:
        load(w.bytes(), "o")
    assert caught.value.offset is not None


def test_an_object_without_a_symbol_table_says_so() -> None:
    w = ElfWriter()
    w.code("xdp", RETURN_0)
    data = bytearray(w.bytes())
    (table,) = [s for s in elf.read(bytes(data)).sections if s.type == e.SYMTAB]
    header = precheck.read_header(bytes(data))
    entry = header.shoff + table.index * 64
    struct.pack_into("<I", data, entry + 4, e.PROGBITS)
    obj = load(bytes(data), "o")
    assert obj.programs == ()
    assert [p.kind for p in obj.problems] == ["no-symbols"]


def test_license_and_version() -> None:
    w = ElfWriter()
    w.license("Dual MIT/GPL")
    w.section("version", (0x60C00).to_bytes(4, "little"))
    obj = load(w.bytes(), "o")
    assert (obj.license, obj.version) == ("Dual MIT/GPL", 0x60C00)


def test_no_license_is_not_an_empty_license() -> None:
    assert load(ElfWriter().bytes(), "o").license is None


def test_a_version_of_the_wrong_size_is_a_problem() -> None:
    w = ElfWriter()
    w.section("version", b"abc")
    assert [p.kind for p in load(w.bytes(), "o").problems] == ["version"]


def test_facts_travel_by_pickle() -> None:
    w = ElfWriter("big")
    w.code("xdp", RETURN_0, functions=["entry"])
    obj = load(w.bytes(), "o", ("also",))
    again = pickle.loads(pickle.dumps(obj))
    assert (again.sha256, again.name, again.aliases) == (obj.sha256, "o", ("also",))
    assert again.programs == obj.programs
