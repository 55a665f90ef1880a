# SPDX-License-Identifier: Apache-2.0
"""Damaged sources give rows or one error; no log of a refusal, whole or cut, is ever an accepted program."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import PreflightError
from preflight.gate import lab, logs, veristat
from preflight.gate.measured import LOADS
from tests.gate.test_sources import program, result

RECORDED = Path(__file__).parent.parent.parent / "fixtures" / "verifier" / "rejections.jsonl"
REFUSALS = [json.loads(line)["log"] for line in RECORDED.read_text(encoding="utf-8").splitlines()]
VALUES = st.sampled_from(
    [None, 1, -1, 10**400, "", "x" * 5000, "\ud800", [], {}, [1], {"a": 1}, True, 1.5, float("nan")]
)
WHOLE = result(
    program(states_total=5, stack="32+8", insns_sha256="a" * 64),
    program(name="q", verdict="fails", errno="EINVAL", log_tail="R6 !read_ok\nprocessed 1 insns"),
    kernels=({"kernel": "k", "outcome": "booted", "detail": "", "release": "6.1"},),
)


@given(st.data())
@settings(max_examples=300)
def test_a_damaged_result_of_the_lab_gives_rows_or_one_error(data: st.DataObject) -> None:
    document: Any = copy.deepcopy(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while True:
            keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = copy.deepcopy(data.draw(VALUES))  # the next damage may be within it
            break
    try:
        rows = lab.rows(document, "r")
    except PreflightError:
        return
    assert all(row.key.kernel for row in rows)


@given(st.text(max_size=300))
def test_any_text_is_veristats_or_one_error(noise: str) -> None:
    for text in (noise, f"file_name,prog_name,verdict,total_insns\n{noise}"):
        try:
            rows = veristat.rows(text, "k", "v")
        except PreflightError:
            continue
        assert all(row.key.object and row.key.program for row in rows)


@pytest.mark.parametrize("log", REFUSALS[::3])
def test_no_log_of_a_refusal_is_an_accepted_program_whole_or_cut(log: str) -> None:
    lines = log.splitlines(keepends=True)
    for cut in {*range(1, len(lines), max(1, len(lines) // 8)), len(lines)}:
        try:
            rows = logs.rows("".join(lines[:cut]).encode(), "k", "x.log", "x.bpf.o")
        except PreflightError:
            continue
        assert LOADS not in {row.verdict for row in rows}, cut
