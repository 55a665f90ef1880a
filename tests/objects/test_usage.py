# SPDX-License-Identifier: Apache-2.0
"""What a linked program uses: helpers with their source lines, instruction set, stack."""

from __future__ import annotations

import pytest

from preflight.objects import load
from preflight.objects.model import BpfObject
from preflight.objects.parts import shown_file
from tests import elfwriter as e
from tests.btfwriter import BtfWriter, ExtWriter
from tests.elfwriter import ElfWriter, Ins

STORE = Ins(0x7B, 10, 1, -24)  # *(u64 *)(r10 -24) = r1
KTIME, PID, UNKNOWN = 5, 14, 4000


def sample() -> BpfObject:
    types = BtfWriter()
    ext = ExtWriter(types)
    w = ElfWriter()
    w.code(
        "kprobe/x",
        [e.exit_(), e.helper(PID), e.call("sub"), e.helper(PID), e.helper(UNKNOWN), e.exit_()],
        functions=[("other", 0), ("entry", 1)],
    )
    w.code(".text", [STORE, e.helper(KTIME), e.exit_()], functions=["sub"])
    ext.line("kprobe/x", 0, "a.bpf.c", 3, "return 0;")
    ext.line("kprobe/x", 2, "a.bpf.c", 10, "\tsub();", column=2)
    ext.line("kprobe/x", 3, "a.bpf.c", 11, "bpf_get_current_pid_tgid();")
    ext.line(".text", 0, "b.h", 7, "bpf_ktime_get_ns();")
    w.btf(types, ext)
    return load(w.bytes(), "o")


def test_helpers_are_counted_through_subprograms_with_their_first_source_line() -> None:
    obj = sample()
    uses = obj.usage(obj.program("entry"))
    assert [(u.name, u.number, u.times) for u in uses.helpers] == [
        ("bpf_get_current_pid_tgid", PID, 2),
        ("unknown", UNKNOWN, 1),
        ("bpf_ktime_get_ns", KTIME, 1),
    ]
    ktime = uses.helpers[2]
    assert (ktime.first.section, ktime.first.insn) == (".text", 1)
    assert ktime.source is not None
    assert (ktime.source.file, ktime.source.line, ktime.source.text) == ("b.h", 7, "bpf_ktime_get_ns();")
    assert uses.insn_count == 8
    assert uses.subprograms == ("sub",)


def test_a_line_of_the_function_before_is_not_this_functions_line() -> None:
    obj = sample()
    assert obj.usage(obj.program("entry")).helpers[0].source is None
    line = obj.source_at("kprobe/x", 0)
    assert line is not None
    assert line.line == 3
    assert obj.source_at("nosuch", 0) is None


def test_an_object_without_line_information_has_no_source() -> None:
    w = ElfWriter()
    w.code("xdp", [e.helper(PID), e.exit_()], functions=["entry"])
    obj = load(w.bytes(), "o")
    assert obj.usage(obj.program("entry")).helpers[0].source is None


def stacks(body: list[Ins]) -> dict[str, int]:
    w = ElfWriter()
    w.code("xdp", [*body, e.call("sub"), e.exit_()], functions=["entry"])
    w.code(".text", [STORE, e.exit_()], functions=["sub"])
    obj = load(w.bytes(), "o")
    return dict(obj.usage(obj.program("entry")).stack)


def test_stack_of_direct_accesses_per_function() -> None:
    assert stacks([Ins(0x7A, 10, off=-8), Ins(0x61, 1, 10, -400)]) == {"entry": 400, "sub": 24}


def test_stack_of_pointers_to_it() -> None:
    pointer = [Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-64)]
    assert stacks(pointer)["entry"] == 64
    assert stacks([pointer[0], e.mov(2, 0), pointer[1]])["entry"] == 0


def test_the_level_of_the_object_covers_functions_nobody_calls() -> None:
    w = ElfWriter()
    w.code("xdp", [Ins(0xAD, 1, 2), e.exit_()], functions=["entry"])
    w.code(".text", [e.exit_(), Ins(0x81, 1, 2), e.exit_()], functions=[("a", 0), ("unused", 1)])
    obj = load(w.bytes(), "o")
    assert obj.usage(obj.program("entry")).isa.level == 2
    assert (obj.isa.level, obj.isa.proof) == (4, "memsx")
    assert obj.isa.first is not None
    assert (obj.isa.first.section, obj.isa.first.insn) == (".text", 1)


def test_half_a_64_bit_load_makes_the_program_an_error_and_not_the_object() -> None:
    w = ElfWriter()
    section = w.code("xdp", [e.exit_()])
    section.data += b"\x18" + bytes(7)
    w.symbol("entry", section, 0, 16, type=e.FUNC)
    shown = load(w.bytes(), "o").to_dict()
    assert "half of a 64-bit load" in shown["programs"][0]["error"]
    assert shown["isa"] is None


def test_long_names_are_cut_and_hostile_ones_stay_raw() -> None:
    w = ElfWriter()
    w.code("xdp", [e.exit_()], functions=["x" * 60_000])
    w.code("\x1b[31mtc", [e.exit_()], functions=["\u202e</script>"])
    first, second = load(w.bytes(), "o").to_dict()["programs"]
    assert len(first["name"]) == 1024
    assert first["name"].endswith("…")
    assert (second["section"], second["name"]) == ("\x1b[31mtc", "\u202e</script>")


def test_facts_are_json() -> None:
    import json

    shown = json.loads(json.dumps(sample().to_dict()))
    assert shown["programs"][1]["uses"]["helpers"][0]["name"] == "bpf_get_current_pid_tgid"
    assert shown["byteorder"] == "little"


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("/home/user/work/x.bpf.c", "x.bpf.c"),
        ("/x.bpf.c", "x.bpf.c"),
        ("./x.bpf.c", "x.bpf.c"),
        ("../../home/user/x.bpf.c", "x.bpf.c"),
        ("build/../../user/x.bpf.c", "x.bpf.c"),
        ("C:\\Users\\user\\x.bpf.c", "x.bpf.c"),
        ("src/x.bpf.c", "src/x.bpf.c"),
        ("x.bpf.c", "x.bpf.c"),
        ("", ""),
    ],
)
def test_source_files_are_shown_without_the_folders_of_the_builder(recorded: str, shown: str) -> None:
    assert shown_file(recorded) == shown
