# SPDX-License-Identifier: Apache-2.0
"""Which variant a run takes, and what it makes of refusals; the kernel is played by stand-ins."""

from __future__ import annotations

import errno
import os
import signal
import threading
from typing import Any

import pytest

from preflight.errors import InstrumentError, UsageError
from preflight.tracers import load, run
from preflight.tracers.attach import Target, check_target, online_cpus, refused_program
from preflight.tracers.libbpf import LibbpfError
from preflight.tracers.session import Options

TRACER = load.tracer("syscalls")


class StandIn:
    """A session that enters, or raises what it is told to."""

    answers: dict[str, BaseException | None] = {}

    def __init__(self, tracer: Any, variant: str, options: Options) -> None:
        self.variant = variant
        self.outcome = f"outcome of {variant}"
        self.polls = 0

    def __enter__(self) -> StandIn:
        answer = self.answers.get(self.variant)
        if answer is not None:
            raise answer
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def health(self) -> dict[str, int]:
        return {"seen": 1}

    def poll(self, _milliseconds: int) -> None:
        self.polls += 1


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException | None]:
    monkeypatch.setattr(run, "Session", StandIn)
    monkeypatch.setattr(StandIn, "answers", {})
    return StandIn.answers


def started(seconds: float = 0.0) -> run.Finished:
    return run.run(TRACER, TRACER.variants, Options(), seconds)


def test_the_best_variant_is_taken(answers: dict[str, BaseException | None]) -> None:
    assert started() == run.Finished("outcome of raw_tp", (), False)  # type: ignore[arg-type]


def test_a_refusal_leads_to_the_next_one_with_its_reason(answers: dict[str, BaseException | None]) -> None:
    log = (
        "libbpf: prog 'x': BPF program load failed: Permission denied",
        "libbpf: prog 'x': -- BEGIN PROG LOAD LOG --",
        "R1 type=ctx expected=fp",
        "processed 3 insns (limit 1000000)",
        "-- END PROG LOAD LOG --",
        "libbpf: failed to load object 'x'",
    )
    answers["raw_tp"] = LibbpfError("loading", errno.EACCES, log)
    finished = started()
    (fallback,) = finished.fallbacks
    assert finished.outcome == "outcome of tracepoint"
    assert fallback.reason == "loading: EACCES"
    assert fallback.blocked is False
    assert fallback.details == (
        "prog 'x': BPF program load failed: Permission denied",
        "R1 type=ctx expected=fp",
    )


def test_eperm_is_blocked_and_no_verdict(answers: dict[str, BaseException | None]) -> None:
    answers |= {name: LibbpfError("loading", errno.EPERM) for name in ("raw_tp", "tracepoint")}
    finished = started()
    assert finished.outcome is None
    assert [one.blocked for one in finished.fallbacks] == [True, True]


def test_without_the_right_it_says_what_would_help(
    answers: dict[str, BaseException | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answers["raw_tp"] = LibbpfError("loading", errno.EPERM)
    assert "with CAP_BPF and CAP_PERFMON" in started().fallbacks[0].reason


@pytest.mark.parametrize("error", [UsageError("no such constant"), InstrumentError("no libbpf")])
def test_what_stops_every_variant_is_the_error(
    answers: dict[str, BaseException | None], error: BaseException
) -> None:
    answers |= {"raw_tp": error, "tracepoint": error}
    with pytest.raises(type(error), match=str(error)):
        started()


def test_options_that_one_variant_cannot_honour_lead_to_the_next(
    answers: dict[str, BaseException | None],
) -> None:
    answers["raw_tp"] = UsageError("it has no such filter")
    finished = started()
    assert finished.outcome == "outcome of tracepoint"
    assert finished.fallbacks[0].reason == "it has no such filter"


def test_progress_is_told_while_it_runs(answers: dict[str, BaseException | None]) -> None:
    heard: list[dict[str, int]] = []
    run.run(TRACER, TRACER.variants, Options(), 0.01, lambda _seconds, health: heard.append(health))
    assert heard == [{"seen": 1}]


def test_a_signal_ends_it_and_handlers_are_put_back(
    answers: dict[str, BaseException | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(StandIn, "poll", lambda _self, _ms: os.kill(os.getpid(), signal.SIGTERM))
    finished = started(60)
    assert finished.interrupted is True
    assert finished.outcome == "outcome of raw_tp"
    assert signal.getsignal(signal.SIGTERM) is before


def test_it_runs_in_another_thread_without_handlers(answers: dict[str, BaseException | None]) -> None:
    found: list[run.Finished] = []
    thread = threading.Thread(target=lambda: found.append(started()))
    thread.start()
    thread.join()
    assert found[0].outcome == "outcome of raw_tp"


@pytest.mark.parametrize(
    ("lines", "program"),
    [
        (("libbpf: prog 'one': failed to find kernel BTF type ID of 'gone': -3",), "one"),
        (("libbpf: prog 'one': BPF program load failed: Invalid argument", "more"), "one"),
        (
            ("libbpf: prog 'one': relo #3: no matching targets found", "libbpf: prog 'two': failed to x"),
            "two",
        ),
        (("libbpf: prog 'one': relo #3: failed to relocate: -22",), "one"),
        (("libbpf: map 'm': failed to create",), None),
        ((), None),
    ],
)
def test_the_refused_program_is_the_last_that_libbpf_names(
    lines: tuple[str, ...], program: str | None
) -> None:
    assert refused_program(LibbpfError("loading", errno.EINVAL, lines)) == program


def test_what_a_variant_needs_is_asked_for() -> None:
    (variant, *_) = load.tracer("usdtcount").variants
    with pytest.raises(UsageError, match="--binary PATH and --usdt PROVIDER:NAME"):
        check_target(variant, Target(binary="/bin/sh"))
    check_target(variant, Target(binary="/bin/sh", usdt="a:b"))


def test_what_a_variant_has_no_use_for_is_refused() -> None:
    variants = {variant.name: variant for variant in load.tracer("dnswire").variants}
    check_target(variants["socket_filter"], Target(interface="lo"))
    with pytest.raises(UsageError, match="--interface cannot be honoured: variant cgroup_skb"):
        check_target(variants["cgroup_skb"], Target(interface="lo"))


def test_the_cpus_that_run_are_read(tmp_path: Any) -> None:
    path = tmp_path / "online"
    path.write_text("0-2,5,7-8\n")
    assert online_cpus(path) == (0, 1, 2, 5, 7, 8)
    path.write_text("rubbish")
    assert online_cpus(path) == tuple(sorted(os.sched_getaffinity(0)))
