# SPDX-License-Identifier: Apache-2.0
"""PC425 and PC426: a case in which each does not arise, and one in which it does."""

from __future__ import annotations

from tests.elfwriter import load_address
from tests.host.cases import Case
from tests.predict.worlds import call, findings, program, world

KERNEL = world(tracepoints={"made": 2}, map_types=("hash", "array", "percpu_array", "ringbuf"))
HASH = {"type": 1, "key_size": 4, "value_size": 8, "max_entries": 16}
#: r1 = map0; call map_peek_elem
PEEK = [load_address(1, "map0"), call(89)]
#: r1 = map0; call map_lookup_elem
LOOKUP = [load_address(1, "map0"), call(1)]


def percpu(size: int) -> dict[str, int]:
    """An array with values of that size per CPU."""
    return {"type": 6, "key_size": 4, "value_size": size, "max_entries": 1}


CASES = {
    "PC425": Case(
        passing=lambda: findings(program("raw_tp/made", maps=[percpu(32 << 10)]), KERNEL),
        failing=lambda: findings(program("raw_tp/made", maps=[percpu((32 << 10) + 8)]), KERNEL),
    ),
    "PC426": Case(
        passing=lambda: findings(program("raw_tp/made", LOOKUP, maps=[HASH]), KERNEL),
        failing=lambda: findings(program("raw_tp/made", PEEK, maps=[HASH]), KERNEL),
    ),
}
