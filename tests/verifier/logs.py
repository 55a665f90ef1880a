# SPDX-License-Identifier: Apache-2.0
"""Logs for the tests: recorded ones, and small ones written by hand in the grammar of each era."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from preflight.verifier.decode import Decoded, decode
from preflight.verifier.model import Rejection

RECORDED = Path(__file__).parent.parent.parent / "fixtures" / "verifier" / "rejections.jsonl"

STATS = "processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"


@cache
def recorded() -> list[dict[str, Any]]:
    """The project's own failing programs with the logs of several kernels, labelled."""
    return [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]


def decoded(text: str | bytes) -> Decoded:
    """What a log says."""
    return decode(io.BytesIO(text if isinstance(text, bytes) else text.encode()), "a.log")


def only(text: str | bytes) -> Rejection:
    """The one rejection in a log."""
    (rejection,) = decoded(text).rejections
    return rejection
