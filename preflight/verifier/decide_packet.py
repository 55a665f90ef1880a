# SPDX-License-Identifier: Apache-2.0
"""Packets: whether anything was compared with their end, and what the comparison proves."""

from __future__ import annotations

from preflight.verifier.effect import effect
from preflight.verifier.history import Origin
from preflight.verifier.model import NO_SOURCE, Root
from preflight.verifier.scene import Decision, Scene
from preflight.verifier.statement import passed


def packet(scene: Scene, cause: str, confidence: str) -> Decision | None:
    """A read or write beyond what a comparison with the packet's end covers on this path."""
    past = scene.history()
    if past is None:
        return None
    test = _packet_test(scene)
    if test is None:
        return Decision("packet_bounds", "high", None, _born(scene, past))
    moved = next((at for at, _ in past.added if at > test), None)
    if moved is not None:
        reason = "the pointer moves by a variable amount here, after the comparison with the packet's end"
        checked = scene.root(test, "the comparison with the packet's end")
        if _hoisted(scene, moved, test) or _of_a_parser(scene, moved):
            moved = scene.at
            reason = "the access itself: the pointer has moved by a variable amount since it was compared"
        return Decision("packet_bounds", "high", scene.root(moved, reason), (checked,))
    if scene.steps[test].made or passed(scene.steps, test):
        checked = scene.root(
            test, "the comparison with the packet's end, of a statement the log does not name"
        )
        reason = "the access itself: the comparison before it proves less than is accessed"
        return Decision("packet_bounds", "high", scene.root(scene.at, reason), (checked,))
    if _of_a_parser(scene, test):
        checked = scene.root(test, "a function called on the way compares what it reads itself")
        reason = "the access itself: the comparison on the way is another function's, for what it reads"
        return Decision("packet_bounds", "high", scene.root(scene.at, reason), (checked,))
    reason = "this comparison with the packet's end proves less than is accessed"
    return Decision("packet_bounds", "high", scene.root(test, reason), _born(scene, past))


def _hoisted(scene: Scene, moved: int, test: int) -> bool:
    """Whether a compiler gave an addition after a comparison the line of a statement before it, or none."""
    moving, comparing = scene.steps[moved].source, scene.steps[test].source
    if scene.steps[moved].made:
        return True
    if moving.line is None or comparing.line is None or moving.file != comparing.file:
        return False
    return moving.line < comparing.line


def _of_a_parser(scene: Scene, test: int) -> bool:
    """Whether a comparison stands in a function that was called, or inlined, ahead of the access.

    Inlined functions stand above the function that uses them: a line above the first one of the path.
    """
    steps = scene.steps
    compared, used = steps[test].source, steps[scene.at].source
    if steps[test].depth > steps[scene.at].depth:
        return True
    entry = next((s.source for s in steps if s.depth == steps[scene.at].depth and s.source.line), NO_SOURCE)
    if compared.line is None or used.line is None or entry.line is None or used.file != entry.file:
        return False
    return used.line >= entry.line and (compared.file != entry.file or compared.line < entry.line)


def _born(scene: Scene, past: Origin) -> tuple[Root, ...]:
    return (scene.root(past.at, "where the pointer comes from"),) if past.at >= 0 else ()


def _packet_test(scene: Scene) -> int | None:
    """The last comparison with the end of the packet on the path."""
    for at in range(scene.at - 1, -1, -1):
        what = effect(scene.steps[at].text)
        if what.kind == "branch" and what.src is not None and what.dst is not None:
            kinds = {scene.kind(what.dst, at), scene.kind(what.src, at)}
            if "pkt_end" in kinds or (kinds & {"pkt", "pkt_meta"} and len(kinds) > 1):
                return at
    return None
