# SPDX-License-Identifier: Apache-2.0
"""The objects inside the installed libbpf-tools: all found, read, linked and described."""

from __future__ import annotations

from pathlib import Path

from preflight.objects import BpfObject, elf, open_objects
from tests.objects.test_elf import assert_same


def test_52_objects_behind_61_commands(commands: list[Path], corpus: list[BpfObject]) -> None:
    assert len(commands) == 61
    assert len(corpus) == 52


def test_a_directory_of_them_lists_the_aliases(commands: list[Path]) -> None:
    found = open_objects(commands[0].parent)
    names = {name for obj in found for name in (obj.name, *obj.aliases)}
    assert {command.name for command in commands} <= names
    (ext4,) = [obj for obj in found if "ext4dist" in (obj.name, *obj.aliases)]
    assert {ext4.name, *ext4.aliases} >= {"btrfsdist", "ext4dist", "fsdist", "nfsdist", "xfsdist"}


def test_the_elf_structure_agrees_with_pyelftools(corpus: list[BpfObject]) -> None:
    for obj in corpus:
        assert_same(obj.data)


def test_every_program_links_and_has_a_known_type(corpus: list[BpfObject]) -> None:
    programs = [(obj, program) for obj in corpus for program in obj.programs]
    assert len(programs) == 240
    assert all(program.program_type != "unknown" for _, program in programs)
    assert sum(len(obj.image(program).origins) for obj, program in programs) == 21743
    assert not any(obj.problems for obj in corpus)


def test_facts_of_opensnoop(corpus: list[BpfObject]) -> None:
    (obj,) = [obj for obj in corpus if obj.name == "opensnoop"]
    assert [p.name for p in obj.programs] == [
        "tracepoint__syscalls__sys_enter_open",
        "tracepoint__syscalls__sys_enter_openat",
        "tracepoint__syscalls__sys_exit_open",
        "tracepoint__syscalls__sys_exit_openat",
    ]
    assert [(m.name, m.type, m.key_size, m.max_entries) for m in obj.maps] == [
        ("start", "hash", 4, 10240),
        ("events", "perf_event_array", 4, 0),
    ]
    uses = obj.usage(obj.programs[0])
    assert ("bpf_map_update_elem", 2, 1) in [(u.name, u.number, u.times) for u in uses.helpers]
    assert all(u.source is not None and u.source.file.endswith("opensnoop.bpf.c") for u in uses.helpers)
    assert obj.license == "GPL"


def test_the_machine_is_told_wherever_registers_are_read(corpus: list[BpfObject]) -> None:
    machines = [obj.arch for obj in corpus]
    assert (machines.count("x86_64"), machines.count(None)) == (37, 15)


def test_every_instruction_of_every_program_has_a_source_line(corpus: list[BpfObject]) -> None:
    for obj in corpus:
        for program in obj.programs:
            assert obj.source_at(program.section, program.section_insn) is not None


def test_section_names_survive(corpus: list[BpfObject]) -> None:
    for obj in corpus:
        names = {section.name for section in elf.read(obj.data).sections}
        assert {"license", ".BTF", ".BTF.ext"} <= names
