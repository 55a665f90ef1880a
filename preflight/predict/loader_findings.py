# SPDX-License-Identifier: Apache-2.0
"""Where libbpf, cilium/ebpf and aya come to different results for one object on one kernel (PC212)."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.core import Cause, Divergence, Relocation, divergences
from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.loaders import behaviours
from preflight.objects.model import BpfObject
from preflight.predict.relocated import RelocatedObject

_LDIMM64 = "18"
_MEMORY = (1, 2, 3)
_TYPE_ANSWERS = ("type_size", "target_type_id")
#: Accesses named in one finding.
_NAMED = 5


def loader_findings(by_loader: Mapping[str, RelocatedObject]) -> list[Finding]:
    """One finding per rule of the table that makes a difference; empty with fewer than two loaders."""
    if len(by_loader) < 2:
        return []
    results = {name: on_kernel.relocation for name, on_kernel in by_loader.items()}
    groups: dict[str, list[Divergence]] = {}
    for found in divergences(results):
        groups.setdefault(rule_of(found.results), []).append(found)
    some = next(iter(by_loader.values()))
    return [_finding(some.obj, by_loader, rule, found) for rule, found in groups.items()]


def rule_of(results: Mapping[str, Relocation]) -> str:
    """The documented behaviour (a name in loaders.toml) that explains a divergence."""
    records = list(results.values())
    some = records[0]
    outcomes = {record.outcome for record in records}
    causes = {record.cause for record in records}
    if some.kind == "type_matches":
        return "type_matches"
    if Cause.MISSING_TARGET in causes or (some.kind in _TYPE_ANSWERS and "absent" in outcomes):
        return "missing_type"
    if outcomes == {"poisoned"} and some.before.startswith(_LDIMM64):
        return "poison_ldimm64"
    if Cause.VALUE_MISMATCH in causes:
        return "validation"
    if Cause.RANGE in causes and int(some.before[:2], 16) & 7 not in _MEMORY:
        return "wide_immediate"
    tried = [{(c.btf, c.type_id) for c in record.candidates} for record in records]
    if Cause.AMBIGUOUS in causes:
        return "selection"
    if any(one != tried[0] for one in tried):
        modules = {btf for one in tried for btf, _ in one} - {"vmlinux"}
        return "candidates" if modules else "flavour"
    sizes = {(record.local_size, record.target_size) for record in records}
    if int(some.before[:2], 16) & 7 in _MEMORY and any(a != b for a, b in sizes):
        return "resize"
    return "selection"


def _finding(
    obj: BpfObject, by_loader: Mapping[str, RelocatedObject], rule: str, found: list[Divergence]
) -> Finding:
    row = next(behaviour for behaviour in behaviours() if behaviour.name == rule)
    names = list(dict.fromkeys(divergence.access for divergence in found))
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    first = found[0]
    source = obj.source_at(first.section, first.section_insn)
    place = (source.file, source.line, source.text.strip()) if source else (None, None, None)
    harmless = rule == "poison_ldimm64"
    outcomes = {name: _word(record) for name, record in first.results.items()}
    return Finding(
        code="PC212",
        verdict=Verdict.OK if harmless else Verdict.DEGRADED,
        severity=Severity.INFO if harmless else Severity.RECOMMENDED,
        title=f"{' and '.join(by_loader)} treat {shown} differently: "
        + ", ".join(f"{name} {word}" for name, word in outcomes.items()),
        subject=f"{obj.name}/{rule}",
        evidence=tuple(Evidence("inferred", f"{name}: {row.says[name]}") for name in by_loader),
        cause=f"{row.question} {'; '.join(f'{name}: {row.says[name]}' for name in by_loader)}",
        fix=_FIXES.get(rule, "judge the object with the loader that will load it: --loader NAME"),
        location=Location(obj.name, first.section, first.section_insn, *place),
        data={"rule": rule, "accesses": names, "outcomes": outcomes, "source": row.source},
    )


_FIXES = {
    "resize": "read the field with BPF_CORE_READ_BITFIELD_PROBED(), whose width follows the kernel "
    "under every loader; or judge the object with the loader that will load it: --loader NAME",
    "missing_type": "guard with bpf_core_type_exists() before asking for the size or id of the type",
    "selection": "name the type so that only one candidate fits: a flavour whose members tell them apart",
    "type_matches": "ask bpf_core_type_exists() or bpf_core_field_exists() instead for aya",
    "poison_ldimm64": "nothing has to be done: both are refused where they are reached, in different words",
}


def _word(record: Relocation) -> str:
    if record.outcome == "error":
        return f"refuses it ({record.error})"
    if record.outcome in ("patched", "unchanged"):
        return f"reads it ({record.after})"
    return record.outcome
