# SPDX-License-Identifier: Apache-2.0
"""Pointers that are none, are no longer one, may be NULL, or are of another kind than wanted."""

from __future__ import annotations

import re
from collections.abc import Callable

from preflight.verifier.effect import constant_of, effect, registers, type_of
from preflight.verifier.history import (
    PACKET_CHANGING,
    Origin,
    called,
    guards,
    held_type,
    origin,
    releases,
)
from preflight.verifier.model import Root
from preflight.verifier.scene import Decider, Decision, Scene

#: A 64-bit load of zero: what loaders leave of a weak symbol that they did not find.
_ABSENT = re.compile(r"\(18\) r\d+ = 0x0$")
_NUMBERS = {"inv", "scalar", "fp0", ""}


def _last_call(scene: Scene, since: int, wanted: Callable[[str], bool]) -> int | None:
    """The last call between two positions of a function that `wanted` accepts."""
    for at in range(scene.at - 1, since, -1):
        name = called(scene.steps[at])
        if name and wanted(name):
            return at
    return None


def _lost(scene: Scene, past: Origin, register: int) -> Decision | None:
    """A pointer that stopped being one on the way: moved packet, released object, 32-bit copy, NULL side."""
    was = held_type(scene.steps, past.at, scene.at, past.register) or held_type(
        scene.steps, past.at, scene.at, register
    )
    return (
        _moved(scene, past, register, was)
        or _released(scene, past, register, was)
        or _overwritten(scene, past)
        or _narrowed(scene, past)
        or _calculated(scene, past)
        or _is_null(scene, past, register, was)
    )


def _moved(scene: Scene, past: Origin, register: int, was: str) -> Decision | None:
    slice_of_packet = past.kind == "call" and called(scene.steps[past.at]).startswith("bpf_dynptr_slice")
    if not was.startswith("pkt") and not slice_of_packet:
        return None
    moved = _last_call(scene, past.at, lambda name: name in PACKET_CHANGING)
    if moved is None:
        return None
    name = called(scene.steps[moved])
    reason = f"{name} may move packet data: R{register} pointed into the packet until here"
    within = scene.root(moved, reason)
    outer = _caller(scene, moved)
    if outer is None:
        return Decision("stale_packet_pointer", "high", within, _born(scene, past))
    calling = scene.root(outer, f"the function called here calls {name}, which may move packet data")
    return Decision("stale_packet_pointer", "high", calling, (within, *_born(scene, past)))


def _caller(scene: Scene, inner: int) -> int | None:
    """The call in the rejected function that led to a deeper position; None on the same level."""
    depth = scene.steps[scene.at].depth
    if scene.steps[inner].depth <= depth:
        return None
    return next((at for at in range(inner, -1, -1) if scene.steps[at].depth == depth), None)


def _released(scene: Scene, past: Origin, register: int, was: str) -> Decision | None:
    if past.kind not in {"call", "unknown"} or not any(
        word in was for word in ("ptr_", "sock", "mem", "alloc")
    ):
        return None
    given = _last_call(scene, past.at, releases)
    if given is None:
        return None
    name = called(scene.steps[given])
    reason = f"{name} gives the object away that R{register} points to"
    if scene.steps[given].made:
        # made of several calls, and no statement of its own
        again = scene.root(scene.at, f"the use itself: {name} has given the object away on every path here")
        return Decision("use_after_release", "high", again, (scene.root(given, reason), *_born(scene, past)))
    return Decision("use_after_release", "high", scene.root(given, reason), _born(scene, past))


def _overwritten(scene: Scene, past: Origin) -> Decision | None:
    """A pointer that was read back from the stack after part of its slot had been written anew."""
    fills = [(at, effect(scene.steps[at].text)) for at in past.through]
    fill = next(((at, what.off) for at, what in fills if what.kind == "load" and what.base == 10), None)
    if fill is None:
        return None
    end, slot = fill
    depth = scene.steps[end].depth
    partial: int | None = None
    for at in range(end - 1, -1, -1):
        what = effect(scene.steps[at].text)
        if scene.steps[at].depth != depth or what.kind != "store" or what.base != 10:
            continue
        if what.off == slot and what.wide:
            held = scene.kind(what.src, at) if what.src is not None else ""
            if partial is None or held in _NUMBERS - {""}:
                return None
            reason = f"this overwrites part of the pointer that is kept at fp{slot:+d}"
            spilled = scene.root(at, "the pointer is put on the stack here")
            sure = "high" if held else "medium"
            return Decision("spill_fill_corruption", sure, scene.root(partial, reason), (spilled,))
        if slot <= what.off < slot + 8 and partial is None:
            partial = at
    return None


def _narrowed(scene: Scene, past: Origin) -> Decision | None:
    if past.narrow is None:
        return None
    what = effect(scene.steps[past.narrow].text)
    source = what.src if what.src is not None else what.dst
    before = scene.kind(source, past.narrow) if source is not None else ""
    if before in {"", "scalar"}:
        return None
    reason = "a 32-bit operation on a pointer: what is left is a number"
    return Decision("scalar_deref", "high", scene.root(past.narrow, reason), _born(scene, past))


def _calculated(scene: Scene, past: Origin) -> Decision | None:
    """Arithmetic that may be done with a pointer, and leaves a number: a difference, or bits of it."""
    for at in past.through:
        what = effect(scene.steps[at].text)
        if what.kind != "alu" or what.dst is None or scene.kind(what.dst, at) in {"", "scalar"}:
            continue
        result = registers(scene.steps[at].after).get(f"R{what.dst}", "")
        if result and type_of(result) == "scalar":
            reason = "the operation turns the pointer into a number"
            return Decision("scalar_deref", "high", scene.root(at, reason), _born(scene, past))
    return None


def _is_null(scene: Scene, past: Origin, register: int, was: str) -> Decision | None:
    now = constant_of(scene.value(register))
    if now != 0 or not (past.kind == "call" or "or_null" in was):
        return None
    tests = [guard for guard in guards(scene.steps, past.at, scene.at, past.register) if guard.null]
    place = tests[-1].at if tests else past.at
    return Decision(
        "null_check", "high", scene.root(place, "on this path the pointer is NULL"), _born(scene, past)
    )


def _born(scene: Scene, past: Origin) -> tuple[Root, ...]:
    if past.at < 0 or past.kind not in {"call", "load"}:
        return ()
    name = called(scene.steps[past.at])
    return (scene.root(past.at, f"{name} returns the pointer" if name else "the pointer is read here"),)


def _unchecked(scene: Scene) -> Decision | None:
    """A pointer that may be NULL: where it came from, and whether a copy was tested instead."""
    past = scene.history()
    if past is None:
        return None
    if past.at < 0:
        return None
    name = called(scene.steps[past.at])
    tests = [guard for guard in guards(scene.steps, past.at, scene.at, past.register) if guard.null]
    if tests:
        reason = f"the test here is of R{tests[-1].register}, another copy of what {name or 'the load'} gave"
        return Decision("null_check", "high", scene.root(tests[-1].at, reason), _born(scene, past))
    what = f"what {name} returns" if name else "what is read here"
    outer = _caller(scene, past.at)
    if outer is not None:
        reason = f"the function called here hands on {what}, which may be NULL; no comparison follows"
        return Decision("null_check", "high", scene.root(outer, reason), _born(scene, past))
    return Decision(
        "null_check",
        "high",
        scene.root(past.at, f"{what} may be NULL, and no comparison follows on this path"),
    )


def _parameter(scene: Scene) -> Decision | None:
    """A pointer parameter of a global function, which the verifier takes for one that may be NULL."""
    past = scene.history()
    if past is None or not scene.log.validating or past.kind not in {"entry", "never"}:
        return None
    reason = f"a parameter of the global function {scene.log.validating}: any caller may pass NULL"
    return Decision("null_check", "high", scene.root(scene.at, reason))


def _deref(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if cause == "null_check":
        return _parameter(scene) or _unchecked(scene)
    past = scene.history()
    if cause != "scalar_deref" or past is None or scene.register is None:
        return None
    lost = _lost(scene, past, scene.register)
    if lost is not None:
        return lost
    if past.kind == "load":
        base = effect(scene.steps[past.at].text).base
        kind = scene.kind(base, past.at) if base is not None else ""
        where = {"ctx": "the context", "scalar": "memory", "": "memory"}.get(kind, kind)
        return _number(scene, "high", past, f"the address was read from {where}: for the verifier a number")
    if past.kind == "call":
        name = called(scene.steps[past.at])
        return _number(scene, "high", past, f"{name} returns a number, not a pointer the verifier knows")
    if past.kind in {"const", "ldimm64"} and _ABSENT.match(scene.steps[past.at].text):
        reason = "an address of 0: the weak symbol that is meant was not found in this kernel"
        return Decision("ksym_unavailable", "medium", scene.root(past.at, reason))
    tested = _null_side(scene, past)
    if tested is not None:
        reason = "on this path the pointer is NULL"
        return Decision("null_check", "high", scene.root(tested, reason), _born(scene, past))
    if past.kind in {"const", "ldimm64"}:
        return _number(scene, "medium", past, "a constant is used as an address")
    if past.kind == "clobbered":
        reason = f"the call leaves nothing in R{past.register}"
        return Decision("uninit_register", "medium", scene.root(past.at, reason))
    if past.kind in {"never", "entry", "parameter"} or (past.through and scene.complete):
        # read back from the stack, where a helper has put it: no pointer survives that
        return Decision("scalar_deref", "medium")
    return None


#: An offset within an object: an address this small is that of a field of NULL.
_FIELD = 4096


def _null_side(scene: Scene, past: Origin) -> int | None:
    """The last test of what a call returned, where it is NULL and the address that of a field of it."""
    if past.kind != "const" or not 0 <= (effect(scene.steps[past.at].text).imm or 0) < _FIELD:
        return None
    for at in range(past.at, -1, -1):
        what = effect(scene.steps[at].text)
        if what.kind != "branch" or what.imm != 0 or scene.steps[at].depth != scene.steps[scene.at].depth:
            continue
        taken = scene.steps[at + 1].insn != scene.steps[at].insn + 1
        if what.dst is None or what.op != ("==" if taken else "!="):
            return None
        tested = origin(scene.steps, at, what.dst, complete=scene.complete)
        return at if tested.kind == "call" else None
    return None


def _number(scene: Scene, confidence: str, past: Origin, reason: str) -> Decision:
    """A number used as an address: to be read with a helper, or through a typed pointer, where it is used."""
    born = scene.root(past.at, "the number comes from here")
    return Decision("scalar_deref", confidence, scene.root(scene.at, reason), (born,))


def _unread(scene: Scene, cause: str, confidence: str) -> Decision | None:
    past = scene.history()
    if past is None or scene.register is None:
        return None
    lost = _lost(scene, past, scene.register)
    if lost is not None and lost.cause_id in {"stale_packet_pointer", "use_after_release"}:
        return lost
    if past.kind == "clobbered":
        name = called(scene.steps[past.at]) or "a function"
        reason = f"the call of {name} destroys R{past.register}, which is not written again"
        return Decision("uninit_register", "high", scene.root(past.at, reason))
    if past.kind == "call" and not called(scene.steps[past.at]):
        # libbpf leaves a weak kernel function that it did not find as `call #0`
        reason = "the kernel function called here was not found, and the call was left empty"
        return Decision("kfunc_unavailable", "high", scene.root(past.at, reason))
    if past.kind not in {"never", "entry"}:
        return None
    branches = [at for at in range(scene.at) if effect(scene.steps[at].text).kind == "branch"]
    trail = (scene.root(branches[-1], "the path goes this way"),) if branches else ()
    what = "the return value is not set" if scene.register == 0 else f"R{scene.register} is not written"
    return Decision("uninit_register", "high", scene.root(scene.at, f"{what} on this path"), trail)


#: Helpers whose argument (register number) must be a constant string or format.
_CONST_STRING = {("bpf_strncmp", 3), ("bpf_snprintf", 3), ("bpf_strtol", 0), ("bpf_seq_printf", 2)}


#: Helpers whose first argument is the very thing they are about -> what its wrong use is called.
_OWN_CAUSE = {
    "bpf_timer_": "timer_wq_misuse",
    "bpf_wq_": "timer_wq_misuse",
    "bpf_spin_": "spin_lock_misuse",
    "bpf_kptr_": "kptr_misuse",
}


def _released_twice(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """A reference that is not the program's to give away: given away before, or a dynptr's."""
    said = re.sub(r"\bbpf_\w+", "", scene.text)
    if "dynptr" in said or ("dynptr" in scene.calls and scene.family == "V-RELEASE"):
        return Decision("dynptr_misuse", confidence)
    past = scene.history()
    lost = _lost(scene, past, scene.register) if past is not None and scene.register is not None else None
    if lost is not None and lost.cause_id == "use_after_release":
        return lost
    if "offset" in scene.text and scene.at >= 0:
        reason = "the call itself: it takes the object, and gets a place within it"
        return Decision(cause, confidence, scene.root(scene.at, reason))
    return None


def _argument(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if cause == "global_func_args":
        return None
    own = next((known for prefix, known in _OWN_CAUSE.items() if scene.calls.startswith(prefix)), None)
    if own is not None and scene.register == 1 and cause == "helper_arg_type":
        return Decision(own, "medium")
    if cause == "null_check":
        return _unchecked(scene)
    if (scene.calls, scene.register) in _CONST_STRING:
        reason = f"R{scene.register} of {scene.calls} must point to a constant string in read-only data"
        return Decision("const_string_required", "high", scene.root(scene.at, reason))
    got = re.search(r"type=(\S*) expected=", scene.text)
    if got and got[1] in _NUMBERS and scene.register is not None:
        past = scene.history()
        lost = _lost(scene, past, scene.register) if past is not None else None
        if lost is not None and lost.cause_id == "scalar_deref":
            return lost._replace(cause_id="helper_arg_type")
        return lost or (Decision(cause, "high") if past is not None else None)
    return None


#: Helpers have small numbers, kernel functions the ids of their BTF types.
_HELPER_NUMBERS = 1000


def _kernel_argument(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """Messages about arguments that helpers and kernel functions share."""
    number = effect(scene.steps[scene.at].text).name.partition("#")[2] if scene.at >= 0 else ""
    if cause.endswith("_arg_type") and number.isdigit():
        of_helper = int(number[:9]) < _HELPER_NUMBERS
        if of_helper or cause == "helper_arg_type":
            return Decision("helper_arg_type" if of_helper else "kfunc_arg_type", "high")
    if cause == "kfunc_arg_type" and (given := _released_twice(scene, cause, confidence)):
        return given
    return _may_be_null(scene, cause, confidence)


def _may_be_null(scene: Scene, cause: str, confidence: str) -> Decision | None:
    what = effect(scene.steps[scene.at].text) if scene.at >= 0 else None
    if cause == "null_check" and what is not None and what.kind == "alu" and what.op not in {"+=", "-="}:
        reason = "the operation itself: no pointer takes it, whether it is checked for NULL or not"
        return Decision("pointer_arithmetic", "high", scene.root(scene.at, reason))
    return (_parameter(scene) or _unchecked(scene)) if cause == "null_check" else None


def _modified(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """Whether the pointer is the context, or an object that must be passed unmodified."""
    kind = re.search(r"(?:modified|variable|negative offset) (\S+)", scene.text)
    if kind and kind[1] not in {"ctx", "context"}:
        return Decision("reference_not_owned" if kind[1].startswith("ptr_") else "pointer_arithmetic", "low")
    past = scene.history()
    if past is not None and past.added:
        reason = "here a number is added to the context"
        return Decision(cause, confidence, scene.root(past.added[0][0], reason))
    return None


#: Helpers whose first argument is the program's context, by their names.
_TAKES_CONTEXT = ("bpf_skb_", "bpf_xdp_", "bpf_l3_", "bpf_l4_", "bpf_clone_", "bpf_sk_lookup", "bpf_msg_")


def _packet_handed(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """A packet pointer that a helper does not take: whether as memory, or where the context belongs."""
    if scene.at < 0 or not scene.calls.startswith(_TAKES_CONTEXT):
        return None
    kind, past = scene.kind(1), scene.history(1)
    if kind.startswith("pkt") or (not kind and past is not None and past.kind == "load"):
        reason = f"{scene.calls} takes the context, and R1 points into the packet"
        return Decision("helper_arg_type", "high", scene.root(scene.at, reason))
    return None


def _compared(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """Pointer arithmetic: NULL not excluded, or a packet pointer that this loader may not compare.

    Packet pointers may be compared by all who may read pointers (CAP_PERFMON); kernels up to 5.12 take
    the comparison with the packet's end for a leak from those who may not.
    """
    if cause == "null_check":
        return _may_be_null(scene, cause, confidence)
    if cause == "pointer_comparison" and scene.at >= 0:
        what = effect(scene.steps[scene.at].text)
        kinds = {scene.kind(register) for register in (what.dst, what.src) if register is not None}
        past = scene.history()
        if "pkt_end" in kinds or (past is not None and past.kind == "load" and not kinds - {""}):
            return Decision("capability_required", "low")
    return None


DECIDERS: dict[str, Decider] = {
    "V-DEREF": _deref,
    "V-UNINIT-REG": _unread,
    "V-PKT-HELPER": _packet_handed,
    "V-HELPER-ARG": _argument,
    "V-RELEASE": _released_twice,
    "V-NULL": _may_be_null,
    "V-KFUNC-ARG": _kernel_argument,
    "V-PTR-ARITH": _compared,
    "V-CTX-MODIFIED": _modified,
}
