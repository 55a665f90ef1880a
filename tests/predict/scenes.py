# SPDX-License-Identifier: Apache-2.0
"""Small objects and kernels built in memory, for the rules that hold one against the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from preflight.predict.relocated import RelocatedObject, relocated
from preflight.predict.target import KernelTarget
from tests.btfwriter import BtfWriter, ExtWriter, field
from tests.elfwriter import ElfWriter, Ins, exit_, mov

#: CO-RE kinds used here: include/uapi/linux/bpf.h, enum bpf_core_relo_kind.
BYTE_OFF, FIELD_EXISTS = 0, 2

SECTION = "raw_tp/sched_switch"


def kernel(
    fields: Sequence[str] = ("pid",),
    *,
    functions: Sequence[str] = (),
    config: Mapping[str, str] | None = None,
    release: str = "6.12.0",
) -> Kernel:
    """A kernel whose `struct task_struct` has these int fields, and with these functions."""
    types = BtfWriter()
    integer = types.int("int", 4)
    types.struct("task_struct", [field(name, integer, at=4 * n) for n, name in enumerate(fields)], size=64)
    proto = types.func_proto(integer)
    for name in functions:
        types.func(name, proto)
    text = None if config is None else "".join(f"{k}={v}\n" for k, v in config.items())
    contents = Contents(
        btf=Blob(data=types.bytes()),
        config=None if text is None else Blob(data=text.encode()),
    )
    return Kernel(Identity("made", "little", release=release, arch="x86_64"), contents, Provenance("btf"))


def ambiguous_kernel() -> Kernel:
    """A kernel with two `struct task_struct`, whose `pid` lie at different offsets."""
    types = BtfWriter()
    integer = types.int("int", 4)
    types.struct("task_struct", [field("pid", integer, at=4)], size=64)
    types.struct("task_struct", [field("pid", integer, at=16)], size=64)
    identity = Identity("two", "little", release="6.12.0", arch="x86_64")
    return Kernel(identity, Contents(btf=Blob(data=types.bytes())), Provenance("btf"))


def reader(name: str, *, guarded: bool = False, negated: bool = False) -> BpfObject:
    """An object with one program that reads `task_struct.NAME`.

    `guarded`: behind an existence check. `negated`: the check's answer goes through an arithmetic
    negation first, which not every verifier folds.
    """
    types = BtfWriter()
    integer = types.int("int", 4)
    task = types.struct("task_struct", [field(name, integer, at=8)], size=64)
    program = types.func("read_it", types.func_proto(integer), linkage=1)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    insns: list[Ins] = [mov(0, 0)]
    if guarded:
        # r2 = <exists>; if r2 == 0 goto exit; r0 = *(u32 *)(r1 + off)
        ext.core(SECTION, 1, task, "0:0", FIELD_EXISTS)
        insns += [mov(2, 1), *([Ins(0x87, 2)] if negated else []), Ins(0x15, 2, off=1, imm=0)]
    slot = len(insns)
    ext.line(SECTION, 0, "read.bpf.c", 10, "int read_it(void *ctx)")
    ext.line(SECTION, slot, "read.bpf.c", 12, f"return task->{name};")
    ext.core(SECTION, slot, task, "0:0", BYTE_OFF)
    insns += [Ins(0x61, 0, 1, off=8), exit_()]
    return _object(types, ext, insns, "read_it")


def caller(function: str, *, weak: bool = False) -> BpfObject:
    """An object with one program that calls a kernel function."""
    types = BtfWriter()
    integer = types.int("int", 4)
    proto = types.func_proto(integer)
    program = types.func("call_it", proto, linkage=1)
    extern = types.func(function, proto, linkage=2)
    types.datasec(".ksyms", [(extern, 0, 0)], 0)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    writer = ElfWriter()
    call = Ins(0x85, src=1, imm=-1, symbol=function)
    writer.code(SECTION, [call, exit_()], functions=["call_it"])
    writer.symbol(function, binding=2 if weak else 1)
    writer.license()
    writer.btf(types, ext)
    return load(writer.bytes(), "call.bpf.o")


def asker(option: str, *, weak: bool = False) -> BpfObject:
    """An object with one program that reads a configuration option of type bool."""
    types = BtfWriter()
    integer = types.int("int", 4)
    boolean = types.int("_Bool", 1, encoding=4)
    program = types.func("ask_it", types.func_proto(integer), linkage=1)
    extern = types.var(option, boolean, linkage=2)
    types.datasec(".kconfig", [(extern, 0, 1)], 0)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    writer = ElfWriter()
    insns = [Ins(0x18, 1, symbol=option), Ins(0x71, 0, 1), exit_()]
    writer.code(SECTION, insns, functions=["ask_it"])
    writer.symbol(option, binding=2 if weak else 1)
    writer.license()
    writer.btf(types, ext)
    return load(writer.bytes(), "ask.bpf.o")


def _object(types: BtfWriter, ext: ExtWriter, insns: Sequence[Ins], function: str) -> BpfObject:
    writer = ElfWriter()
    writer.code(SECTION, insns, functions=[function])
    writer.license()
    writer.btf(types, ext)
    return load(writer.bytes(), "read.bpf.o")


def on(obj: BpfObject, target: Kernel) -> RelocatedObject:
    """The object relocated for a kernel."""
    return relocated(obj, KernelTarget(target))
