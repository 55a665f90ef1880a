# SPDX-License-Identifier: Apache-2.0
"""Choices of known tools: told where the object is theirs, and never beyond what was seen."""

from __future__ import annotations

from dataclasses import replace

from preflight.objects.model import BpfObject
from preflight.predict.tool_choices import left_out, size_of, spared
from tests.predict.worlds import program


def named(obj: BpfObject, tool: str, *programs: str) -> BpfObject:
    """The object under a tool's name, its program repeated under these names."""
    (only,) = obj.programs
    return replace(obj, name=tool, programs=tuple(replace(only, name=name) for name in programs))


TWINS = ("sched_wakeup", "sched_wakeup_new", "sched_switch")
OTHERS = ("handle_sched_wakeup", "handle_sched_wakeup_new", "handle_sched_switch")
RUNQLAT = named(program("raw_tp/made"), "runqlat", *TWINS, *OTHERS)


def test_a_tool_leaves_out_what_it_was_seen_to() -> None:
    assert left_out(RUNQLAT) == frozenset(OTHERS)


def test_an_object_of_that_name_with_other_programs_is_not_the_tool() -> None:
    assert left_out(named(program("raw_tp/made"), "runqlat", "another")) == frozenset()
    assert left_out(named(program("raw_tp/made"), "unknown", *TWINS, *OTHERS)) == frozenset()


def test_it_can_do_without_them_only_where_the_others_load() -> None:
    assert spared(RUNQLAT, OTHERS, TWINS) == frozenset(OTHERS)
    assert spared(RUNQLAT, OTHERS, TWINS[:2]) == frozenset()
    assert spared(RUNQLAT, TWINS, OTHERS) == frozenset()


def test_sizes_are_told_for_maps_that_the_object_has() -> None:
    definition = {"type": 7, "key_size": 4, "value_size": 0, "max_entries": 0}
    tool = replace(program("raw_tp/made", maps=[definition], map_names=["stackmap"]), name="offcputime")
    assert size_of(tool, "stackmap") == "offcputime sets 1,024 entries of 4 and 1,016 bytes"
    assert size_of(tool, "another") == ""
