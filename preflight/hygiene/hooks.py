# SPDX-License-Identifier: Apache-2.0
"""Rules about where programs attach: PT101 probes, PT102 syscalls, PT107 stacks, PT108 hot, PT110 paths."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.findings.model import Finding, Severity
from preflight.hygiene.calls import calls, instructions, of_helpers
from preflight.hygiene.finding import finding
from preflight.objects.hooks import Hook
from preflight.objects.model import BpfObject, Program

_PROBES = ("kprobe", "kretprobe")
_FAST = ("fentry", "fexit", "fmod_ret")
#: Hooks that see every system call of the machine.
_ALL_SYSCALLS = frozenset({"raw_syscalls:sys_enter", "raw_syscalls:sys_exit"})
_STACKS = ("get_stackid", "get_stack", "get_task_stack")
#: What a program does that costs or leaves something behind; a filter stands before it.
_EFFECTS = frozenset(
    {
        "map_update_elem", "ringbuf_reserve", "ringbuf_output", "perf_event_output", "get_stackid",
        "get_stack", "probe_read_user", "probe_read_user_str", "probe_read_kernel", "probe_read_kernel_str",
        "probe_read", "probe_read_str", "trace_printk", "task_storage_get",
    }
)  # fmt: skip


@cache
def table() -> dict[str, Any]:
    """preflight/hygiene/data/hooks.toml."""
    return tables.load(Path(__file__).parent / "data" / "hooks.toml")


def event_of(hook: Hook) -> str | None:
    """`category:name` of the event a program attaches to, by whatever surface; None when it is no event."""
    target = hook.target
    if target is None or not target.name:
        return None
    if target.kind == "tracepoint":
        return f"{target.category}:{target.name}"
    if target.kind == "raw-tracepoint":
        known: str | None = table()["raw"].get(target.name)
        return known or f":{target.name}"
    return None


def function_of(hook: Hook) -> str | None:
    """The kernel function a program attaches to; None when it is none, or user space names it."""
    target = hook.target
    return target.name if target is not None and target.kind == "function" and target.name else None


def stable_hook(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT101: a probe on a function for which there is an event, or an entry that BTF describes."""
    function = function_of(program.hook)
    if program.hook.prefix not in _PROBES or function is None:
        return
    twins = [p.name for p in obj.programs if p.hook.prefix in _FAST and function_of(p.hook) == function]
    event = table()["events"].get(function)
    if event is not None:
        yield finding(
            "PT101",
            obj,
            program,
            f"{program.name} probes {function}, and the event {event} tells the same",
            f'SEC("{program.section}"); {event} is kept stable between kernels',
            fix=f'SEC("tracepoint/{event.replace(":", "/")}"), or tp_btf/{event.partition(":")[2]}',
            alternative=event,
        )
    elif not twins and not _has_offset(program):
        surface = "fexit" if program.hook.returns else "fentry"
        yield finding(
            "PT101",
            obj,
            program,
            f"{program.name} probes {function}; {surface} costs less and has typed arguments",
            f'SEC("{program.section}"), and no fentry or fexit program for {function} beside it',
            fix=f'add SEC("{surface}/{function}") and keep the probe for kernels without BTF trampolines',
            severity=Severity.INFO,
            alternative=f"{surface}/{function}",
        )


def _has_offset(program: Program) -> bool:
    target = program.hook.target
    return target is not None and bool(target.offset)


def unfiltered_syscalls(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT102: every system call of the machine, and nothing is compared before the first thing that costs."""
    if event_of(program.hook) not in _ALL_SYSCALLS:
        return
    insns = instructions(obj, program)
    effects = [call.slot for call in calls(obj, program) if call.helper in _EFFECTS]
    if not effects or any(insn.is_conditional_jump and slot < effects[0] for slot, insn in insns.items()):
        return
    yield finding(
        "PT102",
        obj,
        program,
        f"{program.name} does its work for every system call of every process",
        f"{event_of(program.hook)}; nothing is compared before instruction {effects[0]}",
        slot=effects[0],
    )


def hot_stack(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT107: walks a stack where the kernel comes by all the time."""
    why = _hot(program.hook)
    taken = of_helpers(calls(obj, program), _STACKS)
    if why is None or not taken:
        return
    yield finding(
        "PT107",
        obj,
        program,
        f"{program.name} walks a stack at {why[0]}: {why[1]}",
        f"bpf_{taken[0].helper}() in a program at {why[0]}",
        slot=taken[0].slot,
        hook=why[0],
    )


def hot_hook(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT108: attaches where the kernel comes by all the time."""
    why = _hot(program.hook)
    if why is None:
        return
    # an event costs tens of nanoseconds, a probe hundreds: the latter is advice to change something
    severity = Severity.RECOMMENDED if program.hook.prefix in _PROBES else Severity.INFO
    yield finding(
        "PT108",
        obj,
        program,
        f"{program.name} runs at {why[1]} ({why[0]})",
        f'SEC("{program.section}")',
        severity=severity,
        hook=why[0],
    )


def _hot(hook: Hook) -> tuple[str, str] | None:
    """The hook's name and why it is hot."""
    name = event_of(hook) or function_of(hook)
    why = table()["hot"].get(name) if name else None
    return (name, why) if name and why else None


def host_path(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT110: an absolute path in the section's name is a file of the host, not of a container."""
    target = program.hook.target
    if target is None or not target.path.startswith("/"):
        return
    yield finding(
        "PT110",
        obj,
        program,
        f"{program.name} names the file {target.path} of the host",
        f'SEC("{program.section}")',
        path=target.path,
    )
