# SPDX-License-Identifier: Apache-2.0
"""Two kernels made in memory, compared aspect by aspect."""

from __future__ import annotations

from preflight.predict.kernel_diff import Change, kernel_diff
from preflight.predict.object_changes import field_changes, object_wants
from preflight.predict.target import KernelTarget
from tests.predict import scenes
from tests.predict.worlds import world


def changes(found: tuple[Change, ...], aspect: str) -> list[tuple[str, str]]:
    return [(change.name, change.change) for change in found if change.aspect == aspect]


def test_a_kernel_does_not_differ_from_itself() -> None:
    assert kernel_diff(world(functions=["tcp_close"]), world(functions=["tcp_close"])).changes == ()


def test_functions_come_and_go() -> None:
    found = kernel_diff(world(functions=["old", "both"]), world(functions=["both", "young"])).changes
    assert changes(found, "function") == [("old", "removed"), ("young", "added")]


def test_a_function_with_another_argument_changed_and_both_forms_are_shown() -> None:
    found = kernel_diff(world(functions={"f": 1}), world(functions={"f": 2})).changes
    (change,) = [c for c in found if c.aspect == "function"]
    assert change.change == "changed"
    assert change.before is not None and change.after is not None
    assert change.before.count(",") + 1 == change.after.count(",")


def test_a_raw_tracepoint_is_compared_by_its_arguments() -> None:
    found = kernel_diff(
        world(tracepoints={"sched_switch": 3}), world(tracepoints={"sched_switch": 4})
    ).changes
    assert changes(found, "raw-tracepoint") == [("sched_switch", "changed")]


def test_helpers_and_map_types_are_read_off_the_enums() -> None:
    found = kernel_diff(
        world(helpers=100, map_types=("hash",)), world(helpers=101, map_types=("hash", "array"))
    )
    assert len(changes(found.changes, "helper")) == 1
    assert changes(found.changes, "map-type") == [("array", "added")]


def test_an_unknown_configuration_is_undecided_and_no_difference() -> None:
    found = kernel_diff(world(config=None), world(config={"CONFIG_BPF": "y"}))
    assert "config" in found.undecided
    assert changes(found.changes, "config") == []


def test_objects_narrow_the_comparison_to_what_they_name() -> None:
    wanted = object_wants([scenes.hooked("fentry/tcp_close")])
    before, after = world(functions=["tcp_close", "other"]), world(functions=["third"])
    found = kernel_diff(before, after, wanted).changes
    assert changes(found, "function") == [("tcp_close", "removed")]
    assert all(change.needed_by for change in found)


def field(before: tuple[str, ...], after: tuple[str, ...]) -> list[Change]:
    """What a program that reads `task_struct.pid` finds in two kernels with these int fields."""
    sides = (KernelTarget(scenes.kernel(before)), KernelTarget(scenes.kernel(after)))
    return list(field_changes([scenes.reader("pid")], *sides))


def test_a_field_in_its_place_is_no_change() -> None:
    assert field(("pid",), ("pid", "tgid")) == []


def test_a_field_that_moved_is_shown_with_both_places() -> None:
    (change,) = field(("pid",), ("tgid", "pid"))
    assert (change.name, change.change) == ("struct task_struct.pid", "changed")
    assert change.before == "at byte 0, 4 bytes: int pid"
    assert change.after == "at byte 4, 4 bytes: int pid"


def test_a_field_that_went_away_is_removed_and_names_who_needs_it() -> None:
    (change,) = field(("pid",), ("tgid",))
    assert (change.change, change.after) == ("removed", None)
    assert change.needed_by == ("read.bpf.o/read_it",)


def test_a_field_that_came_is_added() -> None:
    (change,) = field(("tgid",), ("pid",))
    assert (change.change, change.before) == ("added", None)
