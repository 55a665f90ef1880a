# SPDX-License-Identifier: Apache-2.0
"""What a program attaches to, and when user space has to say so first (PC502). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

#: What would decide an open question.
SYMBOLS = "decided by the kernel's symbols: add its package to the catalogue, or `preflight lab probe`"
EVENTS = (
    "decided by tracefs (of this host: mount it), or by the kernel's symbols: "
    "add its package to the catalogue, or `preflight lab probe`"
)
LAB = "decided by an attachment on this kernel (`preflight lab run`), or by its available_filter_functions"


def target_name(program: Program) -> str:
    """What the section names to attach to: a function, event or pattern; "" for nothing."""
    return program.hook.target.name if program.hook.target else ""


def named(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """A section that names no target: bpf_program__attach() has nothing to attach to."""
    target = program.hook.target
    if target is not None and target.is_open:
        yield open_finding(on_kernel, program, f'SEC("{program.section}") names no target')


def open_finding(on_kernel: RelocatedObject, program: Program, title: str) -> Finding:
    """The target is left to user space: as it is the program does not attach, and that is no failure."""
    found = missing(
        "PC502",
        on_kernel.obj,
        program,
        "",
        f"{title}: user space has to name it",
        Evidence("object", f"section {program.section}"),
    )
    return replace(found, data={"open": True})
