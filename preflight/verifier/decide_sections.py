# SPDX-License-Identifier: Apache-2.0
"""What was begun and not ended: references, locks, RCU and other sections, loops and calls."""

from __future__ import annotations

import re

from preflight.verifier.effect import effect
from preflight.verifier.history import called
from preflight.verifier.model import NO_SOURCE, Root
from preflight.verifier.scene import Decider, Decision, Scene

_ACQUIRED = re.compile(r"alloc_insn=(\d{1,9})")
_BEGINS = ("spin_lock", "rcu_read_lock", "preempt_disable", "irq_save", "_lock_irqsave")
_ENDS = ("spin_unlock", "rcu_read_unlock", "preempt_enable", "irq_restore", "_unlock_irqrestore")


def _leak(scene: Scene, cause: str, confidence: str) -> Decision | None:
    number = _ACQUIRED.search(scene.text)
    if not number:
        return None
    wanted = int(number[1])
    name, born = "what is acquired", Root(wanted, "the reference is acquired here", NO_SOURCE)
    for at in range(len(scene.steps) - 1, -1, -1):
        if scene.steps[at].insn == wanted:
            name = f"what {called(scene.steps[at]) or 'the call'} acquires"
            born = scene.root(at, "the reference is acquired here")
            break
    if scene.at < 0:
        return Decision(cause, confidence, born)
    leaves = scene.root(scene.at, f"the path leaves here, and {name} (instruction {wanted}) is not released")
    return Decision(cause, confidence, leaves, (born,))


def _section(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """Locks and sections: the instruction that may not stand here, and where the section began."""
    open_ = _open_section(scene)
    if scene.at < 0 or open_ is None:
        return None
    name = called(scene.steps[open_])
    began = scene.root(open_, f"{name} begins the section that is open here")
    leaving = effect(scene.steps[scene.at].text).kind == "exit"
    reason = f"the path leaves here, and what {name} began is still open" if leaving else (
        f"this may not stand within what {name} began")  # fmt: skip
    return Decision(cause, confidence, scene.root(scene.at, reason), (began,))


def _open_section(scene: Scene) -> int | None:
    ended = 0
    for at in range(scene.at - 1, -1, -1):
        name = called(scene.steps[at])
        if name.endswith(_ENDS):
            ended += 1
        elif name.endswith(_BEGINS):
            if not ended:
                return at
            ended -= 1
    return None


def _depth(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """Too many frames: of different functions, or of one that calls itself."""
    if cause != "call_depth":
        return None
    if not scene.log.steps:
        # found when the frames were added up: a function that comes to itself looks the same
        return Decision("call_depth", "low")
    entries: list[int] = []
    calls: list[int] = []
    steps = scene.steps
    for at in range(1, len(steps)):
        if steps[at].depth > steps[at - 1].depth:
            entries = [*entries[: steps[at - 1].depth], steps[at].insn]
            calls = [*calls[: steps[at - 1].depth], at - 1]
    if not calls:
        return None
    itself = len(set(entries)) < len(entries)
    place = len(steps) - 1 if effect(steps[-1].text).kind == "call" else calls[-1]
    reason = "the function calls itself here" if itself else "the call that is one too deep"
    return Decision("recursion" if itself else cause, "high", scene.root(place, reason))


#: Kernels that print this limit accept loops (since 5.2 and 5.3).
_LOOPS_ALLOWED = 1_000_000


def _back_edge(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """Where loops are allowed, a back edge that is refused is a call: a function that comes to itself."""
    if "back-edge" in scene.text and scene.log.stats.get("limit") == _LOOPS_ALLOWED:
        return Decision("recursion", "medium")
    return None


def _misconfigured(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """What up to 6.12 is said of a tail call through a map that holds no programs (check_map_func_compat)."""
    if "misconfigured" in scene.text and scene.calls == "bpf_tail_call":
        reason = "the map of this tail call is none that holds programs"
        return Decision("tail_call_misuse", "high", scene.root(scene.at, reason))
    return None


DECIDERS: dict[str, Decider] = {
    "V-INTERNAL": _misconfigured,
    "V-REFLEAK": _leak,
    "V-SPINLOCK": _section,
    "V-RCU": _section,
    "V-PREEMPT": _section,
    "V-IRQ": _section,
    "V-LOOP": _back_edge,
    "V-CALLDEPTH": _depth,
}
