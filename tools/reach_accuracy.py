#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold predicted reachability and CO-RE findings against what booted kernels did; write reports/accuracy.md.

    python tools/reach_accuracy.py                    # from the recorded truth, nothing booted
    python tools/reach_accuracy.py --boot [PATTERN]   # measure afresh in the lab first (minutes per kernel)
    python tools/reach_accuracy.py --host             # the running kernel too: loads the guard programs here

`--boot` compiles tests/bytecode/guards with every compiler, loads them on the kernels of KERNELS and writes
fixtures/reach/. Random programs with misses wherever reachability says `no` go to the same machines; only
their counts are kept, in fixtures/reach/random.json, because the next change of the rules makes others.
The tools' truth is that of `make truth` (fixtures/truth). 1 when a prediction is false, or a kernel failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.bytecode.image import ProgramImage  # noqa: E402
from preflight.errors import PreflightError  # noqa: E402
from preflight.kernels import Store, resolve_all  # noqa: E402
from preflight.kernels.store import natural  # noqa: E402
from preflight.lab import truth  # noqa: E402
from preflight.lab.qemu import Limits  # noqa: E402
from preflight.lab.results import KernelRun  # noqa: E402
from preflight.lab.run import Plan, Subject, on_host, run  # noqa: E402
from preflight.lab.subjects import subjects  # noqa: E402
from preflight.objects import load  # noqa: E402
from preflight.predict.target import KernelTarget  # noqa: E402
from tests.bytecode import mined  # noqa: E402
from tests.differential.frozen import pack  # noqa: E402
from tests.predict import measured  # noqa: E402
from tests.predict.measured import AGREEMENTS, Compared  # noqa: E402

BEGIN, END = "<!-- reachability: begin -->", "<!-- reachability: end -->"
RANDOM = measured.REACH / "random.json"
TRUTH = ROOT / "fixtures" / "truth"
#: The oldest and the newest verifier, those with a BTF under fixtures/btf, and some between.
KERNELS = (
    "debian/5.10.0-32-amd64",
    "debian/5.10.0-46-cloud-amd64",
    "debian/6.1.0-50-amd64",
    "debian/6.12.107+deb13-cloud-amd64",
    "debian/7.1.13+deb13-cloud-amd64",
    "debian/7.3.4+deb13-amd64",
)
#: Name in the records, command, `-mcpu`.
COMPILERS = (("clang-14", "clang-14", "v1"), ("clang-14", "clang-14", "v3"), ("clang-19", "clang-19", "v3"))
PER_OBJECT = 20
#: Random programs that were not loaded by then are left out.
RANDOM_SECONDS = 400.0
_ABOUT = """Packaged kernels booted by the lab under QEMU, programs loaded there one by one, and what was
predicted offline from the kernel's BTF, configuration and symbols. Made by `tools/reach_accuracy.py`. A
program refused for another reason decides nothing (`other`). `false no` is the release blocker: an
instruction called unreachable that the verifier came to."""
_ABOUT_TOOLS = """Each program loaded alone. Counted are the findings PC201, PC203 to PC206, PC301 and PC302:
agreement means the right cause, or none and it loads. `unknown`: the target is a placeholder that user space
replaces. `false yes`: predicted to be refused, and loads; `false no`: refused for such a cause that was not
predicted."""


def compile_guards() -> dict[str, bytes]:
    """Every guard program by every compiler, without debug information beyond BTF."""
    found: dict[str, bytes] = {}
    multiarch = [f"-I{path}" for path in sorted(Path("/usr/include").glob("*-linux-gnu"))]
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "guard.o"
        for source in sorted((ROOT / "tests" / "bytecode" / "guards").glob("*.bpf.c")):
            for name, command, cpu in COMPILERS:
                flags = [
                    "-target",
                    "bpf",
                    f"-mcpu={cpu}",
                    "-O2",
                    "-g",
                    f"-ffile-prefix-map={ROOT}=.",
                    *multiarch,
                ]
                subprocess.run([command, *flags, "-c", source, "-o", out], check=True)
                subprocess.run(["llvm-strip", "-g", out], check=True)
                found[f"{source.name.removesuffix('.bpf.c')}.{name}.{cpu}"] = out.read_bytes()
    return found


def _subject(name: str, data: bytes) -> Subject:
    return Subject(name, hashlib.sha256(data).hexdigest(), data)


def random_subjects(count: int) -> tuple[list[Subject], dict[str, frozenset[int]]]:
    """Objects of random programs, and the misses in each program."""
    found, mines = [], {}
    for first in range(0, count, PER_OBJECT):
        images = [_random(seed) for seed in range(first, min(first + PER_OBJECT, count))]
        for image in images:
            mines[image.name] = mined.mines(image)
        data = mined.as_object(mined.with_misses(image, mines[image.name]) for image in images)
        found.append(_subject(f"random_{first}", data))
    return found, mines


def _random(seed: int) -> ProgramImage:
    """Every other one in instructions that the oldest kernels take."""
    image = mined.random_image(seed)
    return (mined.for_old_kernels(image) if seed % 2 else None) or image


def boot(pattern: str, count: int) -> int:
    """Measure and record; the number of kernels that could not be measured."""
    guards = compile_guards()
    measured.REACH.mkdir(parents=True, exist_ok=True)
    measured.GUARDS.write_bytes(pack(guards))
    wanted = tuple(_subject(name, data) for name, data in guards.items())
    random, mines = random_subjects(count)
    bad = 0
    for kernel in resolve_all(name for name in KERNELS if fnmatchcase(name, pattern)):
        (result,) = run([kernel], Plan(subjects=wanted, attach=False, log_level=2), say=_say)
        if result.complete:
            measured.write_record(measured.REACH / f"{result.release}.json.xz", measured.record(result))
        else:
            print(f"{kernel.name}: not measured: {result.outcome} {result.detail}", file=sys.stderr)
            bad += 1
        if result.complete and random:
            # a full log of what a verifier looked at for long is too long for a serial line: level 1
            plan = Plan(subjects=tuple(random), attach=False, limits=Limits(total=RANDOM_SECONDS))
            keep_random(run([kernel], plan, say=_say)[0], mines)
    return bad


def _say(kernel: str, text: str) -> None:
    print(f"{kernel}: {text}", file=sys.stderr)


def keep_random(result: KernelRun, mines: dict[str, frozenset[int]]) -> None:
    """Count how the random programs fared on one kernel; what was not measured in time is not counted."""
    rows = [
        measured.compare_mined(name, mines[name], result.kernel, seen)
        for one in result.objects
        for name, seen in measured.seen(one).items()
        if name in mines
    ]
    known = json.loads(RANDOM.read_text(encoding="utf-8")) if RANDOM.exists() else {}
    known[result.kernel] = {
        "programs": len(rows),
        "misses": sum(len(mines[row.program]) for row in rows if row.agreement == "agree"),
        "agreements": dict(Counter(row.agreement for row in rows)),
        "false": [f"{row.program}: {row.measured}" for row in rows if row.agreement.startswith("false")],
    }
    RANDOM.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def guard_rows(*, host: bool) -> tuple[dict[str, list[Compared]], list[str]]:
    """Comparisons by kernel, and the recorded kernels whose facts nobody has."""
    objects = measured.guard_objects()
    stores = [Store(measured.KERNELS), Store()]
    rows: dict[str, list[Compared]] = {}
    lost = []
    for path in measured.records():
        try:
            name, digest, results = measured.read_record(path)
        except ValueError as problem:
            lost.append(str(problem))
            continue
        kernel = measured.kernel_named(name, digest, stores)
        if kernel is None:
            lost.append(f"{name}, whose facts are not here")
            continue
        target = KernelTarget(kernel)
        rows[name] = [measured.compare_guard(n, objects[n], target, s) for n, s in results.items()]
    if host:
        (kernel,) = resolve_all(["host"])
        wanted = [_subject(n, o.data) for n, o in objects.items()]
        result = on_host(wanted, attach=False, log_level=2)
        target = KernelTarget(kernel)
        rows[f"host ({kernel.release})"] = [
            measured.compare_guard(o.object, objects[o.object], target, next(iter(measured.seen(o).values())))
            for o in result.objects
        ]
    return rows, lost


def tool_rows() -> tuple[dict[str, list[Compared]], list[str]]:
    """The installed tools against the recorded truth of `make truth`."""
    listed = Path("/var/lib/dpkg/info/libbpf-tools.list")
    if not listed.exists():
        return {}, ["no libbpf-tools installed"]
    paths = [
        p for p in listed.read_text(encoding="utf-8").splitlines() if "/sbin/" in p and Path(p).is_file()
    ]
    objects = {s.sha256: load(s.data, s.name) for s in subjects(sorted(paths))}
    stores = [Store(measured.KERNELS), Store()]
    rows: dict[str, list[Compared]] = {}
    lost = []
    found = [truth.read(path) for path in sorted(TRUTH.glob("*.json.xz"))]
    for one in sorted(found, key=lambda t: natural(t.kernel)):
        kernel = measured.kernel_named(one.kernel, one.btf_sha256, stores)
        if kernel is None:
            lost.append(f"{one.kernel}, whose facts are not here")
            continue
        target = KernelTarget(kernel)
        rows[one.kernel] = [
            row
            for o in one.objects
            if o.sha256 in objects
            for row in measured.compare_tool(o.object, objects[o.sha256], target, o)
        ]
    return rows, lost


def _table(rows: dict[str, list[Compared]]) -> list[str]:
    heads = ["agree: loads", "agree: refused", *AGREEMENTS[1:]]
    lines = ["| kernel | programs | " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) + 1)]
    for kernel, compared in sorted(rows.items(), key=lambda item: natural(item[0])):
        counts = Counter(
            f"agree: {'loads' if row.measured == 'loads' else 'refused'}"
            if row.agreement == "agree"
            else row.agreement
            for row in compared
        )
        lines.append(f"| {kernel} | {len(compared)} | " + " | ".join(str(counts[h]) for h in heads) + " |")
    return lines


def _listed(rows: dict[str, list[Compared]], wanted: tuple[str, ...]) -> list[str]:
    """One line for all programs that came out alike on the same kernels."""
    kernels: dict[tuple[str, str, str, str], list[str]] = {}
    for kernel, compared in sorted(rows.items(), key=lambda item: natural(item[0])):
        for row in compared:
            if row.agreement in wanted:
                words = "" if row.measured in ("loads", "refused at a miss") else _quoted(row)
                what = f"predicted {row.predicted}; {row.measured}{words}"
                key = (row.agreement, what, row.program.split("/")[0], row.program)
                kernels.setdefault(key, []).append(kernel.removeprefix("debian/"))
    programs: dict[tuple[str, str, str, str], list[str]] = {}
    for (agreement, what, of, program), where in kernels.items():
        tool = of if "/" in program else ""
        programs.setdefault((agreement, what, tool, ", ".join(where)), []).append(program)
    return [
        f"* {agreement}: {_named(names)}: {what}: {where}"
        for (agreement, what, _, where), names in sorted(programs.items())
    ]


def _quoted(row: Compared) -> str:
    """The kernel's or libbpf's words, without the program's name."""
    words = row.detail.removeprefix("libbpf: ").removeprefix(f"prog '{row.program.rpartition('/')[2]}': ")
    return f" (`{words.replace('`', '')}`)" if words else ""


def _named(programs: list[str]) -> str:
    """`tool/one, two` for programs of a tool, `guard` or `guard (compiler)` for guard programs."""
    if "/" in programs[0]:
        return f"{programs[0].split('/')[0]}/{', '.join(name.split('/')[1] for name in programs)}"
    variants: dict[str, list[str]] = {}
    for program in programs:
        guard, _, compiler = program.partition(".")
        variants.setdefault(guard, []).append(compiler)
    return ", ".join(
        guard if len(found) == len(COMPILERS) else f"{guard} ({', '.join(found)})"
        for guard, found in variants.items()
    )


def _folded(title: str, lines: list[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""] if lines else []


def report(*, host: bool) -> tuple[str, int]:
    """The Markdown section and the number of false answers."""
    guards, lost = guard_rows(host=host)
    tools, lost_tools = tool_rows()
    random: dict[str, Any] = json.loads(RANDOM.read_text(encoding="utf-8")) if RANDOM.exists() else {}
    compilers = ", ".join(f"{name} {cpu}" for name, _, cpu in COMPILERS)
    names = {name.split(".")[0] for compared in guards.values() for name in (r.program for r in compared)}
    lines = [
        BEGIN,
        "## Reachability and CO-RE findings against booted kernels",
        "",
        _ABOUT,
        "",
        "### Guarded and unguarded misses",
        "",
        f"{len(names)} programs of tests/bytecode/guards, each compiled {len(COMPILERS)} times: {compilers}.",
        "",
        *_table(guards),
        "",
        *_folded("Unknown, false, and refused for another reason", _listed(guards, AGREEMENTS[1:])),
    ]
    if random:
        lines += [
            "### Random programs, a miss wherever the answer is `no`",
            "",
            "Taken whole means: every one of its misses was indeed out of reach.",
            "",
            "| kernel | programs | taken whole | misses in those | refused for something else | false no |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for kernel, one in sorted(random.items(), key=lambda item: natural(item[0])):
            counts = one["agreements"]
            lines.append(
                f"| {kernel} | {one['programs']} | {counts.get('agree', 0)} | {one['misses']:,} "
                f"| {counts.get('other', 0)} | {counts.get('false no', 0)} |"
            )
        lines.append("")
    if tools:
        lines += [
            "### The installed libbpf-tools",
            "",
            _ABOUT_TOOLS,
            "",
            *_table(tools),
            "",
            *_folded("Refused as predicted", _refusals(tools)),
            *_folded("Unknown, false, and refused for another reason", _listed(tools, AGREEMENTS[1:])),
        ]
    for name in (*lost, *lost_tools):
        lines.append(f"Left out: {name}.")
    false = sum(r.agreement.startswith("false") for rows in (guards, tools) for c in rows.values() for r in c)
    false += sum(len(one["false"]) for one in random.values())
    return "\n".join([*lines, END]) + "\n", false


def _refusals(rows: dict[str, list[Compared]]) -> list[str]:
    refused = {k: [r for r in compared if r.measured != "loads"] for k, compared in rows.items()}
    return _listed(refused, AGREEMENTS[:1])


def write_section(path: Path, text: str) -> None:
    """Replace the section between the markers, or add it at the end."""
    old = path.read_text(encoding="utf-8") if path.exists() else "# Accuracy\n\n"
    if BEGIN in old and END in old:
        before, rest = old.split(BEGIN, 1)
        new = before + text.rstrip("\n") + rest.split(END, 1)[1]
    else:
        new = old.rstrip("\n") + "\n\n" + text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(new, encoding="utf-8")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, default=ROOT / "reports/accuracy.md")
    parser.add_argument("--boot", nargs="?", const="*", metavar="PATTERN", help="measure these kernels first")
    parser.add_argument("--random", type=int, default=100, help="random programs for --boot")
    parser.add_argument(
        "--host", action="store_true", help="load the guard programs in the running kernel too"
    )
    arguments = parser.parse_args()
    try:
        bad = boot(arguments.boot, arguments.random) if arguments.boot else 0
        text, false = report(host=arguments.host)
    except (PreflightError, OSError, subprocess.CalledProcessError) as problem:
        print(f"the comparison cannot be made here: {problem}", file=sys.stderr)
        return 2
    write_section(arguments.output, text)
    print(f"{arguments.output}: {false} false answers")
    return 1 if false or bad else 0


if __name__ == "__main__":
    sys.exit(main())
