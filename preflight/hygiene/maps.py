# SPDX-License-Identifier: Apache-2.0
"""Rules about what programs keep: PT103 unbounded hashes, PT106 start records that stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.btf.types import Composite, Int, Ptr
from preflight.findings.model import Confidence, Finding
from preflight.hygiene.calls import Call, calls, instructions
from preflight.hygiene.failures import failure_is_counted
from preflight.hygiene.finding import finding
from preflight.hygiene.hooks import event_of
from preflight.objects.model import BpfObject, Program
from preflight.objects.parts import MapDef

#: Maps that fill up and then refuse new keys; LRU maps make room by themselves.
_FILLING = ("hash", "percpu_hash")
_UPDATE, _LOOKUP = "map_update_elem", "map_lookup_elem"
_DELETES = ("map_delete_elem", "map_lookup_and_delete_elem")
#: Names of key members whose values there is no end of.
_ENDLESS = re.compile(
    r"(?:\A|_)(?:p?tid|t?gid|pid|tgid|pid_tgid|ns|ts|time|addr|[sd]addr|[sd]port|port|ip6?|inode?|ino|cookie|"
    r"ptr|sk|sock|req|rq|skb|file|path|stack_id|stackid|comm)(?:\Z|_|\d)",
)
_WIDE = 8
_MAX_MEMBERS = 64

Uses = dict[str, dict[str, list[tuple[Program, Call]]]]


def uses(obj: BpfObject) -> Uses:
    """Map -> helper -> the programs and calls; the calls whose map is not known are under ""."""

    def read() -> Uses:
        found: Uses = {}
        for program in obj.programs:
            for call in calls(obj, program):
                found.setdefault(call.map or "", {}).setdefault(call.helper, []).append((program, call))
        return found

    return obj.memo("hygiene-map-uses", read)


def unbounded_hash(obj: BpfObject) -> Iterator[Finding]:
    """PT103: a hash whose keys have no end, no program deletes one, and nothing counts what did not fit."""
    found = uses(obj)
    unknown_deletes = any(found.get("", {}).get(helper) for helper in _DELETES)
    for definition in obj.all_maps:
        if definition.type not in _FILLING or definition.origin not in ("btf", "legacy"):
            continue
        used = found.get(definition.name, {})
        written = used.get(_UPDATE)
        if not written or unknown_deletes or any(used.get(helper) for helper in _DELETES):
            continue
        why = _endless(obj, definition)
        if why is None:
            continue
        program, call = written[0]
        if all(failure_is_counted(instructions(obj, p), c, calls(obj, p)) for p, c in written):
            continue  # it fills up, and says so
        yield finding(
            "PT103",
            obj,
            program,
            f"map {definition.name} only grows: {why}, and no program deletes from it",
            f"{definition.type} of {definition.max_entries or 'a size user space sets'} entries, key of "
            f"{definition.key_size} bytes",
            slot=call.slot,
            subject=definition.name,
            confidence=Confidence.MEDIUM,
            map=definition.name,
        )


def _endless(obj: BpfObject, definition: MapDef) -> str | None:
    """Why the keys have no end, as far as their type shows; None when it does not."""
    btf = obj.btf
    if btf is None or not definition.key_type:
        return f"its keys are {definition.key_size} bytes wide" if definition.key_size >= _WIDE else None
    found = btf.type(btf.resolve(definition.key_type))
    if isinstance(found, Composite):
        names = [member.name for member in found.members[:_MAX_MEMBERS] if _ENDLESS.search(member.name)]
        return f"its key has {', '.join(names[:3])}" if names else None
    if isinstance(found, Ptr):
        return "its key is a pointer"
    if isinstance(found, Int) and found.size >= _WIDE:
        return "its key is a 64-bit number"
    named = btf.name(definition.key_type)
    return f"its key is a {named}" if named and _ENDLESS.search(named) else None


def kept_starts(obj: BpfObject) -> Iterator[Finding]:
    """PT106: an entry writes a record, the return reads it, and nobody deletes it."""
    found = uses(obj)
    unknown_deletes = any(found.get("", {}).get(helper) for helper in _DELETES)
    for definition in obj.all_maps:
        used = found.get(definition.name, {})
        if "hash" not in definition.type or unknown_deletes or any(used.get(helper) for helper in _DELETES):
            continue
        entries = [(p, c) for p, c in used.get(_UPDATE, ()) if _is_entry(p)]
        returns = [(p, c) for p, c in used.get(_LOOKUP, ()) if _is_return(p)]
        # what return programs write themselves is a result that stays on purpose, no start record
        results = any(_is_return(p) for p, _ in used.get(_UPDATE, ()))
        if not entries or not returns or results:
            continue
        program, call = returns[0]
        yield finding(
            "PT106",
            obj,
            program,
            f"{program.name} reads the start record in {definition.name} and leaves it there",
            f"written by {entries[0][0].name}; no program calls bpf_map_delete_elem() on {definition.name}",
            slot=call.slot,
            subject=definition.name,
            map=definition.name,
        )


def _is_return(program: Program) -> bool:
    return program.hook.returns or "sys_exit" in (event_of(program.hook) or "")


def _is_entry(program: Program) -> bool:
    return not _is_return(program)
