# SPDX-License-Identifier: Apache-2.0
"""Results of the JSON contract, built for renderer tests."""

from __future__ import annotations

from typing import Any


def finding(text: str = "plain", **changes: Any) -> dict[str, Any]:
    """One finding whose every free text is `text`."""
    record: dict[str, Any] = {
        "code": "PH702",
        "name": "kprobe-surface",
        "subject": text,
        "verdict": "missing",
        "severity": "required",
        "title": text,
        "evidence": [{"source": text, "detail": text, "command": text}],
        "cause": text,
        "fix": text,
        "location": {"object": text, "section": text, "insn": 3, "file": text, "line": 7, "text": text},
        "needed_by": [text],
        "confidence": "high",
        "data": {},
    }
    return record | changes


def object_facts(text: str = "plain") -> dict[str, Any]:
    """What one object holds; the second program could not be linked."""
    called = {"name": text, "times": 1}
    program = {"name": text, "section": text, "program_type": text, "attach_type": text, "insn_count": 2}
    return {
        "byteorder": text,
        "license": text,
        "line_info": True,
        "isa": {"mcpu": text},
        "programs": [
            program | {"uses": {"helpers": [called, called], "kfuncs": [called]}, "error": None},
            program | {"attach_type": None, "uses": None, "error": text},
        ],
        "maps": [{"name": text, "type": text, "key_size": 4, "value_size": 8, "max_entries": 16}],
        "externs": [{"name": text}],
    }


def tracer(text: str = "plain", **changes: Any) -> dict[str, Any]:
    """One shipped tracer whose second variant is the best that runs."""
    variant = {"name": text, "surface": text, "refused": False, "reason": text, "fix": text}
    stopped = {"verdict": "not-ready", "blocking": [text], "undecided": [text]}
    ready = {"name": f"other {text}", "verdict": "ready", "blocking": [], "undecided": []}
    row: dict[str, Any] = {
        "tracer": text,
        "domain": text,
        "question": text,
        "verdict": "ready",
        "variant": f"other {text}",
        "variants": [variant | stopped, variant | ready],
    }
    return row | changes


def check_result(text: str = "plain", **changes: Any) -> dict[str, Any]:
    """A result of `check` in which every text that can come from a stranger is `text`."""
    result: dict[str, Any] = {
        "schema_version": "1.0",
        "tool": {"name": "preflight", "version": "0"},
        "command": "check",
        "generated_at": "2026-01-02T03:04:05Z",
        "summary": {
            "verdict": "not-ready",
            "sentence": f"NOT READY: {text}",
            "profile": text,
            "counts": {"missing": 1, "ok": 1},
            "required": {"ok": 1, "failing": 1, "undecided": 0, "not_tested": 0},
            "host_line": ["6.18.44", text],
            "next_steps": [text],
            "ignored": 0,
            "exit_code": 1,
        },
        "results": [
            finding(text),
            finding(text, verdict="unknown", severity="info", code="PH301", name="lockdown"),
            finding(text, verdict="ok", severity="info", code="PH101", name="btf-vmlinux-present"),
        ],
        "surfaces": [
            {
                "name": text,
                "title": text,
                "nine": True,
                "usable": "no",
                "loadable": text,
                "loadable_level": "measured",
                "attachable": text,
                "attachable_level": "inferred",
                "because": text,
                "decided_by": None,
                "stability": text,
                "caution": text,
                "alternative": text,
            }
        ],
        "features": [
            {
                "name": text,
                "title": text,
                "use": text,
                "usable": "yes",
                "level": "measured",
                "because": text,
                "decided_by": None,
                "alternative": text,
            }
        ],
        "tracers": [tracer(text)],
        "objects": [
            {
                "object": text,
                "sha256": "0" * 64,
                "verdict": "not-ready",
                "programs": 2,
                "blocking": [text],
                "undecided": [text],
                "open": [],
                "facts": object_facts(text),
            }
        ],
        "helpers": {
            "letters": {"u": "usable", "n": "not-for-type"},
            "names": ["", text],
            "rows": [{"type": text, "vehicle": text, "states": "-u", "reason": text}],
        },
    }
    return result | changes


def core_result(text: str = "plain", **changes: Any) -> dict[str, Any]:
    """A result of `core` in which every text that can come from a stranger is `text`."""
    source = {"file": text, "line": 7, "text": text}
    declarations = {"local": f"{text}\n{text}", "kernel": text, "code": f"{text}\n```\n{text}", "nearest": []}
    relocation = {
        "section": text,
        "section_insn": 3,
        "program": text,
        "programs": [text],
        "insn": 3,
        "index": 0,
        "kind": "byte_off",
        "type": text,
        "access": text,
        "access_string": text,
        "outcome": "poisoned",
        "error": None,
        "before": "61" + "0" * 14,
        "after": "850000001023ad0b",
        "reachable": "yes",
        "reachable_why": text,
        "guards": [{"condition": text, "value": text, "taken": True, "source": source}],
        "source": source,
        "candidates": [
            {"btf": text, "type_id": 1, "name": text, "size": 8, "match": False, "cause": "field-missing"}
        ],
        "cause": text,
        "cause_id": "field-missing",
        "fix": text,
        "fix_code": text,
        "local_declaration": text,
        "kernel_declaration": text,
        "nearest": [{"how": "renamed", "btf": text, "access": text, "declared": text, "says": text}],
        "local_value": 8,
        "target_value": None,
        "target_access": None,
    }
    one = {
        "object": text,
        "sha256": "0" * 64,
        "kernel": text,
        "loader": "libbpf",
        "verdict": "fails",
        "stock_error": None,
        "relocations": [relocation],
        "counts": {"poisoned": 1, "fatal": 1},
        "findings": [
            finding(text, code="PC201", name="core-access-missing", data=declarations),
            finding(text, code="PC202", name="core-access-guarded", verdict="ok", severity="info"),
            finding(
                text, code="PC208", name="core-field-resized", verdict="degraded", severity="recommended"
            ),
        ],
        "attach_targets": [{"program": text, "section": text}],
        "externs": [{"name": text}],
        "kconfig": [{"name": text}],
        "skipped": [{"section": text, "section_insn": 0, "function": text}],
        "kernel_facts": {"release": text},
    }
    result: dict[str, Any] = {
        "schema_version": "1.0",
        "tool": {"name": "preflight", "version": "0"},
        "command": "core",
        "generated_at": "2026-01-02T03:04:05Z",
        "summary": {
            "sentence": text,
            "verdicts": {"fails": 1, "unknown": 0, "ok": 0},
            "objects": 1,
            "kernels": [text],
            "loaders": ["libbpf"],
            "counts": {"poisoned": 1},
            "wrong_data": 1,
            "overall": 1,
            "exit_code": 1,
        },
        "results": [one],
        "findings": [finding(text, code="PC207", name="core-some-kernels-only")],
        "commands": [text],
    }
    return result | changes
