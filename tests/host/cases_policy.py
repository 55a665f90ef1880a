# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH3xx code."""

from __future__ import annotations

from preflight.host.areas.policy import Apparmor, Selinux
from tests.host.areas_builder import DENIED, FORBIDDEN, feature, judge, policy, programs, seen
from tests.host.cases import Case

REFUSED = programs(feature("fentry", "tracing", DENIED))

CASES = {
    "PH301": Case(
        passing=lambda: judge("PH301"),
        failing=lambda: judge("PH301", policy=policy(lockdown=seen("confidentiality"))),
    ),
    "PH302": Case(
        passing=lambda: judge("PH302"),
        failing=lambda: judge("PH302", policy=policy(lsm_active=FORBIDDEN)),
    ),
    "PH303": Case(
        passing=lambda: judge("PH303"),
        failing=lambda: judge("PH303", policy=policy(lsm_active=seen(("capability", "landlock")))),
    ),
    "PH304": Case(
        passing=lambda: judge("PH304"),
        failing=lambda: judge(
            "PH304", policy=policy(selinux=seen(Selinux(True, "container_t"))), programs=REFUSED
        ),
    ),
    "PH305": Case(
        passing=lambda: judge("PH305"),
        failing=lambda: judge(
            "PH305", policy=policy(apparmor=seen(Apparmor("docker-default", "enforce"))), programs=REFUSED
        ),
    ),
    "PH306": Case(
        passing=lambda: judge("PH306"),
        failing=lambda: judge("PH306", policy=policy(secure_boot=seen(True))),
    ),
    "PH307": Case(
        passing=lambda: judge("PH307"),
        failing=lambda: judge("PH307", policy=policy(jit_harden=seen(2))),
    ),
    "PH308": Case(
        passing=lambda: judge("PH308"),
        failing=lambda: judge("PH308", policy=policy(panic_on_warn=seen(1))),
    ),
    "PH309": Case(
        passing=lambda: judge("PH309"),
        failing=lambda: judge("PH309", programs=REFUSED),
    ),
}
