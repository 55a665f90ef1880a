#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Score the log decoder on labelled logs and write its part of reports/accuracy.md.

    python tools/log_accuracy.py SAMPLES.jsonl... [--output reports/accuracy.md] [--show]
    python tools/log_accuracy.py --corpus [--output reports/accuracy.md] [--show]

Every line of a sample file is an object with `log`, `kernel`, `cause_id`, `faulty_line` and
`line_to_change` (lists of `file:line`), and optionally `family`; where several labels are right, `|` stands
between them. `--corpus` scores what tools/record_corpus.py recorded. A cause counts as wrong only when one is
named at high or medium confidence; `unknown` and low confidence count as not told.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.verifier.decode import decode  # noqa: E402
from preflight.verifier.model import Rejection, Source  # noqa: E402

BEGIN, END = "<!-- verifier logs: begin -->", "<!-- verifier logs: end -->"
CORPUS_BEGIN, CORPUS_END = "<!-- verifier corpus: begin -->", "<!-- verifier corpus: end -->"


def place(source: Source) -> str | None:
    """`file:line` as the labels have it."""
    return f"{Path(source.file).name}:{source.line}" if source.file and source.line else None


def has_lines(log: str) -> bool:
    """Whether a log has source lines with their file and number (kernels since 6.9)."""
    return any(" @ " in line for line in log.splitlines() if line.startswith(";"))


def prints_any(log: str, places: Iterable[str]) -> bool:
    """Whether a log prints one of these `file:line` anywhere; the decoder has no part in it."""
    return any(re.search(rf"@ {re.escape(place)}(?!\d)", log) for place in places)


def score(row: dict[str, Any], found: list[Rejection]) -> dict[str, str]:
    """right, wrong or unknown for cause, line and root; `n/a` where the log holds no line at all."""
    if len(found) != 1:
        verdict = "wrong" if found else "unknown"
        return {"family": verdict, "cause": verdict, "faulty line": verdict, "line to change": verdict}
    one = found[0]
    told = one.cause_id != "unknown"
    sure = one.confidence != "low"
    right = one.cause_id in row["cause_id"].split("|")
    scores = {"cause": "right" if right and told else "wrong" if told and sure else "unknown"}
    label = row.get("family")
    known = one.family not in {"V-UNKNOWN", "L-TRUNC-HEAD"}
    scores["family"] = (
        ("right" if one.family in label.split("|") else "wrong") if label else "right" if known else "unknown"
    )
    annotated = has_lines(row["log"])
    for name, got, wanted in (
        ("faulty line", place(one.source), row["faulty_line"]),
        ("line to change", place(one.root.source) if one.root else None, row["line_to_change"]),
    ):
        if not annotated:
            scores[name] = "n/a"
        else:
            scores[name] = "unknown" if got is None else "right" if got in wanted else "wrong"
    return scores


def table(rows: Iterable[dict[str, Any]], show: bool) -> list[str]:
    """The Markdown table: outcomes by kernel and question."""
    counts: Counter[tuple[str, str, str]] = Counter()
    lines_by: Counter[tuple[bool, str]] = Counter()
    for row in rows:
        found = decode(io.BytesIO(row["log"].encode()), row["source"]).rejections
        scores = score(row, found)
        for question, outcome in scores.items():
            counts[row["kernel"], question, outcome] += 1
            counts["all", question, outcome] += 1
        if scores["faulty line"] != "n/a":
            lines_by[prints_any(row["log"], row["faulty_line"]), scores["faulty line"]] += 1
        if show and set(scores.values()) & {"wrong", "unknown"}:
            got = [
                (o.family, o.cause_id, o.confidence, place(o.source), o.root and o.root.to_dict())
                for o in found
            ]
            print(row["program"], row["kernel"], row["log_level"], row["privilege"], scores, "wanted",
                  row["cause_id"], row["faulty_line"], row["line_to_change"], "got", got)  # fmt: skip
    questions = ("family", "cause", "faulty line", "line to change")
    lines = ["| kernel | logs | " + " | ".join(f"{q}: right / wrong / not told" for q in questions) + " |",
             "|---|---:|" + "---:|" * len(questions)]  # fmt: skip
    kernels = sorted({kernel for kernel, _, _ in counts} - {"all"})
    for kernel in [*kernels, "all"]:
        total = sum(counts[kernel, "cause", outcome] for outcome in ("right", "wrong", "unknown"))
        cells = []
        for question in questions:
            right, wrong, not_told = (counts[kernel, question, o] for o in ("right", "wrong", "unknown"))
            asked = right + wrong + not_told
            share = f" ({100 * right / asked:.1f} %)" if asked else ""
            cells.append(f"{right} / {wrong} / {not_told}{share}" if asked else "no annotations")
        lines.append(f"| {kernel} | {total} | " + " | ".join(cells) + " |")
    return [*lines, *_by_what_the_log_prints(lines_by)]


def _by_what_the_log_prints(counts: Counter[tuple[bool, str]]) -> list[str]:
    """The faulty line again, apart for logs that print it and logs in which it stands nowhere."""
    if not counts:
        return []
    lines = [
        "",
        "The kernel prints a line once and leaves it out where it repeats, at level 1 also when it has taken "
        "the first print back. So the faulty line of some logs with annotations stands nowhere in them. The "
        "column above counts these logs too; apart:",
        "",
        "| faulty line of logs with annotations | logs | right / wrong / not told |",
        "|---|---:|---:|",
    ]
    for printed, name in ((True, "the log prints it"), (False, "it stands nowhere in the log")):
        right, wrong, not_told = (counts[printed, outcome] for outcome in ("right", "wrong", "unknown"))
        asked = right + wrong + not_told
        share = f" ({100 * right / asked:.1f} %)" if asked else ""
        lines.append(f"| {name} | {asked} | {right} / {wrong} / {not_told}{share} |")
    return lines


def corpus_part(show: bool) -> list[str]:
    """The part of the report about the project's own corpus."""
    from tools.record_corpus import CORPUS, labelled, programs, recorded

    rows = labelled()
    kernels = {kernel: recorded(kernel) for kernel in dict.fromkeys(row["kernel"] for row in rows)}
    loaded = {kernel: sum(row["verdict"] == "loads" for row in found) for kernel, found in kernels.items()}
    pairs = len(list((CORPUS / "fixes").glob("*.rejected.bpf.c")))
    return [
        CORPUS_BEGIN,
        "## The corpus of refused programs",
        "",
        f"{len(rows)} logs of {len(programs())} programs in `fixtures/verifier_corpus/`, recorded by "
        f"`make corpus` on {', '.join(found[0]['release'] for found in kernels.values())}; 6.18 is "
        "the host, and some programs were loaded there with CAP_BPF alone too. Every program has a labelled "
        "family, cause, faulty line and line to change. Not refused, and so without a log: "
        + ", ".join(f"{count} on {kernel}" for kernel, count in loaded.items())
        + ". Labels say what is wrong with the program, also where a log cannot tell. The decoder "
        "was corrected with these logs at hand: they show what works, not how it does on unknown logs. "
        f"{pairs} more programs are there before and after the fix that was proposed; tests load both.",
        "",
        *table(rows, show),
        "",
        *blind_part(CORPUS / "blind.json"),
        CORPUS_END,
    ]


def blind_part(path: Path) -> list[str]:
    """How the decoder did on logs it had not seen: what was written down when each round was scored."""
    lines = [
        "### Logs it had not seen",
        "",
        "More than half of the corpus was written in rounds of new programs: labelled by what the source "
        "says, recorded on the five kernels, scored once, and only then looked at and learned from. These "
        "are the scores of that first time, with the decoder as it then was, right / wrong / not told. "
        "Some labels named a fault that the kernel does not come to, or too few of the right answers: "
        "`corrected` is the same decoder against labels without these. Two compilers, -O1 and -O2, levels "
        "1, 2 and 4, some logs wrapped as loaders and CI runners do. The last round counts most. Authors "
        "of the decoder wrote all of them.",
        "",
        "| round | programs | logs | labels | family | cause | faulty line | line to change |",
        "|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    for one in json.loads(path.read_text("utf-8")):
        cells = []
        for question in ("family", "cause", "faulty line", "line to change"):
            right, wrong, not_told = one[question]
            share = 100 * right / (right + wrong + not_told)
            cells.append(f"{right} / {wrong} / {not_told} ({share:.1f} %)")
        logs = sum(one["cause"])
        lines.append(
            " | ".join((f"| {one['round']}", str(one["programs"]), str(logs), one["labels"], *cells)) + " |"
        )
    return lines


def put(report: Path, lines: list[str], begin: str, end: str) -> None:
    """Replace the part of a report between two marks, or append it."""
    old = report.read_text("utf-8")
    part = "\n".join(lines)
    if begin in old:
        new = old[: old.index(begin)] + part + old[old.index(end) + len(end) :]
    else:
        new = old.rstrip("\n") + "\n\n" + part + "\n"
    report.write_text(new, encoding="utf-8")


def main() -> int:
    """Score, print, and replace the part of the report between the marks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", nargs="*", type=Path)
    parser.add_argument("--corpus", action="store_true", help="the logs of fixtures/verifier_corpus")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--show", action="store_true", help="print every log that is not wholly right")
    arguments = parser.parse_args()
    if arguments.corpus:
        lines = corpus_part(arguments.show)
        print("\n".join(lines))
        if arguments.output:
            put(arguments.output, lines, CORPUS_BEGIN, CORPUS_END)
        return 0
    if not arguments.samples:
        parser.error("name files of samples, or --corpus")
    rows = [json.loads(line) for path in arguments.samples for line in path.read_text("utf-8").splitlines()]
    lines = table(rows, arguments.show)
    programs = len({row["program"] for row in rows})
    labelled = any("family" in row for row in rows)
    text = [
        BEGIN,
        "## Verifier logs",
        "",
        f"{len(rows)} logs of {programs} programs that kernels reject, each with a labelled cause, "
        "faulty line and line to change; levels 1 and 2, as root and with CAP_BPF alone. "
        "Made by `tools/log_accuracy.py`. "
        "A cause is wrong when another one is named at high or medium confidence. The decoder was "
        "written with these logs at hand: they show what works, not how it does on logs it has never seen. "
        "Lines are scored where the log has them (kernels since 6.9). Some are in no log: that of a "
        "poisoned relocation is estimated from the statement before it (with `--object` it is known), and a "
        "test of the wrong variable may have been removed by the compiler.",
        "",
        *(
            []
            if labelled
            else ["The labels name no family: there, right means that the message was recognised.", ""]
        ),
        *lines,
        END,
    ]
    print("\n".join(lines))
    if arguments.output:
        put(arguments.output, text, BEGIN, END)
    return 0


if __name__ == "__main__":
    sys.exit(main())
