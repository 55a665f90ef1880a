# SPDX-License-Identifier: Apache-2.0
"""Programs that cannot be attached by their section alone: something is to be given, or set up. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.attach_sites import ftrace_hook
from preflight.predict.attach_targets import LAB, open_finding, target_name
from preflight.predict.causes import missing, undecided
from preflight.predict.kernel_facts import KernelFacts

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

#: Iterators whose link needs to be told what to walk (bpf_iter_attach_map(),
#: sock_map_iter_attach_target(), bpf_iter_attach_cgroup()).
_ITERATORS: Final = {"bpf_map_elem": "a map", "bpf_sk_storage_map": "a map", "sockmap": "a map",
                     "cgroup": "an order of walking"}  # fmt: skip
#: Iterators that take sleepable programs wherever there are any (6.1 to 7.3).
_RESCHEDULED: Final = ("task",)
#: Maps whose entries may name programs where they have more bytes than these (dev_map_can_have_prog()).
_WITH_PROGRAMS: Final = ("devmap", "devmap_hash", "cpumap")
_WITHOUT_PROGRAM: Final = 4
#: Came with running such programs for devices without XDP of their own (5.15).
_GENERIC_ENTRIES: Final = "cpu_map_generic_redirect"
#: Attach types of XDP programs that run from a map's entry and are attached to no device (dev_xdp_install()).
FROM_MAPS: Final = ("xdp_devmap", "xdp_cpumap")
_USDT_MAP: Final = "__bpf_usdt_specs"


def iterator(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC502 for an iterator whose link has to be told what to walk."""
    if program.hook.sleepable and target_name(program) not in _RESCHEDULED:
        yield undecided(
            "PC513",
            on_kernel.obj,
            program,
            target_name(program),
            f"whether sleepable programs may walk {target_name(program)} is not known",
            Evidence(
                "inferred", "only some iterators are walked where a program may sleep (BPF_ITER_RESCHED)"
            ),
            fix=LAB,
        )
    what = _ITERATORS.get(target_name(program))
    if what:
        yield open_finding(on_kernel, program, f"an iterator over {target_name(program)} is told {what}")


def usdt(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC515 for a USDT program in an object without the maps that libbpf puts the places of a probe into."""
    if any(one.name == _USDT_MAP for one in on_kernel.obj.all_maps):
        return
    yield missing(
        "PC515",
        on_kernel.obj,
        program,
        "",
        f'SEC("{program.section}") needs map {_USDT_MAP}, which the object does not have',
        Evidence("object", f"no map {_USDT_MAP}"),
        cause="libbpf says: usdt: failed to find USDT support BPF maps (ESRCH)",
        fix="include bpf/usdt.bpf.h",
    )


def drivers_xdp(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC518 for an XDP program with a map whose entries may name programs, on a kernel that runs those for
    drivers alone (generic_xdp_install() before 5.15)."""
    used = {use.name for use in on_kernel.obj.usage(program).maps}
    held = [
        one.name
        for one in on_kernel.obj.all_maps
        if one.name in used and one.type in _WITH_PROGRAMS and one.value_size > _WITHOUT_PROGRAM
    ]
    if not held or facts.has_func(_GENERIC_ENTRIES):
        return
    yield undecided(
        "PC518",
        on_kernel.obj,
        program,
        held[0],
        f"entries of map {held[0]} may name programs, which this kernel runs for drivers with XDP alone",
        Evidence("btf", f"no function {_GENERIC_ENTRIES}"),
        fix="attach it to a device whose driver has XDP, or leave the program out of the map's value",
    )


def inside(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """A kprobe behind a function's first byte: an instruction has to begin there (EILSEQ)."""
    target = program.hook.target
    if target is None or not target.offset:
        return
    yield undecided(
        "PC503",
        on_kernel.obj,
        program,
        f"{target.name}+{target.offset:#x}",
        f"whether an instruction begins {target.offset} bytes into {target.name} is not known",
        Evidence("object", f"section {program.section}"),
        fix=LAB,
    )


def at_entry(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """A return probe behind the first byte: attach_kprobe() and attach_uprobe() of libbpf refuse (EINVAL)."""
    target = program.hook.target
    if target is None or not target.offset:
        return
    yield missing(
        "PC503",
        on_kernel.obj,
        program,
        f"{target.name}+{target.offset:#x}",
        "return probes take no offset: libbpf refuses to attach it (EINVAL)",
        Evidence("object", f"section {program.section}"),
    )


def every_match(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """A pattern of which some matches have no hook: older loaders ask for them all, and the kernel refuses.

    libbpf takes the names from /proc/kallsyms, since 1.3 from available_filter_functions where it can.
    """
    wanted = target_name(program)
    if not set(wanted) & {"*", "?"}:
        return
    found = facts.ask(_without_hook, wanted)
    if found is not None:
        yield undecided(
            "PC503",
            on_kernel.obj,
            program,
            wanted,
            f"{wanted} also matches {found}, which may have no hook; a loader that asks for it is refused",
            Evidence("procfs", f"{found} is among this kernel's symbols"),
            fix="libbpf 1.3 and later leaves them out where it can read available_filter_functions",
        )


def _without_hook(facts: KernelFacts, wanted: str) -> str | None:
    """The first symbol that matches and is not known to have ftrace's hook, where others that match do."""
    first, hooked = None, False
    for name in facts.kernel.symbols or ():
        if fnmatchcase(name, wanted):
            answer = ftrace_hook(facts, name)
            there = answer is not None and answer.there is True
            hooked, first = hooked or there, first if there else first or name
    return first if hooked else None
