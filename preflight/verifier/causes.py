# SPDX-License-Identifier: Apache-2.0
"""From a family and a register's history to the cause, and to where the trouble began.

The message decides first (`by_message`); a decider of the family may correct it with what the path shows.
A decider that sees nothing leaves the message's answer, with the message's confidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from preflight.verifier.effect import constant_of, effect, type_of
from preflight.verifier.history import (
    PACKET_CHANGING,
    Origin,
    called,
    guards,
    held_type,
    origin,
    releases,
    value_at,
)
from preflight.verifier.message import by_message
from preflight.verifier.model import NO_SOURCE, ProgramLog, Root, Step


class Decision(NamedTuple):
    """`root` is None when the log does not tell."""

    cause_id: str
    confidence: str
    root: Root | None


@dataclass(frozen=True, slots=True)
class Scene:
    """What a decider looks at. `at` is the position of the rejected instruction, -1 without a path."""

    family: str
    text: str
    log: ProgramLog
    at: int
    register: int | None

    @property
    def steps(self) -> list[Step]:
        """The path."""
        return self.log.steps

    @property
    def complete(self) -> bool:
        """Whether the path begins at the entry."""
        return not self.log.path_cut and not self.log.head_lost

    def history(self, register: int | None = None) -> Origin | None:
        """Where the blamed (or another) register's value came from."""
        wanted = self.register if register is None else register
        if self.at < 0 or wanted is None or not 0 <= wanted <= 10:
            return None
        return origin(self.steps, self.at, wanted, complete=self.complete)

    def root(self, position: int, reason: str) -> Root:
        """A place on the path, with a reason."""
        if not 0 <= position < len(self.steps):
            return Root(None, reason, NO_SOURCE)
        step = self.steps[position]
        return Root(step.insn, reason, step.source)


Decider = Callable[[Scene, str, str], Decision | None]

_REGISTER = re.compile(r"\bR(\d{1,2})\b")
_HUGE = 1 << 28


def decide(family: str, text: str, log: ProgramLog, at: int) -> Decision:
    """The cause of a rejection of `family` whose terminal lines are `text`, at step `at`."""
    named = _REGISTER.search(text)
    register = int(named[1]) if named else _operand(log, at)
    scene = Scene(family, text, log, at, register)
    cause, confidence = by_message(family, text)
    decider = _DECIDERS.get(family)
    found = decider(scene, cause, confidence) if decider else None
    if found is None:
        found = Decision(cause, confidence, None)
    if found.root is None and at >= 0:
        found = found._replace(root=_place(scene, found.cause_id))
    return found


def _operand(log: ProgramLog, at: int) -> int | None:
    """The pointer of the rejected access, for messages that name no register."""
    return effect(log.steps[at].text).base if at >= 0 else None


def _place(scene: Scene, cause: str) -> Root | None:
    """The root where the instruction itself is the trouble, or its operand's birth for pointer trouble."""
    if cause in _HERE:
        return scene.root(scene.at, _HERE[cause])
    past = scene.history()
    if past is None or past.at < 0 or past.kind == "unknown":
        return None
    name = called(scene.steps[past.at])
    born = f"returned by {name}" if name else "loaded" if past.kind == "load" else "set"
    return scene.root(past.at, f"R{scene.register} is {born} here")


#: Causes whose trouble is the rejected instruction itself, with the reason given.
_HERE = {
    "helper_not_allowed": "the call itself: this program may not call it",
    "kfunc_not_allowed": "the call itself: this program type may not call it",
    "kfunc_unavailable": "the call itself: this kernel does not have the function",
    "kernel_feature_missing": "the instruction itself: this kernel does not know it",
    "core_relocation": "the access itself: its relocation found nothing in this kernel",
    "map_not_created": "the reference itself: its map does not exist",
    "ctx_access": "the access itself",
    "kernel_memory_write": "the write itself",
    "frame_pointer_write": "the write to r10 itself",
    "pointer_arithmetic": "the operation itself",
    "invalid_instruction": "the instruction itself",
    "special_field_access": "the access itself",
    "gpl_only": "the call itself",
    "kptr_misuse": "the store or load itself",
    "atomic_misuse": "the atomic operation itself",
    "sleepable_misuse": "the call itself",
    "tail_call_misuse": "the call itself",
    "map_type_helper_mismatch": "the call itself",
    "packet_write_not_allowed": "the write or call itself",
}


def _last_call(scene: Scene, since: int, wanted: Callable[[str], bool]) -> int | None:
    """The last call between two positions of a function that `wanted` accepts."""
    for at in range(scene.at - 1, since, -1):
        name = called(scene.steps[at])
        if name and wanted(name):
            return at
    return None


def _lost(scene: Scene, past: Origin) -> Decision | None:
    """A pointer that stopped being one on the way: moved packet, released object, 32-bit copy, NULL side."""
    if scene.register is None:
        return None
    was = held_type(scene.steps, past.at, scene.at, past.register) or held_type(
        scene.steps, past.at, scene.at, scene.register
    )
    if was.startswith("pkt"):
        moved = _last_call(scene, past.at, lambda name: name in PACKET_CHANGING)
        if moved is not None:
            name = called(scene.steps[moved])
            return Decision(
                "stale_packet_pointer",
                "high",
                scene.root(
                    moved, f"{name} may move packet data: R{scene.register} was a packet pointer until here"
                ),
            )
    if past.kind == "call":
        given = _last_call(scene, past.at, releases)
        if given is not None and ("ptr_" in was or "sock" in was or "mem" in was or "alloc" in was):
            name = called(scene.steps[given])
            return Decision(
                "use_after_release",
                "high",
                scene.root(given, f"{name} gives the object away that R{scene.register} points to"),
            )
    if past.narrow is not None:
        step = scene.steps[past.narrow]
        source = effect(step.text).src
        before = type_of(value_at(scene.steps, past.narrow, source)) if source is not None else ""
        if before not in {"", "scalar"}:
            return Decision(
                "scalar_deref",
                "high",
                scene.root(past.narrow, "a 32-bit operation on a pointer: what is left is a number"),
            )
    now = constant_of(value_at(scene.steps, scene.at, scene.register))
    if now == 0 and (past.kind == "call" or "or_null" in was):
        tests = [g for g in guards(scene.steps, past.at, scene.at, past.register) if g.null]
        place = tests[-1].at if tests else past.at
        return Decision("null_check", "high", scene.root(place, "on this path the pointer is NULL"))
    return None


def _unchecked(scene: Scene) -> Decision | None:
    """A pointer that may be NULL: where it came from, and whether a copy was tested instead."""
    past = scene.history()
    if past is None or past.at < 0:
        return None
    name = called(scene.steps[past.at]) or "a load"
    tests = [g for g in guards(scene.steps, past.at, scene.at, past.register) if g.null]
    if tests:
        return Decision(
            "null_check",
            "high",
            scene.root(
                tests[-1].at,
                f"the test here is of R{tests[-1].register}, another copy of what {name} returned",
            ),
        )
    return Decision(
        "null_check",
        "high",
        scene.root(past.at, f"what {name} returns may be NULL, and no comparison follows on this path"),
    )


def _deref(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if cause == "null_check":
        return _unchecked(scene)
    past = scene.history()
    if cause != "scalar_deref" or past is None:
        return None
    lost = _lost(scene, past)
    if lost is not None:
        return lost
    if past.kind == "load":
        step = scene.steps[past.at]
        what = effect(step.text)
        base = type_of(value_at(scene.steps, past.at, what.base)) if what.base is not None else ""
        where = {"ctx": "the context", "scalar": "memory", "": "memory"}.get(base, base)
        return Decision(
            "scalar_deref",
            "high",
            scene.root(past.at, f"the address is read from {where} here: for the verifier a number"),
        )
    if past.kind == "call":
        name = called(scene.steps[past.at])
        return Decision(
            "scalar_deref",
            "high",
            scene.root(past.at, f"{name} returns a number, not a pointer the verifier knows"),
        )
    if past.kind == "const":
        return Decision("scalar_deref", "medium", scene.root(past.at, "a constant is used as an address"))
    if past.kind == "clobbered":
        return Decision(
            "uninit_register", "medium", scene.root(past.at, f"the call leaves nothing in R{past.register}")
        )
    if past.kind in {"never", "entry"}:
        return Decision("scalar_deref", "medium", None)
    return None


def _unread(scene: Scene, cause: str, confidence: str) -> Decision | None:
    past = scene.history()
    if past is None:
        return None
    lost = _lost(scene, past)
    if lost is not None and lost.cause_id in {"stale_packet_pointer", "use_after_release"}:
        return lost
    if past.kind == "clobbered":
        name = called(scene.steps[past.at])
        return Decision(
            "uninit_register",
            "high",
            scene.root(
                past.at,
                f"the call of {name or 'a function'} destroys R{past.register}, which is not written again",
            ),
        )
    if past.kind in {"never", "entry"}:
        where = max(
            (at for at in range(scene.at) if effect(scene.steps[at].text).kind == "branch"), default=scene.at
        )
        reason = "the return value is not set" if scene.register == 0 else f"R{scene.register} is not written"
        return Decision(
            "uninit_register", "high", scene.root(where, f"{reason} on the path that goes this way")
        )
    return None


#: Helpers whose argument (register number) must be a constant string or format.
_CONST_STRING = {("bpf_strncmp", 3), ("bpf_snprintf", 3), ("bpf_strtol", 0)}


def _argument(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if cause == "global_func_args":
        return None
    if cause == "null_check":
        return _unchecked(scene)
    name = called(scene.steps[scene.at]) if scene.at >= 0 else ""
    if (name, scene.register) in _CONST_STRING:
        past = scene.history()
        place = past.at if past is not None and past.at >= 0 else scene.at
        return Decision(
            "const_string_required",
            "high",
            scene.root(
                place, f"R{scene.register} of {name} must point to a constant string in read-only data"
            ),
        )
    got = re.search(r"type=(\S+) expected=", scene.text)
    if got and got[1] in {"inv", "scalar"}:
        past = scene.history()
        return _lost(scene, past) if past is not None else None
    return None


def _packet(scene: Scene, cause: str, confidence: str) -> Decision | None:
    past = scene.history()
    if past is None:
        return None
    tests = [
        at
        for at in range(scene.at - 1, -1, -1)
        if (what := effect(scene.steps[at].text)).kind == "branch"
        and what.src is not None
        and what.dst is not None
        and "pkt_end"
        in (type_of(value_at(scene.steps, at, what.dst)), type_of(value_at(scene.steps, at, what.src)))
    ]
    if tests:
        return Decision(
            "packet_bounds",
            "high",
            scene.root(tests[0], "this comparison with the packet's end proves less than is accessed"),
        )
    if past.at >= 0:
        return Decision(
            "packet_bounds",
            "high",
            scene.root(past.at, "no comparison with the packet's end follows on this path"),
        )
    return None


_RANGE = re.compile(r"(umax(?:_value)?|smax(?:_value)?)=(?:[a-z0-9]+=)*(-?(?:0x[0-9a-f]+|\d+))")


def _largest(value: str) -> int | None:
    """The largest offset a printed pointer can have: its variable part, None when it has none."""
    found = [int(number, 0) for _, number in _RANGE.findall(value)]
    if found:
        return max(found)
    return (1 << 63) if "var_off" in value else None


def _index(scene: Scene, past: Origin) -> tuple[int, int] | None:
    """The addition that made the pointer variable: its position and the register added."""
    for at, register in past.added:
        if type_of(value_at(scene.steps, at, register)) == "scalar" or not scene.steps[at].before:
            return at, register
    return past.added[0] if past.added else None


def _bounds(scene: Scene, cause: str, confidence: str) -> Decision | None:
    text = scene.text
    if "invalid access to packet" in text:
        return _packet(scene, cause, confidence)
    if cause == "size_arg_unbounded" or scene.at < 0:
        return None
    calling = bool(called(scene.steps[scene.at]))
    past = scene.history()
    if past is None:
        return _by_numbers(scene, cause)
    added = _index(scene, past)
    value = value_at(scene.steps, scene.at, scene.register if scene.register is not None else -1)
    largest = _largest(value) if value else None
    if added is None:
        if calling and "memory, mem_size" not in text:
            size = _size_register(scene)
            if size is not None:
                return size
        constant = Decision("map_value_bounds", "high" if "value_size" in text else "medium", None)
        return constant if "outside of the" in text or "value_size=" in text or "mem_size=" in text else None
    at, register = added
    index = origin(scene.steps, at, register, complete=scene.complete)
    tested = guards(scene.steps, index.at, at, index.register) if index.at >= 0 else []
    unbounded = largest is None or largest >= _HUGE
    reason = "the number added here has no usable bound"
    if cause == "unbounded_index" and ("min value" in text or "unbounded" in text):
        return Decision("unbounded_index", "high", scene.root(index.at if index.at >= 0 else at, reason))
    if unbounded or not (tested or index.masked):
        sure = "high" if largest is not None and largest >= _HUGE else "medium"
        return Decision("unbounded_index", sure, scene.root(index.at if index.at >= 0 else at, reason))
    place = tested[-1].at if tested else at
    return Decision(
        "map_value_bounds", "medium", scene.root(place, "the bound set here is larger than the memory")
    )


def _size_register(scene: Scene) -> Decision | None:
    """A helper's memory argument is too short for its length argument, and that is not a constant."""
    if scene.register is None or scene.register >= 5:
        return None
    value = value_at(scene.steps, scene.at, scene.register + 1)
    if value and type_of(value) == "scalar" and constant_of(value) is None and "max" in value:
        past = origin(scene.steps, scene.at, scene.register + 1, complete=scene.complete)
        return Decision(
            "size_arg_unbounded",
            "medium",
            scene.root(past.at if past.at >= 0 else scene.at, "the length comes from here"),
        )
    return None


def _by_numbers(scene: Scene, cause: str) -> Decision | None:
    """`off` and `size` against `value_size`, when nothing else is known."""
    numbers = {
        name: int(number)
        for name, number in re.findall(r"(value_size|mem_size|off|size)=(-?\d+)", scene.text)
    }
    if {"value_size", "off", "size"} <= set(numbers) and "outside" not in scene.text:
        return Decision("map_value_bounds", "medium", None)
    return None


def _math(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if scene.at < 0:
        return None
    what = effect(scene.steps[scene.at].text)
    register = what.src if what.src is not None else scene.register
    if register is None:
        return None
    if scene.family == "V-PTR-SPEC" and "ctx" in {
        type_of(value_at(scene.steps, scene.at, r)) for r in (what.dst, what.src) if r is not None
    }:
        return Decision("ctx_access", "high", scene.root(scene.at, "here a number is added to the context"))
    kinds = {r: type_of(value_at(scene.steps, scene.at, r)) for r in (what.dst, what.src) if r is not None}
    scalars = [r for r, kind in kinds.items() if kind == "scalar"]
    wanted = scalars[0] if len(scalars) == 1 else register
    past = origin(scene.steps, scene.at, wanted, complete=scene.complete)
    tests = guards(scene.steps, past.at, scene.at, past.register) if past.at >= 0 else []
    if tests:
        return Decision(
            cause,
            confidence,
            scene.root(tests[-1].at, "the test here leaves one side open, or is of another copy"),
        )
    if past.at >= 0:
        return Decision(
            cause, confidence, scene.root(past.at, "the number comes from here and is not bounded on the way")
        )
    return None


def _size(scene: Scene, cause: str, confidence: str) -> Decision | None:
    past = scene.history()
    if past is None:
        return None
    tests = guards(scene.steps, past.at, scene.at, past.register) if past.at >= 0 else []
    if tests:
        return Decision(
            cause,
            confidence,
            scene.root(tests[-1].at, "the test here leaves one side open, or is of another copy"),
        )
    if past.at >= 0:
        return Decision(
            cause, confidence, scene.root(past.at, "the length comes from here and is not bounded on the way")
        )
    return None


def _leak(scene: Scene, cause: str, confidence: str) -> Decision | None:
    number = re.search(r"alloc_insn=(\d{1,9})", scene.text)
    if not number:
        return None
    wanted = int(number[1])
    for at in range(len(scene.steps) - 1, -1, -1):
        if scene.steps[at].insn == wanted:
            name = called(scene.steps[at]) or "the call"
            return Decision(
                cause, confidence, scene.root(at, f"{name} acquires what is not released on this path")
            )
    return Decision(cause, confidence, Root(wanted, "the reference is acquired here", NO_SOURCE))


def _lock(scene: Scene, cause: str, confidence: str) -> Decision | None:
    for at in range(scene.at - 1, -1, -1):
        name = called(scene.steps[at])
        if name.endswith(("spin_lock", "rcu_read_lock", "preempt_disable", "irq_save")):
            return Decision(cause, confidence, scene.root(at, f"{name} begins the section that is open here"))
    return None


def _stack(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if scene.at < 0:
        return None
    if cause == "stack_bounds" and called(scene.steps[scene.at]):
        return _size_register(scene)
    if cause == "uninit_stack_read":
        return Decision(
            cause, confidence, scene.root(scene.at, "no instruction on this path writes these bytes")
        )
    past = scene.history()
    added = _index(scene, past) if past is not None else None
    if added is None:
        return None
    index = origin(scene.steps, added[0], added[1], complete=scene.complete)
    return Decision(
        cause, confidence, scene.root(index.at if index.at >= 0 else added[0], "the index comes from here")
    )


def _may_be_null(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if cause != "null_check":
        return None
    if scene.register is None:
        number = re.search(r"\barg#?(\d)", scene.text)
        if number and scene.at >= 0:
            return _unchecked(Scene(scene.family, scene.text, scene.log, scene.at, int(number[1]) + 1))
        return None
    return _unchecked(scene)


def _arithmetic(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if cause == "null_check":
        return _unchecked(scene)
    return None


def _modified(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """Whether the pointer is the context, or an object that must be passed unmodified."""
    kind = re.search(r"(?:modified|variable|negative offset) (\S+)", scene.text)
    if kind and kind[1] not in {"ctx", "context"}:
        return Decision(
            "reference_not_owned" if kind[1].startswith("ptr_") else "pointer_arithmetic", "low", None
        )
    past = scene.history()
    if past is not None and past.added:
        return Decision(
            cause, confidence, scene.root(past.added[0][0], "here a number is added to the context")
        )
    return None


_DECIDERS: dict[str, Decider] = {
    "V-DEREF": _deref,
    "V-UNINIT-REG": _unread,
    "V-HELPER-ARG": _argument,
    "V-PKT-BOUNDS": _packet,
    "V-MEM-BOUNDS": _bounds,
    "V-MAPVAL-BOUNDS": _bounds,
    "V-INDEX-SIGN": _bounds,
    "V-PTR-MATH-RANGE": _math,
    "V-PTR-SPEC": _math,
    "V-SIZE-ARG": _size,
    "V-REFLEAK": _leak,
    "V-SPINLOCK": _lock,
    "V-RCU": _lock,
    "V-PREEMPT": _lock,
    "V-IRQ": _lock,
    "V-STACK-OOB": _stack,
    "V-STACK-UNINIT": _stack,
    "V-NULL": _may_be_null,
    "V-KFUNC-ARG": _may_be_null,
    "V-PTR-ARITH": _arithmetic,
    "V-CTX-MODIFIED": _modified,
}
