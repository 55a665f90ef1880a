# SPDX-License-Identifier: Apache-2.0
"""Functions and hooks that are there and that the kernel lets no such program attach to (PC306). Pure.

bpf_check_attach_target(), check_attach_btf_id() and bpf_lsm_verify_prog() hold the target against lists of
the kernel's own (data/denied_targets.toml); btf_distill_func_proto() refuses functions with variable or too
many arguments, and those that return a struct. bpf_d_path() is given out by such a list as well (PC405).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from preflight import tables
from preflight.btf import Kind
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing, place, undecided
from preflight.predict.hooks import prototype_of
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.sleepable import hooks_that_sleep
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

_BY_TRAMPOLINE: Final = ("trace_fentry", "trace_fexit", "trace_fsession", "modify_return")
_D_PATH: Final = 147
#: MAX_BPF_FUNC_ARGS
_MAX_ARGUMENTS: Final = 12
_LOAD: Final = "decided by a load on this kernel: `preflight lab run`"


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "denied_targets.toml")


@cache
def _by_name() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(attach type, name) -> its row."""
    rows = _table()["denied"]
    return {(attach, name): row for row in rows for attach in row["attach"] for name in row["names"]}


def denied_target_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC306 for the program's target, `unknown` where the kernel's list is not known; PC405 for d_path."""
    target = program.hook.target
    if target is None or target.is_open or not target.name or program.program_type not in ("tracing", "lsm"):
        return
    name = target.text.rpartition(":")[2]
    row = _by_name().get((program.attach_type, name))
    if row is not None and _is_there(facts, program, name):
        yield from _listed(on_kernel, facts, program, name, row)
    if program.attach_type in _BY_TRAMPOLINE:
        yield from _prototype(on_kernel, program, name)
        yield from _path_helper(on_kernel, program, name, _PATHS_OF_FUNCTIONS, _table()["d_path"]["names"])
    elif program.program_type == "lsm":
        yield from _path_helper(on_kernel, program, name, _PATHS_OF_HOOKS, hooks_that_sleep())


def _is_there(facts: KernelFacts, program: Program, name: str) -> bool:
    return facts.has_func(f"bpf_lsm_{name}" if program.program_type == "lsm" else name)


def _listed(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, name: str, row: Mapping[str, Any]
) -> Iterator[Finding]:
    has_list = facts.data_symbol(row["witness"])
    if has_list is False:
        return
    later = facts.data_symbol(row["later"]) if "later" in row else True
    certain = has_list and later and not row.get("open")
    word = {True: "is", None: "may be"}[has_list]
    shown = Evidence("procfs", f"{row['witness']} {word} among this kernel's symbols")
    what = program.hook.prefix or program.attach_type
    yield (missing if certain else undecided)(
        "PC306",
        on_kernel.obj,
        program,
        name,
        f"this kernel lets no {what} program attach to {name}"
        if certain
        else f"whether this kernel lets {what} programs attach to {name} is not known",
        shown,
        cause=f"the kernel's list {row['witness']}; it says: {row['says']}",
        fix="" if certain else _LOAD,
    )


def _prototype(on_kernel: RelocatedObject, program: Program, name: str) -> Iterator[Finding]:
    """What btf_distill_func_proto() makes no trampoline for, on every kernel that has them."""
    text = program.hook.target.text if program.hook.target else ""
    unfit: str | None = on_kernel.ask(_unfit, program.hook.attach_type, text)
    if unfit is None:
        return
    what, shown, said = _UNFIT[unfit.split()[0]]
    number = unfit.partition(" ")[2]
    yield missing(
        "PC306",
        on_kernel.obj,
        program,
        name,
        f"{name} {what}",
        Evidence("btf", f"the prototype of {name} {shown.format(number)}"),
        cause=f"the verifier says: The function {name} {said.format(number)}",
    )


#: Why no trampoline is made: what is said of the function, what its prototype shows, what the verifier says.
_UNFIT: Final = {
    "variadic": (
        "takes a variable number of arguments, and no trampoline passes those",
        "ends with ...",
        "with variable args is unsupported",
    ),
    "many": (
        f"has more arguments than the {_MAX_ARGUMENTS} that a trampoline passes",
        "has {} parameters",
        "has {} arguments. Too many.",
    ),
    "result": (
        "returns a struct or union, which no trampoline passes on",
        "returns a {}",
        "return type {} is unsupported",
    ),
}


def _unfit(target: KernelTarget, attach_type: str, text: str) -> str | None:
    """A key of _UNFIT and what goes into its words; None for a function that is fit."""
    found = prototype_of(target, attach_type, text)
    if found is None:
        return None
    btf, proto, _ = found
    if len(proto.params) > _MAX_ARGUMENTS:
        return f"many {len(proto.params)}"
    kind = btf.kind(btf.resolve(proto.ret)) if proto.ret else None
    if kind in (Kind.STRUCT, Kind.UNION):
        return "result STRUCT" if kind == Kind.STRUCT else "result UNION"
    return "variadic" if proto.variadic else None


_PATHS_OF_FUNCTIONS: Final = "{} is not among the functions of btf_allowlist_d_path"
#: bpf_d_path_allowed() asks bpf_lsm_is_sleepable_hook().
_PATHS_OF_HOOKS: Final = "{} is not among the hooks at which every kernel lets programs sleep"


def _path_helper(
    on_kernel: RelocatedObject, program: Program, name: str, why: str, allowed: Collection[str]
) -> Iterator[Finding]:
    uses = [use for use in on_kernel.obj.usage(program).helpers if use.number == _D_PATH]
    if not uses or name in allowed:
        return
    rule = _table()["d_path"]
    image = on_kernel.obj.image(program)
    slots = [slot for slot, origin in enumerate(image.origins) if origin == uses[0].first]
    answers = {one.answer for one in on_kernel.reach(program, slots).values()}
    if answers == {"no"}:
        return
    of_function = program.program_type == "tracing"
    certain = "yes" in answers and of_function and not name.startswith(rule["prefix"])
    made = (missing if certain else undecided)(
        "PC405",
        on_kernel.obj,
        program,
        "bpf_d_path",
        f"programs at {name} may not call bpf_d_path"
        if certain
        else f"whether programs at {name} may call bpf_d_path is not known",
        Evidence("inferred", why.format(name)),
        cause="the verifier says: helper call is not allowed in probe",
        fix="" if certain else _LOAD,
    )
    origin = uses[0].first
    yield replace(made, location=place(on_kernel.obj, origin.section, origin.insn))
