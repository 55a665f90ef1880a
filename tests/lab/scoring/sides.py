# SPDX-License-Identifier: Apache-2.0
"""The two sides of a comparison, built in memory: a prediction in JSON form and a measurement."""

from __future__ import annotations

from typing import Any

from preflight.lab.results import Attachment, ObjectMeasurement, ProgramMeasurement

SHA = "1" * 64


def finding(code: str, verdict: str = "missing", severity: str = "required", **data: Any) -> dict[str, Any]:
    """A finding as `preflight predict` writes it, with what scoring reads."""
    return {"code": code, "verdict": verdict, "severity": severity, "title": f"{code} said so", "data": data}


def program(
    verdict: str = "loads", attach: str = "ok", *findings: dict[str, Any], adjusted: str | None = None
) -> dict[str, Any]:
    """A predicted program called `p`."""
    return {
        "name": "p",
        "section": "kprobe/x",
        "autoload": True,
        "verdict": verdict,
        "adjusted_verdict": verdict,
        "attach": attach,
        "adjusted_attach": adjusted or attach,
        "open": None,
        "findings": list(findings),
    }


def predicted(
    verdict: str = "loads", *programs: dict[str, Any], findings: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    """A predicted object."""
    return {
        "object": "tool",
        "sha256": SHA,
        "kernel": "debian/x",
        "evidence": "predicted",
        "verdict": verdict,
        "programs": list(programs),
        "findings": list(findings),
    }


def did(
    errno: int = 0, attach: Attachment | None = None, *, log: str = "", newer: bool = False
) -> ProgramMeasurement:
    """What a kernel did with the program `p`."""
    verdict = "fails" if errno else "loads"
    return ProgramMeasurement(
        "p",
        "kprobe/x",
        verdict,
        errno,
        attach or Attachment("not-tried" if errno else "ok", "auto"),
        log=log,
        newer_section=newer,
    )


def measured(errno: int = 0, *programs: ProgramMeasurement, log: str = "") -> ObjectMeasurement:
    """What a kernel did with the object."""
    return ObjectMeasurement("tool", SHA, "fails" if errno else "loads", errno, programs=programs, log=log)
