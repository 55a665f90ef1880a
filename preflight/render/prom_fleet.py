# SPDX-License-Identifier: Apache-2.0
"""A fleet's result, and the difference of two, as Prometheus text. docs/routes/prometheus.md.

Series are bounded: kernels, objects and labels' values can be thousands, so that each list has a limit, those
with most hosts come first, and what was left out is counted in `preflight_fleet_left_out`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import add
from typing import Any

from preflight.render.console import Style
from preflight.render.prom_text import Sample, gauge, seconds

#: Objects, kernels, and values of one label with series of their own; labels altogether.
LIMITS = {"object": 100, "kernel": 100, "value": 50, "label": 10}
_OUTCOMES = ("pass", "fail", "undecided", "not_tested")
_CHANGES = ("better", "worse", "undecided", "same")


def render(result: Mapping[str, Any], style: Style) -> str:
    """Hosts by outcome, object, cause, check, kernel and label; what was skipped."""
    summary = result["summary"]
    objects = sorted(result["by_object"], key=lambda one: (-one["hosts"]["fail"], str(one["object"])))
    kernels = sorted(result["kernels"], key=lambda one: (-one["hosts"], str(one["kernel"])))
    labels = result["labels"][: LIMITS["label"]]
    left_out = [
        ("object", len(objects) - LIMITS["object"]),
        ("kernel", len(kernels) - LIMITS["kernel"]),
        ("label", len(result["labels"]) - LIMITS["label"]),
        ("value", sum(max(0, one["distinct"] - min(len(one["values"]), LIMITS["value"])) for one in labels)),
    ]
    lines = [
        *gauge("preflight_fleet_hosts", "Hosts that were counted", [({}, summary["hosts"])]),
        *gauge(
            "preflight_fleet_hosts_by_outcome",
            "Hosts by their worst object",
            _outcomes({}, summary["hosts_by"]),
        ),
        *gauge(
            "preflight_fleet_object_hosts",
            "Hosts by object and outcome",
            _objects(objects[: LIMITS["object"]]),
            add,
        ),
        *gauge(
            "preflight_fleet_cause_hosts",
            "Hosts with a cause of this code, at the worst cause",
            _causes(result),
        ),
        *gauge(
            "preflight_fleet_check_hosts",
            "Hosts where a check does not pass, at its worst subject",
            _checks(result),
        ),
        *gauge("preflight_fleet_kernel_hosts", "Hosts by kernel", _kernels(kernels[: LIMITS["kernel"]]), add),
        *gauge("preflight_fleet_label_hosts", "Hosts by label, value and outcome", _labels(labels), add),
        *gauge("preflight_fleet_kernels", "Distinct kernels", [({}, summary["kernels"])]),
        *gauge("preflight_fleet_skipped", "Documents that were not counted", _skipped(summary)),
        *gauge(
            "preflight_fleet_left_out",
            "What has no series, by limit",
            [({"of": of}, max(0, n)) for of, n in left_out],
        ),
        *_run(result),
    ]
    return "\n".join(lines) + "\n"


def render_diff(result: Mapping[str, Any], style: Style) -> str:
    """Hosts that got better or worse, altogether and by object."""
    summary = result["summary"]
    objects = sorted(result["results"], key=lambda one: (-one["worse"], str(one["object"])))
    sides = [({"side": side}, summary[side]["hosts"]) for side in ("before", "after")]
    changes = [({"change": change}, summary[change]) for change in _CHANGES]
    rest = max(0, len(objects) - LIMITS["object"])
    lines = [
        *gauge("preflight_fleet_diff_hosts", "Hosts of the two fleets", sides),
        *gauge(
            "preflight_fleet_diff_changed_hosts", "Hosts known on both sides, by what became of them", changes
        ),
        *gauge(
            "preflight_fleet_diff_object_hosts",
            "The same by object",
            _moves(objects[: LIMITS["object"]]),
            add,
        ),
        *gauge("preflight_fleet_diff_left_out", "What has no series, by limit", [({"of": "object"}, rest)]),
        *_run(result),
    ]
    return "\n".join(lines) + "\n"


def _outcomes(labels: Mapping[str, object], counts: Mapping[str, int] | None) -> Iterator[Sample]:
    for outcome in _OUTCOMES if counts else ():
        yield {**labels, "outcome": outcome}, (counts or {})[outcome]


def _objects(objects: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for one in objects:
        yield from _outcomes({"object": one["object"], "sha256": one["sha256"][:12]}, one["hosts"])


def _causes(result: Mapping[str, Any]) -> Iterator[Sample]:
    """A host may have several causes of one code: the largest number, not the sum."""
    for one in result["causes"]:
        yield {"code": one["code"]}, one["hosts"]


def _checks(result: Mapping[str, Any]) -> Iterator[Sample]:
    for one in result["checks"]:
        yield {"check": one["code"], "verdict": one["verdict"], "severity": one["severity"]}, one["hosts"]


def _kernels(kernels: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for one in kernels:
        yield {"kernel": one["kernel"], "arch": one["arch"] or ""}, one["hosts"]


def _labels(labels: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for label in labels:
        for one in label["values"][: LIMITS["value"]]:
            yield from _outcomes({"label": label["label"], "value": one["value"]}, one["hosts_by"])


def _skipped(summary: Mapping[str, Any]) -> Iterator[Sample]:
    for kind, count in summary["skipped_by"].items():
        yield {"kind": kind}, count


def _moves(objects: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for one in objects:
        for change in _CHANGES:
            yield (
                {"object": one["object"], "sha256": one["sha256"][:12], "change": change},
                one[change],
            )


def _run(result: Mapping[str, Any]) -> list[str]:
    made = seconds(str(result["generated_at"]))
    return [
        *gauge(
            "preflight_fleet_partial", "1: the run was interrupted", [({}, int(result["summary"]["partial"]))]
        ),
        *gauge(
            "preflight_fleet_info", "The version that judged", [({"version": result["tool"]["version"]}, 1)]
        ),
        *gauge("preflight_fleet_run_timestamp_seconds", "When the fleet was judged", [({}, made)]),
    ]
