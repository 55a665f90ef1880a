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
BYTE_OFF, BYTE_SZ, FIELD_EXISTS = 0, 1, 2

SECTION = "raw_tp/sched_switch"


def kernel(
    fields: Sequence[str] = ("pid",),
    *,
    functions: Sequence[str] = (),
    marked: Sequence[str] = (),
    config: Mapping[str, str] | None = None,
    release: str = "6.12.0",
) -> Kernel:
    """A kernel whose `struct task_struct` has these int fields, and with these functions.

    `marked` are those of them that BTF says programs may call.
    """
    types = BtfWriter()
    integer = types.int("int", 4)
    types.struct("task_struct", [field(name, integer, at=4 * n) for n, name in enumerate(fields)], size=64)
    proto = types.func_proto(integer)
    for name in functions:
        function = types.func(name, proto)
        if name in marked:
            types.decl_tag("bpf_kfunc", function)
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


def reader(
    name: str, *, guarded: bool = False, negated: bool = False, beside: Mapping[str, int] = {}
) -> BpfObject:
    """An object with one program that reads `task_struct.NAME`.

    `guarded`: behind an existence check. `negated`: the check's answer goes through an arithmetic
    negation first, which not every verifier folds. `beside`: integers that the object declares in the
    same struct, by their offsets.
    """
    types = BtfWriter()
    integer = types.int("int", 4)
    places = sorted([(8, name), *((at, other) for other, at in beside.items())])
    members = [field(member, integer, at=at) for at, member in places]
    task = types.struct("task_struct", members, size=64)
    program = types.func("read_it", types.func_proto(integer), linkage=1)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    insns: list[Ins] = [mov(0, 0)]
    if guarded:
        # r2 = <exists>; if r2 == 0 goto exit; r0 = *(u32 *)(r1 + off)
        ext.core(SECTION, 1, task, f"0:{places.index((8, name))}", FIELD_EXISTS)
        insns += [mov(2, 1), *([Ins(0x87, 2)] if negated else []), Ins(0x15, 2, off=1, imm=0)]
    slot = len(insns)
    ext.line(SECTION, 0, "read.bpf.c", 10, "int read_it(void *ctx)")
    ext.line(SECTION, slot, "read.bpf.c", 12, f"return task->{name};")
    ext.core(SECTION, slot, task, f"0:{places.index((8, name))}", BYTE_OFF)
    insns += [Ins(0x61, 0, 1, off=8), exit_()]
    return _object(types, ext, insns, "read_it")


def chooser(name: str, when: str) -> BpfObject:
    """An object with one program that reads `task_struct.NAME` where there is a `task_struct.WHEN`."""
    types = BtfWriter()
    integer = types.int("int", 4)
    task = types.struct("task_struct", [field(name, integer, at=8), field(when, integer, at=12)], size=64)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, types.func("read_it", types.func_proto(integer), linkage=1))
    ext.core(SECTION, 1, task, "0:1", FIELD_EXISTS)
    ext.core(SECTION, 3, task, "0:0", BYTE_OFF)
    insns = [mov(0, 0), mov(2, 1), Ins(0x15, 2, off=1, imm=0), Ins(0x61, 0, 1, off=8), exit_()]
    return _object(types, ext, insns, "read_it")


def caller(function: str, *, weak: bool = False, section: str = SECTION) -> BpfObject:
    """An object with one program that calls a kernel function."""
    types = BtfWriter()
    integer = types.int("int", 4)
    proto = types.func_proto(integer)
    program = types.func("call_it", proto, linkage=1)
    extern = types.func(function, proto, linkage=2)
    types.datasec(".ksyms", [(extern, 0, 0)], 0)
    ext = ExtWriter(types)
    ext.func(section, 0, program)
    writer = ElfWriter()
    call = Ins(0x85, src=1, imm=-1, symbol=function)
    writer.code(section, [call, exit_()], functions=["call_it"])
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


def kernel_of(types: BtfWriter, *, name: str = "made", arch: str | None = "x86_64") -> Kernel:
    """A kernel with exactly these types."""
    identity = Identity(name, types.byteorder, release="6.12.0", arch=arch)  # type: ignore[arg-type]
    return Kernel(identity, Contents(btf=Blob(data=types.bytes())), Provenance("btf"))


def number_kernel(size: int, *, signed: bool = False, name: str = "count") -> Kernel:
    """A kernel whose `struct task_struct` has one integer of that size and sign, at byte 16."""
    types = BtfWriter()
    number = types.int(f"{'' if signed else 'unsigned '}int{size}", size, encoding=int(signed))
    types.struct("task_struct", [field(name, number, at=16)], size=64)
    return kernel_of(types)


def number_reader(
    size: int = 4, *, signed: bool = False, direct: bool = False, sized: bool = False
) -> BpfObject:
    """An object that reads the integer `task_struct.count`.

    By its address, as bpf_probe_read_kernel() wants it, or `direct` with a load. `sized`: it also
    asks for the field's size.
    """
    types = BtfWriter()
    number = types.int(f"{'' if signed else 'unsigned '}int{size}", size, encoding=int(signed))
    task = types.struct("task_struct", [field("count", number, at=8)], size=64)
    program = types.func("read_it", types.func_proto(types.int("int", 4)), linkage=1)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    ext.line(SECTION, 0, "read.bpf.c", 10, "int read_it(void *ctx)")
    insns = [mov(0, 0), mov(2, size)]
    if sized:
        ext.core(SECTION, 1, task, "0:0", BYTE_SZ)
    ext.line(SECTION, 2, "read.bpf.c", 12, "BPF_CORE_READ(task, count);")
    ext.core(SECTION, 2, task, "0:0", BYTE_OFF)
    width = {1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}[size]
    insns += [Ins(width, 0, 1, off=8) if direct else Ins(0x07, 1, imm=8), exit_()]
    return _object(types, ext, insns, "read_it")


def copy_reader() -> BpfObject:
    """An object that copied a `struct ns_common` of 8 bytes to its stack and reads `inum` from the copy."""
    types = BtfWriter()
    number = types.int("unsigned int", 4, encoding=0)
    copied = types.struct("ns_common", [field("inum", number, at=4)], size=8)
    program = types.func("read_it", types.func_proto(types.int("int", 4)), linkage=1)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    ext.core(SECTION, 3, copied, "0:0", BYTE_OFF)
    # *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; r0 = *(u32 *)(r2 + 4)
    insns = [Ins(0x7A, 10, off=-8), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-8), Ins(0x61, 0, 2, off=4), exit_()]
    return _object(types, ext, insns, "read_it")


def copy_kernel(at: int) -> Kernel:
    """A kernel whose `struct ns_common` has `inum` at that byte."""
    types = BtfWriter()
    number = types.int("unsigned int", 4, encoding=0)
    types.struct("ns_common", [field("inum", number, at=at)], size=at + 8)
    return kernel_of(types)


def hooked(section: str, *, argument: int | None = None, guarded: bool = False) -> BpfObject:
    """An object with one program in that section; it reads an argument (from 0) of its context.

    `guarded`: behind a check that `task_struct.gone` exists.
    """
    types = BtfWriter()
    integer = types.int("int", 4)
    program = types.func("hook_it", types.func_proto(integer), linkage=1)
    ext = ExtWriter(types)
    ext.func(section, 0, program)
    insns = [mov(0, 0)]
    if guarded:
        task = types.struct("task_struct", [field("gone", integer, at=8)], size=64)
        ext.core(section, 1, task, "0:0", FIELD_EXISTS)
        insns += [mov(2, 1), Ins(0x15, 2, off=1, imm=0)]
    if argument is not None:
        ext.line(section, len(insns), "hook.bpf.c", 7, f"ctx[{argument}]")
        insns.append(Ins(0x79, 0, 1, off=8 * argument))
    writer = ElfWriter()
    writer.code(section, [*insns, exit_()], functions=["hook_it"])
    writer.license()
    writer.btf(types, ext)
    return load(writer.bytes(), "hook.bpf.o")


def tracepoint_kernel(name: str, arguments: int) -> Kernel:
    """A kernel with one tracepoint of so many arguments, and a function of that name with as many."""
    types = BtfWriter()
    number = types.int("long", 8)
    pointer = types.ptr(0)
    proto = types.func_proto(0, [("__data", pointer), *((f"a{n}", number) for n in range(arguments))])
    types.typedef(f"btf_trace_{name}", types.ptr(proto))
    types.func(name, types.func_proto(number, [(f"a{n}", number) for n in range(arguments)]))
    types.struct("task_struct", [field("pid", number, at=0)], size=64)
    return kernel_of(types)


def without_types(*, maps: bool = False) -> BpfObject:
    """An object without .BTF."""
    writer = ElfWriter()
    writer.code(SECTION, [mov(0, 0), exit_()], functions=["plain"])
    if maps:
        writer.section(".maps", bytes(32))
    writer.license()
    return load(writer.bytes(), "plain.bpf.o")


def register_reader(register: str, others: Sequence[str] = ()) -> BpfObject:
    """An object that reads a register of a `struct pt_regs` with these members."""
    types = BtfWriter()
    number = types.int("long unsigned int", 8, encoding=0)
    names = [register, *others]
    regs = types.struct("pt_regs", [field(n, number, at=8 * i) for i, n in enumerate(names)], size=168)
    program = types.func("read_it", types.func_proto(types.int("int", 4)), linkage=1)
    ext = ExtWriter(types)
    ext.func(SECTION, 0, program)
    ext.core(SECTION, 1, regs, "0:0", BYTE_OFF)
    return _object(types, ext, [mov(0, 0), Ins(0x79, 0, 1, off=0), exit_()], "read_it")
