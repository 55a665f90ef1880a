# SPDX-License-Identifier: Apache-2.0
"""How the decoder is scored: which logs a line is asked of, and what a log can tell."""

from __future__ import annotations

import json

import pytest

from tools.log_accuracy import blind_part, has_lines, prints_any, table
from tools.record_corpus import CORPUS

STATS = "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0"
LOG = (
    "0: R1=ctx() R10=fp0\n; return *slot; @ a.bpf.c:{line}\n0: (b7) r1 = 0         ; R1=0\n"
    f"1: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n{STATS}\n"
)


def row(log: str, *faulty: str) -> dict[str, object]:
    return {
        "log": log,
        "source": "a.bpf.c",
        "program": "a",
        "kernel": "6.12",
        "cause_id": "scalar_deref",
        "faulty_line": list(faulty),
        "line_to_change": list(faulty),
    }


@pytest.mark.parametrize(
    ("log", "has"),
    [(LOG.format(line=7), True), ("; return *slot;\n0: (95) exit\n", False), ("prog @ a.bpf.c:7\n", False)],
)
def test_lines_are_asked_of_logs_that_have_any(log: str, has: bool) -> None:
    assert has_lines(log) is has


@pytest.mark.parametrize(
    ("place", "prints"), [("a.bpf.c:7", True), ("a.bpf.c:8", False), ("a.bpf.c:", False)]
)
def test_whether_a_log_prints_a_line(place: str, prints: bool) -> None:
    assert prints_any(LOG.format(line=7), [place]) is prints


def test_a_longer_number_is_another_line() -> None:
    assert not prints_any(LOG.format(line=71), ["a.bpf.c:7"])


def test_logs_that_do_not_print_the_faulty_line_count_and_are_shown_apart() -> None:
    lines = table([row(LOG.format(line=7), "a.bpf.c:7"), row(LOG.format(line=7), "a.bpf.c:9")], show=False)
    (whole,) = (line for line in lines if line.startswith("| all |"))
    assert "1 / 1 / 0 (50.0 %)" in whole
    assert "| the log prints it | 1 | 1 / 0 / 0 (100.0 %) |" in lines
    assert "| it stands nowhere in the log | 1 | 0 / 1 / 0 (0.0 %) |" in lines


def test_without_any_lines_nothing_is_shown_apart() -> None:
    log = LOG.replace(" @ a.bpf.c:{line}", "")
    assert not any("nowhere" in line for line in table([row(log, "a.bpf.c:7")], show=False))


def test_what_was_written_down_of_unseen_logs_adds_up() -> None:
    rounds = json.loads((CORPUS / "blind.json").read_text(encoding="utf-8"))
    for one in rounds:
        assert sum(one["family"]) == sum(one["cause"])
        assert sum(one["faulty line"]) == sum(one["line to change"]) < sum(one["cause"])
    table = [line for line in blind_part(CORPUS / "blind.json") if line.startswith("| ")]
    assert len(table) == len(rounds) + 1
