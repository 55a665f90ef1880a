# SPDX-License-Identifier: Apache-2.0
"""Trace events of system calls, whose record ends with the call's last argument (PC514). Pure.

perf_event_set_bpf_prog() refuses a program that reads further (EACCES). How many arguments a call has is
part of its interface (data/syscall_arguments.toml). Kernels that record strings put their places behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from preflight import tables
from preflight.bytecode.opcodes import SIZES
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.argument_types import reads_of_context
from preflight.predict.causes import missing, place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

#: struct syscall_trace_enter: eight bytes of head, the number, then the arguments of 8 bytes.
_FIRST: Final = 16
#: Where the number, an int, ends: the record's last field when the call takes nothing.
_NUMBER_END: Final = 12
#: struct syscall_trace_exit: head, number, result.
_EXIT_END: Final = 24
#: Strings recorded per call at most, 4 bytes each for its place, rounded up.
_STRINGS: Final = 16


@cache
def _counts() -> Mapping[str, int]:
    table = tables.load(Path(__file__).parent / "data" / "syscall_arguments.toml")
    return {name: int(count) for count, names in table.items() for name in names}


def syscall_reads(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC514 for a read behind the end of the record; none for a call that is not in the table."""
    target = program.hook.target
    if target is None or target.category != "syscalls":
        return
    end = _end(target.name)
    image = on_kernel.obj.image(program)
    reads = reads_of_context(on_kernel.obj, program)
    beyond = {slot: at for slot, at in reads.items() if end and at + SIZES[image.code[slot * 8] & 0x18] > end}
    if not beyond or end is None:
        return
    for slot, reached in sorted(on_kernel.reach(program, beyond).items()):
        if reached.answer == "no":
            continue
        at = beyond[slot]
        certain = reached.answer == "yes" and not (
            _may_hold_strings(facts, target.name) and at < end + _STRINGS
        )
        origin = image.origins[slot]
        made = (missing if certain else undecided)(
            "PC514",
            on_kernel.obj,
            program,
            str(at),
            f"{program.name} reads at {at} of its context; the record of {target.name} ends at byte {end}",
            Evidence("inferred", f"{max(end - _FIRST, 0) // 8} values of 8 bytes behind the first {_FIRST}"),
        )
        yield replace(made, location=place(on_kernel.obj, origin.section, origin.insn))
        return


def _end(event: str) -> int | None:
    if event.startswith("sys_exit_"):
        return _EXIT_END
    count = _counts().get(event.removeprefix("sys_enter_"))
    if count == 0:
        return _NUMBER_END
    return None if count is None else _FIRST + 8 * count


def _may_hold_strings(facts: KernelFacts, event: str) -> bool:
    """Whether the kernel records the strings of a call behind its arguments (6.19)."""
    members = facts.members("syscall_metadata")
    return event.startswith("sys_enter_") and (
        members is None or bool(members & {"user_mask", "user_arg_is_str"})
    )
