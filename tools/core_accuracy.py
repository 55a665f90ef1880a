#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the relocation part of reports/accuracy.md: how often we and libbpf agree, per kind and outcome.

    python tools/core_accuracy.py [--output reports/accuracy.md] [--worlds 400]

Compares on this host's kernel and on those of tools/fetch_test_kernels.py: all objects of the
installed libbpf-tools, the project's own sources in both byte orders, and random objects on
random kernels. Only the part between the two marks of the file is replaced. Ends with 1 when
anything disagrees.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.btf import Btf  # noqa: E402
from preflight.core import Target  # noqa: E402
from tests.differential.oracle import build as oracle  # noqa: E402
from tests.differential.random_worlds import make_world  # noqa: E402
from tests.differential.support import (  # noqa: E402
    Ground,
    MissingError,
    Subject,
    attach_differences,
    differences,
    extern_differences,
    ground,
    host_kernel,
    packaged_kernels,
    paths,
    relocate_as_the_oracle,
    subject,
    synthetic_objects,
    tool_objects,
)

BEGIN, END = "<!-- core relocation: begin -->", "<!-- core relocation: end -->"
OUTCOMES = ("unchanged", "patched", "absent", "poisoned", "error")


@dataclass
class Tally:
    """Counts of one group of comparisons."""

    objects: int = 0
    relocations: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    stock: Counter[str] = field(default_factory=Counter)
    attach: Counter[str] = field(default_factory=Counter)
    externs: Counter[str] = field(default_factory=Counter)
    disagree: list[str] = field(default_factory=list)

    def compare(
        self, answer: dict[str, Any], one: Subject, target: Target, where: Ground | None = None
    ) -> None:
        """Add one object on one kernel."""
        ours = relocate_as_the_oracle(one.obj, target)
        self.objects += 1
        for relocation in ours.relocations:
            self.relocations[relocation.kind, relocation.outcome] += 1
            if relocation.error:
                self.errors[relocation.error, str(relocation.cause)] += 1
        self.stock[ours.stock_error or "loads"] += 1
        found = differences(answer, ours)
        if where is not None:
            for target_answer in answer["attach"]:
                self.attach[target_answer["error"] or "found"] += 1
            for extern in answer["externs"]:
                state = extern["error"] or ("resolved" if extern["set"] else "weak, 0")
                self.externs[f"{extern['kind']}: {state}"] += 1
            found += attach_differences(answer, one.obj, target)
            found += extern_differences(answer, one.obj, where)
        self.disagree += [f"{one.name}: {' '.join(text.split())[:300]}" for text in found]


def _grounds() -> Iterator[Ground]:
    host = host_kernel()
    if host is not None:
        yield ground(f"this host ({host.release})", host)
    for name, kernel in packaged_kernels():
        yield ground(name, kernel)


def _on_kernels(subjects: tuple[Subject, ...], grounds: list[Ground]) -> Tally:
    tally = Tally()
    for where in grounds:
        answers = oracle.run(
            where.btf,
            paths(subjects),
            modules=where.modules,
            config=where.config,
            kernel_version=where.version,
        )
        for one, answer in zip(subjects, answers, strict=True):
            tally.compare(answer, one, where.target, where)
    return tally


def _on_worlds(count: int) -> Tally:
    tally = Tally()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for seed in range(count):
            world = make_world(seed)
            (folder / "vmlinux").write_bytes(world.vmlinux)
            modules = {name: folder / name for name in world.modules}
            for name, data in world.modules.items():
                modules[name].write_bytes(data)
            subjects = [subject(f"{name}.o", data, folder) for name, data in world.objects.items()]
            answers = oracle.run(folder / "vmlinux", paths(subjects), modules=modules)
            vmlinux = Btf.parse(world.vmlinux)
            target = Target(vmlinux, [(n, Btf.parse(d, vmlinux)) for n, d in world.modules.items()])
            for one, answer in zip(subjects, answers, strict=True):
                tally.compare(answer, one, target)
    return tally


def _table(tally: Tally) -> list[str]:
    lines = ["| kind | " + " | ".join(OUTCOMES) + " | all |", "|---|" + "---:|" * (len(OUTCOMES) + 1)]
    kinds = sorted({kind for kind, _ in tally.relocations})
    for kind in kinds:
        counts = [tally.relocations[kind, outcome] for outcome in OUTCOMES]
        lines.append(
            f"| {kind} | " + " | ".join(f"{c:,}" if c else "" for c in counts) + f" | {sum(counts):,} |"
        )
    sums = [sum(tally.relocations[kind, outcome] for kind in kinds) for outcome in OUTCOMES]
    lines.append("| **all** | " + " | ".join(f"{s:,}" for s in sums) + f" | {sum(sums):,} |")
    return lines


def _some(counts: Counter[Any]) -> str:
    return ", ".join(
        f"{' '.join(key) if isinstance(key, tuple) else key} {count:,}"
        for key, count in sorted(counts.items())
    )


def _section(title: str, note: str, tally: Tally) -> list[str]:
    total = sum(tally.relocations.values())
    lines = [f"### {title}", "", note, ""]
    lines += [
        f"{total:,} relocations, {tally.objects:,} object-kernel pairs, **{len(tally.disagree)} disagree**.",
        "",
    ]
    lines += [*_table(tally), ""]
    if tally.errors:
        lines += [f"Refused relocations by errno and cause: {_some(tally.errors)}.", ""]
    lines += [f"Where libbpf stops, per pair: {_some(tally.stock)}.", ""]
    if tally.attach:
        lines += [f"Attach targets: {_some(tally.attach)}.", ""]
    if tally.externs:
        lines += [f"Externs: {_some(tally.externs)}.", ""]
    lines += [f"* {text}" for text in tally.disagree[:20]]
    return lines


def report(worlds: int) -> tuple[str, int]:
    """The Markdown section and the number of disagreements."""
    grounds = list(_grounds())
    groups = [
        (
            "libbpf-tools",
            f"Objects embedded in the installed tools, on {len(grounds)} kernels.",
            tool_objects(),
        ),
        (
            "The project's own sources",
            f"tests/differential/src, compiled little- and big-endian, on {len(grounds)} kernels.",
            (*synthetic_objects("little"), *synthetic_objects("big")),
        ),
    ]
    lines = [
        BEGIN,
        "## CO-RE relocation against libbpf",
        "",
        "Every instruction after relocation, every errno, the candidates with their match flags, attach "
        f"targets and externs, compared with an unmodified libbpf {oracle.libbpf_version()} "
        "(`tests/differential/oracle`). Made by `tools/core_accuracy.py`. libbpf shifts bitfields and writes "
        "configuration values in its host's byte order; the comparison does the same, answers elsewhere take "
        "the object's.",
        "",
        "Kernels: " + ", ".join(where.name for where in grounds) + ".",
        "",
    ]
    disagree = 0
    for title, note, subjects in groups:
        tally = _on_kernels(subjects, grounds)
        disagree += len(tally.disagree)
        lines += _section(title, note, tally)
    tally = _on_worlds(worlds)
    disagree += len(tally.disagree)
    note = f"{worlds} kernels with modules, each with twelve objects, sound and broken, in both byte orders."
    lines += _section("Random objects on random kernels", note, tally)
    return "\n".join([*lines, END]) + "\n", disagree


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, default=ROOT / "reports/accuracy.md")
    parser.add_argument("--worlds", type=int, default=400)
    arguments = parser.parse_args()
    try:
        text, disagree = report(arguments.worlds)
    except (MissingError, oracle.OracleUnavailableError) as problem:
        print(f"the comparison cannot be made here: {problem}", file=sys.stderr)
        return 2
    path = arguments.output
    old = path.read_text(encoding="utf-8") if path.exists() else "# Accuracy\n\n"
    if BEGIN in old and END in old:
        before, rest = old.split(BEGIN, 1)
        new = before + text.rstrip("\n") + rest.split(END, 1)[1]
    else:
        new = old.rstrip("\n") + "\n\n" + text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(new, encoding="utf-8")
    print(f"{path}: {disagree} disagreements")
    return 1 if disagree else 0


if __name__ == "__main__":
    sys.exit(main())
