# SPDX-License-Identifier: Apache-2.0
"""What kernels did, held against what is predicted of them: for the recorded truth and for the report.

Reachability is judged with the guard programs (tests/bytecode/guards) and with random programs whose
unreachable parts are misses (tests/bytecode/mined.py); CO-RE and hook findings with the installed tools.
A program refused for a reason that is neither decides nothing, and is counted as that.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from preflight.findings.model import Finding, Severity, Verdict
from preflight.kernels import Kernel, Store
from preflight.lab.results import KernelRun, ObjectMeasurement, ProgramMeasurement
from preflight.objects import BpfObject, load
from preflight.predict.core_findings import core_findings
from preflight.predict.relocated import RelocatedObject, relocated
from preflight.predict.target import KernelTarget

ROOT = Path(__file__).resolve().parents[2]
REACH = ROOT / "fixtures" / "reach"
GUARDS = REACH / "guards.tar.xz"
KERNELS = ROOT / "fixtures" / "btf"

#: An instruction in the verifier's log. libbpf puts `<invalid ...` in the place of a call it poisoned.
_VISITED = re.compile(r"^(\d+): (?:\([0-9a-f]{2}\)|<invalid)", re.MULTILINE)
_STATISTICS = ("processed ", "verification time ", "stack depth ", "subprog ")

#: How a prediction and a measurement compare, best first.
AGREEMENTS = ("agree", "unknown", "other", "false yes", "false no")


@dataclass(frozen=True)
class Seen:
    """What one kernel did with one program: `loads`, `refused` or `unknown`.

    `visited` are the slots its log names, as far as the end of the log was kept; `words` its last ones.
    """

    verdict: str
    visited: tuple[int, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Compared:
    """One program on one kernel; `agreement` is one of AGREEMENTS."""

    kernel: str
    program: str
    predicted: str
    measured: str
    agreement: str
    detail: str = ""


def seen(measured: ObjectMeasurement) -> dict[str, Seen]:
    """Program name -> what became of it; an object that got nowhere has the empty name."""
    if not measured.programs:
        return {"": Seen("unknown", words=measured.problem or measured.messages[-200:])}
    return {program.name: _seen(program) for program in measured.programs}


def _seen(program: ProgramMeasurement) -> Seen:
    if program.verdict != "fails":
        return Seen(program.verdict)
    visited = tuple(sorted({int(slot) for slot in _VISITED.findall(program.log)}))
    spoken = [line for line in program.log.splitlines() if line.strip() and not line.startswith(_STATISTICS)]
    said = [line for line in program.messages.splitlines() if line.strip()]
    return Seen("refused", visited, (spoken or said or [""])[-1 if spoken else 0][:160])


# -- reachability ----------------------------------------------------------------------------------------


def compare_guard(name: str, obj: BpfObject, target: KernelTarget, measured: Seen) -> Compared:
    """The one program of a guard object: which misses are reached, and which the kernel came to."""
    on_kernel = relocated(obj, target)
    (program,) = obj.programs
    misses = {*on_kernel.poisoned_slots(program), *on_kernel.missing_slots(program)}
    answers = {slot: found.answer for slot, found in on_kernel.reach(program, misses).items()}
    given = set(answers.values())
    predicted = "yes" if "yes" in given else "unknown" if "unknown" in given else "no"
    came_to = misses.intersection(measured.visited)
    invented = set(measured.visited) - on_kernel.reachable(program)
    agreement, did = "other", "refused for something else"
    if measured.verdict == "loads":
        did = "loads"
        agreement = {"yes": "false yes", "unknown": "unknown", "no": "agree"}[predicted]
    elif came_to:
        did = "refused at a miss"
        worst = {answers[slot] for slot in came_to}
        agreement = "false no" if "no" in worst else "unknown" if "unknown" in worst else "agree"
    elif measured.verdict == "unknown":
        did = "not measured"
    if invented:
        agreement, did = "false no", f"came to {sorted(invented)}, called unreachable"
    return Compared(target.kernel.name, name, predicted, did, agreement, measured.words)


def compare_mined(name: str, mines: frozenset[int], kernel: str, measured: Seen) -> Compared:
    """A random program with misses in all slots called unreachable."""
    if measured.verdict == "loads":
        return Compared(kernel, name, "no", "loads", "agree")
    if hit := mines.intersection(measured.visited):
        return Compared(kernel, name, "no", f"came to {sorted(hit)}", "false no", measured.words)
    return Compared(kernel, name, "no", "refused for something else", "other", measured.words)


# -- CO-RE, hooks and externs ----------------------------------------------------------------------------

#: Cause -> what a refusal for it says, and the codes that predict it. The first that fits counts.
CAUSES: tuple[tuple[str, re.Pattern[str], frozenset[str]], ...] = (
    ("miss", re.compile("unknown#195896080|invalid CO-RE relocation"), frozenset({"PC201"})),
    ("argument", re.compile("doesn't have [0-9]+-th argument"), frozenset({"PC302"})),
    ("target", re.compile("failed to find kernel BTF type|not found in vmlinux BTF"), frozenset({"PC301"})),
    ("relocation", re.compile("failed to (relocate|resolve CO-RE)|relo #"), frozenset({"PC204"})),
    ("extern", re.compile(r"extern \((func|var) ksym\)|failed to open system Kconfig|extern .*not found"),
     frozenset({"PC205", "PC206"})),
)  # fmt: skip
_JUDGED = frozenset({"PC201", "PC203", "PC204", "PC205", "PC206", "PC301", "PC302"})


def compare_tool(
    name: str, obj: BpfObject, target: KernelTarget, measured: ObjectMeasurement
) -> Iterator[Compared]:
    """Every program of an object, loaded alone."""
    on_kernel = relocated(obj, target)
    found = [finding for finding in core_findings(on_kernel) if finding.code in _JUDGED]
    for program in measured.programs:
        yield _compare_program(f"{name}/{program.name}", _about(program.name, found), on_kernel, program)


def _about(program: str, found: Iterable[Finding]) -> list[Finding]:
    """The findings of a program, and those of the whole object."""
    whole = {"PC205", "PC206"}
    return [f for f in found if f.subject.partition("/")[0] == program or f.code in whole]


def _compare_program(
    name: str, found: list[Finding], on_kernel: RelocatedObject, program: ProgramMeasurement
) -> Compared:
    fatal = {f.code for f in found if f.verdict is Verdict.MISSING and f.severity is Severity.REQUIRED}
    undecided = {f.code for f in found if f.verdict is Verdict.UNKNOWN and f.severity is Severity.REQUIRED}
    is_open = any(f.code == "PC301" and f.verdict is Verdict.NOT_APPLICABLE for f in found)
    predicted = " ".join(sorted(fatal)) or ("unknown" if undecided else "open target" if is_open else "loads")
    kernel, text = on_kernel.target.kernel.name, program.log + program.messages
    if program.verdict == "loads":
        agreement = "false yes" if fatal else "unknown" if undecided else "agree"
        return Compared(kernel, name, predicted, "loads", agreement)
    words = _seen(program).words
    for cause, pattern, codes in CAUSES:
        if pattern.search(text):
            agreement = "agree" if fatal & codes else "unknown" if undecided else "false no"
            if cause == "target" and is_open:
                agreement = "unknown"
            return Compared(kernel, name, predicted, cause, agreement, words)
    return Compared(kernel, name, predicted, "other", "other", words)


# -- recorded truth --------------------------------------------------------------------------------------


def record(run: KernelRun) -> dict[str, Any]:
    """A run of guard objects as a document: kernel, and per object what `seen` says of its program."""
    objects = {measured.object: next(iter(seen(measured).values())) for measured in run.objects}
    return {
        "kernel": run.kernel,
        "release": run.release,
        "btf_sha256": run.btf_sha256,
        "guards_sha256": guards_digest(),
        "objects": {name: asdict(one) for name, one in objects.items()},
    }


def write_record(path: Path, document: Mapping[str, Any]) -> None:
    """The same document gives the same bytes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def guards_digest() -> str:
    """Which guard objects are meant: a record is of these and no others."""
    return hashlib.sha256(GUARDS.read_bytes()).hexdigest()


def read_record(path: Path) -> tuple[str, str, dict[str, Seen]]:
    """Kernel name, digest of its BTF, and what it did by object name. ValueError when of other objects."""
    raw = json.loads(lzma.decompress(path.read_bytes()))
    if raw["guards_sha256"] != guards_digest():
        raise ValueError(f"{path.name} was recorded with other guard objects; run make reach-truth")
    objects = {
        name: Seen(one["verdict"], tuple(one["visited"]), one["words"])
        for name, one in raw["objects"].items()
    }
    return raw["kernel"], raw["btf_sha256"], objects


def records() -> list[Path]:
    """The recorded kernels."""
    return sorted(REACH.glob("*.json.xz"))


def guard_objects() -> dict[str, BpfObject]:
    """The compiled guard programs that were measured, by NAME.COMPILER.CPU."""
    found = {}
    with tarfile.open(GUARDS) as archive:
        for member in archive:
            data = archive.extractfile(member)
            assert data is not None
            found[member.name] = load(data.read(), member.name)
    return found


def kernel_named(name: str, btf_sha256: str | None, stores: Iterable[Store]) -> Kernel | None:
    """The kernel with that BTF from the first store that has it."""
    for store in stores:
        if name in store:
            kernel = store.get(name)
            if btf_sha256 is None or kernel.btf_sha256 == btf_sha256:
                return kernel
    return None
