#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the prediction part of reports/accuracy.md: predictions against what booted kernels did.

    python tools/predict_accuracy.py [--only PATTERN] [--output reports/accuracy.md]

Judges the installed libbpf-tools and the packaged probes on every kernel of fixtures/truth that is in the
catalogue with the same BTF, and compares with the recorded measurement. Ends with 1 when a decided
prediction and a measurement disagree, with 2 when nothing could be compared.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.errors import PreflightError  # noqa: E402
from preflight.kernels import resolve_all  # noqa: E402
from preflight.lab import truth  # noqa: E402
from preflight.lab.results import ObjectMeasurement, ProgramMeasurement  # noqa: E402
from preflight.lab.subjects import subjects  # noqa: E402
from preflight.objects.load import load  # noqa: E402
from preflight.objects.model import BpfObject  # noqa: E402
from preflight.predict.kernel_facts import KernelFacts  # noqa: E402
from preflight.predict.target import KernelTarget  # noqa: E402
from preflight.predict.verdict import ObjectVerdict, ProgramVerdict, predict  # noqa: E402
from tools.record_truth import installed_tools  # noqa: E402

BEGIN, END = "<!-- prediction: begin -->", "<!-- prediction: end -->"
#: Question -> its words, worst first: rows are predictions, columns measurements.
QUESTIONS = {
    "objects as they are": ("fails", "unknown", "loads"),
    "programs loaded alone": ("fails", "unknown", "loads"),
    "programs attached": ("fails", "unknown", "ok"),
}
OBJECTS, PROGRAMS, ATTACHED = QUESTIONS


@dataclass
class Score:
    """Pairs (predicted, measured) by question, and every pair that differs with both sides' evidence."""

    pairs: dict[str, Counter[tuple[str, str]]] = field(
        default_factory=lambda: {q: Counter() for q in QUESTIONS}
    )
    disagree: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def note(self, question: str, where: str, said: str, did: str, why: str, words: str) -> None:
        """One comparison; a measurement that decided nothing is left out."""
        if did not in QUESTIONS[question] or did == "unknown":
            self.left_out[f"{question}: measured as {did}"] += 1
            return
        self.pairs[question][said, did] += 1
        if said != did:
            target = self.open if said == "unknown" else self.disagree
            target.append(
                f"{where}: predicted {said} ({why or 'nothing known against it'}), measured {did} ({words})"
            )


def compare(score: Score, release: str, judged: ObjectVerdict, measured: ObjectMeasurement) -> None:
    """Add one object on one kernel."""
    where = f"{release} {measured.object}"
    if any(program.newer_section for program in measured.programs):
        # The loader's libbpf knows fewer section names than the prediction: it refuses the whole object.
        score.left_out["objects with a section newer than the loader's libbpf"] += 1
    else:
        words = _words(measured.log, measured.messages, measured.errno)
        score.note(OBJECTS, where, judged.verdict, measured.verdict, _why(judged.all_findings), words)
    by_name = {one.program.name: one for one in judged.programs}
    for program in measured.programs:
        _program(score, f"{where}/{program.name}", judged, by_name[program.name], program)


def _program(
    score: Score, where: str, judged: ObjectVerdict, one: ProgramVerdict, program: ProgramMeasurement
) -> None:
    words = _words(program.log, program.messages, program.errno)
    why = _why((*judged.findings, *one.findings))
    score.note(PROGRAMS, where, one.verdict, program.verdict, why, words)
    if program.verdict != "loads" or one.verdict == "fails":
        return
    # Where the lab named a target that the section leaves open, what counts is the adjusted prediction.
    said = one.attach if program.attach.how == "auto" else one.attach_adjusted
    words = _words("", program.attach.messages, program.attach.errno)
    score.note(ATTACHED, where, said, program.attach.state, why, words)


def _why(findings: object) -> str:
    from preflight.findings.model import Severity, Verdict

    told = [
        f"{f.code} {f.title}"
        for f in findings  # type: ignore[attr-defined]
        if f.severity is Severity.REQUIRED and f.verdict is not Verdict.OK
    ]
    return "; ".join(dict.fromkeys(told[:2]))


def _words(log: str, messages: str, errno: int) -> str:
    from preflight.lab.findings import last_words

    return f"errno {errno}: {last_words(log, messages)}"[:200]


def scores(only: str) -> Iterator[tuple[str, Score]]:
    """Kernel release -> its score, in the order of the truth files."""
    objects = {s.sha256: load(s.data, s.name) for s in subjects([*installed_tools(), "probes:"])}
    for path in sorted((ROOT / "fixtures" / "truth").glob("*.json.xz")):
        recorded = truth.read(path)
        if not fnmatchcase(recorded.kernel, only):
            continue
        try:
            (kernel,) = resolve_all([recorded.kernel])
        except PreflightError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        if kernel.btf_sha256 != recorded.btf_sha256:
            print(f"left out: the catalogue's {recorded.kernel} is another build", file=sys.stderr)
            continue
        yield (
            recorded.release or recorded.kernel,
            _score(recorded, KernelFacts(KernelTarget(kernel)), objects),
        )


def _score(recorded: truth.Truth, facts: KernelFacts, objects: Mapping[str, BpfObject]) -> Score:
    score = Score()
    for measured in recorded.objects:
        obj = objects.get(measured.sha256)
        if obj is None:
            score.left_out["objects that are not installed here"] += 1
        else:
            compare(score, recorded.release or "", predict(obj, facts), measured)
    return score


def _table(total: Score) -> list[str]:
    lines = []
    for question, words in QUESTIONS.items():
        pairs = total.pairs[question]
        decided = sum(n for (said, _), n in pairs.items() if said != "unknown")
        agree = sum(n for (said, did), n in pairs.items() if said == did)
        everything = sum(pairs.values())
        good = words[-1]
        lines += [f"### {question}", "", f"| predicted \\ measured | fails | {good} |", "|---|---:|---:|"]
        lines += [f"| {said} | {pairs[said, 'fails']:,} | {pairs[said, good]:,} |" for said in words]
        lines += [
            "",
            f"{everything:,} compared, {decided:,} decided, {agree:,} of them right "
            f"({100 * agree / max(decided, 1):.2f} %); "
            f"{100 * (everything - decided) / max(everything, 1):.2f} % unknown; "
            f"false `{good}`: {pairs[good, 'fails']}.",
            "",
        ]
    return lines


def report(found: Mapping[str, Score]) -> tuple[str, int]:
    """The Markdown section and the number of decided disagreements."""
    total = Score()
    for score in found.values():
        for question, pairs in score.pairs.items():
            total.pairs[question].update(pairs)
        total.disagree += score.disagree
        total.open += score.open
        total.left_out.update(score.left_out)
    lines = [
        BEGIN,
        "## Load and attach prediction against booted kernels",
        "",
        "Predictions rest on each kernel's BTF, configuration and the symbols of its image; measured is "
        "what the kernel did when it was booted (fixtures/truth). Made by `tools/predict_accuracy.py`. "
        "Objects: the installed libbpf-tools and the packaged probes. The rules were written with most of "
        "these measurements at hand, so this is agreement on known ground, not on new objects.",
        "",
        f"Kernels: {', '.join(found)}.",
        "",
        *_table(total),
        "| kernel | objects right | programs right | attached right | unknown |",
        "|---|---:|---:|---:|---:|",
    ]
    for release, score in found.items():
        right = [
            f"{sum(n for (a, b), n in pairs.items() if a == b)}/{sum(pairs.values())}"
            for pairs in score.pairs.values()
        ]
        unknown = sum(n for pairs in score.pairs.values() for (a, _), n in pairs.items() if a == "unknown")
        lines.append(f"| {release} | {' | '.join(right)} | {unknown} |")
    lines += ["", f"### Disagreements: {len(total.disagree)}", "", *_listed(total.disagree)]
    lines += [f"### Left open: {len(total.open)}", "", *_listed(total.open)]
    if total.left_out:
        lines += ["Left out: " + "; ".join(f"{k}: {n}" for k, n in sorted(total.left_out.items())) + ".", ""]
    return "\n".join([*lines, END]) + "\n", len(total.disagree)


def _listed(texts: list[str]) -> list[str]:
    return [*(f"* {' '.join(text.split())}".replace("<", "&lt;") for text in texts), ""] if texts else []


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="*", help="pattern of catalogue names")
    parser.add_argument("--output", type=Path, default=ROOT / "reports/accuracy.md")
    arguments = parser.parse_args()
    found = dict(scores(arguments.only))
    if not found:
        print("nothing to compare: no kernel of fixtures/truth is in the catalogue", file=sys.stderr)
        return 2
    text, disagree = report(found)
    path: Path = arguments.output
    old = path.read_text(encoding="utf-8") if path.exists() else "# Accuracy\n\n"
    if BEGIN in old and END in old:
        before, rest = old.split(BEGIN, 1)
        new = before + text.rstrip("\n") + rest.split(END, 1)[1]
    else:
        new = old.rstrip("\n") + "\n\n" + text
    path.write_text(new, encoding="utf-8")
    print(f"{path}: {disagree} disagreements on {len(found)} kernels")
    return 1 if disagree else 0


if __name__ == "__main__":
    sys.exit(main())
