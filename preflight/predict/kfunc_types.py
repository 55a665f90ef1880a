# SPDX-License-Identifier: Apache-2.0
"""May a program call this kernel function? Pure.

Kernels of 6.9 and later, built with a pahole that knows of it, mark every registered kernel function with
the declaration tag `bpf_kfunc`: one that is not marked beside others that are is none. For which program
types a function is registered is code (register_btf_kfunc_id_set()), so it is told from kernels that were
asked for every pair (data/kernel_functions.toml). A kernel with the same functions as one of those is taken
for it; of another the two that it lies between have to agree, as functions are opened to more types with
time. What only the newest of them refused stays open to newer ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from preflight import tables
from preflight.btf import Btf, Kind
from preflight.btf.types import DeclTag
from preflight.facts import Evidence
from preflight.objects.model import Program
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer

_MEASURE: Final = "a load on this kernel: `preflight lab run`"
_TAG: Final = "bpf_kfunc"
_SLEEPABLE: Final = "sleepable"
#: Kernel functions whose callbacks may sleep, whoever sets them (push_async_cb()).
_MAY_SLEEP: Final = ("bpf_wq_set_callback", "bpf_task_work_schedule_")

#: What programs bound to a device may call alone (bpf_dev_bound_kfunc_check()).
_OF_DEVICES: Final = "bpf_xdp_metadata_"
#: Takes a lock, and so is not for every program (check_kfunc_args()).
_TASKS_OF_GROUPS: Final = "bpf_iter_css_task_new"
#: What programs of a session alone may call (bpf_kprobe_multi_filter()), which were not asked.
_OF_SESSIONS: Final = "bpf_session_"


class _Known(NamedTuple):
    """One kernel that was asked; `without`: the types that it does not have."""

    name: str
    since: str
    fingerprint: str
    without: frozenset[str]


class Taken(NamedTuple):
    """An argument of a kernel function: `word` is `n` for a number, else what is behind a pointer: a struct's
    name or the bytes; `ends`: what the parameter's name says of it. Empty where kernels differ."""

    word: str
    ends: str = ""


class _Table(NamedTuple):
    """`types`: those that were tried; `kernels` from old to new; `functions`: for each of them the types that
    may call one, None where a kernel does not have it; `flags`: with `|` before it, one that some lack."""

    types: frozenset[str]
    kernels: tuple[_Known, ...]
    functions: Mapping[str, tuple[frozenset[str] | None, ...]]
    flags: Mapping[str, frozenset[str]]
    arguments: Mapping[str, tuple[Taken, ...]]


@cache
def _table() -> _Table:
    found = tables.load(Path(__file__).parent / "data" / "kernel_functions.toml")
    sets = [frozenset(one.split()) for one in found["sets"]]
    return _Table(
        frozenset(found["types"].split()),
        tuple(
            _Known(one["name"], one["since"], one["fingerprint"], frozenset(one.get("without", "").split()))
            for one in found["kernel"]
        ),
        {
            name: tuple(None if word == "-" else sets[int(word)] for word in words.split())
            for name, words in found["functions"].items()
        },
        {name: frozenset(words.split()) for name, words in found["flags"].items()},
        {
            name: tuple(Taken(*("" if one == "?" else one).split(":")) for one in words.split())
            for name, words in found["arguments"].items()
        },
    )


def fingerprint(names: Iterable[str]) -> str:
    """What tells a kernel with these functions from one with others."""
    return sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]


def kfunc_answer(
    facts: KernelFacts,
    program: Program,
    name: str,
    called: Iterable[str] = (),
    implements: tuple[str, str] | None = None,
) -> Answer:
    """Whether the program may call a kernel function that vmlinux's BTF, or a module's, describes.
    `called`: all kernel functions it calls; `implements`: the struct_ops and the member it is for."""
    answers = [facts.ask(_for_type, way, name) for way in _ways(program, implements)]
    answer = answers[0]
    if any(one.there is not answer.there for one in answers):
        why = f"members of {implements and implements[0]} differ in whether they may call {name}"
        answer = Answer(None, why, answer.evidence, _MEASURE)
    if answer.there is True and name == _TASKS_OF_GROUPS and not _walks_tasks(program):
        shown = Evidence("inferred", "check_css_task_iter_allowlist()")
        return Answer(False, f"{name} is for lsm programs, iterators and programs that may sleep", shown)
    if answer.there is False and name.startswith(_OF_SESSIONS):
        return Answer(None, f"whether {program.name} may call {name} is not known", answer.evidence, _MEASURE)
    if answer.there is True and name.startswith(_OF_DEVICES):
        why = f"{name} is for programs that user space binds to a device, which the object does not tell"
        return Answer(None, why, answer.evidence, _MEASURE)
    if answer.there is not True or program.hook.sleepable or _SLEEPABLE not in flags(name):
        return answer
    if any(one.startswith(_MAY_SLEEP) for one in called):
        return Answer(
            None, f"whether {name} is called where programs may sleep is not known", answer.evidence
        )
    shown = Evidence("inferred", f"{name} has the flag KF_SLEEPABLE on every kernel that was looked at")
    return Answer(False, f"{name} may sleep, which {program.name} may not", shown)


def _walks_tasks(program: Program) -> bool:
    sleeps = program.hook.sleepable or program.program_type == "syscall"
    return sleeps or program.program_type == "lsm" or program.attach_type == "trace_iter"


def _ways(program: Program, implements: tuple[str, str] | None) -> tuple[str, ...]:
    """The types that a program counts as: of a member of struct_ops that was not tried all that were."""
    types = _table().types
    if program.program_type == "struct_ops" and implements is not None:
        whole = f"{program.program_type}:{implements[0]}"
        one = next((way for way in (whole, f"{whole}.{implements[1]}") if way in types), None)
        ways = tuple(sorted(way for way in types if way.startswith(f"{whole}."))) if one is None else (one,)
        return ways or (program.program_type,)
    way = f"{program.program_type}:{program.attach_type}"
    return (way if way in types else program.program_type,)


def flags(name: str) -> frozenset[str]:
    """Flags of a kernel function that all kernels which were looked at agree on; with `|` before it, one that
    only some of them give it."""
    return _table().flags.get(name, frozenset())


def arguments(name: str) -> tuple[Taken, ...]:
    """What a kernel function takes, from the first argument on."""
    return _table().arguments.get(name, ())


def is_known(name: str) -> bool:
    """Whether the flags of a kernel function were read."""
    return name in _table().flags


def _for_type(facts: KernelFacts, program_type: str, name: str) -> Answer:
    marked = facts.kfuncs
    here = facts.has_type(name, Kind.FUNC)
    # functions with arguments the verifier fills in stand beside a NAME_impl, and only one is marked
    twin = name.endswith("_impl") or facts.has_type(f"{name}_impl", Kind.FUNC)
    if here and marked and name not in marked and not twin:
        shown = Evidence("btf", f"{len(marked)} functions are marked {_TAG}, {name} is not")
        return Answer(False, f"{name} is there, but is no function that programs may call", shown)
    asked = _table().functions.get(name)
    if here and asked is not None and program_type in _table().types:
        may, shown = _told(facts, program_type, asked)
        if may is not None:
            kind = program_type.rpartition(":")[2]
            return Answer(may, "" if may else f"{kind} programs may not call {name}", shown)
    why = f"whether {program_type} programs may call {name}, which is there, is not known"
    return Answer(None, why, Evidence("btf", f"FUNC {name}"), _MEASURE)


def _told(
    facts: KernelFacts, program_type: str, asked: Sequence[frozenset[str] | None]
) -> tuple[bool | None, Evidence]:
    """What the kernels that were asked say of one like this."""
    kernels = _table().kernels
    mark = facts.ask(_fingerprint)
    asked = [
        None if program_type in one.without else types for one, types in zip(kernels, asked, strict=True)
    ]
    for one, types in zip(kernels, asked, strict=True):
        if one.fingerprint == mark and types is not None:
            shown = Evidence("inferred", f"{one.name}, with the same kernel functions, was asked")
            return program_type in types, shown
    place = max((at for at, one in enumerate(kernels, 1) if facts.has_func(one.since)), default=0)
    older = asked[place - 1] if place else None
    newer = asked[place] if place < len(kernels) else None
    words = " and ".join(one.name for one in kernels[max(place - 1, 0) : place + 1])
    shown = Evidence("inferred", f"{words} were asked")
    if place == len(kernels) and older is not None:
        return program_type in older or None, shown
    if older is None or newer is None or (program_type in older) != (program_type in newer):
        return None, shown
    return program_type in older, shown


def _fingerprint(facts: KernelFacts) -> str:
    return fingerprint(name for name in _table().functions if facts.has_type(name, Kind.FUNC))


def marked_functions(btf: Btf) -> frozenset[str]:
    """Functions with the declaration tag of kernel functions; empty where nothing is marked."""
    if _TAG.encode() not in btf.strings.data:
        return frozenset()
    found = set()
    for type_id in btf.ids_of_kind(Kind.DECL_TAG):
        tag = btf.type(type_id)
        if isinstance(tag, DeclTag) and tag.name == _TAG and tag.component == -1:
            found.add(btf.name(tag.type))
    return frozenset(found)
