# SPDX-License-Identifier: Apache-2.0
"""`preflight log` as its users run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.findings.registry import codes
from preflight.render.contract import model_of
from preflight.verifier.message import table, texts
from tests.cli.run import preflight
from tests.verifier.cases_families import LOGS, log_with
from tests.verifier.logs import STATS, recorded

ROOT = Path(__file__).parent.parent.parent


def _json(text: str, *words: str) -> tuple[int, dict[str, object]]:
    done = preflight("log", "-", "--format", "json", *words, stdin=text.encode())
    return done.returncode, json.loads(done.stdout)


def test_rejection_is_a_finding() -> None:
    code, result = _json(log_with("R0 !read_ok"))
    assert code == 1
    model_of("log").model_validate(result)


def test_recorded_results_keep_the_contract(tmp_path: Path) -> None:
    names = []
    for row in recorded()[:40]:
        names.append(tmp_path / f"{row['id']}.log")
        names[-1].write_text(row["log"], encoding="utf-8")
    done = preflight("log", *map(str, names), "--format", "json")
    result = json.loads(done.stdout)
    model_of("log").model_validate(result)
    assert len(result["results"]) == 40


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        (log_with("R0 !read_ok"), ("--fail-on", "never"), 0),
        (f"0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n1: (95) exit\n{STATS}", (), 0),
        (LOGS["L-TRUNC-HEAD"], (), 3),
        (LOGS["L-TRUNC-HEAD"], ("--undecided", "ok"), 0),
        ("nothing of the kind\n", (), 2),
        ("", (), 2),
    ],
)
def test_exit_codes(text: str, words: tuple[str, ...], code: int) -> None:
    assert preflight("log", "-", *words, stdin=text.encode()).returncode == code


def test_missing_file_is_an_input_error() -> None:
    done = preflight("log", "/nonexistent/x.log")
    assert done.returncode == 2
    assert b"cannot be read" in done.stderr


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_foreign_text_is_made_harmless(form: str) -> None:
    hostile = "\x1b]0;x\x07\u202e<script>"
    text = f"0: R1=ctx() R10=fp0\n; {hostile} @ {hostile}.c:3\n0: (95) exit\nR0 !read_ok\n{STATS}"
    done = preflight("log", "-", "--format", form, stdin=text.encode())
    shown = done.stdout.decode()
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    if form != "text":
        assert "<script>" not in shown


def test_report_renders_a_stored_result(tmp_path: Path) -> None:
    stored = tmp_path / "r.json"
    stored.write_bytes(
        preflight("log", "-", "--format", "json", stdin=log_with("R0 !read_ok").encode()).stdout
    )
    assert b"error[V-UNINIT-REG]" in preflight("report", str(stored)).stdout


def test_every_family_of_the_table_has_texts_and_a_code() -> None:
    families = {row[1] for row in table().messages} | set(table().rules)
    assert families <= set(codes())
    assert set(texts()) == {code for code in codes() if code[:2] in {"V-", "L-"}}
    assert set(table().advice.values()) <= set(texts())


def test_texts_are_those_of_the_registry() -> None:
    for code, text in texts().items():
        entry = codes()[code]
        assert text == {key: " ".join(getattr(entry, key).split()) for key in ("summary", "cause", "fix")}


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    big = tmp_path / "big.log"
    step = "".join(f"{n}: (07) r1 += 8                       ; R1_w=scalar() R10=fp0\n" for n in range(1, 60))
    with big.open("w", encoding="utf-8") as file:
        file.write("0: R1=ctx() R10=fp0\n0: (b7) r6 = 1\n")
        for _ in range(4000):
            file.write(step)
        file.write(f"60: (95) exit\nR0 !read_ok\n{STATS}")
    script = (
        "import re,sys\nfrom preflight.verifier.decode import decode\n"
        "found = len(decode(open(sys.argv[1],'rb'),'b').rejections)\n"
        # The peak of this program alone: getrusage() remembers the size of the process that started it.
        "print(found, re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(big)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    count, kilobytes = map(int, done.stdout.split())
    assert count == 1
    assert kilobytes < 120_000
