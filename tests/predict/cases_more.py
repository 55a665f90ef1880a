# SPDX-License-Identifier: Apache-2.0
"""PC427 to PC429 and PC515: a case in which each does not arise, and one in which it does."""

from __future__ import annotations

from tests.host.cases import Case
from tests.predict.more import float_object, struct_ops_object, two_functions, usdt_object
from tests.predict.worlds import CONFIG, findings, program, world

CASES = {
    "PC427": Case(
        passing=lambda: findings(two_functions(checked=True), world(tracepoints={"made": 1})),
        failing=lambda: findings(two_functions(checked=False), world(tracepoints={"made": 1})),
    ),
    "PC428": Case(
        passing=lambda: findings(program("xdp.frags"), world()),
        failing=lambda: findings(program("xdp.frags"), world(helpers=156)),
    ),
    "PC429": Case(
        passing=lambda: findings(struct_ops_object(), world(structs={"my_ops": ["init", "more"]})),
        failing=lambda: findings(struct_ops_object(), world(structs={"my_ops": ["more"]})),
    ),
    "PC430": Case(
        passing=lambda: findings(program("tc"), world()),
        failing=lambda: findings(program("tcx/ingress"), world()),
    ),
    "PC431": Case(
        passing=lambda: findings(float_object(), world(symbols=["d float_ops"])),
        failing=lambda: findings(float_object(), world()),
    ),
    "PC515": Case(
        passing=lambda: findings(usdt_object(True), world(config=CONFIG)),
        failing=lambda: findings(usdt_object(False), world(config=CONFIG)),
    ),
}
