# SPDX-License-Identifier: Apache-2.0
"""The stack of a chain of calls, of which the verifier allows 512 bytes as well, and 255 to the callers of a
function with a tail call, whose stack stays (PC411). Pure.

check_max_stack_depth() rounds each function's use up, to 32 bytes or, where a JIT compiles it, to 16 on newer
kernels, and adds them along each chain. Since 6.13 tracing programs get a private stack for each function on
machines whose JIT supports it, and no sum is made. Measured on 5.10, 6.1, 6.12 and 7.3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from preflight.btf import Kind
from preflight.btf.types import Array
from preflight.bytecode.insn import decode
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.relocated import program_key

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage
    from preflight.predict.relocated import RelocatedObject

_LIMIT: Final = 512
_FINE, _COARSE = 16, 32
#: Program types with a private stack where there is one (bpf_enable_priv_stack()).
_PRIVATE: Final = ("kprobe", "tracepoint", "perf_event", "raw_tracepoint", "tracing", "lsm", "struct_ops")
_SUPPORT: Final = "bpf_jit_supports_private_stack"
#: Frames that every kernel has.
_FEWEST: Final = 8
#: What check_max_stack_depth_subprog() lets the callers of a function with a tail call use is less.
_BEFORE_TAIL_CALL: Final = 256
_TAIL_CALL: Final = 12
#: More frames than any kernel takes (MAX_CALL_FRAMES is 8, and 16 in 7.3), and than are looked at.
_FRAMES: Final = 20
#: Whose member has one place for each frame.
_STATE, _PLACES = "bpf_verifier_state", "frame"


def call_stack_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC411 for the deepest chain of calls where its sum is over the limit and no function alone is."""
    obj = on_kernel.obj
    image = obj.image(program)
    if len(image.subprogs) < 2:
        return
    used = obj.usage(program).stack
    depths = {start: depth for start, (_, depth) in zip(image.subprogs, used, strict=False)}
    yield from _of_tail_calls(on_kernel, program, depths, [name for name, _ in used])
    yield from _of_frames(on_kernel, facts, program, [name for name, _ in used])
    if max(depths.values(), default=0) > _LIMIT or sum(_up(d, _COARSE) for d in depths.values()) <= _LIMIT:
        return
    names = {start: name for start, (name, _) in zip(image.subprogs, used, strict=False)}
    chains = list(_chains(obj.memo(("calls", *program_key(program)), lambda: _calls(image))))
    fine = max(chains, key=lambda chain: _sum(depths, chain, _FINE))
    coarse = max(chains, key=lambda chain: _sum(depths, chain, _COARSE))
    if _sum(depths, coarse, _COARSE) <= _LIMIT or _has_private_stack(facts, program) is True:
        return
    certain = _sum(depths, fine, _FINE) > _LIMIT and _has_private_stack(facts, program) is False
    chain = fine if certain else coarse
    callers = " -> ".join(names[start] for start in chain)
    title = f"{callers} use {_sum(depths, chain, _FINE)} bytes of stack together"
    yield (missing if certain else undecided)(
        "PC411",
        obj,
        program,
        names[chain[-1]],
        title,
        Evidence("object", ", ".join(f"{names[start]}: {depths[start]}" for start in chain)),
        cause=f"the verifier adds what the functions of a chain of calls use; {_LIMIT} is the most",
        fix="keep large buffers in a map with one element per CPU"
        + ("" if certain else "; decided by a load"),
    )


def _of_frames(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, names: list[str]
) -> Iterator[Finding]:
    """A chain of more functions than the verifier has frames for (check_max_stack_depth_subprog())."""
    image = on_kernel.obj.image(program)
    obj = on_kernel.obj
    calls = obj.memo(("calls", *program_key(program)), lambda: _calls(image))
    if (again := _recursion(calls)) is not None:
        itself = names[image.subprogs.index(again)]
        yield missing(
            "PC411",
            obj,
            program,
            itself,
            f"{itself}() calls itself, or what calls it",
            Evidence("object", f"the calls from {itself}() lead back to it"),
            cause="the verifier says: the call stack of ... frames is too deep, recursive call, or back-edge",
            fix="write a loop, or let bpf_loop() call it",
        )
        return
    if len(image.subprogs) <= _FEWEST:
        return
    chain = max(_chains(calls), key=len)
    limit = facts.ask(_most_frames) if len(chain) > _FEWEST else None
    if len(chain) <= (_FEWEST if limit is None else limit):
        return
    called = [names[image.subprogs.index(start)] for start in chain]
    yield (undecided if limit is None else missing)(
        "PC411",
        on_kernel.obj,
        program,
        called[-1],
        f"{len(chain)} functions call one another, which are more than the verifier has frames for",
        Evidence("object", " -> ".join(called)),
        Evidence("btf", f"struct {_STATE}: {'not known' if limit is None else limit} frames"),
        cause="the verifier says: the call stack of ... frames is too deep",
        fix="let functions be inlined, or call fewer from one another",
    )


def _most_frames(facts: KernelFacts) -> int | None:
    """MAX_CALL_FRAMES of a kernel; None where its BTF does not say."""
    btf = facts.kernel.btf
    for type_id in btf.ids_by_name(_STATE, {Kind.STRUCT}):
        for member in btf.type(type_id).members:  # type: ignore[attr-defined]
            found = btf.type(btf.resolve(member.type))
            if member.name == _PLACES and isinstance(found, Array):
                return found.nelems
    return None


def _of_tail_calls(
    on_kernel: RelocatedObject, program: Program, depths: Mapping[int, int], names: list[str]
) -> Iterator[Finding]:
    obj = on_kernel.obj
    image = obj.image(program)
    calling = {
        bisect_right(image.subprogs, insn.slot) - 1
        for insn in decode(image.code, image.byteorder)
        if insn.is_helper_call and insn.imm == _TAIL_CALL
    } - {0}
    if not calling or sum(_up(depth, _COARSE) for depth in depths.values()) < _BEFORE_TAIL_CALL:
        return
    ends = {image.subprogs[number] for number in calling}
    chains = [chain for chain in _chains(_calls(image)) if chain[-1] in ends]
    chain = max(chains, key=lambda chain: _sum(depths, chain[:-1], _FINE), default=())
    fine, coarse = (_sum(depths, chain[:-1], to) for to in (_FINE, _COARSE))
    if coarse < _BEFORE_TAIL_CALL:
        return
    named = [names[image.subprogs.index(start)] for start in chain]
    yield (missing if fine >= _BEFORE_TAIL_CALL else undecided)(
        "PC411",
        obj,
        program,
        named[-1],
        f"{named[-1]}() makes a tail call, and {' -> '.join(named[:-1])} use {fine} bytes of stack before it",
        Evidence(
            "object", ", ".join(f"{name}: {depths[start]}" for name, start in zip(named, chain, strict=True))
        ),
        cause="the verifier says: tail_calls are not allowed when call stack of previous frames is ... bytes",
        fix=f"keep the callers below {_BEFORE_TAIL_CALL} bytes, or make the tail call in the main program",
    )


def _up(depth: int, to: int) -> int:
    return (max(depth, 1) + to - 1) // to * to


def _sum(depths: Mapping[int, int], chain: tuple[int, ...], to: int) -> int:
    return sum(_up(depths.get(start, 0), to) for start in chain)


def _has_private_stack(facts: KernelFacts, program: Program) -> bool | None:
    """Whether functions of the program get a stack each; the weak symbol alone is that of a JIT without."""
    if program.program_type not in _PRIVATE:
        return False
    letters = facts.symbol(_SUPPORT)
    return None if letters is None else "T" in letters


def _calls(image: ProgramImage) -> dict[int, set[int]]:
    """Function -> functions that it calls, as their first slots."""
    calls: dict[int, set[int]] = {start: set() for start in image.subprogs}
    starts = sorted(image.subprogs)
    place = 0
    for insn in decode(image.code, image.byteorder):
        while place + 1 < len(starts) and insn.slot >= starts[place + 1]:
            place += 1
        if insn.call_target in calls:
            calls[starts[place]].add(insn.call_target)
    return calls


def _recursion(calls: Mapping[int, set[int]]) -> int | None:
    """A function that the main program leads to and whose calls lead back to it."""
    return min((start for start in {0, *_led_to(calls, 0)} if start in _led_to(calls, start)), default=None)


def _led_to(calls: Mapping[int, set[int]], start: int) -> set[int]:
    """All functions that the calls of one lead to."""
    reached: set[int] = set()
    todo = list(calls[start])
    while todo:
        one = todo.pop()
        if one not in reached:
            reached.add(one)
            todo += calls[one]
    return reached


def _chains(calls: Mapping[int, set[int]]) -> Iterator[tuple[int, ...]]:
    """Every chain of calls that begins at the main program, as the functions' first slots."""
    todo: list[tuple[int, ...]] = [(0,)]
    seen = set(todo)
    while todo:
        chain = todo.pop()
        yield chain
        for callee in sorted(calls.get(chain[-1], ())):
            longer = (*chain, callee)
            if len(longer) <= _FRAMES and longer not in seen and len(seen) < 4096:
                seen.add(longer)
                todo.append(longer)
