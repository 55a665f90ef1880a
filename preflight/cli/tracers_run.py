# SPDX-License-Identifier: Apache-2.0
"""What `preflight tracers` does between its options and its output."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.cli.exits import Exit
from preflight.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from preflight.tracers.model import Tracer, Variant
    from preflight.tracers.run import Finished
    from preflight.tracers.session import Options

#: Longest run in seconds; a tracer that is to run for good belongs into a service, not into a check.
_LONGEST = 24 * 3600


def chosen(names: Sequence[str]) -> list[tuple[Tracer, tuple[Variant, ...]]]:
    """Tracers by name, all for none; `TRACER_VARIANT` is one variant. UsageError for an unknown name."""
    from preflight.tracers.load import catalogue, tracer

    if not names:
        return [(one, one.variants) for one in catalogue()]
    found: list[tuple[Tracer, tuple[Variant, ...]]] = []
    for given in names:
        name = given.removeprefix("tracers:")
        by_object = [
            (one, (variant,)) for one in catalogue() for variant in one.variants if variant.object == name
        ]
        if by_object:
            found += by_object
        else:
            one = tracer(name)
            found.append((one, one.variants))
    return found


def listing(
    names: Sequence[str], refs: Sequence[str], store: str, *, trial_load: bool
) -> tuple[dict[str, Any], int]:
    """The result of `tracers list` and its exit code."""
    from preflight.cli.targets import WithoutBtf, kernels_named
    from preflight.kernels.host import HOST
    from preflight.render.envelope import envelope
    from preflight.tracers import choose, report

    tracers = [one for one, _ in chosen(names)]
    results: list[dict[str, Any]] = []
    kernels = kernels_named(refs, store)
    if trial_load and not any(getattr(kernel, "name", "") == HOST for kernel in kernels):
        raise UsageError("--trial-load loads here: it needs --kernel host")
    shown = [kernel.name for kernel in kernels]
    kernels.reverse()
    while kernels:
        kernel = kernels.pop()
        if isinstance(kernel, WithoutBtf):
            judged = choose.without_btf(tracers, kernel.why)
        elif trial_load and kernel.name == HOST:
            judged = [(one, tuple(choose.tried(one, v) for v in one.variants)) for one in tracers]
        else:
            host = choose.host_facts if kernel.name == HOST else None
            judged = choose.Chooser(kernel, host).judge(tracers)
        results += [report.listed(one, kernel.name, words) for one, words in judged]
    words = {report.word(one) for one in results}
    code = Exit.FINDINGS if "fails" in words else Exit.UNDECIDED if "unknown" in words else Exit.FINE
    return envelope("tracers list", report.list_summary(results, shown, int(code)), results), int(code)


def showing(names: Sequence[str]) -> dict[str, Any]:
    """The result of `tracers show`."""
    from preflight.render.envelope import envelope
    from preflight.tracers import report

    results = [report.shown(one) for one, _ in chosen(names)]
    return envelope("tracers show", {"tracers": len(results), "exit_code": 0}, results)


def runbooks(names: Sequence[str]) -> dict[str, Any]:
    """The result of `tracers runbook`; looks at what is in the kernel now."""
    from preflight.render.envelope import envelope
    from preflight.tracers import runbook

    results = [runbook.written(one) for one, _ in chosen(names)]
    return envelope("tracers runbook", {"tracers": len(results), "exit_code": 0}, results)


class RunRequest(NamedTuple):
    """What `tracers run` was asked for, as it was typed."""

    name: str
    seconds: str
    variant: str
    cgroup: str | None
    pidns: int | None
    pid: int | None
    tid: int | None
    uid: int | None
    comm: str | None
    sample: int
    minimum: str
    maximum: str
    settings: tuple[str, ...]
    reveal: tuple[str, ...]
    function: str
    binary: str
    usdt: str
    interface: str
    frequency: int
    max_events: int


def running(
    request: RunRequest, outputs: Sequence[tuple[str, Path | None]] = ()
) -> tuple[dict[str, Any], int]:
    """Run a tracer; the result and the exit code. `outputs` are the formats asked for, with their files."""
    import sys

    from preflight.render.safe import safe_text
    from preflight.tracers import present, settings
    from preflight.tracers.run import run

    if not request.seconds:
        raise UsageError("--for is required: a tracer runs for a stated time, as in --for 10s")
    seconds = settings.duration(request.seconds, "--for") / 1e9
    if seconds > _LONGEST:
        raise UsageError(f"--for {request.seconds}: at most 24h")
    ((tracer, variants),) = chosen([request.name])
    if request.variant:
        variants = tuple(one for one in variants if one.name == request.variant)
        if not variants:
            names = ", ".join(one.name for one in tracer.variants)
            raise UsageError(f"--variant {request.variant[:40]!r}: {tracer.name} has {names}")
    reveal, switches = present.revealed(tracer, request.reveal)
    options = _options(request, switches)
    _answerable(tracer, outputs)
    _there(request)
    for line in _warnings(tracer, options):
        print(f"preflight: warning: {safe_text(line, limit=500)}", file=sys.stderr)
    progress = _Progress(seconds)
    finished = run(tracer, variants, options, seconds, progress.show)
    progress.clear()
    return _result(tracer, finished, options, reveal, seconds)


def _answerable(tracer: Tracer, outputs: Sequence[tuple[str, Path | None]]) -> None:
    """Say before a run, not after it, that its result cannot be written. UsageError."""
    stacks = any(one.shape == "stacks" for one in tracer.maps)
    for name, _ in outputs:
        if name in ("folded", "svg") and not stacks:
            raise UsageError(f"{tracer.name} has no stacks: folded and svg are for those that do")


def _there(request: RunRequest) -> None:
    """UsageError for a process or thread that is not there; ids of another namespace are left alone."""
    from pathlib import Path

    if request.pidns is None:
        for option, number in (("--pid", request.pid), ("--tid", request.tid)):
            if number is not None and number < 1 << 32 and not Path(f"/proc/{number}").is_dir():
                raise UsageError(f"{option} {number}: there is none")


def _options(request: RunRequest, switches: tuple[str, ...]) -> Options:
    from preflight.tracers.attach import Target
    from preflight.tracers.session import Options
    from preflight.tracers.settings import Filters, duration

    constants: dict[str, str | int | bool] = {}
    for given in request.settings:
        name, equals, value = given.partition("=")
        if not equals or not value:
            raise UsageError(f"--set {given[:60]!r}: NAME=VALUE is expected")
        constants[name] = value
    # What a script leaves empty must not open the run to the whole host.
    for option, text in (("--cgroup", request.cgroup), ("--comm", request.comm)):
        if text is not None and not text.strip():
            raise UsageError(f"{option} is empty; leave it out to look at all")
    minimum = duration(request.minimum, "--min") if request.minimum else 0
    maximum = duration(request.maximum, "--max") if request.maximum else 0
    if maximum and minimum > maximum:
        raise UsageError(f"--min {request.minimum} is longer than --max {request.maximum}: nothing is both")
    return Options(
        filters=Filters(
            cgroup=request.cgroup,
            pidns=request.pidns,
            pid=request.pid,
            tid=request.tid,
            uid=request.uid,
            comm=request.comm,
            sample=request.sample,
            minimum=minimum,
            maximum=maximum,
        ),
        constants=constants,
        target=Target(request.function, request.binary, request.usdt, request.interface, request.frequency),
        reveal=switches,
        max_events=request.max_events,
    )


def _warnings(tracer: Tracer, options: Options) -> list[str]:
    from preflight.tracers import settings

    missing = settings.missing(tracer, options.filters, options.constants)
    found = []
    if missing:
        offered = ", ".join(f"--set {name}=..." if "_" in name else f"--{name}" for name in missing)
        found.append(
            f"no filter is set: {tracer.name} looks at the whole host; in production set one of {offered}"
        )
    return found


def _result(
    tracer: Tracer, finished: Finished, options: Options, reveal: frozenset[str], asked: float
) -> tuple[dict[str, Any], int]:
    from preflight.render.envelope import envelope
    from preflight.tracers import libbpf, present, report

    outcome = finished.outcome
    fallbacks = report.fallbacks(finished.fallbacks)
    summary: dict[str, Any] = {
        "tracer": tracer.name,
        "question": tracer.question,
        "asked_seconds": asked,
        "interrupted": finished.interrupted,
        "fallbacks": fallbacks,
        "warnings": _warnings(tracer, options),
        "filters": list(options.filters.given()),
        "settings": {name: str(value) for name, value in options.constants.items()},
    }
    if outcome is None:
        blocked = all(one.blocked for one in finished.fallbacks)
        code = Exit.UNDECIDED if blocked else Exit.FINDINGS
        if finished.interrupted and not fallbacks:
            code = Exit.INTERRUPTED
        summary |= {
            "sentence": f"no variant of {tracer.name} could be attached",
            "variant": None,
            "surface": None,
            "seconds": 0.0,
            "attached": [],
            "notes": [],
            "losses": [],
            "privacy": {},
            "exit_code": int(code),
        }
        return envelope("tracers run", summary, [], health=None), int(code)
    presenter = present.Presenter(outcome, reveal)
    results = presenter.results()
    losses = report.losses(outcome)
    code = Exit.INTERRUPTED if finished.interrupted else Exit.FINE
    summary |= {
        "sentence": _sentence(outcome.seconds, outcome.health, losses),
        "variant": outcome.variant.name,
        "surface": outcome.variant.surface,
        "seconds": round(outcome.seconds, 3),
        "attached": list(outcome.attached),
        "notes": list(outcome.notes),
        "losses": losses,
        "privacy": presenter.privacy(),
        "exit_code": int(code),
    }
    health = report.health(outcome, libbpf.version())
    return envelope("tracers run", summary, results, health=health), int(code)


def _sentence(seconds: float, health: dict[str, int], losses: Sequence[str]) -> str:
    kept = health.get("exported", 0)
    lost = "; not everything is in it" if losses else ""
    return f"{health.get('seen', 0):,} events seen in {seconds:.1f} s, {kept:,} records kept{lost}"


class _Progress:
    """One line on standard error that is written over; nothing off a terminal."""

    def __init__(self, seconds: float) -> None:
        import sys

        self._seconds = seconds
        self._stream = sys.stderr
        self._on = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, elapsed: float, health: dict[str, int]) -> None:
        """How far the run is."""
        if self._on:
            lost = health.get("update-failed", 0) + health.get("ring-dropped", 0)
            text = (
                f"{elapsed:.0f} of {self._seconds:.0f} s · seen {health.get('seen', 0):,} · "
                f"kept {health.get('exported', 0):,} · lost {lost:,}"
            )
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._on:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
