# SPDX-License-Identifier: Apache-2.0
"""Where a program is to be changed, for each cause; used where no decider knows better."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from preflight.verifier.effect import effect
from preflight.verifier.model import NO_SOURCE, Root, Source
from preflight.verifier.scene import Scene
from preflight.verifier.statement import signature

#: Cause -> why the rejected instruction itself is where the change belongs.
REASONS = {
    "helper_not_allowed": "the call itself: this program may not call it",
    "kfunc_not_allowed": "the call itself: this program type may not call it",
    "kfunc_unavailable": "the call itself: this kernel does not have the function",
    "kernel_feature_missing": "the instruction itself: this kernel does not take it",
    "core_relocation": "the access itself: its relocation found nothing in this kernel",
    "map_not_created": "the reference itself: its map does not exist",
    "ksym_unavailable": "the reference itself: this kernel does not have the symbol",
    "ctx_access": "the access itself",
    "kernel_memory_write": "the write itself",
    "readonly_map": "the access itself: the map does not allow it",
    "frame_pointer_write": "the write to r10 itself",
    "pointer_arithmetic": "the operation itself",
    "pointer_comparison": "the comparison itself",
    "invalid_instruction": "the instruction itself",
    "invalid_mem_access_type": "the access itself",
    "misaligned_access": "the access itself",
    "btf_struct_access": "the access itself",
    "mixed_pointer_types": "the access itself",
    "special_field_access": "the access itself",
    "gpl_only": "the call itself",
    "kptr_misuse": "the store or load itself",
    "atomic_misuse": "the atomic operation itself",
    "sleepable_misuse": "the call itself",
    "tail_call_misuse": "the call itself",
    "map_type_helper_mismatch": "the call itself",
    "packet_write_not_allowed": "the write or call itself",
    "helper_arg_type": "the call itself: its argument is of another kind",
    "kfunc_arg_type": "the call itself: its argument is of another kind",
    "global_func_args": "the call or the access itself",
    "const_string_required": "the call itself: the string has to stand in read-only data",
    "dynptr_misuse": "the call itself",
    "iterator_misuse": "the call itself",
    "graph_collection_misuse": "the call itself",
    "timer_wq_misuse": "the call itself",
    "callback_misuse": "the callback itself",
    "exceptions": "the call itself",
    "untrusted_pointer": "the use itself: the pointer is not protected here",
    "reference_not_owned": "the call itself: the reference is not the program's to give away",
    "spin_lock_misuse": "the instruction itself, while a lock is held or not held",
    "rcu_preempt_irq_imbalance": "the instruction itself, within or without the section",
    "stack_bounds": "the access itself",
    "stack_variable_offset": "the access itself: its offset is not a constant",
    "spill_fill_corruption": "the access itself",
    "uninit_stack_read": "the read itself: no instruction on this path writes all these bytes",
    "uninit_register": "the use itself: nothing on this path writes the register",
    "map_value_bounds": "the access itself: it ends beyond the memory",
    "packet_bounds": "the access itself: no comparison with the packet's end comes before it",
    "pointer_leak": "the instruction that gives the address away",
    "return_value_range": "the return itself",
    "scalar_deref": "the access itself: its address is a number",
    "reference_leak": "the path leaves here, and the reference with it",
    "recursion": "the call itself",
    "call_depth": "the call itself",
    "stack_limit_512": "the call that adds one frame too many",
    "spectre_unpriv": "the operation itself",
    "capability_required": "the instruction itself: it needs a capability",
}
#: Leaving is to blame: what was begun is still open.
_LEAVES = "the path leaves here"


def place_of(scene: Scene, cause: str) -> Root | None:
    """Where to change the program for this cause; None when the log does not tell."""
    if scene.at < 0:
        whole = _WHOLE.get(cause)
        return whole(scene) if whole else None
    if cause in {"infinite_loop", "complexity_limit"}:
        return _loop(scene)
    reason = REASONS.get(cause)
    return scene.root(scene.at, reason) if reason else _birth(scene)


def _birth(scene: Scene) -> Root | None:
    """Where the blamed value came from."""
    past = scene.history()
    if past is None or past.at < 0 or past.kind == "unknown":
        return None
    step = scene.steps[past.at]
    what = effect(step.text)
    name = what.name.partition("#")[0] if what.kind == "call" else ""
    born = f"returned by {name}" if name else "loaded" if past.kind == "load" else "set"
    return scene.root(past.at, f"R{scene.register} is {born} here")


def _loop(scene: Scene) -> Root | None:
    """The statement that is the head of the loop the path went round most often."""
    rounds: Counter[Source] = Counter()
    heads: dict[Source, int] = {}
    steps = scene.steps
    for at in range(1, len(steps)):
        before, here = steps[at - 1], steps[at]
        if here.insn <= before.insn and here.depth == before.depth:
            source = _head(scene, at)
            rounds[source] += 1
            heads.setdefault(source, at)
    if not rounds:
        return None
    source, times = rounds.most_common(1)[0]
    insn = steps[heads[source]].insn
    return Root(insn, f"the loop that the path goes round {times} times", source)


#: Words a loop begins with in the languages that are compiled to BPF.
_LOOP_WORDS = ("for", "while", "do", "bpf_for", "bpf_repeat", "loop", "#pragma")


def _head(scene: Scene, target: int) -> Source:
    """The line of the `for` or `while` near a jump back; else that of the jump itself."""
    steps = scene.steps
    low = steps[target].insn
    for at in range(target - 1, max(target - 400, -1), -1):
        text = steps[at].source.text
        if text and text.lstrip("} ").startswith(_LOOP_WORDS):
            return steps[at].source
        if steps[at].insn < low and steps[at].depth == steps[target].depth:
            break
    for near in (target, target - 1):
        source = steps[near].source
        if source != NO_SOURCE and not signature(source):
            return source
    return NO_SOURCE


def where_printed(cause: str, source: Source) -> Root | None:
    """The line of a log without instructions (level 4), for a cause whose place is the instruction itself."""
    reason = "the loop" if cause in {"infinite_loop", "complexity_limit"} else REASONS.get(cause)
    return Root(None, reason, source) if reason and source != NO_SOURCE else None


_FRAMES = re.compile(r"combined stack size of (\d{1,2}) calls|the call stack of (\d{1,2}) frames")


def _deepest_call(scene: Scene) -> Root | None:
    """The call that enters the last frame: of as many as the message says, else of the deepest path."""
    steps = scene.steps
    said = _FRAMES.search(scene.text)
    entered = scene.log.calls.get(int(said[1] or said[2]) - 1) if said else None
    if entered is None and scene.log.calls:
        entered = scene.log.calls[max(scene.log.calls)]
    if entered is not None:
        return Root(entered.insn, REASONS["stack_limit_512"], entered.source)
    calls = [at for at in range(len(steps) - 1) if steps[at + 1].depth > steps[at].depth]
    if not calls:
        return None
    deepest = max(calls, key=lambda at: (steps[at].depth, at))
    return scene.root(deepest, REASONS["stack_limit_512"])


_WHOLE: dict[str, Callable[[Scene], Root | None]] = {
    "stack_limit_512": _deepest_call,
    "call_depth": _deepest_call,
    "recursion": _deepest_call,
}
