# SPDX-License-Identifier: Apache-2.0
"""A refusal without a log and the host it happened on: what there forbids, limits or lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from preflight.facts import Evidence
from preflight.records import replace
from preflight.verifier.model import Rejection

#: Family -> checks of this host that can be behind it. A refusal never proves which.
_BEHIND: dict[str, tuple[str, ...]] = {
    "L-EPERM-NOLOG": ("PH201", "PH202", "PH203", "PH204", "PH205", "PH208", "PH301", "PH303", "PH304",
                      "PH305", "PH309"),
    "L-EINVAL-NOLOG": ("PH303", "PH802"),
    "L-E2BIG-NOLOG": ("PH202", "PH203"),
    "L-ENOTSUPP": ("PH802", "PH307"),
    "L-ENOMEM": ("PH208",),
    "V-PRIV": ("PH202", "PH203", "PH205"),
    "V-BTF-PRIV": ("PH202",),
    "V-LEAK": ("PH202",),
    "V-PTR-SPEC": ("PH202",),
    "V-GPL": ("PH301",),
}  # fmt: skip
#: Causes that are about privilege whatever the family.
_BY_CAUSE: dict[str, tuple[str, ...]] = {
    "capability_required": ("PH202", "PH203", "PH204", "PH205", "PH301"),
    "spectre_unpriv": ("PH202",),
}
#: Every check that can be behind a rejection.
CODES = frozenset(code for codes in (*_BEHIND.values(), *_BY_CAUSE.values()) for code in codes)
_OPEN = {"missing", "blocked", "degraded", "unknown"}


def codes_behind(one: Rejection) -> tuple[str, ...]:
    """The host checks that can explain a rejection."""
    return tuple(dict.fromkeys((*_BEHIND.get(one.family, ()), *_BY_CAUSE.get(one.cause_id, ()))))


def with_host(one: Rejection, checks: Iterable[Mapping[str, Any]]) -> Rejection:
    """The rejection with the checks of its host that are not fine: `results` of `preflight check`.

    One check that is blocked or missing is named as the probable cause, at medium confidence; several, or
    only open ones, stay evidence.
    """
    wanted = codes_behind(one)
    if not wanted:
        return one
    relevant = [found for found in checks if found.get("code") in wanted]
    notable = [found for found in relevant if found.get("verdict") in _OPEN]
    seen = [
        Evidence("host", f"{found['code']} {found['verdict']}: {found.get('title') or found.get('name')}",
                 f"preflight explain {found['code']}")
        for found in notable[:6]
    ]  # fmt: skip
    if relevant and not notable:
        codes = ", ".join(sorted({str(found["code"]) for found in relevant}))
        seen = [Evidence("host", f"nothing that could refuse it was found on the host ({codes} are fine)")]
    sure = [found for found in notable if found["verdict"] in {"blocked", "missing"}]
    if one.family == "L-EPERM-NOLOG" and len(sure) == 1:
        one = replace(one, confidence="medium")
    return replace(one, evidence=(*one.evidence, *seen))
