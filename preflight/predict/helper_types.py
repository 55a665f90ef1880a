# SPDX-License-Identifier: Apache-2.0
"""May a program of this type call this helper on that kernel?

The kernel's own enum says which helpers there are. Which program types may call one is code
(the get_func_proto() of each type), so it is told from kernels where every pair was tried
(data/helper_types.toml): what a kernel with no more helpers than this one accepted is not taken
away later, as helpers are user-space ABI. What only a kernel with other helpers refused stays open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from preflight import tables
from preflight.bytecode.helpers import helper_name
from preflight.facts import Evidence
from preflight.objects.model import Program
from preflight.predict.hooks import gives_nothing
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer

#: Section prefix -> way of loading in the table, where they differ.
_VEHICLES = {
    "kretprobe": "kprobe", "ksyscall": "kprobe", "kretsyscall": "kprobe", "uprobe": "kprobe",
    "uretprobe": "kprobe", "usdt": "kprobe", "kprobe.multi": "kprobe", "kretprobe.multi": "kprobe",
    "kprobe.session": "kprobe", "uprobe.multi": "kprobe", "uretprobe.multi": "kprobe",
    "uprobe.session": "kprobe", "uretprobe.s": "uprobe.s", "usdt.s": "uprobe.s", "uprobe.multi.s": "uprobe.s",
    "uretprobe.multi.s": "uprobe.s", "uprobe.session.s": "uprobe.s", "tracepoint": "tp",
    "raw_tracepoint": "raw_tp", "raw_tracepoint.w": "raw_tp.w", "fentry.s": "fentry", "fexit.s": "fexit",
    "fmod_ret.s": "fmod_ret", "fsession": "fexit", "fsession.s": "fexit", "classifier": "tc",
    "tc/ingress": "tc", "tc/egress": "tc", "tcx/ingress": "tc", "tcx/egress": "tc",
}  # fmt: skip

#: Served by bpf_tracing_func_proto() (kernel/trace/bpf_trace.c): the old memory readers are theirs alone.
_TRACING = (
    "kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable", "tracing", "lsm",
)  # fmt: skip
#: Helpers lockdown=confidentiality withholds -> the one that is handed out beside it and is not withheld.
_BESIDE = {
    "bpf_probe_read_kernel": "bpf_probe_read_user",
    "bpf_probe_read_kernel_str": "bpf_probe_read_user_str",
    "bpf_probe_read": "bpf_probe_read_user",
    "bpf_probe_read_str": "bpf_probe_read_user_str",
}
_OLD_READERS = ("bpf_probe_read", "bpf_probe_read_str")
#: Helpers that are not tried because they write to the kernel log -> the one handed out beside them.
_NOT_TRIED = {
    "bpf_trace_printk": "bpf_get_current_task",
    "bpf_trace_vprintk": "bpf_get_current_task",
    "bpf_probe_write_user": "bpf_get_current_task",
}
#: What iterators of sockets may call besides (bpf_iter_tcp_get_func_proto(), bpf_iter_unix_get_func_proto()).
_OF_ITERATORS = ("bpf_setsockopt", "bpf_getsockopt")
#: Helpers about the result of a hook, and attach types that have none (cgroup_common_func_proto()).
_RESULTS = ("bpf_get_retval", "bpf_set_retval")
_WITHOUT_RESULT = (
    "udp4_recvmsg", "udp6_recvmsg", "unix_recvmsg", "inet4_getpeername", "inet6_getpeername",
    "unix_getpeername", "inet4_getsockname", "inet6_getsockname", "unix_getsockname",
)  # fmt: skip
_OF_ARGUMENTS = ("bpf_get_func_arg", "bpf_get_func_arg_cnt")
_MEASURE = "a load on this kernel: `preflight lab run`"


class _Way(NamedTuple):
    """How a program is loaded: its type, and the prefix of its section's name."""

    program_type: str
    prefix: str


@cache
def _recorded() -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = tables.load(Path(__file__).parent / "data" / "helper_types.toml")[
        "kernel"
    ]
    return found


@cache
def _ids() -> Mapping[str, int]:
    return {helper_name(number): number for number in range(1, 212)}


def helper_answer(facts: KernelFacts, program: Program, number: int) -> Answer:
    """Whether the program's type may call the helper of that number."""
    answer = facts.ask(_for_type, program.program_type, program.hook.prefix, number)
    own = _at_hook(facts, program, _name_of(number))
    if own is not None and not (own.there is False and answer.there is False):
        return own
    if answer.there is True or program.attach_type != "trace_iter":
        return answer
    return _of_iterator(facts, program, number) or answer


def _at_hook(facts: KernelFacts, program: Program, name: str) -> Answer | None:
    """What depends on the hook beyond the type; None where nothing does."""
    if name in _RESULTS and program.attach_type.endswith(_WITHOUT_RESULT):
        shown = Evidence("inferred", "cgroup_common_func_proto() has it for hooks whose result counts")
        return Answer(False, f"{program.attach_type} programs may not call {name}", shown)
    hook = program.hook.target.name if program.hook.target is not None else ""
    of_group = name == "bpf_set_retval" and program.attach_type == "lsm_cgroup"
    if of_group and hook and gives_nothing(facts, f"bpf_lsm_{hook}"):
        shown = Evidence("btf", f"bpf_lsm_{hook}() returns void")
        return Answer(False, f"{name} is for hooks that give something", shown)
    if name in _OF_ARGUMENTS and program.attach_type == "trace_raw_tp":
        return facts.ask(_reads_arguments, name)
    return None


def _reads_arguments(facts: KernelFacts, name: str) -> Answer | None:
    """Programs on tracepoints read arguments by number since 7.0: the members tell 7.1, and nothing 7.0."""
    if not facts.has_helper(_ids()[name]):
        return None
    if "off" not in (facts.members("bpf_reg_state") or ("off",)):
        return Answer(True, "", Evidence("inferred", f"every measured kernel from 7.0 on takes {name} there"))
    if "BPF_MAP_TYPE_INSN_ARRAY" in (facts.enum("bpf_map_type") or ()):
        shown = Evidence("inferred", "6.19 refuses it to programs on tracepoints, 7.0 does not")
        return Answer(
            None, f"whether programs on tracepoints may call {name} here is not known", shown, _MEASURE
        )
    return None


def _of_iterator(facts: KernelFacts, program: Program, number: int) -> Answer | None:
    """Some iterators have helpers of their own (`get_func_proto` of struct bpf_iter_reg)."""
    target = program.hook.target
    own = f"bpf_iter_{target.text}_get_func_proto" if target is not None else ""
    if _name_of(number) not in _OF_ITERATORS or not facts.has_func(own):
        return None
    return Answer(True, "", Evidence("btf", f"the kernel has {own}()"))


def may_call(facts: KernelFacts, program: Program, number: int) -> bool:
    """Whether the program's type may certainly call the helper, whatever shows it."""
    own = _at_hook(facts, program, _name_of(number))
    if own is not None:
        return own.there is True
    return facts.ask(_may_call, program.program_type, program.hook.prefix, number)


def _may_call(facts: KernelFacts, program_type: str, prefix: str, number: int) -> bool:
    return facts.ask(_for_type, program_type, prefix, number).there is True


def _for_type(facts: KernelFacts, program_type: str, prefix: str, number: int) -> Answer:
    """The same for all programs of a type whose section names begin alike."""
    program = _Way(program_type, prefix)
    names = facts.helper_names
    name = _name_of(number)
    if names is None:
        shown = Evidence("btf", "enum bpf_func_id is not in this kernel's BTF")
        return Answer(None, f"which helpers this kernel has is not known ({name})", shown, _MEASURE)
    if not number or number not in names:  # 0 is BPF_FUNC_unspec
        shown = Evidence("btf", f"enum bpf_func_id has no value {number}")
        return Answer(False, f"this kernel has no {name}", shown)
    if name in _OLD_READERS:
        old = _old_reader(facts, program, name)
        if old is not None:
            return old
    return _measured(program, number, facts.ask(_no_newer), facts.ask(_alike))


def _no_newer(facts: KernelFacts) -> tuple[int, ...]:
    """The recorded kernels that this one is no older than, by their places among them.

    No helper got a number after 6.2, but types still get helpers. `since` is a function that came with or
    shortly before the recorded kernel.
    """
    known = len(facts.helper_names or ())
    return tuple(
        place
        for place, record in enumerate(_recorded())
        if record["ids"] <= known and ("since" not in record or facts.has_func(record["since"]))
    )


def _alike(facts: KernelFacts) -> tuple[int, ...]:
    """Those with as many helpers, after which nothing came that this one has, and so may allow more."""
    known = len(facts.helper_names or ())
    return tuple(
        place
        for place, record in enumerate(_recorded())
        if record["ids"] == known and not ("until" in record and facts.has_func(record["until"]))
    )


# The same for all kernels of an age: most of them.
@lru_cache(1 << 12)
def _measured(program: _Way, number: int, no_newer: tuple[int, ...], alike: tuple[int, ...]) -> Answer:
    """What recorded kernels did with a helper that this one has."""
    name = _name_of(number)
    for place in no_newer:
        record = _recorded()[place]
        if _usable(record, program, name, number):
            return Answer(
                True, "", Evidence("inferred", f"{record['name']} takes {name} in {program.program_type}")
            )
    for place in alike:
        record = _recorded()[place]
        if _refused(record, program, name, number):
            shown = Evidence(
                "inferred", f"{record['name']}, with the same helpers, refuses it in every such program"
            )
            return Answer(False, f"{program.program_type} programs may not call {name}", shown)
    why = (
        f"whether {program.program_type} programs may call {name} here was not measured on a kernel like this"
    )
    return Answer(None, why, Evidence("btf", f"enum bpf_func_id lists {name}"), _MEASURE)


def _name_of(number: int) -> str:
    name = helper_name(number)
    return f"helper {number}" if name == "bpf_unknown" else name


def _rows(record: Mapping[str, Any], program: _Way) -> Iterator[str]:
    """The letters of the program's own way of loading, else of its type."""
    vehicle = _VEHICLES.get(program.prefix, program.prefix)
    of_type = [row for row in record["rows"] if row["type"] == program.program_type]
    exact = [row for row in of_type if row["vehicle"] == vehicle]
    if not exact and program.program_type == "tracing":
        return
    yield from (row["states"] for row in exact or of_type)


def _usable(record: Mapping[str, Any], program: _Way, name: str, number: int) -> bool:
    rows = [states for states in _rows(record, program) if number < len(states)]
    if any(states[number] == "u" for states in rows):
        return True
    beside = _BESIDE.get(name) if record["locked"] else None
    beside = beside or _NOT_TRIED.get(name)
    if beside is not None and name not in _OLD_READERS:
        return any(states[_ids()[beside]] == "u" for states in rows if _ids()[beside] < len(states))
    # what every way of loading takes is in bpf_base_func_proto(), which all types fall back to
    everywhere = [row["states"] for row in record["rows"] if number < len(row["states"])]
    return bool(everywhere) and all(states[number] == "u" for states in everywhere)


def _refused(record: Mapping[str, Any], program: _Way, name: str, number: int) -> bool:
    if record["locked"] and name in _BESIDE:
        return False
    rows = [states for states in _rows(record, program) if number < len(states)]
    return bool(rows) and all(states[number] == "n" for states in rows)


def _old_reader(facts: KernelFacts, program: _Way, name: str) -> Answer | None:
    """bpf_probe_read() and bpf_probe_read_str(): only where user and kernel addresses do not overlap."""
    if program.program_type not in _TRACING:
        return None
    apart = facts.option("CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE")
    if apart is None:
        apart = facts.data_symbol("bpf_probe_read_compat_proto")
    if apart is None:
        return None
    word = "set" if apart else "not set"
    shown = Evidence("config", f"CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE is {word}")
    why = "" if apart else f"{name} does not exist where user and kernel addresses may overlap"
    return Answer(apart, why, shown)
