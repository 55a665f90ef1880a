# SPDX-License-Identifier: Apache-2.0
"""PC427 to PC439, PC515 and PC518: a case in which each does not arise, and one in which it does."""

from __future__ import annotations

from preflight.objects.model import BpfObject
from tests.elfwriter import Ins, mov
from tests.host.cases import Case
from tests.predict.more import float_object, struct_ops_object, two_functions, usdt_object
from tests.predict.pointers import LOOKUP, found, looked_up
from tests.predict.pointers import load as follow
from tests.predict.worlds import CONFIG, call, findings, program, world

DEVICES = ("hash", "array", "devmap")


def redirecting(value_size: int) -> BpfObject:
    """An XDP program that looks into a map of devices."""
    devices = {"type": 14, "key_size": 4, "value_size": value_size, "max_entries": 4}
    return program("xdp", [*LOOKUP, mov(0, 2)], maps=[devices])


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
    "PC432": Case(
        passing=lambda: found("raw_tp/made", *looked_up(follow(1, 0))),
        failing=lambda: found("raw_tp/made", *LOOKUP, follow(1, 0), mov(0, 0)),
    ),
    "PC433": Case(
        passing=lambda: found("tc", mov(0, 0)),
        failing=lambda: found("tc", *looked_up(Ins(0xBF, 1, 0), call(94))),
    ),
    "PC434": Case(
        passing=lambda: found("raw_tp/made", *looked_up(follow(1, 0, 8))),
        failing=lambda: found("raw_tp/made", *looked_up(follow(1, 0, 16))),
    ),
    "PC435": Case(
        passing=lambda: found("kprobe/work", follow(1, 1, 112), mov(0, 0)),
        failing=lambda: found("kprobe/work", follow(1, 1, 112), follow(0, 1)),
    ),
    "PC436": Case(
        passing=lambda: found("tc", mov(2, 1), Ins(0x63, 1, 2, 8)),
        failing=lambda: found("tc", mov(2, 1), Ins(0x63, 1, 2, 0)),
    ),
    "PC437": Case(
        passing=lambda: found("tc", mov(0, 0)),
        failing=lambda: found("tc", mov(2, 0)),
    ),
    "PC438": Case(
        passing=lambda: found("tc", mov(0, 0)),
        failing=lambda: found("tc", mov(0, 0), Ins(0x95), mov(0, 0)),
    ),
    "PC439": Case(
        # r6 = 0; r6 += 1; if r6 < 8 goto -2; and the same with a random number in place of 8
        passing=lambda: found("tc", mov(6, 0), Ins(0x07, 6, imm=1), Ins(0xA5, 6, off=-2, imm=8), mov(0, 0)),
        failing=lambda: found("tc", call(7), Ins(0x55, 0, off=-2, imm=7), mov(0, 0)),
    ),
    "PC518": Case(
        passing=lambda: [
            *findings(redirecting(4), world(map_types=DEVICES)),
            *findings(redirecting(8), world(map_types=DEVICES, functions=["cpu_map_generic_redirect"])),
        ],
        failing=lambda: findings(redirecting(8), world(map_types=DEVICES)),
    ),
    "PC515": Case(
        passing=lambda: findings(usdt_object(True), world(config=CONFIG)),
        failing=lambda: findings(usdt_object(False), world(config=CONFIG)),
    ),
}
