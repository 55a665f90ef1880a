# SPDX-License-Identifier: Apache-2.0
"""PC305 and following: a case in which each does not arise, and one in which it does."""

from __future__ import annotations

from tests.host.cases import Case
from tests.predict.worlds import findings, program, world

EXITS = {"do_exit": 1}

CASES = {
    "PC306": Case(
        passing=lambda: findings(program("fexit/do_exit"), world(functions=EXITS, symbols=["T do_exit"])),
        failing=lambda: findings(
            program("fexit/do_exit"), world(functions=EXITS, symbols=["T do_exit", "r noreturn_deny"])
        ),
    ),
}
