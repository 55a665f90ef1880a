# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH2xx code."""

from __future__ import annotations

from preflight.host.areas.privilege import Memlock, Seccomp
from tests.host.areas_builder import caps, judge, privilege, seen
from tests.host.cases import Case

CASES = {
    "PH201": Case(
        passing=lambda: judge("PH201"),
        failing=lambda: judge("PH201", privilege=privilege(bpf_syscall=seen("ENOSYS"))),
    ),
    "PH202": Case(
        passing=lambda: judge("PH202"),
        failing=lambda: judge("PH202", privilege=privilege(capabilities=caps("BPF"))),
    ),
    "PH203": Case(
        passing=lambda: judge("PH203"),
        failing=lambda: judge("PH203", privilege=privilege(unprivileged_bpf=seen(0))),
    ),
    "PH204": Case(
        passing=lambda: judge("PH204"),
        failing=lambda: judge(
            "PH204", privilege=privilege(seccomp=seen(Seccomp(2, 1)), bpf_syscall=seen("EPERM"))
        ),
    ),
    "PH205": Case(
        passing=lambda: judge("PH205"),
        failing=lambda: judge("PH205", privilege=privilege(user_namespace_initial=seen(False))),
    ),
    "PH206": Case(
        passing=lambda: judge("PH206"),
        failing=lambda: judge(
            "PH206", privilege=privilege(perf_event_paranoid=seen(4), perf_system=seen("EACCES"))
        ),
    ),
    "PH207": Case(
        passing=lambda: judge("PH207"),
        failing=lambda: judge("PH207", privilege=privilege(kallsyms_hidden=seen(True))),
    ),
    "PH208": Case(
        passing=lambda: judge("PH208"),
        failing=lambda: judge(
            "PH208",
            privilege=privilege(
                memlock_accounting=seen("rlimit"), memlock=Memlock(65536, 65536), capabilities=caps("BPF")
            ),
        ),
    ),
}
