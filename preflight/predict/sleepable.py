# SPDX-License-Identifier: Apache-2.0
"""Programs that may sleep, or that change a function's result: does the kernel let them? Pure.

bpf_check_attach_target() of kernel/bpf/verifier.c takes a sleepable fentry, fexit or fmod_ret where the
target is marked ALLOW_ERROR_INJECTION, which leaves a symbol `_eil_addr_NAME`, and where a set says so that
no fact of a kernel shows. fmod_ret wants the same, or a function called security_*. Measured on 5.10 to 7.3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight import tables
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.open_targets import is_placeholder
from preflight.predict.witness import Answer

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

_LOAD = "decided by a load on this kernel: `preflight lab run`"
_MODIFY = "modify_return"
#: Functions of sets that some kernels let be modified: functions made for trials, those of HID-BPF, and
#: the wrappers of system calls, which 7.1 takes and 6.17 does not.
_IN_SETS = ("bpf_", "hid_bpf_", "__x64_sys_", "__ia32_sys_", "__arm64_sys_", "__s390x_sys_", "__riscv_sys_",
            "__se_sys_", "sys_", "cgroup_", "update_socket_protocol")  # fmt: skip
#: Marked, and still refused to sleepable programs (non_sleepable_error_inject).
_NOT_SLEEPABLE = (
    "should_failslab",
    "should_fail_alloc_page",
    "__filemap_add_folio",
    "__add_to_page_cache_locked",
)


def sleepable_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC413 for sleepable programs, PC423 for fmod_ret; nothing where the kernel is known to take them."""
    hook = program.hook
    target = hook.target
    if program.program_type == "kprobe" and hook.sleepable:
        yield from _uprobe(on_kernel, facts, program)
    if program.program_type == "lsm" and hook.sleepable and target is not None and target.name:
        yield from _said("PC413", on_kernel, program, target.name, _hook(facts, target.name))
    if program.program_type != "tracing" or target is None or not target.name or target.is_open:
        return
    if target.kind != "function" or is_placeholder(target.name):
        return
    name = target.text.rpartition(":")[2]
    if program.attach_type == _MODIFY and not hook.sleepable:
        if not name.startswith("security_"):
            yield from _said("PC423", on_kernel, program, name, _marked(facts, name, "modifiable"))
    elif hook.sleepable:
        yield from _said("PC413", on_kernel, program, name, _marked(facts, name, "sleepable"))


def _said(
    code: str, on_kernel: RelocatedObject, program: Program, name: str, answer: Answer
) -> Iterator[Finding]:
    if answer.there is None:
        yield undecided(code, on_kernel.obj, program, name, answer.why, answer.evidence, fix=_LOAD)
    elif not answer.there:
        yield missing(code, on_kernel.obj, program, name, answer.why, answer.evidence)


def _marked(facts: KernelFacts, name: str, word: str) -> Answer:
    """Whether a function is marked so that it may fail on request."""
    shown = Evidence("procfs", f"symbol _eil_addr_{name}")
    built = facts.option("CONFIG_FUNCTION_ERROR_INJECTION")
    listed = facts.data_symbol(f"_eil_addr_{name}")
    if listed and not (word == "sleepable" and name in _NOT_SLEEPABLE):
        return Answer(True, "", shown)
    if name.startswith(_IN_SETS) or listed:
        why = f"nothing shows whether this kernel counts {name} as {word}"
        return Answer(None, why, Evidence("inferred", "kernels differ in which of these they take"))
    if built is False:
        off = Evidence("config", "CONFIG_FUNCTION_ERROR_INJECTION is not set: no function is marked")
        return Answer(False, f"the verifier says: {name} is not {word}", off)
    if listed is False:
        absent = Evidence("procfs", f"no symbol _eil_addr_{name}: it is not marked ALLOW_ERROR_INJECTION")
        return Answer(False, f"the verifier says: {name} is not {word}", absent)
    why = f"whether {name} is {word} is not known"
    return Answer(
        None, why, Evidence("config", "neither the configuration nor symbols of variables are known")
    )


def _hooks() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "sleepable_hooks.toml")


def hooks_that_sleep() -> Collection[str]:
    """The LSM hooks at which every measured kernel with the set takes sleepable programs."""
    taken: Collection[str] = _hooks()["taken"]
    return taken


def _hook(facts: KernelFacts, name: str) -> Answer:
    """Whether an LSM hook takes sleepable programs."""
    table = _hooks()
    has_set = any(facts.has_func(word) or facts.symbol(word) for word in table["witness"])
    if has_set and name in table["taken"]:
        return Answer(
            True, "", Evidence("inferred", f"every measured kernel takes sleepable programs at {name}")
        )
    if not has_set:
        shown = Evidence("btf", f"no function {table['witness'][0]}")
        return Answer(None, "nothing shows that this kernel takes sleepable LSM programs", shown)
    shown = Evidence("inferred", "measured kernels refuse some hooks, and differ in which")
    return Answer(None, f"nothing shows that sleepable programs may stand at {name}", shown)


def _uprobe(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """Sleepable uprobes came with 6.0; 5.10 lets only fentry, fexit, fmod_ret and lsm programs sleep."""
    # bpf_prog_array_copy_to_user() is older; the function that runs sleepable uprobes came with the rule
    if facts.has_func("bpf_prog_run_array_sleepable") or facts.has_func("bpf_prog_run_array_uprobe"):
        return
    if facts.has_func("bpf_uprobe_multi_link_attach") or facts.symbol("bpf_uprobe_multi_link_attach"):
        return
    yield undecided(
        "PC413",
        on_kernel.obj,
        program,
        "",
        "nothing shows that this kernel takes sleepable uprobe programs",
        Evidence("btf", "no function that came with them is in this kernel's BTF"),
        fix=_LOAD,
    )
