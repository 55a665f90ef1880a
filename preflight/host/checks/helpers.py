# SPDX-License-Identifier: Apache-2.0
"""PH6xx: helpers per program type, kfuncs, instruction limit, control flow, instruction set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Verdict
from preflight.host.areas.helpers import LETTERS, NOT_TRIED, HelperFacts
from preflight.host.checks.common import area_check, finding, listed
from preflight.host.checks.decisions import (
    ISA_LEVELS,
    UNDECIDED_FIXES,
    ability_state,
    isa_state,
    letters,
    undecided_fix,
)
from preflight.host.facts import HostFacts
from preflight.records import replace

_BY_HAND = "bpftool feature probe kernel full"


@area_check("PH601", "helpers")
def helper_table(host: HostFacts, facts: HelperFacts) -> Iterator[Finding]:
    """One finding per program type: how many helpers it may call, and how many nobody could ask."""
    types = dict.fromkeys(row.program_type for row in facts.rows)
    if not types:
        yield finding(
            "PH601",
            Verdict.UNKNOWN,
            "helpers: no program type was asked",
            cause="trial loads ask the running kernel, and the files read are not its own",
        )
    for name in types:
        yield _one_type(host, facts, name) if facts.was_tried(name) else _not_tried(name)


def _not_tried(name: str) -> Finding:
    found = finding(
        "PH601",
        Verdict.SKIPPED,
        f"{name}: such programs load; which helpers they may call was not asked",
        evidence=[Evidence("trial-load", "a minimal program loads", _BY_HAND)],
        cause=NOT_TRIED,
        fix="preflight check --full",
    )
    return replace(found, subject=name)


def _one_type(host: HostFacts, facts: HelperFacts, name: str) -> Finding:
    best = letters(facts, name)
    count = Counter(LETTERS[letter] for letter in best if letter in LETTERS)
    total = sum(count.values())
    reasons = dict.fromkeys(row.reason for row in facts.rows_of(name) if row.reason)
    usable, denied, unclear = count["usable"], count["denied"], count["inconclusive"]
    unread = sorted(
        {note.helper for row in facts.rows_of(name) for note in row.notes if note.text.startswith("unread")}
    )
    if usable:
        verdict, title = Verdict.OK, f"{name}: {usable} of {total} helpers usable"
        parts = [f"{denied} undecided, refused by policy" if denied else ""]
        parts.append(f"{unclear} not decided" if unclear else "")
        title += "".join(f", {part}" for part in parts if part)
    elif denied:
        verdict, title = Verdict.BLOCKED, f"{name}: no helper could be asked, such programs are refused"
    elif count["not-for-type"] == total and reasons:
        verdict, title = Verdict.NOT_APPLICABLE, f"{name}: the kernel has no such programs"
    elif unclear:
        verdict, title = Verdict.UNKNOWN, f"{name}: helpers undecided"
    else:
        verdict, title = Verdict.MISSING, f"{name}: no helper is usable"
    found = finding(
        "PH601",
        verdict,
        title,
        evidence=[
            Evidence("trial-load", ", ".join(f"{n} {state}" for state, n in sorted(count.items())), _BY_HAND)
        ],
        cause="" if verdict is Verdict.OK and not unread else "; ".join(reasons),
        fix=f"please report the answers for {listed(unread)}" if unread else undecided_fix(verdict, host),
        data={**dict(sorted(count.items())), "not_probed": list(facts.not_probed), "unread": unread},
    )
    return replace(found, subject=name)


@area_check("PH602", "helpers")
def kfuncs(host: HostFacts, facts: HelperFacts) -> Iterator[Finding]:
    """How many kfuncs the kernel's BTF marks."""
    command = "bpftool btf dump file /sys/kernel/btf/vmlinux | grep -c bpf_kfunc"
    if facts.kfuncs is None:
        why = (
            "the kernel's BTF marks no kfunc: it was made by a pahole before 1.26, or cannot be read"
            if facts.names_from == "btf"
            else "the kernel's BTF cannot be read"
        )
        yield finding(
            "PH602",
            Verdict.UNKNOWN,
            "kfuncs: undecided",
            evidence=[Evidence("btf", why, command)],
            cause=why,
            fix=_kfunc_fix(host),
        )
        return
    shown = Evidence("btf", f"{len(facts.kfuncs)} functions with the declaration tag bpf_kfunc", command)
    yield finding(
        "PH602", Verdict.OK, f"{len(facts.kfuncs)} kfuncs are built into the kernel", evidence=[shown]
    )


def _kfunc_fix(host: HostFacts) -> str:
    """Where BTF is seen and marks no kfunc, a single one is looked up by its name."""
    if host.btf is not None and host.btf.vmlinux.value is not None:
        return "look for the one you need: bpftool btf dump file /sys/kernel/btf/vmlinux | grep -w KFUNC"
    return undecided_fix(Verdict.UNKNOWN, host)


@area_check("PH603", "helpers")
def instruction_limit(host: HostFacts, facts: HelperFacts) -> Iterator[Finding]:
    """4,096 or a million: asked by loading a program of 4,101 instructions."""
    trial = facts.limit
    detail = ": ".join(part for part in (trial.errno, trial.line) if part)
    evidence = [Evidence("trial-load", f"4,101 instructions: {detail}")] if detail else []
    if trial.works:
        stated = trial.line.removeprefix("limit ")
        note = (
            f", the verifier explores up to {int(stated):,}"
            if stated.isdecimal() and len(stated) < 12
            else ""
        )
        title = f"programs may have more than 4,096 instructions{note}"
        yield finding("PH603", Verdict.OK, title, evidence=evidence)
    elif trial.errno == "E2BIG" and not trial.line:
        yield finding(
            "PH603",
            Verdict.DEGRADED,
            "programs are limited to 4,096 instructions",
            evidence=evidence,
            cause="the kernel is older than 5.2, or this caller lacks CAP_BPF",
        )
    elif trial.denied:
        base = ability_state(host, "base")
        known = base.verdict is Verdict.BLOCKED
        yield finding(
            "PH603",
            Verdict.BLOCKED if known else Verdict.UNKNOWN,
            "instruction limit: no program may be loaded" if known else "instruction limit: undecided",
            evidence=evidence,
            cause=f"the load was refused ({trial.errno})",
            fix=UNDECIDED_FIXES[Verdict.BLOCKED],
        )
    else:
        why = trial.reason or detail
        yield finding(
            "PH603",
            Verdict.UNKNOWN,
            "instruction limit: undecided",
            evidence=evidence,
            cause=why,
            fix=undecided_fix(Verdict.UNKNOWN, host),
        )


_FLOW_FIXES = {
    "bounded-loop": "unroll the loop (#pragma unroll)",
    "bpf-loop": "use a bounded loop",
    "may-goto": "use a bounded loop or bpf_loop()",
    "number-iterator": "use a bounded loop or bpf_loop() instead of bpf_for()",
    "global-function": "make the function static; it is then verified at each call",
    "bpf2bpf-call": "inline all functions (__always_inline)",
    "tail-call-in-subprogram": "call bpf_tail_call() from the main function only",
}


@area_check("PH604", "helpers")
def control_flow(host: HostFacts, facts: HelperFacts) -> Iterator[Finding]:
    """One finding per kind of loop, call and callback, each asked by one complete program."""
    names = [feature.name for feature in facts.features if feature.level == "flow"]
    if not names:
        yield finding("PH604", Verdict.UNKNOWN, "loops and calls: not asked", cause=facts.limit.reason)
    for name in names:
        decision = ability_state(host, name)
        found = finding(
            "PH604",
            decision.verdict,
            f"{name}: {'works' if decision.ok else decision.because}",
            evidence=decision.evidence,
            cause="" if decision.ok else decision.because,
            fix=_FLOW_FIXES.get(name, "")
            if decision.verdict is Verdict.MISSING
            else undecided_fix(decision.verdict, host),
            confidence=decision.confidence,
        )
        yield replace(found, subject=name)


@area_check("PH605", "helpers")
def instruction_set(host: HostFacts, facts: HelperFacts) -> Iterator[Finding]:
    """The highest level of clang's -mcpu that the kernel takes; v3 is what current compilers make."""
    states = {level: isa_state(host, level) for level in ISA_LEVELS}
    taken = [level for level, decision in states.items() if decision.ok]
    failed = next(((level, d) for level, d in states.items() if not d.ok), None)
    data = {level: decision.verdict.value for level, decision in states.items()}
    extra = [f.name for f in facts.features if f.level in ("atomics", "acquire-release") and f.trial.works]
    if not taken:
        decision = states["v1"]
        yield finding(
            "PH605",
            decision.verdict,
            "instruction set: no program could be loaded",
            evidence=decision.evidence,
            cause=decision.because,
            fix=undecided_fix(decision.verdict, host),
            data=data,
        )
        return
    highest = taken[-1]
    verdict = Verdict.OK
    cause = fix = ""
    confidence = Confidence.HIGH
    if highest in ("v1", "v2") and failed is not None:
        level, decision = failed
        verdict = Verdict.DEGRADED if decision.verdict is Verdict.MISSING else Verdict.UNKNOWN
        cause = f"{level}: {decision.because}"
        fix = f"build objects for this kernel with clang -mcpu={highest}"
        confidence = decision.confidence
    yield finding(
        "PH605",
        verdict,
        f"instruction set up to -mcpu={highest}",
        evidence=[
            Evidence("trial-load", f"loaded: {listed(f.name for f in facts.features if f.level in taken)}")
        ],
        cause=cause,
        fix=fix,
        confidence=confidence,
        data={**data, "also": extra},
    )
