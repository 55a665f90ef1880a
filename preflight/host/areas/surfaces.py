# SPDX-License-Identifier: Apache-2.0
"""PH7xx: where BPF programs can be hooked in, and what tracers need beyond that.

Loading and attaching are two facts. A program type can load on a kernel that has nothing to
attach it to, and a function that BTF lists may not be attachable.
"""

from __future__ import annotations

from preflight.facts import Evidence, Fact
from preflight.records import dataclass

#: What an `Answer` can say. `no`: the kernel does not have it. `blocked`: the kernel has it, but this
#: caller, a policy or something that is not mounted keeps it from being used here.
STATES = ("yes", "no", "blocked", "unknown")
#: How an `Answer` came about. `inferred`: from what the kernel shows of itself, nothing was done.
LEVELS = ("measured", "inferred", "none")


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether one thing can be done here.

    `state` is one of STATES and `level` one of LEVELS. `reason` says why it is not `yes`;
    `decided_by` names the command, capability or mount that decides or changes it.
    """

    state: str
    level: str
    evidence: tuple[Evidence, ...] = ()
    reason: str | None = None
    decided_by: str | None = None

    def __post_init__(self) -> None:
        """Words of a later version, or of nobody, in a facts file mean nothing here: unknown."""
        if self.state not in STATES:
            object.__setattr__(self, "state", "unknown")
        if self.level not in LEVELS:
            object.__setattr__(self, "level", "none")


@dataclass(frozen=True, slots=True)
class Surface:
    """One instrumentation surface by its name in `host/data/surfaces.toml`."""

    name: str
    loadable: Answer
    attachable: Answer


@dataclass(frozen=True, slots=True)
class Feature:
    """One map or helper feature, asked by loading the probe object of that name."""

    name: str
    usable: Answer


@dataclass(frozen=True, slots=True)
class Tracefs:
    """The trace file system as this process sees it.

    `path` is where it is mounted, None when nowhere. `readable`: its files may be read.
    `files` are those of its top-level files that BPF tools use and that are there.
    """

    path: str | None
    readable: bool
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionTarget:
    """What is known of one kernel function somebody wants to attach to; None = could not look.

    `in_filter`: listed in available_filter_functions. `variants` are symbols the compiler made
    of it (`name.isra.0`, `name.part.0`, `name.constprop.0`, `name.cold`). `unread` says of each
    list that could not be read why.
    """

    name: str
    in_btf: bool | None = None
    in_kallsyms: bool | None = None
    in_filter: bool | None = None
    blacklisted: bool | None = None
    variants: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TracepointTarget:
    """What is known of one tracepoint somebody wants; None = could not look.

    `event`: tracefs has `events/CATEGORY/NAME/id`. `typed`: the kernel's own BTF has
    `btf_trace_NAME`. `symbol`: kallsyms, which includes loaded modules, has `__traceiter_NAME`.
    `category` is empty when only the raw tracepoint is wanted.
    """

    category: str
    name: str
    event: bool | None = None
    typed: bool | None = None
    symbol: bool | None = None


@dataclass(frozen=True, slots=True)
class NetModule:
    """A part of the network stack that can be built in, a module, or absent.

    `state`: `built-in`, `loaded`, `available` (a module that is not loaded), `absent`, `unknown`.
    """

    name: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class CgroupMode:
    """How control groups are mounted: `mode` is `v2`, `v1`, `hybrid` or `none`.

    `v2_path` is where version 2 is seen; `v1` the controllers on version 1 hierarchies.
    `readable`: the root directory of version 2 can be opened, which attaching needs.
    """

    mode: str
    v2_path: str | None
    v1: tuple[str, ...]
    v2_controllers: tuple[str, ...]
    readable: bool


@dataclass(frozen=True, slots=True)
class PerfEvents:
    """What perf_event_open(2) answered for this process, as errno names (`ok` when it opened).

    `software` is the CPU clock, `hardware` the cycle counter; both were closed at once.
    """

    software: str
    hardware: str


@dataclass(frozen=True, slots=True)
class AttachProof:
    """What `--attach` left behind; everything must be empty and the two counts equal.

    `ids_checked` is whether the kernel let this caller ask for programs and links by id
    (CAP_SYS_ADMIN); without that nothing is proved.
    """

    descriptors_before: int
    descriptors_after: int
    programs_left: tuple[int, ...]
    links_left: tuple[int, ...]
    cgroup_left: bool
    ids_checked: bool

    @property
    def clean(self) -> bool:
        """Nothing is left, and that was looked at."""
        return (
            self.ids_checked
            and self.descriptors_before == self.descriptors_after
            and not self.programs_left
            and not self.links_left
            and not self.cgroup_left
        )


@dataclass(frozen=True, slots=True)
class SurfaceFacts:
    """Everything about attach surfaces of one host.

    `pmus` are the sources of perf events in sysfs. `config` holds the kernel options the checks
    cite (`y`, `m`, `n`). `functions` and `tracepoints` are the targets that were asked for.
    `attach_proof` is None unless attaching was asked for.
    """

    tracefs: Fact[Tracefs]
    pmus: Fact[tuple[str, ...]]
    config: Fact[dict[str, str]]
    ftrace_enabled: Fact[int]
    perf: Fact[PerfEvents]
    cgroup: Fact[CgroupMode]
    network: tuple[NetModule, ...]
    surfaces: tuple[Surface, ...]
    features: tuple[Feature, ...]
    functions: tuple[FunctionTarget, ...] = ()
    tracepoints: tuple[TracepointTarget, ...] = ()
    attach_proof: AttachProof | None = None

    def surface(self, name: str) -> Surface:
        """The surface of that name; unknown when these facts do not mention it (an older preflight's)."""
        for surface in self.surfaces:
            if surface.name == name:
                return surface
        absent = Answer("unknown", "none", (), "these facts do not mention it")
        return Surface(name, absent, absent)
