# SPDX-License-Identifier: Apache-2.0
"""The production runbook of a tracer, filled in from the catalogue; what is in the kernel is looked up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from preflight import bpf_objects
from preflight.errors import InstrumentError
from preflight.tracers import leftovers
from preflight.tracers.model import HANDLINGS, STABILITIES, Tracer, Variant

#: Most to least dependable.
_BY_STABILITY = tuple(STABILITIES)

_WHO = (
    "somebody allowed to see what the fields below say of other people's processes",
    "root, or CAP_BPF and CAP_PERFMON (Linux 5.8 and later; tracefs and packet sockets need more)",
)
_ROLLBACK = (
    "nothing needs to be undone: programs, maps and links are held by the process alone, nothing is pinned",
    "Ctrl-C or SIGTERM ends the run, detaches and prints what was found; after SIGKILL the kernel detaches",
)
_RETENTION = (
    "results leave the process only as the output you asked for; keep them as long as the question is open",
    "hashes are keyed per run: they cannot be joined with those of another run",
)
_WATCH = (
    "the progress line: seen, kept, lost (lost must stay 0, or the answer is incomplete)",
    "CPU time of the process and of the traced service; end the run when latency goes up",
)
_RECORD = (
    "who ran it, when, on which host, why; the command line",
    "the JSON result: it has the variant, the attach points, the filters, the health counters",
)


def written(tracer: Tracer) -> dict[str, Any]:
    """The runbook as titled sections of lines, and what was found in the kernel."""
    left = _left(tracer)
    return {
        "name": tracer.name,
        "question": tracer.question,
        "sections": [
            {"title": title, "lines": list(lines)}
            for title, lines in (
                ("Question", (tracer.question,)),
                ("Attach point", _points(tracer)),
                ("Filters and sampling", _filters(tracer)),
                ("Fields and privacy", _privacy(tracer)),
                ("Cost", (f"{tracer.overhead}: {tracer.overhead_because}", *_cardinality(tracer))),
                ("Requirements", (*tracer.requires, "the kernel's BTF in /sys/kernel/btf/vmlinux")),
                ("Who may run it", (tracer.runbook.who, *_WHO) if tracer.runbook.who else _WHO),
                ("Run it", (_command(tracer),)),
                ("Rollback", _ROLLBACK),
                ("Retention", (*_RETENTION, *_one(tracer.runbook.retention))),
                ("When another tool is better", _better(tracer)),
                ("Watch during the run", (*_WATCH, *tracer.runbook.watch)),
                ("Check after the run", left["lines"]),
                ("Record", (*_RECORD, *tracer.runbook.record)),
            )
        ],
        "leftovers": {"found": left["found"], "pins": left["pins"], "undecided": left["undecided"]},
    }


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _points(tracer: Tracer) -> list[str]:
    """The most dependable variant first, whatever the order of preference."""
    best = min(tracer.variants, key=lambda v: max(_BY_STABILITY.index(a.stability) for a in v.attach))
    lines = [f"narrowest dependable: variant {best.name}"]
    for variant in tracer.variants:
        points = ", ".join(
            f"{entry.point} ({entry.stability}{', optional' if entry.optional else ''})"
            for entry in variant.attach
        )
        note = f"; {variant.note}" if variant.note else ""
        lines.append(f"{variant.name}: {points}{note}")
    lines += [f"{word}: {STABILITIES[word]}" for word in _BY_STABILITY if word in _used(tracer)]
    return lines


def _used(tracer: Tracer) -> set[str]:
    return {entry.stability for variant in tracer.variants for entry in variant.attach}


def _filters(tracer: Tracer) -> list[str]:
    lines = []
    if tracer.filters:
        lines.append(f"set at least one of: {', '.join(_option(name) for name in tracer.filters)}")
    else:
        lines.append("no filter is required: what it counts is rare, or already narrow")
    lines.append("filters are constants the programs are loaded with: what is excluded costs one comparison")
    lines.append("--sample N keeps 1 of N when the event rate is high; counts are then those of the sample")
    lines += [f"--set {one.name}=...: {one.help}" for one in tracer.constants if one.type not in _SILENT]
    return lines


_SILENT = frozenset({"run-key", "switch", "fixed"})


def _option(name: str) -> str:
    return f"--set {name}=..." if "_" in name else f"--{name}"


def _privacy(tracer: Tracer) -> list[str]:
    lines = []
    for one in tracer.maps:
        if one.shape == "internal":
            continue
        for field in (*one.key, *one.value):
            keep = f" ({field.keep})" if field.keep else ""
            handled = f"{field.handling}{keep}: {HANDLINGS[field.handling]}"
            lines.append(f"{one.name}: {field.label}: {field.privacy}, {handled}")
    return lines


def _cardinality(tracer: Tracer) -> list[str]:
    return [f"{one.name}: {one.cardinality}" for one in tracer.maps if one.shape != "internal"]


def _command(tracer: Tracer) -> str:
    needs = {need for variant in tracer.variants[:1] for need in variant.needs}
    words = ["preflight tracers run", tracer.name, "--for", tracer.runbook.duration]
    words += [_EXAMPLES[name] for name in tracer.filters[:1] if name in _EXAMPLES]
    words += [_TARGETS[need] for need in sorted(needs) if need in _TARGETS]
    words.append(f"--format text --format json={tracer.name}.json")
    return " ".join(words)


_EXAMPLES = {
    "cgroup": "--cgroup system.slice/NAME.service",
    "pid": "--pid PID",
    "comm": "--comm NAME",
    "uid": "--uid UID",
    "pidns": "--pidns PID",
    "sample": "--sample 100",
    "min": "--min 1ms",
}
_TARGETS = {
    "kernel-function": "--function FUNCTION",
    "user-function": "--binary PATH --function FUNCTION",
    "usdt": "--binary PATH --usdt PROVIDER:NAME",
}


def _better(tracer: Tracer) -> list[str]:
    return [f"{one.when}: {one.tool}" for one in tracer.better] or ["none known for this question"]


def _left(tracer: Tracer) -> dict[str, Any]:
    """Looks for what a run could have left: it should find nothing."""
    programs, maps = _names(tracer.variants)
    left = leftovers.look(programs, maps)
    lines = [f"{kind[:-1]} {number} {name} is loaded now: a run is going on, or another tool uses the name"
             for kind, number, name in left.found]  # fmt: skip
    lines += [f"{path} is pinned: preflight pins nothing" for path in left.pins]
    lines += [f"not checked: {why}" for why in left.why]
    if not lines:
        lines = [
            f"looked now: none of the {len(programs)} programs is loaded, so there is no link",
            "looked now: no map and no pin has a name of theirs",
        ]
    lines.append("by hand: bpftool prog show; bpftool map show; bpftool link show; ls /sys/fs/bpf")
    return {
        "lines": lines,
        "found": [{"kind": kind, "id": number, "name": name} for kind, number, name in left.found],
        "pins": list(left.pins),
        "undecided": list(left.why),
    }


#: Names of maps that many programs of the world have; they would be found everywhere.
_COMMON = frozenset({"health", "starts", "events", "counts", "stacks", "names", "calls", "latencies"})


def _names(variants: Iterable[Variant]) -> tuple[set[str], set[str]]:
    from preflight.objects.load import load

    programs, maps = set(), set()
    for variant in variants:
        programs |= {entry.program for entry in variant.attach}
        try:
            obj = load(bpf_objects.find("tracers", variant.object).read_bytes(), variant.object)
        except InstrumentError:
            continue
        maps |= {one.name for one in obj.maps if one.name not in _COMMON}
        # The kernel shows libbpf's own maps by the object's name: its first letters and the section's.
        maps |= {f"{variant.object[: 15 - len(section.name)]}{section.name}" for section in obj.sections}
    return programs, maps
