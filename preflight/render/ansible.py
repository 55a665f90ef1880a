# SPDX-License-Identifier: Apache-2.0
"""A host's checks as an Ansible fact: one small JSON object on one line. docs/routes/ansible.md.

`ansible_local.preflight` is kept in every fact cache and printed by every `setup`; it holds verdicts and
what stops the host, not the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.order import problems
from preflight.render.safe import safe_text
from preflight.render.worst import keep_worst, worst_verdicts

SCHEMA = "preflight.ansible/1"
#: Problems that are listed; `problem_count` tells how many there are.
LIMIT = 50
#: Objects and checks with a verdict of their own; a host has some dozens of each.
NAMES = 200


def render(result: Mapping[str, Any], style: Style) -> str:
    """Verdict, worst verdict per check, verdict per object, and the problems, worst first."""
    summary = result["summary"]
    found = problems(result["results"])
    objects: dict[str, str] = {}
    for name, verdict in worst_verdicts(result["objects"], "object").items():
        keep_worst(objects, safe_text(name), verdict)
    checks: dict[str, str] = {}
    for name, verdict in worst_verdicts(result["results"], "code").items():
        keep_worst(checks, safe_text(name), verdict)
    fact = {
        "schema": SCHEMA,
        "version": safe_text(result["tool"]["version"]),
        "generated_at": safe_text(result["generated_at"]),
        "verdict": safe_text(summary["verdict"]),
        "ready": summary["verdict"] == "ready",
        "sentence": safe_text(summary["sentence"]),
        "required": {name: int(count) for name, count in summary["required"].items()},
        "checks": _listed(checks),
        "objects": _listed(objects),
        "problem_count": len(found),
        "problems": [
            {
                name: safe_text(one[name])
                for name in ("code", "subject", "severity", "verdict", "title", "fix")
            }
            for one in found[:LIMIT]
        ],
    }
    return json.dumps(fact, sort_keys=True, separators=(",", ":")) + "\n"


def _listed(verdicts: Mapping[str, str]) -> dict[str, str]:
    return {name: safe_text(verdict) for name, verdict in list(verdicts.items())[:NAMES]}
