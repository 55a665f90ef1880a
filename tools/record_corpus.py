# SPDX-License-Identifier: Apache-2.0
"""Records how kernels refuse the programs of fixtures/verifier_corpus, and scores the decoder on the logs.

    python tools/record_corpus.py [--kernels 6.18,6.12,...] [--jobs N] [--only PATTERN]

Every source under `programs/` holds small programs that a verifier refuses, each with its labels in comments:

    //! program family=V-PKT-BOUNDS cause=packet_bounds     begins a program
    //! on 5.10,6.1 family=... cause=...                    what differs on these kernels (or `loads`)
    //! as capbpf                                           also loaded on this host without CAP_PERFMON
    //! fix: what to change
    //! faulty, //! change, //! faulty@5.10 change@5.10     the next line of code is it (on these kernels)

Label lines are taken out before a source is compiled: logs count the lines without them, and a label can
be corrected without a new recording. Objects are compiled once, loaded on this host and on the lab's kernels
with one boot each, and the logs kept in `logs/KERNEL.jsonl.xz`, one object per line: program, source, digest
of the source, kernel, release, privilege, verdict, errno, log.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.compile_bpf import FLAGS, Toolchain, find_toolchain  # noqa: E402

CORPUS = ROOT / "fixtures" / "verifier_corpus"
PROGRAMS = CORPUS / "programs"
FIXES = CORPUS / "fixes"
LOGS = CORPUS / "logs"
#: What the labels call a kernel, and which one of the catalogue it is. This host is 6.18.
LAB = {
    "5.10": "debian/5.10.0-46-cloud-amd64",
    "6.1": "debian/6.1.0-50-cloud-amd64",
    "6.12": "debian/6.12.107+deb13-cloud-amd64",
    "7.3": "debian/7.3.4+deb13-cloud-amd64",
}
HOST = "6.18"
KERNELS = (*sorted([*LAB, HOST], key=lambda text: [int(part) for part in text.split(".")]),)
#: Characters of a log that are kept: all of every log but those of loops, of which the end is kept.
KEPT = 24_000
PRIVILEGES = ("root", "capbpf")
#: Without these an ordinary loader runs: no kernel pointers, no uninitialised stack.
DROPPED = ("sys_admin", "perfmon")

_FUNCTION = re.compile(r"^(?:int\s+)?(?:BPF_[A-Z]+\(|int\s+)(?P<name>\w+)")
#: Differs with every run; in some logs a message without a line end stands before it.
_TIME = re.compile(r"verification time \d+ usec\n")
_POINTER = re.compile(r"(?<=\(18\) r\d = )0xffff[0-9a-f]{12}\b")
#: A source that needs a newer compiler names it.
_COMPILER = re.compile(r"^/\* compiler: (?P<clang>clang-\d+) \*/$", re.MULTILINE)
_MARKS = ("faulty", "change")


@dataclass(frozen=True, slots=True)
class Label:
    """What a kernel's log of a program is about; `family` is empty when the program loads there."""

    family: str
    cause: str
    faulty: tuple[str, ...] = ()
    change: tuple[str, ...] = ()


@dataclass(slots=True)
class Program:
    """One program of a source, with its labels."""

    source: str
    line: int
    name: str = ""
    fix: str = ""
    privileges: list[str] = field(default_factory=lambda: ["root"])
    base: dict[str, str] = field(default_factory=dict)
    special: dict[str, dict[str, str]] = field(default_factory=dict)
    marks: list[tuple[str, frozenset[str], int]] = field(default_factory=list)

    def label(self, kernel: str, privilege: str = "root") -> Label:
        """The label for a kernel. A mark that names kernels replaces the general ones of its kind there."""
        words = {**self.base, **self.special.get(kernel, {}), **self.special.get(privilege, {})}
        if "loads" in words:
            return Label("", "")
        lines: dict[str, tuple[str, ...]] = {}
        for kind in _MARKS:
            own = [line for mark, kernels, line in self.marks if mark == kind and kernel in kernels]
            general = [line for mark, kernels, line in self.marks if mark == kind and not kernels]
            lines[kind] = tuple(f"{self.source}:{line}" for line in own or general)
        return Label(words["family"], words["cause"], lines["faulty"], lines["change"])


class LabelError(ValueError):
    """A label that cannot be read; the message names file and line."""


def _words(text: str, where: str) -> dict[str, str]:
    found = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if key not in ("family", "cause", "loads") or (not equals and key != "loads"):
            raise LabelError(f"{where}: {word!r} is no label")
        found[key] = value
    return found


def _kernels(text: str, where: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    if names - {*KERNELS, *PRIVILEGES}:
        raise LabelError(f"{where}: no such kernel: {text}")
    return names


def is_label(line: str) -> bool:
    """Whether a line of a source is one for this file alone, which no compiler sees."""
    return line.lstrip().startswith("//!")


def without_labels(path: Path) -> str:
    """The text of a source that is compiled."""
    return "".join(f"{line}\n" for line in path.read_text("utf-8").splitlines() if not is_label(line))


def read_source(path: Path) -> list[Program]:
    """The programs of one source. Marks before a program's label, in functions it calls, are its own.

    A function that stands between two programs belongs to the next one. LabelError for what is no label.
    """
    found: list[Program] = []
    waiting: list[tuple[str, frozenset[str], int]] = []
    current: Program | None = None
    pending: list[tuple[str, frozenset[str]]] = []
    number = 0
    for at, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{at}"
        stripped = text.strip()
        if not is_label(text):
            number += 1
            if pending and stripped:
                placed = [(mark, kernels, number) for mark, kernels in pending]
                (waiting if current is None else current.marks).extend(placed)
                pending = []
            if current is not None and not current.name and (match := _FUNCTION.match(text)):
                current.name = match["name"]
            if text.startswith("}") and current is not None and current.name:
                current = None
            continue
        kind, _, rest = stripped[3:].strip().partition(" ")
        if kind == "program":
            current = Program(path.name, at, base=_words(rest, where), marks=waiting)
            waiting = []
            found.append(current)
        elif kind == "on" and current is not None:
            names, _, words = rest.partition(" ")
            for name in _kernels(names, where):
                current.special[name] = {**current.special.get(name, {}), **_words(words, where)}
        elif kind == "as" and current is not None:
            current.privileges.append(rest)
        elif kind == "fix:" and current is not None:
            current.fix = rest
        else:
            for word in stripped[3:].split():
                mark, _, names = word.partition("@")
                if mark not in _MARKS:
                    raise LabelError(f"{where}: {word!r} is no mark")
                pending.append((mark, _kernels(names, where) if names else frozenset()))
    nameless = [program.line for program in found if not program.name]
    if nameless:
        raise LabelError(f"{path.name}: no function follows the label in line {nameless[0]}")
    return found


def programs() -> dict[str, Program]:
    """Name -> program, of the whole corpus."""
    found: dict[str, Program] = {}
    for path in sorted(PROGRAMS.glob("*.bpf.c")):
        for program in read_source(path):
            if program.name in found:
                raise LabelError(f"{path.name}:{program.line}: {program.name} is there twice")
            found[program.name] = program
    return found


def digest(path: Path) -> str:
    """Of a source with its header and without the labels: what a recording depends on."""
    text = without_labels(PROGRAMS / "corpus.h") + without_labels(path)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compiled(source: Path, out: Path, tools: Toolchain) -> Path:
    """Compile one source without its labels, in a folder of its own, so that logs name the bare file."""
    if match := _COMPILER.search(source.read_text(encoding="utf-8")):
        tools = find_toolchain({**os.environ, "PREFLIGHT_CLANG": match["clang"]})
    for file in (PROGRAMS / "corpus.h", source):
        (out / file.name).write_text(without_labels(file), encoding="utf-8")
    target = out / f"{source.name.removesuffix('.c')}.o"
    includes = [word for folder in tools.includes for word in ("-idirafter", folder)]
    command = [tools.clang, *FLAGS, "-target", "bpf", "-mcpu=v2", "-D__TARGET_ARCH_x86", *includes]
    done = subprocess.run(
        [*command, "-c", source.name, "-o", str(target)],
        cwd=out,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"record_corpus: {source.name}:\n{done.stderr}")
    return target


def rows_of(run: Any, kernel: str, privilege: str, wanted: Mapping[str, Program]) -> Iterator[dict[str, Any]]:
    """What is kept of a run on one kernel."""
    for measured in run.objects:
        if measured.problem:
            print(f"record_corpus: {kernel}: {measured.object}: {measured.problem}", file=sys.stderr)
        for one in measured.programs:
            program = wanted.get(one.name)
            if program is None or privilege not in program.privileges:
                continue
            log = one.log or (one.messages if one.verdict == "fails" else "")
            yield {
                "program": one.name,
                "source": program.source,
                "digest": digest(PROGRAMS / program.source),
                "kernel": kernel,
                "release": run.release,
                "privilege": privilege,
                "verdict": one.verdict,
                "errno": one.errno,
                "log": _whole_lines(log),
            }


def _whole_lines(log: str) -> str:
    """A log without a broken first line, and without the time it took."""
    if len(log) >= KEPT:
        log = log[log.index("\n") + 1 :]
    log = _TIME.sub("", log)
    return _POINTER.sub("0xffff888000000000", log)


def objects_of(folder: Path, out: Path, pattern: str = "*") -> Any:
    """The sources of a folder compiled into another, as what the lab loads."""
    from preflight.lab.subjects import subjects

    tools = find_toolchain()
    return subjects([str(compiled(source, out, tools)) for source in sorted(folder.glob(f"{pattern}.bpf.c"))])


def load_fixes(out: Path) -> dict[str, dict[str, Any]]:
    """Every program of `fixes/` loaded on this host: file name -> its row."""
    from preflight.lab.run import on_host

    found = {}
    for measured in on_host(objects_of(FIXES, out), attach=False, log_tail=KEPT).objects:
        for one in measured.programs:
            source = f"{Path(measured.object).name.removesuffix('.o')}.c"
            found[source] = {
                "program": one.name,
                "source": source,
                "kernel": HOST,
                "verdict": one.verdict,
                "errno": one.errno,
                "log": _whole_lines(one.log),
            }
    return found


def record(kernels: Sequence[str], jobs: int, pattern: str = "*") -> int:
    """Load sources on these kernels and write their logs; how many kernels could not be measured."""
    from preflight.kernels import resolve_all
    from preflight.lab.qemu import Limits
    from preflight.lab.run import Plan, on_host, run

    wanted = programs()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="preflight-corpus-") as scratch:
        objects = objects_of(PROGRAMS, Path(scratch), pattern)
        if HOST in kernels:
            away = ",".join(f"-{name}" for name in DROPPED)
            front = ("setpriv", "--bounding-set", away, "--inh-caps", away)
            few = {p.source.removesuffix(".c") for p in wanted.values() if "capbpf" in p.privileges}
            restricted = [o for o in objects if Path(o.name).name.removesuffix(".o") in few]
            rows = [
                *rows_of(on_host(objects, attach=False, seconds=300, log_tail=KEPT), HOST, "root", wanted),
                *rows_of(
                    on_host(restricted, attach=False, seconds=300, log_tail=KEPT, front=front),
                    HOST,
                    "capbpf",
                    wanted,
                ),
            ]
            write(HOST, rows)
            fixes = load_fixes(Path(scratch))
            (LOGS / "fixes.jsonl").write_text(
                "".join(json.dumps(row, sort_keys=True) + "\n" for row in fixes.values()), encoding="utf-8"
            )
        names = {LAB[kernel]: kernel for kernel in kernels if kernel in LAB}
        plan = Plan(
            subjects=objects, attach=False, log_tail=KEPT, limits=Limits(boot=600, idle=900, total=3600)
        )

        def done(result: Any) -> None:
            nonlocal bad
            kernel = names[result.kernel]
            print(f"record_corpus: {kernel}: {result.outcome} {result.detail}", file=sys.stderr, flush=True)
            if result.complete:
                write(kernel, list(rows_of(result, kernel, "root", wanted)))
            else:
                bad += 1

        if names:
            run(
                resolve_all(names),
                plan,
                jobs=jobs,
                say=lambda kernel, text: print(f"record_corpus: {kernel}: {text}", file=sys.stderr),
                done=done,
            )
    return bad


def write(kernel: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the logs of a kernel, in a stable order, with those of sources that were not loaded again."""
    LOGS.mkdir(exist_ok=True)
    loaded, there = {row["source"] for row in rows}, {path.name for path in PROGRAMS.glob("*.bpf.c")}
    rows = [*rows, *(row for row in recorded(kernel) if row["source"] in there - loaded)]
    ordered = sorted(rows, key=lambda row: (row["source"], row["program"], row["privilege"]))
    text = "".join(json.dumps(row, sort_keys=True) + "\n" for row in ordered)
    (LOGS / f"{kernel}.jsonl.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"record_corpus: {kernel}: {len(ordered)} programs, {len(text)} characters", file=sys.stderr)


def recorded(kernel: str) -> list[dict[str, Any]]:
    """The rows of a kernel's file; none when there is no file."""
    path = LOGS / f"{kernel}.jsonl.xz"
    if not path.is_file():
        return []
    return [json.loads(line) for line in lzma.decompress(path.read_bytes()).decode().splitlines()]


def labelled() -> list[dict[str, Any]]:
    """Every recorded refusal with its labels, in the form tools/log_accuracy.py scores."""
    known = programs()
    found = []
    for kernel in KERNELS:
        for row in recorded(kernel):
            program = known.get(row["program"])
            if row["verdict"] != "fails" or program is None:
                continue
            label = program.label(kernel, row["privilege"])
            found.append(
                {
                    **row,
                    "log_level": 1,
                    "family": label.family,
                    "cause_id": label.cause,
                    "faulty_line": list(label.faulty),
                    "line_to_change": list(label.change),
                    "fix": program.fix,
                }
            )
    return found


def main() -> int:
    """Command line; 1 when a kernel could not be measured."""
    parser = argparse.ArgumentParser(description="record how kernels refuse the corpus")
    parser.add_argument("--kernels", default=",".join(KERNELS), help=f"of {', '.join(KERNELS)}")
    parser.add_argument("--jobs", type=int, default=1, help="machines at a time")
    parser.add_argument("--only", default="*", help="only sources whose name matches this pattern")
    options = parser.parse_args()
    return 1 if record(options.kernels.split(","), options.jobs, options.only) else 0


if __name__ == "__main__":
    sys.exit(main())
