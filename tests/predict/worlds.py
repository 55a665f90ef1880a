# SPDX-License-Identifier: Apache-2.0
"""Kernels with enums, functions, symbols and configuration, and objects that ask for them, all in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preflight.bytecode.helpers import helper_name
from preflight.findings.model import Finding
from preflight.kernels import trace_sites
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.target import KernelTarget
from preflight.predict.verdict import ObjectVerdict, predict
from tests import elfwriter as e
from tests.btfwriter import BtfWriter, ExtWriter, field
from tests.elfwriter import ElfWriter, Ins, exit_, map_definition, mov

PROGRAM_TYPES = ("kprobe", "tracing", "raw_tracepoint", "tracepoint", "lsm", "struct_ops", "cgroup_sock_addr",
                 "sched_cls", "xdp", "socket_filter", "netfilter", "sk_reuseport")  # fmt: skip
MAP_TYPES = ("hash", "array", "ringbuf", "stack_trace", "task_storage")
ATTACH_TYPES = ("trace_raw_tp", "trace_fentry", "trace_fexit", "lsm_mac", "trace_kprobe_multi",
                "cgroup_inet4_connect", "tcx_ingress", "netfilter")  # fmt: skip

#: What shows that symbols of variables are listed, and the tables of the types used here.
TABLES = (
    "array_map_ops", "htab_map_ops", "ringbuf_map_ops", "stack_trace_map_ops", "task_storage_map_ops",
    "kprobe_verifier_ops", "tracing_verifier_ops", "raw_tracepoint_verifier_ops", "tracepoint_verifier_ops",
    "lsm_verifier_ops", "bpf_struct_ops_verifier_ops", "cg_sock_addr_verifier_ops", "tc_cls_act_verifier_ops",
    "xdp_verifier_ops", "sk_filter_verifier_ops", "netfilter_verifier_ops", "sk_reuseport_verifier_ops",
    "bpf_probe_read_compat_proto",
)  # fmt: skip
CONFIG = {
    "CONFIG_KPROBES": "y", "CONFIG_KPROBE_EVENTS": "y", "CONFIG_UPROBES": "y", "CONFIG_UPROBE_EVENTS": "y",
    "CONFIG_FPROBE": "y", "CONFIG_NET_SCH_INGRESS": "y", "CONFIG_BPF_LSM": "y", "CONFIG_BPF_EVENTS": "y",
}  # fmt: skip


def world(
    *,
    helpers: int = 212,
    program_types: Sequence[str] | None = PROGRAM_TYPES,
    map_types: Sequence[str] = MAP_TYPES,
    attach_types: Sequence[str] | None = ATTACH_TYPES,
    functions: Mapping[str, int] | Sequence[str] = (),
    taking: Mapping[str, Sequence[str]] | None = None,
    tracepoints: Mapping[str, int] | None = None,
    structs: Mapping[str, Sequence[str]] | Sequence[str] = (),
    symbols: Sequence[str] | None = (),
    without: Sequence[str] = (),
    config: Mapping[str, str] | None = CONFIG,
    events: Sequence[str] | None = None,
    map_flags: Mapping[str, int] | None = None,
    records: Mapping[str, Sequence[str]] | None = None,
    filter_functions: Sequence[str] | None = None,
    sites: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    name: str = "made",
) -> Kernel:
    """A kernel that has what is listed. `functions` and `tracepoints` map a name to its number of arguments.

    `records` maps an event to the members, of 8 bytes each, of its record. `taking` maps a function to the
    C types of its arguments, see `_c_type`, perhaps ` as NAME`; a last one after `->` is its result.

    `variables` maps what each CPU has one of to its C type.

    `sites` maps functions to the marks that the kernel's image gives them.

    `symbols` are added to TABLES, as `t` unless written `LETTER NAME`; None: symbols are not known.
    `without` takes names out of TABLES.
    """
    types = BtfWriter()
    number = types.int("long", 8)
    types.enum(
        "bpf_func_id",
        [*((f"BPF_FUNC_{_plain(n)}", n) for n in range(helpers)), ("__BPF_FUNC_MAX_ID", helpers)],
    )
    for enum, prefix, names in (
        ("bpf_prog_type", "BPF_PROG_TYPE_", program_types),
        ("bpf_map_type", "BPF_MAP_TYPE_", map_types),
        ("bpf_attach_type", "BPF_", attach_types),
    ):
        if names is not None:
            types.enum(enum, [(f"{prefix}{word.upper()}", at) for at, word in enumerate(names)])
    counts = functions if isinstance(functions, Mapping) else dict.fromkeys(functions, 1)
    for function, count in counts.items():
        types.func(function, types.func_proto(number, [(f"a{n}", number) for n in range(count)]))
    for function, words in (taking or {}).items():
        given = [
            (
                "" if word == "..." else word.partition(" as ")[2] or f"a{n}",
                _c_type(types, word.partition(" as ")[0], structs),
            )
            for n, word in enumerate(words)
            if not word.startswith("->")
        ]
        results = [_c_type(types, word[2:], structs) for word in words if word.startswith("->")]
        types.func(function, types.func_proto(results[0] if results else number, given))
    for tracepoint, count in (tracepoints or {}).items():
        arguments = [("__data", types.ptr(0)), *((f"a{n}", number) for n in range(count))]
        types.typedef(f"btf_trace_{tracepoint}", types.ptr(types.func_proto(0, arguments)))
    for struct in structs:
        members = structs[struct] if isinstance(structs, Mapping) else ()
        types.struct(
            struct, [field(m, number, at=8 * n) for n, m in enumerate(members)], size=8 * len(members)
        )
    for record, words in (records or {}).items():
        members = [field(member, number, at=8 * at) for at, member in enumerate(words)]
        types.struct(f"trace_event_raw_{record}", members, size=8 * len(words))
    if variables is not None:
        placed = [
            (types.var(variable, _c_type(types, word, structs)), 64 * at, 8)
            for at, (variable, word) in enumerate(variables.items())
        ]
        types.datasec(".data..percpu", placed, 64 * len(placed))
    if map_flags is not None:
        types.enum("", [(f"BPF_F_{word}", bit) for word, bit in map_flags.items()])
    lines = None
    if symbols is not None:
        kept = [f"d {table}" for table in TABLES if table not in without]
        lines = [*kept, *(s if " " in s else f"t {s}" for s in symbols)]
    contents = Contents(
        btf=Blob(data=types.bytes()),
        config=_blob(None if config is None else [f"{key}={value}" for key, value in config.items()]),
        symbols=_blob(lines),
        tracepoints=_blob(events),
        filter_functions=_blob(filter_functions),
        sites=_sites(sites),
    )
    identity = Identity(name, "little", release="6.12.0", arch="x86_64")
    return Kernel(identity, contents, Provenance("btf"))


def _c_type(types: BtfWriter, word: str, structs: Mapping[str, Sequence[str]] | Sequence[str]) -> int:
    """The id of a type written as in C: `long`, `u8 *`, `const void *`, `struct file *`, `void`.

    A struct has the members of 8 bytes that `structs` lists for it.
    """
    if word.endswith("*"):
        return types.ptr(_c_type(types, word[:-1].rstrip(), structs))
    if word.startswith("const "):
        return types.const(_c_type(types, word[6:], structs))
    kind, _, name = word.rpartition(" ")
    if kind == "struct":
        members = structs.get(name, ()) if isinstance(structs, Mapping) else ()
        number = types.int("long", 8)
        shown = [field(member, number, at=8 * at) for at, member in enumerate(members)]
        return types.struct(name, shown, size=max(8, 8 * len(members)))
    if kind == "union":
        return types.union(name, [], size=8)
    if word == "u8":
        return types.typedef("u8", types.int("unsigned char", 1, encoding=0))
    return 0 if word in ("void", "...") else types.int(word, {"char": 1, "int": 4}.get(word, 8))


def _plain(number: int) -> str:
    return helper_name(number).removeprefix("bpf_") if number else "unspec"


def _sites(marks: Mapping[str, str] | None) -> Blob | None:
    if marks is None:
        return None
    return Blob(
        data=trace_sites.encode({"ftrace", "kprobes"}, [trace_sites.Site(*one) for one in marks.items()])
    )


def _blob(lines: Sequence[str] | None) -> Blob | None:
    return None if lines is None else Blob(data="".join(f"{line}\n" for line in lines).encode())


def call(number: int) -> Ins:
    """A call of a helper."""
    return Ins(0x85, imm=number)


def program(
    section: str,
    insns: Sequence[Ins] = (),
    *,
    license: str = "GPL",
    maps: Sequence[Mapping[str, int]] = (),
    extern: str = "",
    extern_type: str = "",
    weak: bool = False,
    struct_ops: str = "",
    context: Sequence[str] = (),
    reads: Mapping[int, str] | None = None,
    map_names: Sequence[str] = (),
) -> BpfObject:
    """An object with one program `made`, and maps `map0`, `map1` ... of these definitions.

    `extern` is a symbol without a type whose address the program may take, or with the C type `extern_type`,
    see `_c_type`, and `weak`; `struct_ops` the type of a variable whose only member, `init` or named behind a
    point, is the program; `context` names the members, of 8 bytes each, of
    the struct that the program takes; `reads` maps a slot to the struct whose member at 8 it relocates;
    `map_names` are other names for the maps.
    """
    types = BtfWriter()
    number = types.int("long", 8)
    given = []
    if context:
        members = [field(member, number, at=8 * at) for at, member in enumerate(context)]
        given = [("ctx", types.ptr(types.struct("my_context", members, size=8 * len(context))))]
    proto = types.func_proto(number, given)
    function = types.func("made", proto, linkage=1)
    writer = ElfWriter()
    writer.code(section, [*(insns or [mov(0, 0)]), exit_()], functions=["made"])
    if maps:
        held = writer.section(".maps", flags=e.ALLOC | e.WRITE)
        entries = []
        for at, members in enumerate(maps):
            name = map_names[at] if at < len(map_names) else f"map{at}"
            variable = map_definition(types, name, **members)
            entries.append((variable, at * 40, 40))
            writer.symbol(name, held, at * 40, 40, type=e.OBJECT)
        held.data = bytes(40 * len(maps))
        types.datasec(".maps", entries, size=len(held.data))
    if extern:
        variable = types.var(extern, types.const(_c_type(types, extern_type or "void", {})), linkage=2)
        types.datasec(".ksyms", [(variable, 0, 0)], 0)
        writer.symbol(extern, binding=e.WEAK if weak else e.GLOBAL)
    if struct_ops:
        _struct_ops(types, writer, struct_ops)
    ext = ExtWriter(types)
    ext.func(section, 0, function)
    for slot, struct in (reads or {}).items():
        shape = types.struct(struct, [field("first", number, at=0), field("second", number, at=8)], size=64)
        ext.core(section, slot, shape, "0:1", 0)
    writer.license(license)
    writer.btf(types, ext)
    return load(writer.bytes(), "made.bpf.o")


def _struct_ops(types: BtfWriter, writer: ElfWriter, name: str) -> None:
    name, _, implemented = name.partition(".")
    member = types.ptr(types.func_proto(0))
    shape = types.struct(name, [(implemented or "init", member, 0, 0)], size=8)
    variable = types.var("ops", shape, linkage=1)
    types.datasec(".struct_ops", [(variable, 0, 8)], 8)
    held = writer.section(".struct_ops", bytes(8), flags=e.ALLOC | e.WRITE)
    writer.symbol("ops", held, 0, 8, type=e.OBJECT)
    writer.relocate(held, 0, "made")


def facts(kernel: Kernel) -> KernelFacts:
    """The kernel as the rules ask it."""
    return KernelFacts(KernelTarget(kernel))


def judged(obj: BpfObject, kernel: Kernel) -> ObjectVerdict:
    """The object on the kernel."""
    return predict(obj, facts(kernel))


def findings(obj: BpfObject, kernel: Kernel) -> list[Finding]:
    """All findings of the object on the kernel."""
    return list(judged(obj, kernel).all_findings)
