# SPDX-License-Identifier: Apache-2.0
"""From how a virtual machine ended and what it wrote to what became of that kernel. Pure.

Whatever arrived whole stays a measurement, however the machine ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from preflight.lab import records, wire
from preflight.lab.guest import object_number
from preflight.lab.qemu import Ended
from preflight.lab.results import LOG_TAIL, BpftoolAnswer, KernelRun, ObjectMeasurement

_PANIC = re.compile(rb"Kernel panic - not syncing: ([^\r\n]{0,200})")
_TROUBLE = re.compile(rb"(BUG: |Oops|general protection fault|unable to handle)[^\r\n]{0,160}")

#: How QEMU ended -> outcome, when the guest did not come to its end by itself.
_ENDS = {
    "boot-limit": "boot-hang",
    "idle-limit": "hang",
    "total-limit": "hang",
    "too-much": "too-much",
    "stopped": "interrupted",
    "broken": "vm-failed",
}


@dataclass(slots=True)
class _Read:
    """The output, sorted by what it is about."""

    marks: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    frames: dict[str, bytes] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)


def judge(
    kernel: str,
    ended: Ended,
    objects: Sequence[tuple[str, str]],
    *,
    btf_sha256: str | None,
    asked_facts: bool = False,
    log_tail: int = LOG_TAIL,
) -> KernelRun:
    """The run of one kernel; `objects` are (name, sha256) in the job's order, `btf_sha256` the expected.

    Of each verifier log the last `log_tail` characters are kept.
    """
    read = _sort(ended.output, len(objects))
    guest_btf = read.marks.get("btf") or None
    identical = None if guest_btf is None or btf_sha256 is None else guest_btf == btf_sha256
    parsed = [records.parse(read.frames.get(f"object.{n}", b"")) for n in range(len(objects))]
    crashed = [objects[n][0] for n, (found, _) in enumerate(parsed) if records.crashed(found)]
    outcome, detail = _outcome(ended, read, objects, guest_btf, identical, crashed)
    measured = tuple(
        _object(n, name, sha, read, outcome, parsed[n], log_tail) for n, (name, sha) in enumerate(objects)
    )
    if outcome == "other-btf":
        measured = tuple(
            ObjectMeasurement(o.object, o.sha256, "unknown", problem="another kernel booted")
            for o in measured
        )
    if outcome == "booted" and asked_facts and not _has_facts(read.frames):
        outcome, detail = "lost-data", "not all facts arrived"
    notes = [f"lost: {what}" for what in read.lost]
    if not read.marks.get("host", "0").startswith("0"):
        notes.append(f"the collection of host facts failed: {read.marks['host']}")
    if trouble := _TROUBLE.search(ended.console):
        notes.append("the kernel complained: " + trouble[0].decode("ascii", "replace"))
    return KernelRun(
        kernel,
        outcome,
        detail,
        release=(read.marks.get("boot", "").split(" ") or [""])[0] or None,
        accel=ended.accel,
        seconds=ended.seconds,
        boot_seconds=_seconds(read.marks.get("uptime")),
        btf_sha256=guest_btf,
        btf_identical=identical,
        objects=measured,
        facts={k: v for k, v in read.frames.items() if not k.startswith(("object.", "bpftool."))},
        modules=read.modules,
        notes=tuple(notes),
    )


def _has_facts(frames: Mapping[str, bytes]) -> bool:
    return "kallsyms" in frames and not frames.keys().isdisjoint({"host", "features"})


def _sort(output: bytes, count: int) -> _Read:
    read = _Read()
    for item in wire.read(output):
        if isinstance(item, wire.Frame):
            read.frames[item.name] = item.data
        elif isinstance(item, wire.Lost):
            read.lost.append(f"{item.name}: {item.why}")
        elif item.word == "module":
            name, _, state = item.argument.partition(" ")
            read.modules[name] = state
        elif item.word == "object" and (number := object_number(item.argument, count)) is not None:
            read.begun.append(number)
        else:
            read.marks.setdefault(item.word, item.argument)
    return read


def _outcome(
    ended: Ended,
    read: _Read,
    objects: Sequence[tuple[str, str]],
    guest_btf: str | None,
    identical: bool | None,
    crashed: Sequence[str],
) -> tuple[str, str]:
    """The first row that fits, worst first."""
    at = f" while measuring {objects[read.begun[-1]][0]}" if read.begun and "end" not in read.marks else ""
    if identical is False:
        return "other-btf", f"its BTF is {guest_btf}"
    if panic := _PANIC.search(ended.console):
        return "panic", panic[1].decode("ascii", "replace").strip() + at
    if ended.reason in _ENDS:
        return _ENDS[ended.reason], (ended.stderr.splitlines() or [""])[-1][:300] + at
    if "boot" not in read.marks:
        return "boot-hang", "the machine ended before the guest's first process spoke"
    if "end" not in read.marks:
        return "lost-data", f"the guest's output has no end{at}"
    if read.lost:
        return "lost-data", "; ".join(read.lost[:3])
    if any(f"object.{n}" not in read.frames for n in range(len(objects))):
        return "lost-data", "the results of some objects did not arrive"
    told = [f"bpftool.{n}" in read.frames for n in range(len(objects))]
    if any(told) and not all(told):
        return "lost-data", "bpftool's answers on some objects did not arrive"
    if crashed:
        return "loader-crash", f"on {', '.join(crashed[:5])}"
    if guest_btf is None:
        return "no-btf", ""
    return "booted", ""


def _object(
    number: int,
    name: str,
    sha256: str,
    read: _Read,
    outcome: str,
    parsed: tuple[list[dict[str, object]], int],
    log_tail: int,
) -> ObjectMeasurement:
    from dataclasses import replace

    if f"object.{number}" not in read.frames:
        state = "was being measured" if number in read.begun else "had not begun"
        return ObjectMeasurement(
            name, sha256, "unknown", problem=f"{outcome}: it {state} when the kernel ended"
        )
    measured = records.measurement_of(name, sha256, *parsed, log_tail=log_tail)
    code, _, tail = read.frames.get(f"bpftool.{number}", b"").decode("utf-8", "replace").partition("\n")
    if code.isdigit() and len(code) < 4:
        measured = replace(measured, bpftool=BpftoolAnswer(int(code), tail))
    return measured


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def verdicts(run: KernelRun) -> Mapping[str, int]:
    """How many objects have each verdict."""
    from collections import Counter

    return dict(sorted(Counter(measured.verdict for measured in run.objects).items()))
