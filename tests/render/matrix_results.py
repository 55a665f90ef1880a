# SPDX-License-Identifier: Apache-2.0
"""Results of `matrix` for renderer tests: one with every text given, one that was judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from preflight.kernels.model import Kernel
from preflight.kernels.store import Store
from preflight.matrix.plan import Wanted
from preflight.matrix.run import on_this_machine, run
from preflight.matrix.subjects import Build, Subject
from preflight.objects.model import BpfObject

DIGESTS = ("0" * 64, "1" * 64, "2" * 64)


def matrix_result(text: str = "plain", **changes: Any) -> dict[str, Any]:
    """A result in which every text that can come from a stranger is `text`; one cell of every state."""
    states = ("fails", "attach-fails", "unknown", "not-tested", "fine")
    kernels = [f"{number} {text}" for number in range(len(states))]
    cell: dict[str, Any] = {
        "object": text, "evidence": "predicted", "shown": True, "verdict": "fails",
        "adjusted_verdict": "fails", "attach": "not-tried", "adjusted_attach": "not-tried",
        "programs": {"all": 1, "load": 0, "attach": 0}, "open": [text], "causes": [], "warnings": [],
        "reason": text, "build": "0" * 64,
    }  # fmt: skip
    cells = []
    for kernel, state in zip(kernels, states, strict=True):
        causes = ["PC201-00000000", "PC301-00000000"] if state in ("fails", "unknown") else []
        known = cell | {"kernel": kernel, "sha256": DIGESTS[0], "state": state, "causes": causes}
        cells += [known | {"shown": False}, known | {"evidence": "measured"}]
        cells.append(known | {"sha256": DIGESTS[1], "state": "fine", "warnings": ["PC208-00000000"]})
    cause: dict[str, Any] = {
        "name": text, "title": text, "severity": "required", "cause": text, "fix": text,
        "fix_code": f"{text}\n{text}",
        "expected": f"{text}\n{text}\n{text}", "found": f"{text}\nother\n{text}",
        "nearest": [{"access": text, "says": text, "how": "renamed", "btf": text, "declared": text}],
        "location": {"object": text, "section": text, "insn": 3, "file": text, "line": 7, "text": text},
        "evidence": [{"source": text, "detail": text, "command": text}], "object": text, "kernel": text,
        "cells": 2, "alone": 1, "explained": False, "objects": [text], "kernels": kernels[:2], "hosts": 3,
    }  # fmt: skip
    causes = [
        cause | {"id": "PC201-00000000", "code": "PC201", "verdict": "missing"},
        cause | {"id": "PC301-00000000", "code": "PC301", "verdict": "unknown"},
        cause | {"id": "PC208-00000000", "code": "PC208", "verdict": "degraded"},
    ]
    counts = {"pass": 1, "fail": 2, "undecided": 1, "not_tested": 1}
    result: dict[str, Any] = {
        "schema_version": "1.0",
        "tool": {"name": "preflight", "version": "0"},
        "command": "matrix",
        "generated_at": "2026-01-02T03:04:05Z",
        "summary": {
            "sentence": text, "verdict": "fails", "objects": 2, "kernels": 5, "distinct_btf": 1, "cells": 10,
            "counts": counts, "states": dict.fromkeys(states, 1), "verdicts": {"fails": 1},
            "adjusted_verdicts": {"fails": 1}, "attach": {"fails": 1},
            "evidence": {"predicted": 5, "measured": 5},
            "agreement": {"compared": 2, "agree": 1, "differ": [
                {"object": text, "kernel": text, "predicted": "loads", "measured": "fails"}]},
            "hosts": 9, "causes": [one["id"] for one in causes], "notes": [text], "partial": True,
            "judge": "adjusted", "set": {"name": text, "sha256": "0" * 64}, "exit_code": 1,
        },
        "results": cells,
        "objects": [
            {"object": text, "sha256": digest, "aliases": [text], "size": 1, "programs": 1,
             "builds": [{"machine": text, "byteorder": "little", "sha256": digest}]}
            for digest in DIGESTS[:2]
        ],
        "kernels": [
            {"kernel": kernel, "btf_sha256": "0" * 64, "note": text, "hosts": 3, "release": text,
             "arch": text, "distribution": text, "known": {"config": True, "modules": 3}}
            for kernel in kernels
        ],
        "rows": [
            {"kernels": [kernel], "distribution": text, "arch": text, "distinct_btf": 1, "hosts": 3}
            for kernel in kernels
        ],
        "columns": [[DIGESTS[0]], [DIGESTS[1]]],
        "causes": causes,
    }  # fmt: skip
    return result | changes


def judged_result(folder: Path, kernels: dict[str, Kernel], objects: dict[str, BpfObject]) -> dict[str, Any]:
    """The result of judging these objects on these kernels."""
    store = Store(folder / "store")
    for name, kernel in kernels.items():
        store.add(kernel, name)
    subjects = [Subject(n, (), (Build(None, o.byteorder, bytes(o.data)),)) for n, o in objects.items()]
    members = run(Wanted(kernels=tuple(kernels)), subjects, (), store, on_this_machine(1)).members
    summary = members.pop("summary") | {"exit_code": 1, "judge": "adjusted", "set": None}
    return {
        "schema_version": "1.0",
        "tool": {"name": "preflight", "version": "0"},
        "command": "matrix",
        "generated_at": "2026-01-02T03:04:05Z",
        "summary": summary,
        **members,
    }
