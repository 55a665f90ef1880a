# SPDX-License-Identifier: Apache-2.0
"""Following a register back along the printed path to where its value came from.

Copies, spills and fills, arithmetic and calls are crossed; branches that test the value on the way are
kept. What the path does not show ends the walk as `unknown`, never as a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from preflight.verifier.effect import Effect, effect, registers, type_of
from preflight.verifier.model import Step

#: Helpers after which packet pointers are void (kernel/net: bpf_helper_changes_pkt_data()).
PACKET_CHANGING = frozenset(
    [
        "bpf_skb_vlan_push",
        "bpf_skb_vlan_pop",
        "bpf_skb_store_bytes",
        "bpf_skb_change_proto",
        "bpf_skb_change_tail",
        "bpf_skb_change_head",
        "bpf_skb_pull_data",
        "bpf_clone_redirect",
        "bpf_l3_csum_replace",
        "bpf_l4_csum_replace",
        "bpf_xdp_adjust_head",
        "bpf_xdp_adjust_meta",
        "bpf_xdp_adjust_tail",
        "bpf_msg_pull_data",
        "bpf_msg_push_data",
        "bpf_msg_pop_data",
        "bpf_lwt_push_encap",
        "bpf_lwt_seg6_store_bytes",
        "bpf_lwt_seg6_adjust_srh",
        "bpf_lwt_seg6_action",
        "bpf_skb_adjust_room",
        "bpf_sk_skb_pull_data",
        "bpf_sk_skb_change_tail",
        "bpf_store_hdr_opt",
        "bpf_reserve_hdr_opt",
        "bpf_sk_skb_change_head",
        "bpf_sk_skb_adjust_room",
    ]
)
#: Longest way back.
_LIMIT = 20_000


def called(step: Step) -> str:
    """What a call instruction calls, without its number; empty for other instructions."""
    what = effect(step.text)
    return what.name.partition("#")[0] if what.kind == "call" else ""


def releases(name: str) -> bool:
    """Whether a function gives a reference away, by its name: release, put, submit, discard, drop."""
    return name.startswith("bpf_") and (
        name.endswith(
            (
                "_submit_dynptr",
                "_discard_dynptr",
                "_release",
                "_put",
                "_submit",
                "_discard",
                "_drop",
                "_drop_impl",
                "_destroy",
            )
        )
        or name in {"bpf_sk_release", "bpf_obj_drop", "bpf_rbtree_add_impl", "bpf_list_push_front_impl"}
    )


class Origin(NamedTuple):
    """Where a value came from.

    `kind`: call, load, const, ldimm64, entry (there at the program's start), frame (the stack pointer),
    clobbered (a call destroyed it and nobody wrote it since), parameter (the kernel hands it to a callback),
    never (not written at all), unknown.
    `at` is the position of the step in the path, -1 for the start. `narrow` is the position of a 32-bit
    operation or a partial copy on the way, None without. `through` are the positions of copies, spills and
    operations, latest first. `register` is the last register the walk followed. `added` are positions where
    another register was added, with that register.
    """

    kind: str
    at: int
    narrow: int | None
    through: tuple[int, ...]
    register: int
    added: tuple[tuple[int, int], ...] = ()
    masked: bool = False


def origin(steps: Sequence[Step], position: int, register: int, *, complete: bool) -> Origin:
    """Where `register` got the value has before step `position`; `complete`: the path begins at entry."""
    depth = steps[position].depth
    slot: int | None = None
    narrow: int | None = None
    through: list[int] = []
    added: list[tuple[int, int]] = []
    masked = False

    def end(kind: str, at: int) -> Origin:
        return Origin(kind, at, narrow, tuple(through), register, tuple(added), masked)

    for at in range(position - 1, max(position - _LIMIT, -1), -1):
        step = steps[at]
        what = effect(step.text)
        if step.depth > depth:
            # inside a function that had returned; its result is what R0 holds
            if what.kind == "exit" and slot is None and register == 0:
                depth = step.depth
            continue
        if step.depth < depth:
            if what.kind != "call":
                continue
            if "#" in what.name:
                # a callback: the kernel hands it its parameters, whatever the helper was given
                return end("parameter", -1)
            if slot is None and 1 <= register <= 5:
                depth = step.depth
                continue
            return end("never" if slot is None and register != 10 else "frame", at)
        if slot is not None:
            if what.kind == "store" and what.base == 10 and what.off == slot:
                through.append(at)
                if what.src is None:
                    return end("const", at)
                if not what.wide:
                    narrow = narrow if narrow is not None else at
                register, slot = what.src, None
            continue
        if what.kind == "call":
            if register == 0:
                following = steps[at + 1] if at + 1 < len(steps) else None
                if following is not None and following.depth > step.depth:
                    continue
                return end("call", at)
            if 1 <= register <= 5:
                return end("clobbered", at)
            continue
        if what.dst != register or what.kind in {"branch", "store"}:
            continue
        if what.kind == "copy" and what.src is not None:
            through.append(at)
            if not what.wide:
                narrow = narrow if narrow is not None else at
            register = what.src
            if register == 10:
                return end("frame", at)
        elif what.kind == "load":
            if what.base == 10:
                through.append(at)
                if not what.wide:
                    narrow = narrow if narrow is not None else at
                slot = what.off
                continue
            return end("load", at)
        elif what.kind == "const":
            return end("ldimm64" if what.name else "const", at)
        elif what.kind == "alu":
            through.append(at)
            if not what.wide:
                narrow = narrow if narrow is not None else at
            if what.op in {"&=", ">>=", "%="} and what.imm is not None:
                masked = True
            if what.src is not None and what.op in {"+=", "-="}:
                added.append((at, what.src))
        elif what.kind == "atomic":
            return end("load", at)
    if not complete:
        return end("unknown", -1)
    if slot is not None:
        return end("unknown", -1)
    if register == 10:
        return end("frame", -1)
    return end("entry" if register == 1 and depth == 0 else "never", -1)


def value_at(steps: Sequence[Step], position: int, register: int) -> str:
    """What was last printed of a register before step `position`; empty when the log does not tell."""
    name = f"R{register}"
    depth = steps[position].depth
    for at in range(position, max(position - 2000, -1), -1):
        step = steps[at]
        if step.depth != depth:
            continue
        if at < position:
            after = registers(step.after).get(name) if step.after else None
            if after is not None:
                return after
            if _writes(effect(step.text), register):
                return ""
        before = registers(step.before).get(name) if step.before else None
        if before is not None:
            return before
    return ""


def _writes(what: Effect, register: int) -> bool:
    if what.kind == "call":
        return register <= 5
    return what.dst == register and what.kind not in {"branch", "store"}


class Guard(NamedTuple):
    """A branch that tests a value: position, register tested, and whether it is the blamed lineage's copy."""

    at: int
    register: int
    null: bool


def guards(steps: Sequence[Step], birth: int, position: int, register: int) -> list[Guard]:
    """Branches between birth and use that test the value born at `birth` in `register`, in any copy of it."""
    holders, slots = {register}, set[int]()
    depth = steps[birth].depth if birth >= 0 else steps[0].depth
    found = []
    for at in range(birth + 1, position):
        if steps[at].depth != depth:
            continue
        what = effect(steps[at].text)
        if what.kind == "branch":
            for tested in (what.dst, what.src):
                if tested in holders and tested is not None:
                    found.append(Guard(at, tested, what.imm == 0))
        elif what.kind == "store" and what.base == 10:
            (slots.add if what.src in holders else slots.discard)(what.off)
        elif (what.kind == "copy" and what.src in holders and what.dst is not None) or (
            what.kind == "load" and what.base == 10 and what.off in slots and what.dst is not None
        ):
            holders.add(what.dst)
        elif what.kind == "call":
            holders -= {0, 1, 2, 3, 4, 5}
        elif what.kind in {"load", "const", "copy", "atomic"} and what.dst is not None:
            holders.discard(what.dst)
    return found


def held_type(steps: Sequence[Step], start: int, end: int, register: int) -> str:
    """The last pointer type printed of a register between two positions, empty if none was."""
    name = f"R{register}"
    depth = steps[end].depth
    for at in range(min(end, len(steps) - 1), max(start, 0) - 1, -1):
        step = steps[at]
        if step.depth != depth:
            continue
        for state in (step.after if at < end else "", step.before):
            value = registers(state).get(name) if state else None
            if value:
                kind = type_of(value)
                if kind != "scalar":
                    return kind
    return ""
