# SPDX-License-Identifier: Apache-2.0
"""The results of `preflight tracers list`, `show` and `run` as the JSON contract wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from preflight.tracers.choose import FAILS, LOADS, Judged, chosen, perhaps
from preflight.tracers.model import HANDLINGS, NEEDS, PRIVACY, STABILITIES, Field, Map, Tracer

if TYPE_CHECKING:
    from preflight.tracers.run import Fallback
    from preflight.tracers.session import Outcome


def listed(tracer: Tracer, kernel: str, judged: Sequence[Judged]) -> dict[str, Any]:
    """One tracer on one kernel."""
    best = chosen(judged)
    return {
        "name": tracer.name,
        "domain": tracer.domain,
        "question": tracer.question,
        "kernel": kernel,
        "runs": best.variant.name if best else None,
        "may_run": [one.variant.name for one in perhaps(judged)],
        "overhead": tracer.overhead,
        "variants": [one.to_dict() for one in judged],
    }


def word(result: Mapping[str, Any]) -> str:
    """`loads` when a variant does, `fails` when none can, else `unknown`."""
    if result["runs"] is not None:
        return LOADS
    return FAILS if all(one["verdict"] == FAILS for one in result["variants"]) else "unknown"


def list_summary(
    results: Sequence[Mapping[str, Any]], kernels: Sequence[str], exit_code: int
) -> dict[str, Any]:
    """Counts, and one sentence."""
    words = [word(one) for one in results]
    without = [one["name"] for one, w in zip(results, words, strict=True) if w == FAILS]
    open_ = [one["name"] for one, w in zip(results, words, strict=True) if w == "unknown"]
    if without:
        sentence = f"no variant of {', '.join(dict.fromkeys(without))} runs"
    elif open_:
        sentence = f"undecided for {', '.join(dict.fromkeys(open_))}: no variant is sure to run"
    else:
        sentence = "nothing known stops a variant of each of the tracers"
    return {
        "sentence": sentence,
        "tracers": len({one["name"] for one in results}),
        "kernels": list(kernels),
        "runs": words.count(LOADS),
        "undecided": words.count("unknown"),
        "without": words.count(FAILS),
        "exit_code": exit_code,
    }


def shown(tracer: Tracer) -> dict[str, Any]:
    """Everything the catalogue says about a tracer."""
    return {
        "name": tracer.name,
        "domain": tracer.domain,
        "question": tracer.question,
        "overhead": tracer.overhead,
        "overhead_because": tracer.overhead_because,
        "requires": list(tracer.requires),
        "filters": list(tracer.filters),
        "variants": [
            {
                "name": variant.name,
                "surface": variant.surface,
                "surfaces": list(variant.surfaces),
                "object": variant.object,
                "needs": [{"name": need, "meaning": NEEDS[need]} for need in variant.needs],
                "note": variant.note,
                "attach": [
                    {
                        "program": entry.program,
                        "point": entry.point,
                        "stability": entry.stability,
                        "meaning": STABILITIES[entry.stability],
                        "optional": entry.optional,
                        "group": entry.group,
                    }
                    for entry in variant.attach
                ],
            }
            for variant in tracer.variants
        ],
        "maps": [_map(one) for one in tracer.maps],
        "constants": [{"name": one.name, "type": one.type, "help": one.help} for one in tracer.constants],
        "better": [{"when": one.when, "tool": one.tool} for one in tracer.better],
    }


def _map(one: Map) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "shape": one.shape,
        "cardinality": one.cardinality,
        "variants": list(one.variants),
        "fields": [_field(field, "key") for field in one.key]
        + [_field(field, "value") for field in one.value],
        "metrics": [
            {"name": metric.name, "unit": metric.unit, "description": metric.description}
            for metric in one.metrics
        ],
    }


def _field(field: Field, part: str) -> dict[str, Any]:
    return {
        "path": field.path,
        "part": part,
        "label": field.label,
        "privacy": field.privacy,
        "meaning": PRIVACY[field.privacy],
        "handling": field.handling,
        "handled": HANDLINGS[field.handling] + (f" ({field.keep})" if field.keep else ""),
        "unit": field.unit,
        "attribute": field.attribute,
    }


def health(outcome: Outcome, libbpf: str) -> dict[str, Any]:
    """What a run says of itself."""
    return {
        "load": "ok",
        "attach": "ok",
        "libbpf": libbpf,
        "counters": dict(outcome.health),
        "missed_runs": outcome.missed,
        "events_left_out": outcome.left_out,
        "elements_unread": outcome.unread,
        "full_maps": list(outcome.full),
        "evicted": dict(outcome.evicted),
        "detach_failures": outcome.detach_failures,
        "agent": {
            "cpu_seconds": round(outcome.agent.cpu_seconds, 3),
            "max_rss_bytes": outcome.agent.max_rss,
            "map_bytes": outcome.agent.map_bytes,
        },
    }


#: Health counter -> what it means that it is not 0. The others (seen, filtered, ...) say nothing bad.
LOSSES = {
    "update-failed": "records were refused by a full map",
    "ring-dropped": "events found no room in the ring buffer",
    "read-failed": "reads of kernel or user memory failed",
    "expired": "operations were begun whose end never came",
}

#: The same counter where stacks are kept: two of them can need the same place in their map.
WITHOUT_PLACE = "times a map had no place for a record, or for a stack that its record is now without"


def losses(outcome: Outcome) -> list[str]:
    """One line for everything that is not in the results although it happened."""
    meanings = dict(LOSSES)
    if any(one.stacks for one in outcome.tracer.maps_of(outcome.variant.name)):
        meanings["update-failed"] = WITHOUT_PLACE
    found = [
        f"{outcome.health[name]} {meaning}" for name, meaning in meanings.items() if outcome.health.get(name)
    ]
    if outcome.missed:
        found.append(
            f"{outcome.missed} runs of programs were left out by the kernel: one ran on that CPU already"
        )
    if outcome.left_out:
        found.append(f"{outcome.left_out} events came after the limit of events to keep (--max-events)")
    if outcome.unread:
        found.append(f"{outcome.unread} elements of maps could not be read")
    found += [f"map {name} is full: other keys are not in it" for name in outcome.full]
    found += [
        f"{count} records are no longer in {name}: it is full, and pushed out the keys least used"
        for name, count in outcome.evicted.items()
    ]
    if outcome.detach_failures:
        found.append(f"{outcome.detach_failures} links reported an error when they were destroyed")
    return found


def fallbacks(given: Iterable[Fallback]) -> list[dict[str, Any]]:
    """The variants that did not come about, and why."""
    return [
        {
            "variant": one.variant.name,
            "surface": one.variant.surface,
            "reason": one.reason,
            "blocked": one.blocked,
            "details": list(one.details),
        }
        for one in given
    ]
