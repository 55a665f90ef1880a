#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write preflight/predict/data/kernel_functions.toml from what packaged kernels say of kernel functions.

    python tools/make_kernel_functions.py [--keep FOLDER] KERNEL@SINCE...

Each KERNEL is of the catalogue and x86-64; they come oldest first. SINCE is a function that no older kernel
has. Read are the sets of kernel functions in its image with their flags (BTF_ID_FLAGS(), as resolve_btfids
left them), and each kernel is booted and told to load a program of every type for every one of these
functions: what `calling kernel function ... is not allowed` is not said of may be called. Of struct_ops, one
for a member of each, or several where members differ. The arguments of
those programs are wrong, so nearly none is loaded; none is attached. --keep: trials are left there, and not
made again while the functions are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.btf import Btf, Kind  # noqa: E402
from preflight.btf.types import Composite, Func, FuncProto, Ptr  # noqa: E402
from preflight.kernels import Kernel, image, kallsyms, resolve_all, symbol_addresses  # noqa: E402
from preflight.lab.material import Supply  # noqa: E402
from preflight.lab.run import Plan, Subject, run  # noqa: E402
from preflight.predict.kfunc_types import fingerprint, marked_functions  # noqa: E402

OUTPUT = ROOT / "preflight" / "predict" / "data" / "kernel_functions.toml"

HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# Kernel functions of packaged kernels: which program types may call them, by trial loads, and their flags
# (include/linux/btf.h), as they lie in the images. Made by tools/make_kernel_functions.py.
# `set`: the program types that may call a function; `since`: a function that no older kernel than this has;
# `fingerprint`: which of the functions below it has; `without`: types that it does not have. A word per
# function for every kernel: the number of a set, `-`: the kernel does not have it. Flags: where kernels
# differ, those of the newest, and `|` before what only some of them say. Arguments, as the kernels' BTF has
# them: the name of a struct or the bytes (0: any) behind a pointer, `n` for a number, and what the
# parameter's name ends with (Documentation/bpf/kfuncs.rst); `?` where kernels differ.

"""
#: Program type -> a section that libbpf 1.1 loads without anything else.
VEHICLES = {
    "socket_filter": "socket", "kprobe": "kprobe/do_nanosleep", "sched_cls": "tc", "sched_act": "action",
    "tracepoint": "tp/sched/sched_switch", "xdp": "xdp", "perf_event": "perf_event",
    "cgroup_skb": "cgroup_skb/ingress", "cgroup_sock": "cgroup/sock_create", "lwt_in": "lwt_in",
    "lwt_out": "lwt_out", "lwt_xmit": "lwt_xmit", "lwt_seg6local": "lwt_seg6local", "sock_ops": "sockops",
    "sk_skb": "sk_skb/stream_verdict", "cgroup_device": "cgroup/dev", "sk_msg": "sk_msg",
    "raw_tracepoint": "raw_tp/sched_switch", "cgroup_sock_addr": "cgroup/connect4",
    "sk_reuseport": "sk_reuseport/migrate", "flow_dissector": "flow_dissector",
    "cgroup_sysctl": "cgroup/sysctl", "cgroup_sockopt": "cgroup/getsockopt", "tracing": "tp_btf/task_newtask",
    "lsm": "lsm/file_open", "sk_lookup": "sk_lookup", "syscall": "syscall", "tracing:trace_iter": "iter/task",
}  # fmt: skip
#: The same of struct_ops -> the struct, and the member.
MEMBERS = {
    "struct_ops:tcp_congestion_ops": ("tcp_congestion_ops", "init"),
    "struct_ops:hid_bpf_ops": ("hid_bpf_ops", "hid_rdesc_fixup"),
    "struct_ops:io_uring_bpf_ops": ("io_uring_bpf_ops", "loop_step"),
    # bpf_qdisc_kfunc_filter()
    "struct_ops:Qdisc_ops.enqueue": ("Qdisc_ops", "enqueue"),
    "struct_ops:Qdisc_ops.dequeue": ("Qdisc_ops", "dequeue"),
    "struct_ops:Qdisc_ops.reset": ("Qdisc_ops", "reset"),
    # scx_kfunc_context_filter()
    "struct_ops:sched_ext_ops.select_cpu": ("sched_ext_ops", "select_cpu"),
    "struct_ops:sched_ext_ops.enqueue": ("sched_ext_ops", "enqueue"),
    "struct_ops:sched_ext_ops.dispatch": ("sched_ext_ops", "dispatch"),
    "struct_ops:sched_ext_ops.running": ("sched_ext_ops", "running"),
    "struct_ops:sched_ext_ops.cpu_release": ("sched_ext_ops", "cpu_release"),
    "struct_ops:sched_ext_ops.init": ("sched_ext_ops", "init"),
    "struct_ops:sched_ext_ops.exit": ("sched_ext_ops", "exit"),
}
#: Programs of struct_ops in one object: each load makes the maps of all.
FEW = 40
#: include/linux/btf.h
FLAGS = {
    1: "acquire", 2: "release", 4: "ret_null", 16: "trusted", 32: "sleepable", 64: "destructive", 128: "rcu",
    2048: "rcu_protected",
}  # fmt: skip
#: What names of parameters end with that means something (check_kfunc_args()).
SUFFIXES = frozenset({
    "sz", "szk", "k", "ign", "uninit", "alloc", "refcounted_kptr", "nullable", "str", "map", "iter",
    "irq_flag", "prog", "opt", "const_str", "rdonly", "rdwr",
})  # fmt: skip
SIZED = frozenset({Kind.INT, Kind.ENUM, Kind.ENUM64})
#: What a set begins with whose members are kernel functions (BTF_SET8_KFUNCS), and its symbol.
KFUNCS = 1
SYMBOL = "__BTF_ID__set8__"
Makes = Callable[[Btf, Sequence[str], Path], Iterator[Subject]]
REFUSED = re.compile(r"calling kernel function \S+ is not allowed")


def flags_of(kernel: Kernel) -> dict[str, int]:
    """Kernel function -> its flags, of all sets in the kernel's image."""
    found = image.unpack(Supply().files(kernel).image.read_bytes())
    table = kallsyms.symbol_table(found.raw, "little")
    located = None if table is None else symbol_addresses.locate(found.raw, table, "little")
    if located is None:
        raise SystemExit(f"{kernel.name}: an image without symbols and their addresses")
    sets: list[tuple[int, bytes]] = []
    for symbol, address in zip(located.names, located.addresses, strict=True):
        at = located.memory.offset_of(address)
        if at is None or SYMBOL not in symbol.decode():
            continue
        count, marks = struct.unpack_from("<II", found.raw, at)
        sets.append((marks, found.raw[at + 8 : at + 8 + 8 * count]))
    # before 6.9 no set says what it is for
    tells = any(marks & KFUNCS for marks, _ in sets)
    flags: dict[str, int] = {}
    for marks, members in sets:
        for type_id, value in struct.iter_unpack("<II", members):
            if (tells and not marks & KFUNCS) or not type_id:
                continue
            if kernel.btf.kind(type_id) == Kind.FUNC:
                name = kernel.btf.name(type_id)
                flags[name] = flags.get(name, 0) | value
    return flags


def subjects(btf: Btf, names: Sequence[str], folder: Path) -> Iterator[Subject]:
    """An object for each program type with one program for each function, which it calls by its BTF id."""
    ids = {name: btf.ids_by_name(name, {Kind.FUNC})[0] for name in names}
    for kind, section in VEHICLES.items():
        yield subject(kind, [calling(section, name, number) for name, number in ids.items()], folder)


def members(btf: Btf, names: Sequence[str], folder: Path) -> Iterator[Subject]:
    """The same for members of the kernel's struct_ops, in small objects."""
    ids = [(name, btf.ids_by_name(name, {Kind.FUNC})[0]) for name in names]
    for kind, (ops, member) in MEMBERS.items():
        if not has_ops(btf, ops):
            continue
        for start in range(0, len(ids), FEW):
            lines = [f"struct {ops} {{ int (*{member})(void *); }};"]
            for name, number in ids[start : start + FEW]:
                lines.append(calling(f"struct_ops/{name}", name, number))
                variable = f'__attribute__((section(".struct_ops"), used)) struct {ops} ops_{name}'
                lines.append(f"{variable} = {{ .{member} = {name} }};")
            yield subject(f"{kind}#{start}", lines, folder)


def has_ops(btf: Btf, name: str) -> bool:
    """Whether a kernel has a struct_ops."""
    return bool(btf.ids_by_name(f"bpf_struct_ops_{name}", {Kind.STRUCT}))


def calling(section: str, name: str, number: int) -> str:
    """A program that calls a function by its BTF id."""
    return (
        f'__attribute__((section("{section}"), used)) int {name}(void *c) {{'
        f' asm volatile(".byte 0x85, 0x20, 0, 0\\n.long {number}"'
        ' ::: "r0", "r1", "r2", "r3", "r4", "r5");'
        " return 0; }"
    )


def subject(name: str, lines: Sequence[str], folder: Path) -> Subject:
    """An object of some programs."""
    source, made = folder / f"{name}.c", folder / f"{name}.bpf.o"
    begins = 'char LICENSE[] __attribute__((section("license"), used)) = "GPL";'
    source.write_text("\n".join([begins, *lines]) + "\n", encoding="utf-8")
    flags = ["-target", "bpf", "-g", "-O2", "-Wno-builtin-requires-header"]
    subprocess.run(["clang", *flags, "-c", source, "-o", made], check=True)
    data = made.read_bytes()
    return Subject(name, hashlib.sha256(data).hexdigest(), data, "x86_64")


def tried(kernel: Kernel, names: Sequence[str], makes: Makes) -> dict[str, list[str]]:
    """Kernel function -> the program types that may call it."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(subjects=tuple(makes(kernel.btf, names, Path(folder))), attach=False)
    (measured,) = run([kernel], plan)
    found: dict[str, list[str]] = {name: [] for name in names}
    for one in measured.objects:
        kind, _, part = one.object.partition("#")
        wanted = names[int(part) : int(part) + FEW] if part else names
        if {program.name for program in one.programs} != set(wanted):
            raise SystemExit(
                f"{kernel.name}: {one.object} was not measured: {measured.detail or one.problem}"
            )
        for program in one.programs:
            if program.verdict != "loads" and "processed" not in program.log:
                raise SystemExit(f"{kernel.name}: {one.object} for {program.name}: {program.messages}")
            if not REFUSED.search(program.log):
                found[program.name].append(kind)
    if not measured.complete:
        raise SystemExit(f"{kernel.name}: {measured.outcome}: {measured.detail}")
    return found


def arguments_of(btf: Btf, name: str) -> list[str]:
    """A word for each parameter of a kernel function."""
    function = btf.type(btf.ids_by_name(name, {Kind.FUNC})[0])
    proto = btf.type(btf.resolve(function.type)) if isinstance(function, Func) else None
    found = []
    for param in proto.params if isinstance(proto, FuncProto) else ():
        given = btf.type(btf.resolve(param.type)) if param.type else None
        word = "n"
        if isinstance(given, Ptr):
            to = btf.type(btf.resolve(given.type)) if given.type else None
            size = btf.size_of(to.id) if to is not None and btf.kind(to.id) in SIZED else 0
            word = to.name if isinstance(to, Composite) and to.name else str(size or 0)
        _, mark, suffix = param.name.rpartition("__")
        found.append(f"{word}:{suffix}" if mark and suffix in SUFFIXES else word)
    return found


def words(values: Sequence[int]) -> str:
    """The flags that the newest kernel gives a function, and those that only some of them do."""
    shared, some = values[-1], 0
    for value in values:
        some |= value ^ shared
    sure = [word for bit, word in FLAGS.items() if shared & bit and not some & bit]
    doubtful = [f"|{word}" for bit, word in FLAGS.items() if some & bit]
    return " ".join(sure + doubtful)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("kernels", nargs="+", metavar="KERNEL@SINCE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    since = dict(reversed(one.split("@")) for one in arguments.kernels)
    kernels = {word: resolve_all([name])[0] for word, name in since.items()}
    flags = {word: flags_of(kernel) for word, kernel in kernels.items()}
    every = sorted(
        {name for one in flags.values() for name in one}
        | {name for kernel in kernels.values() for name in marked_functions(kernel.btf)}
    )
    may: dict[str, Mapping[str, list[str]]] = {}
    for word, kernel in kernels.items():
        names = [name for name in every if kernel.btf.ids_by_name(name, {Kind.FUNC})]
        parts = [
            trials(kernel, names, makes, arguments.keep and arguments.keep / f"{word}{mark}.json")
            for mark, makes in (("", subjects), (".struct_ops", members))
        ]
        may[word] = {name: [kind for part in parts for kind in part[name]] for name in names}
        print(f"{kernel.name}: {len(names)} functions")
    written = written_table(kernels, every, may, flags)
    OUTPUT.write_text(written, encoding="utf-8")
    return 0


def trials(kernel: Kernel, names: Sequence[str], makes: Makes, kept: Path | None) -> dict[str, list[str]]:
    """What was tried and is kept, or is tried now."""
    found: dict[str, list[str]] = {}
    if kept is not None and kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
    if set(found) != set(names):
        found = tried(kernel, names, makes)
    if kept is not None:
        kept.write_text(json.dumps(found), encoding="utf-8")
    return found


def written_table(
    kernels: Mapping[str, Kernel],
    every: Sequence[str],
    may: Mapping[str, Mapping[str, Sequence[str]]],
    flags: Mapping[str, Mapping[str, int]],
) -> str:
    """The table of all kernels; functions nobody may call and that have no flags are left out."""
    sets = sorted({" ".join(types) for one in may.values() for types in one.values()})
    lines = [f"types = {json.dumps(' '.join((*VEHICLES, *MEMBERS)))}", "sets = ["]
    lines += [*(f"  {json.dumps(one)}," for one in sets), "]", ""]
    for word, kernel in kernels.items():
        mark = fingerprint(name for name in every if name in may[word])
        lines += ["[[kernel]]", f'name = "{kernel.name}"', f'since = "{word}"', f'fingerprint = "{mark}"']
        absent = [kind for kind, (ops, _) in MEMBERS.items() if not has_ops(kernel.btf, ops)]
        lines += [f'without = "{" ".join(absent)}"', ""] if absent else [""]
    lines.append("[functions]")
    for name in every:
        numbers = [
            str(sets.index(" ".join(may[word][name]))) if name in may[word] else "-" for word in kernels
        ]
        lines.append(f'{name} = "{" ".join(numbers)}"')
    lines += ["", "[flags]"]
    for name in every:
        known = [flags[word][name] for word in kernels if name in flags[word]]
        if known:
            lines.append(f'{name} = "{words(known)}"')
    lines += ["", "[arguments]"]
    for name in every:
        told = [arguments_of(kernel.btf, name) for word, kernel in kernels.items() if name in may[word]]
        alike = zip_longest(*told, fillvalue="?")
        taken = [one[0] if len(set(one)) == 1 else "?" for one in alike]
        if taken:
            lines.append(f'{name} = "{" ".join(taken)}"')
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
