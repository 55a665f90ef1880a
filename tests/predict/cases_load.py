# SPDX-License-Identifier: Apache-2.0
"""Every PC4xx code: a case in which it does not arise, and one in which it does."""

from __future__ import annotations

from dataclasses import replace

from preflight.objects.load import load
from preflight.objects.model import BpfObject
from tests.btfwriter import BtfWriter
from tests.elfwriter import ElfWriter, Ins, exit_, mov
from tests.host.cases import Case
from tests.predict import scenes
from tests.predict.worlds import call, findings, program, world

RAW = "raw_tp/made"
TRACED = {"made": 2}

#: *(u64 *)(r10 - 8) = r1; r1 = r10 - 8; r2 = 8; call trace_printk; r1 = *(u64 *)(r10 - 8); r0 = *(r1 + 48)
SHARED = [
    Ins(0x7B, 10, 1, off=-8), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), mov(2, 8), call(6),
    Ins(0x79, 1, 10, off=-8), Ins(0x79, 0, 1, off=48),
]  # fmt: skip
#: r2 = r10; r2 += -64; r3 = 64; call d_path
UNWRITTEN = [Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-64), mov(3, 64), call(147)]
#: The same after *(u64 *)(r10 - 64) = 0
WRITTEN = [Ins(0x7A, 10, off=-64), *UNWRITTEN]
SEXT_LOAD = Ins(0x91, 0, 1, off=0)


def moved(value: int) -> list[Ins]:
    """r2 = VALUE; r2 <<= 3; r1 += r2; r0 = *(u64 *)(r1 + 0)"""
    return [mov(2, value), Ins(0x67, 2, imm=3), Ins(0x0F, 1, 2), Ins(0x79, 0, 1, off=0)]


def legacy() -> BpfObject:
    """An object with maps in the old section `maps`."""
    writer = ElfWriter()
    writer.code(RAW, [mov(0, 0), exit_()], functions=["made"])
    section = writer.section("maps", bytes(20), flags=3)
    writer.symbol("old", section, 0, 20, type=1)
    writer.license()
    writer.btf(BtfWriter())
    return load(writer.bytes(), "legacy.bpf.o")


def stack(depth: int) -> list[Ins]:
    """A store that deep in the stack."""
    return [Ins(0x7A, 10, off=-depth)]


HASH = {"type": 1, "key_size": 4, "value_size": 8, "max_entries": 16}
RINGBUF = {"type": 27, "max_entries": 4096}

FLAGS = {"NO_PREALLOC": 1, "MMAPABLE": 0x400}

KERNEL = world(tracepoints=TRACED)

FIRST = [Ins(0x79, 0, 1, off=0)]
NUMBER, VALUE = {"work": ["int *"]}, {"work": ["struct kqid"]}

CASES = {
    "PC303": Case(
        passing=lambda: findings(program("fentry/work", FIRST), world(taking=NUMBER)),
        failing=lambda: findings(program("fentry/work", FIRST), world(taking=NUMBER, helpers=156)),
    ),
    "PC304": Case(
        passing=lambda: findings(
            program("fentry/work"), world(taking=VALUE, structs={"btf_func_model": ["arg_flags"]})
        ),
        failing=lambda: findings(
            program("fentry/work"), world(taking=VALUE, structs={"btf_func_model": ["nr_args"]})
        ),
    ),
    "PC401": Case(
        passing=lambda: findings(program(RAW), KERNEL),
        failing=lambda: findings(program("my/own/section"), KERNEL),
    ),
    "PC402": Case(
        passing=lambda: findings(program(RAW), KERNEL),
        failing=lambda: findings(program(RAW), world(program_types=["kprobe"])),
    ),
    "PC403": Case(
        passing=lambda: findings(program("cgroup/connect4"), KERNEL),
        failing=lambda: findings(program("cgroup/connect_unix"), KERNEL),
    ),
    "PC404": Case(
        passing=lambda: findings(program(RAW, [call(211)]), KERNEL),
        failing=lambda: findings(program(RAW, [call(211)]), world(helpers=156, tracepoints=TRACED)),
    ),
    "PC405": Case(
        passing=lambda: findings(program(RAW, [call(5)]), KERNEL),
        failing=lambda: findings(program(RAW, [call(44)]), KERNEL),
    ),
    "PC406": Case(
        passing=lambda: findings(
            scenes.caller("bpf_rcu_read_lock"),
            scenes.kernel(functions=["bpf_rcu_read_lock", "bpf_copy_from_user_str"]),
        ),
        failing=lambda: findings(scenes.caller("bpf_made"), scenes.kernel(functions=["bpf_made"])),
    ),
    "PC407": Case(
        passing=lambda: findings(_address(), world(symbols=["D made_value"])),
        failing=lambda: findings(_address(), world(symbols=[])),
    ),
    "PC408": Case(
        passing=lambda: findings(program(RAW, [SEXT_LOAD]), world(functions=["coerce_reg_to_size_sx"])),
        failing=lambda: findings(program(RAW, [SEXT_LOAD]), KERNEL),
    ),
    "PC409": Case(
        passing=lambda: findings(program(RAW, [call(113)], license="Dual BSD/GPL"), KERNEL),
        failing=lambda: findings(program(RAW, [call(113)], license="Apache-2.0"), KERNEL),
    ),
    "PC410": Case(
        passing=lambda: findings(program(RAW), KERNEL),
        failing=lambda: findings(_endless(), KERNEL),
    ),
    "PC411": Case(
        passing=lambda: findings(program(RAW, stack(512)), KERNEL),
        failing=lambda: findings(program(RAW, stack(520)), KERNEL),
    ),
    "PC412": Case(
        passing=lambda: findings(program("fentry/work"), world(functions=["work"], symbols=["T work"])),
        failing=lambda: findings(program("fentry/work"), world(functions=["work"], symbols=["work.part.0"])),
    ),
    "PC413": Case(
        passing=lambda: findings(
            program("fentry.s/work"), world(functions=["work"], symbols=["T work", "d _eil_addr_work"])
        ),
        failing=lambda: findings(program("fentry.s/work"), world(functions=["work"], symbols=["T work"])),
    ),
    "PC414": Case(
        passing=lambda: findings(
            program("struct_ops/init", struct_ops="my_ops"), world(structs=["bpf_struct_ops_my_ops"])
        ),
        failing=lambda: findings(program("struct_ops/init", struct_ops="my_ops"), KERNEL),
    ),
    "PC415": Case(
        passing=lambda: findings(program(RAW), KERNEL),
        failing=lambda: findings(legacy(), KERNEL),
    ),
    "PC416": Case(
        passing=lambda: findings(program(RAW, SHARED[:-1]), KERNEL),
        failing=lambda: findings(program(RAW, SHARED), KERNEL),
    ),
    "PC417": Case(
        passing=lambda: findings(program(RAW, WRITTEN), KERNEL),
        failing=lambda: findings(program(RAW, UNWRITTEN), KERNEL),
    ),
    "PC418": Case(
        passing=lambda: findings(program("tp_btf/made", moved(0)), KERNEL),
        failing=lambda: findings(program("tp_btf/made", moved(2)), KERNEL),
    ),
    "PC419": Case(
        passing=lambda: findings(program(RAW, [call(169)]), KERNEL),
        failing=lambda: findings(program(RAW, [call(169)]), world(config={"CONFIG_PREEMPT_RT": "y"})),
    ),
    "PC420": Case(
        passing=lambda: findings(program(RAW, maps=[RINGBUF]), KERNEL),
        failing=lambda: findings(program(RAW, maps=[RINGBUF]), world(map_types=["hash"])),
    ),
    "PC421": Case(
        passing=lambda: findings(program(RAW, maps=[HASH]), KERNEL),
        failing=lambda: findings(program(RAW, maps=[{**HASH, "max_entries": 0}]), KERNEL),
    ),
    "PC422": Case(
        passing=lambda: findings(program(RAW, maps=[{**HASH, "map_flags": 1}]), world(map_flags=FLAGS)),
        failing=lambda: findings(program(RAW, maps=[{**HASH, "map_flags": 0x400}]), world(map_flags=FLAGS)),
    ),
    "PC423": Case(
        passing=lambda: findings(program("fmod_ret/security_work"), world(functions=["security_work"])),
        failing=lambda: findings(program("fmod_ret/work"), world(functions=["work"], symbols=["T work"])),
    ),
    "PC424": Case(
        passing=lambda: findings(program("fentry/work"), world(functions=["work"])),
        failing=lambda: findings(program("fentry/work", [mov(0, 1)]), world(functions=["work"])),
    ),
}


def _address() -> BpfObject:
    """A program that takes the address of `made_value`."""
    return program(RAW, [Ins(0x18, 1, symbol="made_value")], extern="made_value")


def _endless() -> BpfObject:
    """An object whose program counts as more than a million slots long: a real one takes long to decode."""
    obj = program(RAW)
    (made,) = obj.programs
    used = replace(obj.usage(made), insn_count=1_000_001)
    obj._memo[("usage", made.section_index, made.section_insn, made.name)] = used
    return obj
