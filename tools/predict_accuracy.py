#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the prediction part of reports/accuracy.md and reports/accuracy.html: `lab score` on the record.

    python tools/predict_accuracy.py [--only PATTERN] [--output reports/accuracy.md]

Judges the installed libbpf-tools and the packaged objects on every kernel of fixtures/truth that is in the
catalogue with the same BTF, and compares with the recorded measurement. Ends with 1 when a decided
prediction and a measurement disagree, with 2 when nothing could be compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.kernels import Store  # noqa: E402
from preflight.lab.scoring.measurements import read_all  # noqa: E402
from preflight.lab.scoring.name_differ import predict_by_names  # noqa: E402
from preflight.lab.scoring.predictions import MadeNow, by_rules, measured_objects  # noqa: E402
from preflight.lab.scoring.report import parts, score  # noqa: E402
from preflight.render import html_score, markdown_score  # noqa: E402
from preflight.render.console import Style  # noqa: E402
from preflight.render.envelope import envelope  # noqa: E402

TRUTH = ROOT / "fixtures" / "truth"
BEGIN, END = "<!-- prediction: begin -->", "<!-- prediction: end -->"
PREFACE = (
    "Predictions rest on each kernel's BTF, configuration and the symbols of its image; measured is what the "
    "kernel did when it was booted (fixtures/truth). Made by `tools/predict_accuracy.py`, which does what "
    "`preflight lab score fixtures/truth` does; [the same as a page](accuracy.html). Objects: the installed "
    "libbpf-tools and the packaged objects. The rules were written with most of these measurements at hand, "
    "so this is agreement on known ground, not on new objects."
)


def scored(only: str) -> tuple[dict[str, Any], Mapping[str, str]]:
    """The result of `lab score` on the recorded kernels, and why some are left out."""
    measured = [one for one in read_all([TRUTH]) if fnmatchcase(one.name, only)]
    predictions = MadeNow(measured_objects(measured, ()), Store(None), (by_rules, predict_by_names))
    found = score(measured, predictions)
    summary, results, more = parts(found)
    code = 1 if summary["false_good"] + summary["false_bad"] else 0
    return envelope("lab score", {**summary, "exit_code": code}, results, **more), found.not_predicted


def section(result: Mapping[str, Any]) -> str:
    """The part of the accuracy page."""
    heading, *lines = markdown_score.section(result, 2)
    return "\n".join([BEGIN, heading, "", PREFACE, *lines, END])


def _date_of_record() -> None:
    """The page's date is that of the record, so that the same record gives the same bytes."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "log", "-1", "--format=%ct", "--", str(TRUTH)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and done.stdout.strip():
        os.environ.setdefault("SOURCE_DATE_EPOCH", done.stdout.strip())


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="*", help="pattern of catalogue names")
    parser.add_argument("--output", type=Path, default=ROOT / "reports/accuracy.md")
    arguments = parser.parse_args()
    _date_of_record()
    result, left_out = scored(arguments.only)
    for name, why in left_out.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    if not result["summary"]["compared"]:
        print("nothing to compare: no kernel of fixtures/truth is in the catalogue", file=sys.stderr)
        return 2
    path: Path = arguments.output
    old = path.read_text(encoding="utf-8") if path.exists() else "# Accuracy\n"
    if BEGIN in old and END in old:
        before, rest = old.split(BEGIN, 1)
        new = before + section(result) + rest.split(END, 1)[1]
    else:
        new = f"{old.rstrip()}\n\n{section(result)}\n"
    path.write_text(new, encoding="utf-8")
    path.with_suffix(".html").write_text(html_score.render(result, Style()), encoding="utf-8")
    print(f"{path}: {result['summary']['sentence']}")
    return int(result["summary"]["exit_code"])


if __name__ == "__main__":
    sys.exit(main())
