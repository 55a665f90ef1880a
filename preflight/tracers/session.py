# SPDX-License-Identifier: Apache-2.0
"""One variant of a tracer on the running kernel: opened, set, loaded, attached, read, detached.

    with Session("syscalls", "raw_tp", Options(filters=Filters(pid=os.getpid()))) as session:
        ...                              # what is to be counted happens here
        session.wait(5.0)                # hands over ring buffer events meanwhile
    outcome = session.outcome
    outcome.rows["latencies"]            # [Row(key={"nr": 0, ...}, value={"_": Histogram(...)})]
    outcome.events["events"]             # [{"pid": 1, ...}]
    outcome.health["seen"]

Leaving the block detaches, what begins operations before what ends them, and only then reads the maps: what
is read holds still.
Rows and events are as the programs wrote them: `present` gives them their words and takes away what is
private.
Everything is held by descriptors of this process; nothing is pinned.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from preflight import bpf_objects
from preflight.errors import UsageError
from preflight.objects.load import load as read_object
from preflight.tracers import layout, load, reading, settings
from preflight.tracers.attach import Attacher, Target, refused_program
from preflight.tracers.layout import Layout
from preflight.tracers.libbpf import LibbpfError, Object, RingBuffer, possible_cpus
from preflight.tracers.model import HEALTH_MAP, Tracer, Variant
from preflight.tracers.reading import Row
from preflight.tracers.settings import Filters
from preflight.tracers.symbols import Process, look_at

#: Milliseconds between two looks at the clock while waiting.
_TICK = 100
#: Seconds between two looks at the processes that stacks belong to, and how many are looked at.
_LOOK = 0.25
_MAX_PROCESSES = 4096


@dataclass(frozen=True, slots=True)
class Options:
    """How to run a tracer.

    `constants` are the tracer's own, by name. `reveal` names switches of the catalogue (`capture_args`) to
    set. `map_sizes` gives maps other sizes (entries; bytes of a ring buffer). More than `max_events` events
    are counted, not kept.
    """

    filters: Filters = field(default_factory=Filters)
    constants: Mapping[str, str | int | bool] = field(default_factory=dict)
    target: Target = field(default_factory=Target)
    reveal: tuple[str, ...] = ()
    map_sizes: Mapping[str, int] = field(default_factory=dict)
    max_events: int = 10_000


@dataclass(frozen=True, slots=True)
class Agent:
    """What running the tracer cost this process: seconds of CPU, bytes at its largest and of its maps."""

    cpu_seconds: float
    max_rss: int
    map_bytes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session found. `seconds` it was attached.

    `rows` by map, `events` by ring buffer, `stacks` by stack map: stack id -> addresses. `processes` are
    those with stacks, as they were while they lived. `health` are the programs' own counters, `missed` runs
    of programs that the kernel left out because one ran already on that CPU.
    `left_out` counts events beyond `max_events`, `unread` keys whose element was gone,
    `full` the maps that took no more keys, or may have pushed keys out; `evicted` how many records are no
    longer in a map because it did. `notes` say what was attached otherwise than asked.
    """

    tracer: Tracer
    variant: Variant
    seconds: float
    rows: dict[str, list[Row]]
    events: dict[str, list[dict[str, Any]]]
    stacks: dict[str, dict[int, tuple[int, ...]]]
    processes: dict[int, Process]
    health: dict[str, int]
    missed: int
    left_out: int
    unread: int
    full: tuple[str, ...]
    detach_failures: int
    agent: Agent
    attached: tuple[str, ...]
    notes: tuple[str, ...]
    evicted: Mapping[str, int] = field(default_factory=dict)


class Session:
    """A context manager: entering loads and attaches, leaving detaches and reads. See the module.

    LibbpfError when the kernel refuses, UsageError for options that cannot be honoured.
    """

    def __init__(self, tracer: str | Tracer, variant: str, options: Options | None = None) -> None:
        self.tracer = load.tracer(tracer) if isinstance(tracer, str) else tracer
        found = self.tracer.variant(variant)
        if found is None:
            names = ", ".join(one.name for one in self.tracer.variants)
            raise UsageError(f"{self.tracer.name} has no variant {variant[:40]!r}; there are {names}")
        self.variant = found
        self.options = options or Options()
        self._outcome: Outcome | None = None
        self._events: dict[str, list[bytes]] = {}
        self._left_out = 0
        self._skipped: list[str] = []
        self._processes: dict[int, Process] = {}
        self._seen: set[bytes] = set()
        self._looked = 0.0

    @property
    def outcome(self) -> Outcome:
        """What was found; only after the block."""
        if self._outcome is None:
            raise RuntimeError("the session has not ended")
        return self._outcome

    def __enter__(self) -> Session:
        self._cpu = _cpu_seconds()
        data = bpf_objects.find("tracers", self.variant.object).read_bytes()
        self._obj = read_object(data, self.variant.object)
        filters = self.options.filters
        if "cgroup" in self.variant.needs:
            # The programs are attached to that cgroup: nothing of others reaches them.
            filters = replace(filters, cgroup=None)
        constants = settings.values(
            self.tracer, self._obj, filters, self.options.constants, self.options.reveal
        )
        left_out = _second_choices(self.variant)
        while True:
            self._open(data, constants, left_out)
            try:
                self._handle.load()
                self._maps = self._handle.maps()
                self._rings = self._ring_buffers()
                self._attacher.attach(left_out)
                break
            except LibbpfError as error:
                self._close()
                left_out = self._without(error, left_out)
            except BaseException:
                self._close()
                raise
        self._began = time.monotonic()
        return self

    def _open(self, data: bytes, constants: Mapping[str, bytes], left_out: frozenset[str]) -> None:
        self._events.clear()
        self._handle = Object(data, self.variant.object)
        self._attacher = Attacher(
            self.variant, self._obj, self._handle, self.options.target, self.options.filters
        )
        try:
            self._prepare(constants)
            self._attacher.prepare(left_out)
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self._attacher.close()
        self._handle.close()

    def _without(self, error: LibbpfError, left_out: frozenset[str]) -> frozenset[str]:
        """The programs to leave out of the next attempt; the error again when there is none to make."""
        refused = refused_program(error)
        entry = next((one for one in self.variant.attach if one.program == refused), None)
        if entry is None or entry.program in left_out:
            raise error
        next_one = next(
            (
                one.program
                for one in self.variant.attach[self.variant.attach.index(entry) + 1 :]
                if entry.group and one.group == entry.group
            ),
            None,
        )
        if next_one is None and not entry.optional:
            raise error
        self._skipped.append(f"{entry.program} ({entry.point}) is left out: {error}")
        return (left_out | {entry.program}) - {next_one or ""}

    def _prepare(self, constants: Mapping[str, bytes]) -> None:
        section = self._obj.data_section(".rodata")
        there = {one.name: one for one in section.variables} if section else {}
        place = self._handle.constants() if constants else None
        for name, value in constants.items():
            if place is None:
                raise UsageError(f"{name} cannot be set: libbpf shows no constants of this object")
            place[there[name].offset : there[name].offset + len(value)] = value
        for name, entries in self.options.map_sizes.items():
            if not self._handle.resize(name, entries):
                raise UsageError(f"{self.variant.object} has no map {name[:40]!r}")

    def _ring_buffers(self) -> list[RingBuffer]:
        found = []
        for one in self.tracer.maps_of(self.variant.name):
            if one.shape == "events" and one.name in self._maps:
                kept = self._events.setdefault(one.name, [])
                found.append(self._handle.ring_buffer(self._maps[one.name].fd, self._keeper(kept)))
        return found

    def _keeper(self, kept: list[bytes]) -> Callable[[bytes], None]:
        def keep(data: bytes) -> None:
            if len(kept) < self.options.max_events:
                kept.append(data)
            else:
                self._left_out += 1

        return keep

    def poll(self, milliseconds: int = _TICK) -> None:
        """Take events from the ring buffers, waiting so long for the first."""
        for number, ring in enumerate(self._rings):
            ring.poll(milliseconds if number == 0 else 0)
        if not self._rings:
            time.sleep(milliseconds / 1000)
        if time.monotonic() - self._looked >= _LOOK:
            self._look_at_processes()

    def _look_at_processes(self) -> None:
        """Read what processes with user stacks have mapped: afterwards they may be gone."""
        self._looked = time.monotonic()
        definitions = {one.name: one for one in self._obj.maps}
        for one in self.tracer.maps_of(self.variant.name):
            names = [f.path for f in one.key if f.path in ("tgid", "pid")]
            if not names or not any(f.decode == "user-stack" for f in one.key) or self._obj.btf is None:
                continue
            found = self._maps[one.name]
            keys = Layout(self._obj.btf, definitions[one.name].key_type, found.key_size)
            for key in found.each_key():
                if key in self._seen or len(self._processes) >= _MAX_PROCESSES:
                    continue
                self._seen.add(key)
                pid = keys.read(key)[names[0]]
                if pid not in self._processes and (process := look_at(pid)) is not None:
                    self._processes[pid] = process

    def wait(self, seconds: float) -> None:
        """Let it run, and take events meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.poll(max(1, min(_TICK, round(left * 1000))))

    def health(self) -> dict[str, int]:
        """The programs' counters just now, by name."""
        one = self._maps.get(HEALTH_MAP)
        return reading.health(one, self._obj) if one else {}

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            seconds = time.monotonic() - self._began
            self._attacher.close()
            failures = self._handle.detach()
            self._look_at_processes()
            for ring in self._rings:
                ring.consume()
            self._outcome = self._read(seconds, failures)
        finally:
            self._handle.close()

    def _read(self, seconds: float, failures: int) -> Outcome:
        cpus = possible_cpus()
        rows: dict[str, list[Row]] = {}
        stacks: dict[str, dict[int, tuple[int, ...]]] = {}
        full = []
        evicted = {}
        unread = 0
        health = self.health()
        definitions = {one.name: one for one in self._obj.maps}
        for one in self.tracer.maps_of(self.variant.name):
            found = self._maps.get(one.name)
            if found is None or one.shape in ("internal", "events"):
                continue
            rows[one.name], gone = reading.rows(found, definitions[one.name], self._obj, cpus)
            unread += gone
            if one.kept:
                lost = health.get("exported", 0) - reading.added_up(rows[one.name], one.kept)
                if lost > 0:
                    evicted[one.name] = lost
            elif reading.is_full(found, len(rows[one.name]), cpus):
                full.append(one.name)
            if one.stacks and one.stacks in self._maps:
                stacks[one.stacks], gone = reading.stacks(self._maps[one.stacks])
                unread += gone
        return Outcome(
            tracer=self.tracer,
            variant=self.variant,
            seconds=seconds,
            rows=rows,
            events=self._decoded(),
            stacks=stacks,
            processes=self._processes,
            health=health,
            missed=sum(reading.missed(program.fd) for program in self._handle.programs.values()),
            left_out=self._left_out,
            unread=unread,
            full=tuple(full),
            detach_failures=failures,
            agent=Agent(
                _cpu_seconds() - self._cpu,
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                sum(reading.memory(one.fd) for one in self._maps.values()),
            ),
            attached=tuple(self._attacher.attached),
            notes=(*self._skipped, *self._attacher.notes),
            evicted=evicted,
        )

    def _decoded(self) -> dict[str, list[dict[str, Any]]]:
        btf = self._obj.btf
        if btf is None or not self._events:
            return {}
        decoded = {}
        for name, kept in self._events.items():
            one = self.tracer.map(name)
            shape = layout.of_struct(btf, one.event if one else "")
            decoded[name] = [shape.read(data) for data in kept]
        return decoded


def _second_choices(variant: Variant) -> frozenset[str]:
    """The programs that stay out at first: all of a group but its first."""
    seen: set[str] = set()
    later = set()
    for one in variant.attach:
        if one.group in seen:
            later.add(one.program)
        elif one.group:
            seen.add(one.group)
    return frozenset(later)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system
