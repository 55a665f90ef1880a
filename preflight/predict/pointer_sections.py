# SPDX-License-Identifier: Apache-2.0
"""Sections in which a program may not sleep, in a walk that follows pointers: of RCU, without preemption,
with interrupts kept off. Pure.

What begins has to end, in order; what may sleep is not called within; iterators that RCU protects are used
within the section they were begun in. Rules: check_helper_call(), check_kfunc_call(), check_func_call(),
process_iter_arg(), process_irq_flag(), release_irq_state() of kernel/bpf/verifier.c. Measured on 6.12, 6.18
and 7.3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from preflight.bytecode.helpers import helper_name
from preflight.bytecode.state import STACK
from preflight.predict.kfunc_types import flags

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage
    from preflight.bytecode.insn import Insn
    from preflight.bytecode.reach_graph import Graph
    from preflight.bytecode.state import State, Value
    from preflight.predict.pointer_values import Held
    from preflight.predict.pointer_walk import Walker

_RCU, _PREEMPTION = "bpf_rcu_read_lock", "bpf_preempt_disable"
_INTERRUPTS = ("bpf_local_irq_save", "bpf_local_irq_restore")
#: What tells where interrupts are kept from all other places, by depth; how deep sections may be nested.
_SAVED: Final = 1 << 23
_NESTED: Final = 8
_WORD: Final = 8
#: What tells the place of flags that were written over from all others.
_LOST: Final = 1 << 22
#: Kernel functions that begin and end a section, told by a number no place on the stack has.
_BEGIN: Final = {_RCU: -(1 << 30), _PREEMPTION: -(1 << 30) - 1}
_END: Final = {"bpf_rcu_read_unlock": -(1 << 30), "bpf_preempt_enable": -(1 << 30) - 1}
#: What begins a section -> what it is called.
_CALLED: Final = {
    f"{_RCU}()": "a section of RCU",
    f"{_PREEMPTION}()": "a section that is not preempted",
    f"{_INTERRUPTS[0]}()": "a section without interrupts",
}
#: Helpers that may sleep (bpf_func_proto.might_sleep), as images of 6.12 to 7.3 have it; others that some of
#: them mark, the two of stacks for sleepable programs.
SLEEPING: Final = frozenset({"copy_from_user", "copy_from_user_task", "ima_inode_hash", "ima_file_hash"})
_MAY_SLEEP: Final = frozenset(
    {"sys_bpf", "sys_close", "btf_find_by_name_kind", "get_stack", "get_task_stack"}
)
_PROTECTED: Final = "rcu_protected"


def check_sleep(walker: Walker, state: State, slot: int, name: str, *, of_kernel: bool) -> None:
    """What may sleep is called where nothing may."""
    differs = not of_kernel and walker.sleepable and name in _MAY_SLEEP
    if not ("sleepable" in flags(name) if of_kernel else name in SLEEPING or differs):
        return
    held = walker.held(state)
    section = "" if held is None else _section(held)
    if section:
        called = name if of_kernel else f"bpf_{name}"
        walker.note("sleeps", slot, f"{called}() may sleep in {section}", sure=not differs)


def check_global_call(walker: Walker, slot: int, target: int, held: Held) -> None:
    """Global functions are not called with a lock held; in a section, those that may sleep, and before 6.15
    all of them but for sections of RCU."""
    section = _section(held)
    if held.lock >= 0:
        walker.note("lock", slot, "a global function is called while a spin lock is held")
    elif section and target in walker.sleepers:
        walker.note("section-sleep", slot, f"a global function that may sleep is called in {section}")
    if section and any(source != f"{_RCU}()" and source in _CALLED for _, source in held.references):
        walker.note("section-call", slot, f"a global function is called in {section}")


def sleepers(graph: Graph) -> frozenset[int]:
    """The global functions that may sleep (mark_subprog_might_sleep())."""

    def sleeps(insn: Insn) -> bool:
        if insn.is_helper_call:
            return helper_name(insn.imm).removeprefix("bpf_") in SLEEPING
        return "sleepable" in flags(graph.kfunc_name(insn.slot) or "")

    return doing(graph.image, graph.insns, sleeps)


def doing(image: ProgramImage, insns: Sequence[Insn | None], does: Callable[[Insn], bool]) -> frozenset[int]:
    """The global functions with a call that does something, or of a function that has one."""
    if not image.global_subprogs:
        return frozenset()
    starts = sorted(image.subprogs)
    calls: dict[int, set[int]] = {start: set() for start in starts}
    found: set[int] = set()
    for insn in insns:
        if insn is None or not insn.is_call:
            continue
        function = starts[bisect_right(starts, insn.slot) - 1]
        if insn.call_target is not None:
            calls.setdefault(insn.call_target, set()).add(function)
        elif does(insn):
            found.add(function)
    todo = list(found)
    while todo:
        for caller in calls.get(todo.pop(), ()):
            if caller not in found:
                found.add(caller)
                todo.append(caller)
    return frozenset(found & set(image.global_subprogs))


def follow_section(walker: Walker, state: State, slot: int, name: str) -> None:
    """A section of RCU, or one that is not preempted, is left before the program ends."""
    held = walker.held(state)
    if held is None or name not in (*_BEGIN, *_END):
        return
    first = _BEGIN[name] if name in _BEGIN else _END[name]
    open_ = [ident for ident, _ in held.references if ident in range(first, first - 2 * _NESTED, -2)]
    if name in _END:
        if open_:
            walker.drop(state, min(open_))
        else:
            walker.note("lock", slot, f"{name}() without its counterpart before")
        if len(open_) <= 1 and first == _BEGIN[_RCU]:
            _leave(walker, state)
        return
    if open_ and name == _RCU:
        # newer verifiers count them
        walker.note("lock", slot, f"{name}() within a section that was begun", sure=False)
    walker.acquire(state, first - 2 * len(open_), f"{name}()")


def follow_interrupts(walker: Walker, state: State, slot: int, name: str, place: Value) -> None:
    """What interrupts were before is kept on the stack and put back in the reverse order."""
    held = walker.held(state)
    if held is None or name not in _INTERRUPTS:
        return
    if place.kind != STACK or place.off is None or place.frame:
        state.doubt = True
        return
    kept = [ident for ident, source in held.references if source == f"{_INTERRUPTS[0]}()"]
    if name == _INTERRUPTS[0]:
        walker.acquire(state, place.off - _SAVED * (len(kept) + 1), f"{name}()")
        return
    mine = [ident for ident in kept if (ident - place.off) % _SAVED == 0]
    if not mine:
        walker.note("argument", slot, f"{name}() gets a place where nothing was saved")
    else:
        if mine[0] != min(kept):
            walker.note("lock", slot, f"{name}() puts back what was not saved last")
        walker.drop(state, mine[0])


def overwrite_flags(walker: Walker, state: State, held: Held, off: int, size: int) -> None:
    """What interrupts were is written over: nothing puts it back any more."""
    for ident, source in held.references:
        begins = ident % -_SAVED
        if source == f"{_INTERRUPTS[0]}()" and begins < off + size and off < begins + _WORD:
            walker.drop(state, ident)
            walker.acquire(state, ident - _LOST, source)


def begin_iterator(walker: Walker, state: State, slot: int, name: str, ident: int) -> None:
    """An iterator that RCU protects is begun. In programs that may sleep that wants a section: since 6.18
    right here, before where it is used."""
    held = walker.held(state)
    if held is None or _PROTECTED not in flags(name):
        return
    if is_outside_of_rcu(walker, state):
        walker.note("argument", slot, f"{name}() is called without a section of RCU", sure=False)
        return
    protected = (*(one for one in held.protected if one != ident), ident)
    walker.hold(state, held._replace(protected=protected))


def check_iterator(walker: Walker, state: State, slot: int, family: str, ident: int) -> None:
    """Such an iterator is used in the section that it was begun in."""
    held = walker.held(state)
    if held is not None and _PROTECTED in flags(f"{family}_new") and ident not in held.protected:
        walker.note("argument", slot, f"{family}_next() is called without the section of RCU it wants")


def is_outside_of_rcu(walker: Walker, state: State) -> bool:
    """Whether nothing keeps what RCU protects: in programs that may sleep, outside of its sections and with
    no lock held (in_rcu_cs())."""
    held = walker.held(state)
    return walker.sleepable and held is not None and held.lock < 0 and not _in_rcu(held)


def _leave(walker: Walker, state: State) -> None:
    """A section of RCU ends: what it protected is not trusted any more."""
    held = walker.held(state)
    if held is not None and held.protected:
        walker.hold(state, held._replace(protected=()))
    walker.owned.left_section(state)


def _in_rcu(held: Held) -> bool:
    return any(source == f"{_RCU}()" for _, source in held.references)


def _section(held: Held) -> str:
    """What the section is called that a path is in; empty outside of any."""
    return next((_CALLED[source] for _, source in held.references if source in _CALLED), "")
