# SPDX-License-Identifier: Apache-2.0
"""PH9xx: the instruments themselves: bpftool, witnesses that disagree, and what the looking left behind."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.facts import Evidence, Fact
from preflight.findings.model import Finding, Verdict
from preflight.host.areas.instruments import InstrumentFacts, Integrity
from preflight.host.checks.common import area_check, finding, listed, undecided
from preflight.host.checks.runner import check
from preflight.host.checks.witness_conflicts import (
    Conflict,
    HelperConflict,
    helper_conflicts,
    map_conflicts,
    program_conflicts,
)
from preflight.host.facts import HostFacts
from preflight.records import replace

COMMAND = "bpftool -j feature probe kernel full"

_SECOND = f"to decide: install bpftool and run as root: {COMMAND}"

_RULE = (
    "a load that succeeds, or a refusal in the verifier's own known words, is stronger than bpftool, "
    "which reads the same log with the wordings of its own release"
)


@area_check("PH901", "instruments")
def bpftool_version(host: HostFacts, facts: InstrumentFacts) -> Iterator[Finding]:
    """Judged by its own answers: one helper list for all program types cannot be true of any kernel."""
    tool = facts.bpftool.value
    if tool is None:
        yield undecided("PH901", "bpftool could not be asked", facts.bpftool)
        return
    name = f"bpftool {tool.version or 'of unknown version'} (libbpf {tool.libbpf or 'unknown'})"
    data = {
        "version": tool.version,
        "libbpf": tool.libbpf,
        "helper_lists": tool.asked_types,
        "distinct_helper_lists": tool.distinct_lists,
    }
    if not tool.asked_types:
        yield finding(
            "PH901",
            Verdict.UNKNOWN,
            f"{name} lists no helper for any program type, so its lists cannot be judged",
            facts.bpftool,
            cause="it could load nothing here, or its answers have another shape",
            fix=f"to decide, run as root: {COMMAND}",
            data=data,
        )
        return
    if tool.asked_types >= 2 and tool.distinct_lists == 1:
        yield finding(
            "PH901",
            Verdict.DEGRADED,
            f"{name} claims the same {tool.longest_list} helpers for all {tool.asked_types} program types: "
            "its helper lists are not believed",
            facts.bpftool,
            data=data,
        )
        return
    yield finding("PH901", Verdict.OK, f"{name} tells program types apart", facts.bpftool, data=data)


@check("PH902")
def probe_disagreement(host: HostFacts) -> Iterator[Finding]:
    """One finding each for program types, map types and helpers."""
    yield _conflicts("program-types", *program_conflicts(host))
    yield _conflicts("map-types", *map_conflicts(host))
    yield _helper_conflicts(() if host.helpers is None else helper_conflicts(host.helpers))


def _conflicts(subject: str, conflicts: tuple[Conflict, ...], compared: int) -> Finding:
    kind = subject.replace("-", " ")
    if not compared:
        found = finding(
            "PH902",
            Verdict.UNKNOWN,
            f"{kind}: there was no second witness to compare with",
            evidence=[Evidence("bpftool", "no claim of it to compare with", COMMAND)],
            cause="bpftool was not there to ask, or the kernel's answers were undecided",
            fix=_SECOND,
        )
    elif not conflicts:
        found = finding(
            "PH902",
            Verdict.OK,
            f"{kind}: all witnesses agree on {compared}",
            evidence=[Evidence("trial-load", f"{compared} answers, none contradicted", COMMAND)],
        )
    else:
        examples = [f"{c.name} ({c.witness}: {_word(c.claimed)}, kernel: {c.answered})" for c in conflicts]
        found = finding(
            "PH902",
            Verdict.DEGRADED,
            f"{kind}: {' and '.join(sorted({c.witness for c in conflicts}))} and the kernel's answers differ "
            f"on {len(conflicts)} of {compared}",
            evidence=[
                Evidence("bpftool", listed(examples), COMMAND),
                Evidence("trial-load", f"the kernel's own answer was used for all {len(conflicts)}"),
            ],
            cause=f"the kernel's answer wins: {_RULE}; a refused load (EPERM) is not an absent feature",
            data={c.name: {c.witness: c.claimed, "kernel": c.answered} for c in conflicts},
        )
    return replace(found, subject=subject)


def _word(claimed: bool) -> str:
    return "available" if claimed else "NOT available"


def _helper_conflicts(conflicts: tuple[HelperConflict, ...]) -> Finding:
    claimed = sum(c.claimed for c in conflicts)
    confirmed = sum(c.confirmed for c in conflicts)
    refuted = sum(len(c.refuted) for c in conflicts)
    missed = sum(len(c.missed) for c in conflicts)
    if not conflicts:
        found = finding(
            "PH902",
            Verdict.UNKNOWN,
            "helpers: there was no second witness to compare with",
            evidence=[Evidence("bpftool", "no claim of it to compare with", COMMAND)],
            cause="bpftool was not there to ask, or no program type could be loaded",
            fix=_SECOND,
        )
    elif not refuted and not missed:
        title = (
            f"helpers: bpftool and trial loads agree on {claimed} claims over {len(conflicts)} program types"
        )
        evidence = [Evidence("trial-load", f"{claimed} claims of bpftool confirmed", COMMAND)]
        found = finding("PH902", Verdict.OK, title, evidence=evidence)
    else:
        worst = max(conflicts, key=lambda c: len(c.refuted) + len(c.missed))
        shown = [f"bpf_{name}" for name in worst.refuted or worst.missed]
        found = finding(
            "PH902",
            Verdict.DEGRADED,
            f"helpers: trial loads refute {refuted} of bpftool's {claimed} claims over {len(conflicts)} "
            f"program types, and find {missed} it does not list",
            evidence=[
                Evidence("bpftool", f"{claimed} claims, {confirmed} confirmed", COMMAND),
                Evidence("trial-load", f"most in {worst.program_type}: {listed(shown, 5)}"),
            ],
            cause=f"the trial load wins: {_RULE}",
            data={c.program_type: c.to_dict() for c in conflicts},
        )
    return replace(found, subject="helpers")


@area_check("PH903", "instruments")
def self_integrity(host: HostFacts, facts: InstrumentFacts) -> Iterator[Finding]:
    """Before and after must be the same; what could not be seen is named."""
    if facts.integrity.value is None:
        yield undecided("PH903", "what the checks left behind was not counted", facts.integrity)
        return
    yield compare(facts.integrity.value)


def compare(seen: Integrity) -> Finding:
    """The finding for one before and after.

    A new taint or a leaked descriptor is preflight's own fault and fails the run. New pins and
    telling kernel lines can be somebody else's and degrade it. New BPF objects without a new
    descriptor of ours are somebody else's.
    """
    before, after = seen.before, seen.after
    facts: tuple[Fact[int], ...] = (
        after.taint,
        after.descriptors,
        after.pins,
        after.programs,
        seen.kernel_lines,
    )
    faults = [
        text
        for text, was, now in (
            ("the kernel was tainted", before.taint, after.taint),
            ("files were left open", before.descriptors, after.descriptors),
        )
        if was.value is not None and now.value is not None and now.value > was.value
    ]
    doubts = []
    if (
        before.pins.value is not None
        and after.pins.value is not None
        and after.pins.value > before.pins.value
    ):
        doubts.append("names appeared in the bpf file system")
    if seen.telling_lines.value:
        doubts.append(f"{seen.telling_lines.value} lines about BPF or a warning came into the kernel log")
    unseen = [
        name
        for name, fact in (
            ("taint", after.taint),
            ("open files", after.descriptors),
            ("kernel log", seen.kernel_lines),
            ("BPF objects", after.programs),
            ("pins", after.pins),
        )
        if not fact.is_known
    ]
    data = {
        "programs": _difference(before.programs, after.programs),
        "maps": _difference(before.maps, after.maps),
        "links": _difference(before.links, after.links),
        "kernel_lines": seen.kernel_lines.value,
        "unseen": unseen,
    }
    if faults:
        return finding(
            "PH903", Verdict.MISSING, f"preflight left traces: {'; '.join(faults)}", *facts, data=data
        )
    if doubts:
        title = f"while preflight ran, {'; '.join(doubts)}"
        cause = "preflight, or somebody else at the same moment; the counts cannot tell"
        return finding("PH903", Verdict.DEGRADED, title, *facts, cause=cause, data=data)
    if not after.taint.is_known and not after.descriptors.is_known:
        return undecided(
            "PH903", "what the checks left behind could not be seen", after.taint, after.descriptors
        )
    limits = f" (not visible here: {', '.join(unseen)})" if unseen else ""
    return finding("PH903", Verdict.OK, f"nothing was left behind{limits}", *facts, data=data)


def _difference(before: Fact[int], after: Fact[int]) -> int | None:
    if before.value is None or after.value is None:
        return None
    return after.value - before.value
