# SPDX-License-Identifier: Apache-2.0
"""Map flags against the kernel's enum and against what each map type takes."""

from __future__ import annotations

import pytest

from tests.predict.worlds import findings, program, world

KNOWN = {"NO_PREALLOC": 1, "NUMA_NODE": 4, "MMAPABLE": 0x400, "INNER_MAP": 0x1000}
TYPES = ("hash", "array", "ringbuf", "task_storage", "lpm_trie", "lru_hash")
NUMBERS = {"hash": 1, "array": 2, "lru_hash": 9, "lpm_trie": 11, "ringbuf": 27, "task_storage": 29}
RB_OVERWRITE = 0x80000


def verdicts(kind: str, flags: int, known: dict[str, int] | None = None) -> list[str]:
    """Verdicts of PC422 for one map of that type with those flags."""
    one = {"type": NUMBERS[kind], "key_size": 4, "value_size": 8, "max_entries": 4096, "map_flags": flags}
    kernel = world(map_types=TYPES, map_flags=known)
    return [
        f.verdict.value for f in findings(program("raw_tp/made", maps=[one]), kernel) if f.code == "PC422"
    ]


@pytest.mark.parametrize(
    ("kind", "flags", "expected"),
    [
        ("hash", 0, []),
        ("hash", 1, []),
        ("hash", 0x400, ["missing"]),
        ("array", 0x400, []),
        ("array", 1, ["missing"]),
        ("lru_hash", 1, ["missing"]),
        ("lpm_trie", 0, ["missing"]),
        ("lpm_trie", 1, []),
        ("task_storage", 0, ["missing"]),
        ("task_storage", 1, []),
        ("ringbuf", RB_OVERWRITE, ["missing"]),
    ],
)
def test_the_type_decides(kind: str, flags: int, expected: list[str]) -> None:
    assert verdicts(kind, flags, KNOWN) == expected


def test_a_flag_the_kernel_names_is_taken() -> None:
    assert verdicts("ringbuf", RB_OVERWRITE, {**KNOWN, "RB_OVERWRITE": RB_OVERWRITE}) == []


def test_a_kernel_that_names_no_flags_leaves_it_open() -> None:
    assert verdicts("hash", 1) == ["unknown"]


def test_a_bit_nobody_names_is_missing() -> None:
    assert verdicts("hash", 1 << 30, KNOWN) == ["missing"]


def test_no_flags_need_no_enum() -> None:
    assert verdicts("hash", 0) == []
