# SPDX-License-Identifier: Apache-2.0
"""Offsets, indexes and lengths: what is not bounded, bounded on one side only, or bounded too far out."""

from __future__ import annotations

import re

from preflight.verifier.decide_packet import packet
from preflight.verifier.effect import Effect, constant_of, effect, number, type_of
from preflight.verifier.history import Guard, Origin, called, guards, origin
from preflight.verifier.model import Root
from preflight.verifier.scene import Decider, Decision, Scene

#: A value this large is no bound that anybody meant.
_HUGE = 1 << 28
_RANGE = re.compile(r"(umax(?:_value)?|smax(?:_value)?)=(?:[a-z0-9]+=)*(-?(?:0x[0-9a-f]+|\d+))")
_OFFSET = re.compile(r"\boff=(\d{1,18})\b")
_BELOW = re.compile(r"min value|negative|unbounded min")


def _largest(value: str) -> int | None:
    """The largest offset a printed pointer can have: its variable part, None when it has none."""
    found = [number(printed) for _, printed in _RANGE.findall(value)]
    if found:
        return max(found)
    return (1 << 63) if "var_off" in value else None


#: Helpers that read a key or a value as long as the map says, and no other memory.
_BY_KEY = frozenset(
    ["bpf_map_lookup_elem", "bpf_map_update_elem", "bpf_map_delete_elem", "bpf_map_lookup_percpu_elem"]
)


def _without_key(scene: Scene) -> Decision | None:
    """A key or value of no bytes: the map is of a kind that has none, such as a queue, a ring or a filter."""
    part = {2: "ks=0", 3: "vs=0"}.get(scene.register or 2)
    if "zero-sized" not in scene.text or part is None:
        return None
    reason = f"{scene.calls} wants a key and a value, and this kind of map has not both"
    found = Decision("map_type_helper_mismatch", "high", scene.root(scene.at, reason))
    if scene.kind(1) == "map_ptr" and re.search(rf"\b{part}\b", scene.value(1)):
        return found
    # old logs do not print the map; these helpers take no length that could be zero
    return found if not scene.value(1) and scene.calls in _BY_KEY else None


def _largest_said(text: str) -> int | None:
    """The offset in the message itself: the largest one, where that is what was refused."""
    found = _OFFSET.search(text)
    return int(found[1]) if found and "max value is outside" in text else None


def _index(scene: Scene, past: Origin) -> tuple[int, int] | None:
    """The addition that made the pointer variable: its position and the register added.

    Of several the last one of a number without a bound, else the last one.
    """
    numbers = [
        (at, register)
        for at, register in past.added
        if scene.kind(register, at) == "scalar" or not scene.steps[at].before
    ]
    for at, register in numbers:
        if (_largest(scene.value(register, at)) or 0) >= _HUGE:
            return at, register
    return next(iter(numbers or past.added), None)


def _bounds(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if "invalid access to packet" in scene.text:
        return packet(scene, cause, confidence)
    if scene.at < 0:
        return _without_key(scene) or _far_out(scene, cause)
    if cause == "size_arg_unbounded":
        return _without_key(scene) or Decision(cause, "high")
    past = scene.history()
    if past is None:
        return _by_numbers(scene)
    adding = _adding(scene)
    added = (scene.at, adding) if adding is not None else _index(scene, past)
    if added is None:
        return _constant_offset(scene)
    at, register = added
    index = origin(scene.steps, at, register, complete=scene.complete)
    tests = _tests(scene, index, at)
    largest = _largest(scene.value(adding))
    if largest is None:
        largest = _largest_said(scene.text)
    unbounded = largest is None or largest >= _HUGE
    if cause == "unbounded_index" and _BELOW.search(scene.text):
        return _unbounded(scene, "high", index, at, tests)
    if unbounded or not (tests or index.masked or index.at < 0):
        sure = "high" if largest is not None and largest >= _HUGE else "medium"
        return _unbounded(scene, sure, index, at, tests)
    above = [test for test in tests if not _of_sign(scene, test)]
    if tests and not above and not index.masked:
        reason = "the number comes from here; nothing on the way keeps it within the memory"
        used = (scene.root(at, "it is added to the pointer here"),)
        return Decision("map_value_bounds", "medium", scene.root(index.at, reason), used)
    place = above[-1].at if above else (index.through[0] if index.through else at)
    return Decision(
        "map_value_bounds",
        "medium",
        scene.root(place, "the bound set here is larger than the memory"),
        _index_born(scene, index, at),
    )


def _of_sign(scene: Scene, test: Guard) -> bool:
    """Whether a test only asks if a number is negative, or zero."""
    return effect(scene.steps[test.at].text).imm in {0, 1, -1, 0xFFFFFFFF}


#: Farther out than anything that is meant to be there: who reaches it has not bounded an index.
_FAR = 1 << 16


def _far_out(scene: Scene, cause: str) -> Decision | None:
    """Without a path: a bound that is missing and one that is too large look the same, but for the offset."""
    if cause == "unbounded_index" and "min value is outside" in scene.text and _OFFSET.search(scene.text):
        return Decision("map_value_bounds", "low")  # the smallest offset is not negative, and too large
    largest = _largest_said(scene.text)
    if cause != "map_value_bounds" or largest is None:
        return None
    return Decision("unbounded_index" if largest >= _FAR else cause, "low")


def _adding(scene: Scene) -> int | None:
    """The register that is added, when the addition itself is refused: to those without CAP_PERFMON."""
    what = effect(scene.steps[scene.at].text)
    if what.kind != "alu" or what.src is None:
        return None
    return what.dst if scene.kind(what.dst) == "scalar" else what.src


def _tests(scene: Scene, index: Origin, until: int) -> list[Guard]:
    return guards(scene.steps, index.at, until, index.register) if index.at >= 0 else []


def _index_born(scene: Scene, index: Origin, at: int) -> tuple[Root, ...]:
    return (scene.root(index.at if index.at >= 0 else at, "the number comes from here"),)


def _unbounded(scene: Scene, sure: str, index: Origin, at: int, tests: list[Guard]) -> Decision:
    """The number where it comes from: its type and its checks are the programmer's choice there."""
    open_side = "below" if _BELOW.search(scene.text) else "above"
    reason = (
        f"the number that is added comes from here; the tests on the way leave it open {open_side}"
        if tests
        else "the number that is added comes from here, and nothing on the way bounds it"
    )
    trail: tuple[Root, ...] = (scene.root(at, "it is added to the pointer here"),)
    if tests:
        trail = (scene.root(tests[-1].at, "the last test of it"), *trail)
    return Decision("unbounded_index", sure, scene.root(index.at if index.at >= 0 else at, reason), trail)


def _constant_offset(scene: Scene) -> Decision | None:
    """No number was added: offset and size are constants, or the length belongs to a helper's argument."""
    text = scene.text
    if scene.calls and "memory, mem_size" not in text:
        size = _size_register(scene) or _constant_length(scene)
        if size is not None:
            return size
    if "outside of the" not in text and "value_size=" not in text and "mem_size=" not in text:
        return None
    return _allocated(scene) or Decision("map_value_bounds", "high" if "value_size" in text else "medium")


def _allocated(scene: Scene) -> Decision | None:
    """Memory that a call hands out has the size that the call was asked for."""
    past = scene.history()
    if past is None or past.kind != "call" or "mem_size=" not in scene.text or scene.calls:
        return None
    name = called(scene.steps[past.at])
    reason = f"{name} is asked for the memory here, for less than is accessed"
    used = (scene.root(scene.at, "the access ends beyond the memory"),)
    return Decision("map_value_bounds", "medium", scene.root(past.at, reason), used)


def _size_register(scene: Scene) -> Decision | None:
    """A helper's memory argument is too short for its length argument, and that is not a constant."""
    if scene.register is None or scene.register >= 5:
        return None
    value = scene.value(scene.register + 1)
    if not value or type_of(value) != "scalar" or constant_of(value) is not None or "max" not in value:
        return None
    past = origin(scene.steps, scene.at, scene.register + 1, complete=scene.complete)
    above = [test for test in _tests(scene, past, scene.at) if not _of_sign(scene, test)]
    mask = next((at for at in past.through if effect(scene.steps[at].text).op in {"&=", "%=", ">>="}), None)
    if above:
        place, reason = above[-1].at, "the length is limited here, to more than the memory holds"
    elif mask is not None:
        place, reason = mask, "what the length is cut to here is more than the memory holds"
    else:
        place, reason = past.at if past.at >= 0 else scene.at, "the length comes from here"
    return Decision("size_arg_unbounded", "medium", scene.root(place, reason))


def _constant_length(scene: Scene) -> Decision | None:
    """A helper's memory argument is shorter than a length that is a constant, set where the root is."""
    if scene.register is None or scene.register >= 5 or "value_size=" not in scene.text:
        return None
    said = re.search(r"\bsize=(\d{1,9})\b", scene.text)
    if not said or constant_of(scene.value(scene.register + 1)) != int(said[1]):
        return None
    past = origin(scene.steps, scene.at, scene.register + 1, complete=scene.complete)
    if past.kind != "const":
        return None
    return Decision(
        "map_value_bounds", "high", scene.root(past.at, "the length is set here, to more than fits")
    )


def _by_numbers(scene: Scene) -> Decision | None:
    """`off` and `size` against `value_size`, when nothing else is known."""
    numbers = {name for name, _ in re.findall(r"(value_size|mem_size|off|size)=(-?\d+)", scene.text)}
    if {"value_size", "off", "size"} <= numbers and "outside" not in scene.text:
        return Decision("map_value_bounds", "medium")
    return None


def _math(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if scene.at < 0:
        return None
    what = effect(scene.steps[scene.at].text)
    operands = [register for register in (what.dst, what.src) if register is not None]
    if what.op not in {"+=", "-="}:
        reason = "the operation itself: pointers are only added to and subtracted from"
        return Decision("pointer_arithmetic", "high", scene.root(scene.at, reason))
    if _subtracts_pointer(scene, what):
        reason = "a pointer is subtracted from a number: that is refused to everybody"
        return Decision("pointer_arithmetic", "high", scene.root(scene.at, reason))
    if scene.family == "V-PTR-SPEC" and not _adds_constant(scene, what):
        spoken = _of_context(scene, operands)
        if spoken is not None:
            return spoken
    scalars = [register for register in operands if scene.kind(register) == "scalar"]
    wanted = scalars[0] if len(scalars) == 1 else what.src if what.src is not None else scene.register
    if wanted is None:
        return None
    past = origin(scene.steps, scene.at, wanted, complete=scene.complete)
    if cause != "unbounded_index":
        return None
    confidence = "medium" if confidence == "low" else confidence
    return _unbounded(scene, confidence, past, scene.at, _tests(scene, past, scene.at))


def _subtracts_pointer(scene: Scene, what: Effect) -> bool:
    """Whether a pointer is taken from a number."""
    pointer = what.src is not None and scene.kind(what.src) not in {"", "scalar"}
    return what.op == "-=" and pointer and scene.kind(what.dst) == "scalar"


def _adds_constant(scene: Scene, what: Effect) -> bool:
    """Whether the number added is known: allowed on the context to all who may speculate."""
    return what.imm is not None or (what.src is not None and constant_of(scene.value(what.src)) is not None)


def _of_context(scene: Scene, operands: list[int]) -> Decision | None:
    """Arithmetic on the context pointer is refused to everybody, whatever the message speaks of."""
    for register in operands:
        past = scene.history(register)
        at_entry = past is not None and past.kind == "entry" and past.register == 1
        if scene.kind(register) == "ctx" or (at_entry and not scene.log.validating):
            return Decision(
                "ctx_access", "high", scene.root(scene.at, "here a number is added to the context")
            )
    return None


def _size(scene: Scene, cause: str, confidence: str) -> Decision | None:
    past = scene.history()
    if past is None or past.at < 0:
        return None
    tests = _tests(scene, past, scene.at)
    used: tuple[Root, ...] = (scene.root(scene.at, f"{scene.calls or 'the helper'} takes it as a length"),)
    if tests and not _BELOW.search(scene.text):
        reason = "the limit set here is too large, or of another copy"
        return Decision(cause, confidence, scene.root(tests[-1].at, reason), used)
    if tests and tests[-1].register != scene.register:
        reason = f"the test here is of R{tests[-1].register}, another copy than the one that is used"
        return Decision(cause, confidence, scene.root(tests[-1].at, reason), used)
    if tests:
        used = (scene.root(tests[-1].at, "the test here leaves it open below"), *used)
        reason = "the length comes from here as a signed number and may be negative"
    else:
        reason = "the length comes from here and is not bounded on the way"
    return Decision(cause, confidence, scene.root(past.at, reason), used)


_WRITTEN = re.compile(r"stack (?:R\d+ )?(?:off (-?\d+)\+(-?\d+) size (\d+)|R?\d*)")


#: Reads are refused below the lowest byte written so far, in the words used for those outside the frame.
_READ_OF_STACK = re.compile(
    r"invalid (?:read from|indirect access to) stack R\d{1,2} off=(-\d{1,9}) size=(\d{1,9})"
)


def _never_written(text: str) -> bool:
    """Whether a refused read lies within the frame, which only bytes that nobody has written can be."""
    found = _READ_OF_STACK.search(text)
    return found is not None and int(found[1]) >= -_FRAME and int(found[1]) + int(found[2]) <= 0


def _stack(scene: Scene, cause: str, confidence: str) -> Decision | None:
    if cause == "stack_bounds" and _never_written(scene.text):
        return Decision("uninit_stack_read", "high")
    if scene.at < 0:
        return None
    if cause == "uninit_stack_read":
        return _partly_written(scene, cause, confidence)
    if cause == "stack_bounds" and scene.calls:
        return _size_register(scene)
    if cause == "stack_bounds" and _below_frame(scene):
        reason = "this variable lies below the 512 bytes that a frame may have"
        return Decision("stack_limit_512", "high", scene.root(scene.at, reason))
    return Decision(cause, confidence, None, _index_of_stack(scene))


#: Bytes a frame may have (include/linux/filter.h: MAX_BPF_STACK).
_FRAME = 512


def _below_frame(scene: Scene) -> bool:
    """Whether the frame pointer itself is used with an offset beyond the largest frame."""
    what = effect(scene.steps[scene.at].text)
    return what.base == 10 and what.off < -_FRAME


def _index_of_stack(scene: Scene) -> tuple[Root, ...]:
    past = scene.history()
    added = _index(scene, past) if past is not None else None
    if added is None:
        return ()
    index = origin(scene.steps, added[0], added[1], complete=scene.complete)
    return _index_born(scene, index, added[0])


def _partly_written(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """A struct of which some bytes are written, all by one statement: that statement is the initialiser."""
    found = _WRITTEN.search(scene.text)
    if not found or found[1] is None:
        return None
    first, size = int(found[1]), min(int(found[3]), 512)
    leaked = _pointer_stored(scene, first + int(found[2]))
    if leaked is not None:
        reason = "a pointer is stored here; who may not see pointers may not hand its bytes on"
        return Decision("pointer_leak", "high", scene.root(leaked, reason))
    writers = []
    for at in range(scene.at):
        what = effect(scene.steps[at].text)
        if what.kind == "store" and what.base == 10 and first <= what.off < first + size:
            writers.append(scene.root(at, "some of the bytes are written here, others (padding?) are not"))
    if not writers:
        return None
    lines = {root.source for root in writers}
    if len(lines) == 1 and scene.calls:
        return Decision(cause, confidence, writers[0])
    return Decision(cause, confidence, None, (writers[0],))


def _pointer_stored(scene: Scene, byte: int) -> int | None:
    """The last store that wrote a byte of the stack, when what it stored is a pointer."""
    depth = scene.steps[scene.at].depth
    for at in range(scene.at - 1, -1, -1):
        what = effect(scene.steps[at].text)
        if scene.steps[at].depth != depth or what.kind != "store" or what.base != 10:
            continue
        if what.off <= byte < what.off + (8 if what.wide else 1):
            if not what.wide or what.src is None:
                return None
            kind = scene.kind(what.src, at)
            past = scene.history(what.src) if not kind else None
            return at if kind not in {"", "scalar"} or (past and past.kind in {"entry", "frame"}) else None
    return None


DECIDERS: dict[str, Decider] = {
    "V-PKT-BOUNDS": packet,
    "V-MEM-BOUNDS": _bounds,
    "V-MAPVAL-BOUNDS": _bounds,
    "V-INDEX-SIGN": _bounds,
    "V-PTR-MATH-RANGE": _math,
    "V-PTR-SPEC": _math,
    "V-SIZE-ARG": _size,
    "V-STACK-OOB": _stack,
    "V-STACK-UNINIT": _stack,
}
