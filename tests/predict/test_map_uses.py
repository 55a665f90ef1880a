# SPDX-License-Identifier: Apache-2.0
"""Maps against the helpers and programs that use them, as 5.10, 6.1, 6.12 and 7.3 answer."""

from __future__ import annotations

import pytest

from preflight.kernels.model import Kernel
from tests.elfwriter import Ins, load_address, mov
from tests.predict.worlds import PROGRAM_TYPES, call, findings, program, world

TYPES = ("hash", "array", "ringbuf", "queue", "cgrp_storage")
KERNEL = world(tracepoints={"made": 2}, map_types=TYPES)
HASH = {"type": 1, "key_size": 4, "value_size": 8, "max_entries": 16}
QUEUE = {"type": 22, "value_size": 8, "max_entries": 16}
STORAGE = {"type": 32, "key_size": 4, "value_size": 8, "map_flags": 1}


def verdicts(
    insns: list[Ins], *maps: dict[str, int], section: str = "raw_tp/made", kernel: Kernel = KERNEL
) -> list[str]:
    """Verdicts of PC426 for a program with these maps."""
    found = findings(program(section, insns, maps=maps), kernel)
    return [f.verdict.value for f in found if f.code == "PC426"]


@pytest.mark.parametrize(
    ("number", "definition", "expected"),
    [
        (1, HASH, []),
        (1, QUEUE, ["missing"]),
        (3, STORAGE, ["missing"]),
        (89, QUEUE, []),
        (89, HASH, ["missing"]),
        (130, HASH, ["missing"]),
    ],
)
def test_a_helper_takes_the_maps_it_is_for(
    number: int, definition: dict[str, int], expected: list[str]
) -> None:
    assert verdicts([load_address(1, "map0"), call(number)], definition) == expected


def test_the_map_that_is_meant_counts() -> None:
    # r6 = map1; r1 = map0; call peek; r1 = r6; call lookup
    insns = [load_address(6, "map1"), load_address(1, "map0"), call(89), Ins(0xBF, 1, 6), call(1)]
    assert verdicts(insns, QUEUE, HASH) == []
    assert verdicts(insns, HASH, QUEUE) == ["missing", "missing"]


def test_a_call_the_verifier_never_reaches_is_none() -> None:
    insns = [mov(2, 0), Ins(0x15, 2, off=3, imm=0), load_address(1, "map0"), call(89)]
    assert verdicts(insns, HASH) == []


@pytest.mark.parametrize(
    ("flags", "symbols", "expected"),
    [(1, [], ["missing"]), (0, [], []), (1, ["bpf_mem_alloc_init"], [])],
)
def test_perf_event_programs_want_hashes_preallocated(
    flags: int, symbols: list[str], expected: list[str]
) -> None:
    kernel = world(
        map_types=TYPES,
        program_types=(*PROGRAM_TYPES, "perf_event"),
        symbols=["d perf_event_verifier_ops", *symbols],
    )
    insns = [load_address(1, "map0"), call(1)]
    assert verdicts(insns, {**HASH, "map_flags": flags}, section="perf_event", kernel=kernel) == expected


@pytest.mark.parametrize(
    ("definition", "functions", "expected"),
    [
        (HASH, [], []),
        (QUEUE, [], ["unknown"]),  # measured: 6.1 refuses, 6.12 and 7.3 take it
        (QUEUE, ["bpf_lsm_get_retval_range"], []),
    ],
)
def test_sleepable_programs_got_map_types_one_by_one(
    definition: dict[str, int], functions: list[str], expected: list[str]
) -> None:
    kernel = world(map_types=TYPES, functions=[*functions, "bpf_lsm_file_open"])
    helper = 89 if definition is QUEUE else 1
    found = verdicts(
        [load_address(1, "map0"), call(helper)], definition, section="lsm.s/file_open", kernel=kernel
    )
    assert found == expected
