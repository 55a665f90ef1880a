# SPDX-License-Identifier: Apache-2.0
"""What `preflight tracers lint` does between its options and its output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from preflight.cli.exits import Exit
from preflight.findings.model import Severity

_FAIL_ON = {
    "recommended": (Severity.REQUIRED, Severity.RECOMMENDED),
    "info": tuple(Severity),
    "never": (),
}


def linted(
    specs: Sequence[str], left_out: Sequence[str], ignored: Mapping[str, str], fail_on: str
) -> tuple[dict[str, Any], int]:
    """The result object and the exit code; `left_out` are prefixes of codes."""
    from preflight.cli.targets import object_paths
    from preflight.hygiene.lint import lint
    from preflight.objects.sources import open_all
    from preflight.render.envelope import envelope

    objects = open_all(object_paths(specs))
    found = [(obj, finding) for obj in objects for finding in lint(obj)]
    kept = [(obj, one) for obj, one in found if not (left_out and one.code.startswith(tuple(left_out)))]
    code = Exit.FINDINGS if any(one.severity in _FAIL_ON[fail_on] for _, one in kept) else Exit.FINE
    results = [
        {
            "object": obj.name,
            "sha256": obj.sha256,
            "programs": len(obj.programs),
            "findings": [one.to_dict() for of, one in kept if of is obj],
        }
        for obj in objects
    ]
    severities = Counter(one.severity.value for _, one in kept)
    advice = severities["recommended"]
    about = f"{len(objects)} object{'' if len(objects) == 1 else 's'}"
    summary = {
        "sentence": f"{advice} to change, {severities['info']} to know of: {about}",
        "verdict": "degraded" if advice else "ok",
        "objects": len(objects),
        "severities": dict(sorted(severities.items())),
        "codes": dict(sorted(Counter(one.code for _, one in kept).items())),
        "ignored": len(found) - len(kept),
        "exit_code": int(code),
    }
    return envelope("tracers lint", summary, results, ignored=dict(ignored)), int(code)
