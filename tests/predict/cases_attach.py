# SPDX-License-Identifier: Apache-2.0
"""Every PC5xx code: a case in which it does not arise, and one in which it does."""

from __future__ import annotations

from tests.elfwriter import Ins
from tests.host.cases import Case
from tests.predict.worlds import CONFIG, findings, program, world

ONE = world(functions={"work": 2}, symbols=["T work"], tracepoints={"made": 1})
SECOND = [Ins(0x79, 0, 1, off=8)]

CASES = {
    "PC501": Case(
        passing=lambda: findings(program("kprobe/work"), ONE),
        failing=lambda: findings(
            program("kprobe/work"), world(symbols=["work"], config={"CONFIG_KPROBES": "n"})
        ),
    ),
    "PC502": Case(
        passing=lambda: findings(program("kprobe/work"), ONE),
        failing=lambda: findings(program("kprobe"), ONE),
    ),
    "PC503": Case(
        passing=lambda: findings(program("kprobe/work"), ONE),
        failing=lambda: findings(program("kprobe/gone"), ONE),
    ),
    "PC504": Case(
        passing=lambda: findings(program("kprobe/work"), ONE),
        failing=lambda: findings(program("kprobe/work"), world(symbols=["work.isra.0"])),
    ),
    "PC505": Case(
        passing=lambda: findings(program("kprobe/work"), ONE),
        failing=lambda: findings(program("kprobe/work"), world(symbols=["T work", "d _kbl_addr_work"])),
    ),
    "PC506": Case(
        passing=lambda: findings(program("kprobe/work"), ONE),
        failing=lambda: findings(program("kprobe/work"), world(symbols=["t work", "t work"])),
    ),
    "PC507": Case(
        passing=lambda: findings(program("fentry/work"), ONE),
        failing=lambda: findings(
            program("fentry/work"), world(functions=["work"], symbols=["T work"], filter_functions=["other"])
        ),
    ),
    "PC508": Case(
        passing=lambda: findings(program("fentry/work"), ONE),
        failing=lambda: findings(program("fentry/work"), world(functions={"work": 7}, symbols=["T work"])),
    ),
    "PC509": Case(
        passing=lambda: findings(program("raw_tp/made"), ONE),
        failing=lambda: findings(program("raw_tp/gone"), ONE),
    ),
    "PC510": Case(
        passing=lambda: findings(program("raw_tp/made", SECOND), world(tracepoints={"made": 2})),
        failing=lambda: findings(program("raw_tp/made", SECOND), ONE),
    ),
    "PC511": Case(
        passing=lambda: findings(program("tcx/ingress"), ONE),
        failing=lambda: findings(program("tcx/egress"), ONE),
    ),
    "PC512": Case(
        passing=lambda: findings(program("tc"), ONE),
        failing=lambda: findings(program("tc"), world(config={**CONFIG, "CONFIG_NET_SCH_INGRESS": "m"})),
    ),
    "PC514": Case(
        passing=lambda: findings(program("tp/made/made", SECOND), world(records={"made": ["ent", "pid"]})),
        failing=lambda: findings(program("tp/made/made", SECOND), world(records={"made": ["ent"]})),
    ),
    "PC513": Case(
        passing=lambda: findings(program("xdp"), ONE),
        failing=lambda: findings(program("sk_reuseport"), ONE),
    ),
}
