# SPDX-License-Identifier: Apache-2.0
"""What the catalogue says about a tracer, as frozen values.

`catalogue/README.md` describes the TOML these are read from, word by word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from preflight.records import dataclass

DOMAINS = (
    "syscall",
    "exec",
    "file",
    "tcp",
    "dns",
    "block",
    "sched",
    "offcpu",
    "lock",
    "function",
    "uprobe",
    "usdt",
)

#: Where a program attaches, as in the JSON contract (an open list: new hooks get new words).
SURFACES = (
    "tracepoint",
    "raw_tp",
    "tp_btf",
    "kprobe",
    "kretprobe",
    "fentry",
    "fexit",
    "uprobe",
    "uretprobe",
    "usdt",
    "lsm",
    "cgroup",
    "socket_filter",
    "perf_event",
)

#: What the users of an attach point may rely on.
STABILITIES = {
    "stable": "an interface for user space that is kept",
    "event": "a static event: names and fields are kept with care, but are no promise",
    "internal": "a function or type of one program's or kernel's inside: may change with every build",
}

#: How much a field gives away.
PRIVACY = {
    "public": "counts, durations, names of interfaces: nothing about a person or a service",
    "internal": "tells how this host is built and used: process ids, command names, ports",
    "sensitive": "can name a person, a customer or a secret place: users, addresses, paths, domain names",
    "secret": "can hold credentials: arguments, environment, payload",
}

#: What becomes of a field unless the user asks for more.
HANDLINGS = {
    "as-is": "shown",
    "dropped": "not captured or not shown",
    "hashed": "replaced by a keyed hash; the key is made for one run and thrown away",
    "truncated": "cut to the part named in the catalogue",
    "allow-listed": "shown when the value is on a list, else dropped",
}

SHAPES = ("table", "histogram", "events", "stacks", "internal")

OVERHEADS = ("negligible", "low", "medium", "high")

#: How user space shows a value; a field with an enum type of the object's BTF needs none.
DECODERS = (
    "number",
    "bool",
    "ns",
    "timestamp",
    "bytes",
    "errno",
    "exit-code",
    "syscall",
    "signal",
    "text",
    "hex",
    "address",
    "ipv4",
    "ipv6",
    "family",
    "protocol",
    "port",
    "port-be",
    "tcp-state",
    "device",
    "cgroup",
    "kernel-stack",
    "user-stack",
    "kernel-symbol",
    "user-symbol",
    "log2-hist",
    "dns-type",
    "dns-rcode",
    "futex-op",
)

#: What a variant needs from user space before or while it attaches.
NEEDS = {
    "kernel-function": "the kernel function to trace (--function)",
    "user-function": "a function of a binary (--binary and --function)",
    "user-binary": "a binary or library whose functions the catalogue names (found, or --binary)",
    "usdt": "a static probe of a binary (--binary and --usdt PROVIDER:NAME)",
    "cgroup": "a folder of the cgroup v2 hierarchy (--cgroup; default its root)",
    "socket": "a packet socket the filter sits on (--interface; default all of this network namespace)",
    "perf-event": "a perf event per CPU (--frequency)",
}

#: The constants of bpf/include/tracer.h, health.h and latency.h, by the option that sets them.
FILTERS: Mapping[str, tuple[str, ...]] = {
    "cgroup": ("filter_cgroup", "filter_cgroup_level"),
    "pidns": ("filter_pidns_dev", "filter_pidns_ino"),
    "pid": ("filter_tgid",),
    "tid": ("filter_tid",),
    "uid": ("filter_uid", "filter_by_uid"),
    "comm": ("filter_comm",),
    "sample": ("sample_every",),
    "min": ("min_ns",),
    "max": ("max_ns",),
}

#: Constants that the engine itself reads and nobody sets.
READ_ONLY = ("health_counters",)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a map's key or value, or of an event.

    `path` is as in the object's BTF (`nr`, `tuple.port`), `_` for a key or value that is no struct.
    `label` is what people read. `keep` is the part a truncated field keeps (`suffix:2`, `8`). `reveal` is
    the constant that makes the programs capture the field at all, "" when they always do. `attribute` is
    its name in metrics, by OpenTelemetry's conventions where there is one.
    """

    path: str
    privacy: str
    handling: str
    label: str
    decode: str
    unit: str
    keep: str
    allow: tuple[str, ...]
    reveal: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Metric:
    """How a map leaves the process as a metric; `value` is the measured field, "" in a histogram."""

    name: str
    unit: str
    description: str
    value: str


@dataclass(frozen=True, slots=True)
class Map:
    """One map of the objects. Shape `internal`: user space does not read it, but its fields are classified.

    `cardinality` says how many keys to expect, and of what they are made. `event` names the struct in a ring
    buffer. `sort` is the value field rows are ordered by, the largest first; `weight` is what a stack's width
    means. `kept` is the value field that adds up to the records kept, "" where none does: what is missing was
    pushed out of the map. `variants` has it only there; empty for all.
    """

    name: str
    title: str
    shape: str
    cardinality: str
    event: str
    sort: str
    weight: str
    kept: str
    stacks: str
    key: tuple[Field, ...]
    value: tuple[Field, ...]
    metrics: tuple[Metric, ...]
    variants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of the tracer's own, set before load.

    `type`: `number`, `bool`, `errno`, `syscall`, `duration`, `text`, `run-key` (random in each run), `switch`
    (set by revealing a field) or `fixed` (nobody sets it).
    """

    name: str
    type: str
    help: str


@dataclass(frozen=True, slots=True)
class Attach:
    """Where one program attaches.

    `function` is the symbol of a uprobe in `library`, which user space finds. `optional`: the tracer works
    without it. Of the programs of one `group`, the first that the kernel can load is taken.
    """

    program: str
    point: str
    stability: str
    function: str
    library: str
    optional: bool
    group: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to the same answer; `surfaces` has the most telling one first."""

    name: str
    surfaces: tuple[str, ...]
    object: str
    attach: tuple[Attach, ...]
    needs: tuple[str, ...]
    note: str

    @property
    def surface(self) -> str:
        """The surface that names the variant."""
        return self.surfaces[0]

    @property
    def one_of(self) -> tuple[Attach, ...]:
        """Where each program may be missing: those of which one must be there, else nothing is seen."""
        if any(not entry.optional for entry in self.attach):
            return ()
        return tuple(entry for entry in self.attach if re.split("[/:]", entry.point)[0] in self.surfaces)


@dataclass(frozen=True, slots=True)
class Alternative:
    """When another tool is the better one."""

    when: str
    tool: str


@dataclass(frozen=True, slots=True)
class Runbook:
    """What the production runbook says of this tracer beyond what follows from the rest."""

    duration: str
    who: str
    watch: tuple[str, ...]
    record: tuple[str, ...]
    retention: str


@dataclass(frozen=True, slots=True)
class Tracer:
    """One tracer. `filters` are those of which a production run sets at least one.

    `requires` is prose about what the host must have beyond the surface. `better` says when to take
    something else.
    """

    name: str
    domain: str
    question: str
    overhead: str
    overhead_because: str
    requires: tuple[str, ...]
    filters: tuple[str, ...]
    variants: tuple[Variant, ...]
    maps: tuple[Map, ...]
    constants: tuple[Constant, ...]
    better: tuple[Alternative, ...]
    runbook: Runbook

    def variant(self, name: str) -> Variant | None:
        """The variant with this name."""
        return next((one for one in self.variants if one.name == name), None)

    def map(self, name: str) -> Map | None:
        """The catalogue's words on a map."""
        return next((one for one in self.maps if one.name == name), None)

    def maps_of(self, variant: str) -> tuple[Map, ...]:
        """The maps a variant has."""
        return tuple(one for one in self.maps if not one.variants or variant in one.variants)


#: The health map, which every object has and no catalogue entry repeats.
HEALTH_MAP = "health"

Table = Mapping[str, Any]
