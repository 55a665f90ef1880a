# SPDX-License-Identifier: Apache-2.0
"""A result of `preflight log` in which every foreign text is the given one."""

from __future__ import annotations

from typing import Any


def log_result(text: str = "plain") -> dict[str, Any]:
    """One rejection with a path, evidence and the kernel's own report."""
    source = {"file": text, "line": 7, "text": text}
    place = {"insn": 3, "reason": text, "source": source}
    event = {"function": text, "file": text, "line": 7, "column": 1, "kind": text, "text": text,
             "source": text, "insn": 3, "insn_text": text}  # fmt: skip
    step = {"line": 4, "insn": 3, "text": text, "depth": 1, "source": source, "registers": text}
    record = {
        "file": text,
        "program": text,
        "family": "V-NULL",
        "cause_id": "null_check",
        "title": text,
        "confidence": "high",
        "mode": "trace",
        "terminal": {"line": 5, "text": text},
        "terminal_lines": [{"line": 5, "text": text}, {"line": 6, "text": text}],
        "insn": 3,
        "insn_text": text,
        "source": source,
        "root": place,
        "trail": [{**place, "insn": 2}],
        "evidence": [{"source": "object", "detail": text, "command": text}],
        "cause": text,
        "fix": text,
        "errno": 13,
        "truncated": "head",
        "stats": {"insns_processed": 9, "limit": 1000000},
        "kernel_report": {
            "category": text,
            "problem": text,
            "reason": text,
            "at": event,
            "causal_path": [event],
            "events_omitted": 0,
            "suggestion": text,
            "sections": {text: text},
        },
        "seen_in": ["7.3"],
        "path": {"left_out": 2, "steps": [{**step, "insn": 2}, step]},
    }
    summary = {
        "sentence": text,
        "logs": 1,
        "rejections": 1,
        "undecided": 0,
        "accepted": 0,
        "not_a_log": [],
        "verdict": "fails",
        "exit_code": 1,
    }
    return {
        "schema_version": "1.0",
        "tool": {"name": "preflight", "version": "0.0.0"},
        "command": "log",
        "generated_at": "2026-01-02T03:04:05Z",
        "summary": summary,
        "results": [record],
    }
