# SPDX-License-Identifier: Apache-2.0
"""Sizes of maps that kernels refuse."""

from __future__ import annotations

import pytest

from preflight.kernels.model import Kernel
from preflight.objects.parts import MapDef
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.map_limits import limit_findings
from preflight.predict.target import KernelTarget
from tests.predict.worlds import findings, program, world

TYPES = ("hash", "array", "percpu_array", "queue", "lpm_trie", "sk_storage")
NUMBERS = {"hash": 1, "percpu_array": 6, "lpm_trie": 11, "queue": 22, "sk_storage": 24}


def verdicts(kernel: Kernel, **definition: int) -> list[str]:
    """Verdicts of PC425 for an object with one such map."""
    found = findings(program("raw_tp/made", maps=[definition]), kernel)
    return [f.verdict.value for f in found if f.code == "PC425"]


@pytest.mark.parametrize(
    ("kind", "sizes", "expected"),
    [
        ("hash", {"key_size": 512, "value_size": 8, "max_entries": 1}, []),
        ("percpu_array", {"key_size": 4, "value_size": 32768, "max_entries": 1}, []),
        ("percpu_array", {"key_size": 4, "value_size": 32769, "max_entries": 1}, ["missing"]),
        ("queue", {"value_size": 8, "max_entries": 1}, []),
        ("queue", {"key_size": 4, "value_size": 8, "max_entries": 1}, ["missing"]),
        ("lpm_trie", {"key_size": 8, "value_size": 8, "max_entries": 1, "map_flags": 1}, []),
        ("lpm_trie", {"key_size": 4, "value_size": 8, "max_entries": 1, "map_flags": 1}, ["missing"]),
        # without types, which these definitions do not have
        ("sk_storage", {"key_size": 4, "value_size": 8, "map_flags": 1}, ["missing"]),
        ("sk_storage", {"key_size": 4, "value_size": 8, "map_flags": 1, "max_entries": 8}, ["missing"]),
    ],
)
def test_sizes_that_no_kernel_takes(kind: str, sizes: dict[str, int], expected: list[str]) -> None:
    assert verdicts(world(map_types=TYPES), type=NUMBERS[kind], **sizes) == expected


#: Measured on 5.10, 6.12 and 7.3.
@pytest.mark.parametrize(
    ("number", "sizes", "expected"),
    [
        (27, {"max_entries": 4096}, []),
        (27, {"max_entries": 4096, "value_size": 8}, ["missing"]),
        (14, {"key_size": 4, "value_size": 8, "max_entries": 4}, []),
        (14, {"key_size": 4, "value_size": 16, "max_entries": 4}, ["missing"]),
        (18, {"key_size": 512, "value_size": 4, "max_entries": 4}, []),
        (18, {"key_size": 600, "value_size": 4, "max_entries": 4}, ["missing"]),
        (19, {"key_size": 16, "value_size": 8}, []),
        (19, {"key_size": 4, "value_size": 8}, ["missing"]),
        (19, {"key_size": 16, "value_size": 8, "max_entries": 1}, ["missing"]),
        (30, {"value_size": 8, "max_entries": 4, "map_extra": 15}, []),
        (30, {"value_size": 8, "max_entries": 4, "map_extra": 16}, ["missing"]),
        (1, {"key_size": 4, "value_size": 8, "max_entries": 4, "map_extra": 1}, ["missing"]),
        (1, {"key_size": 4, "value_size": 8, "max_entries": 1 << 27}, []),
        (1, {"key_size": 4, "value_size": 8, "max_entries": (1 << 27) + 1}, ["missing"]),
        (1, {"key_size": 4, "value_size": 10 << 20, "max_entries": 4}, ["missing"]),
        (33, {"max_entries": 1 << 20, "map_flags": 1 << 10}, []),
        (33, {"max_entries": (1 << 20) + 1, "map_flags": 1 << 10}, ["missing"]),
        # what sysctl kernel.perf_event_max_stack says is the host's to know
        (7, {"key_size": 4, "value_size": 8 * 127, "max_entries": 4}, []),
        (7, {"key_size": 4, "value_size": 8 * 128, "max_entries": 4}, ["unknown"]),
    ],
)
def test_more_sizes_that_no_kernel_takes(number: int, sizes: dict[str, int], expected: list[str]) -> None:
    assert verdicts(world(), type=number, **sizes) == expected


@pytest.mark.parametrize(("entries", "expected"), [(8, []), (9, ["missing"])])
def test_a_map_of_processors_has_no_more_entries_than_there_may_be(entries: int, expected: list[str]) -> None:
    kernel = world(config={"CONFIG_NR_CPUS": "8"})
    assert verdicts(kernel, type=16, key_size=4, value_size=4, max_entries=entries) == expected


@pytest.mark.parametrize(("helpers", "expected"), [(156, ["missing"]), (212, [])])
def test_keys_beyond_the_stack_came_with_5_11(helpers: int, expected: list[str]) -> None:
    # measured: 5.10 E2BIG; 6.1, 6.12 and 7.3 create it
    assert verdicts(world(helpers=helpers), type=1, key_size=600, value_size=4, max_entries=16) == expected


@pytest.mark.parametrize(
    ("inside", "expected"),
    [("array", []), ("ringbuf", []), ("prog_array", ["missing"]), ("cgroup_storage", ["missing"])],
)
def test_some_types_stand_in_no_map_of_maps(inside: str, expected: list[str]) -> None:
    # measured: ENOTSUPP on 5.10, 6.12 and 7.3
    facts = KernelFacts(KernelTarget(world()))
    obj = program("raw_tp/made")
    outer = MapDef("outer", "array_of_maps", 12, 4, 4, 1, inner=MapDef("inner", inside, 0, 4, 4, 1))
    assert [one.verdict.value for one in limit_findings(obj, facts, outer)] == expected


@pytest.mark.parametrize(("node", "expected"), [(None, []), (0, []), (9, ["unknown"])])
def test_a_node_of_memory_may_not_be_there(node: int | None, expected: list[str]) -> None:
    facts = KernelFacts(KernelTarget(world()))
    made = MapDef("made", "hash", 1, 4, 4, 1, flags=4, numa_node=node)
    assert [one.verdict.value for one in limit_findings(program("raw_tp/made"), facts, made)] == expected
