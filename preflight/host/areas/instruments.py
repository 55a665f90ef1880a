# SPDX-License-Identifier: Apache-2.0
"""PH9xx: what preflight itself looked with: bpftool as a witness, and what the looking left behind."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Bpftool:
    """bpftool's claims. Helper names are without `bpf_`.

    `program_types`, `map_types` and `helpers` are keyed by bpftool's names (`cgroup_skb`);
    `misc` holds its other yes-or-no answers (`have_v3_isa_extension`).
    """

    path: str
    version: str
    libbpf: str
    program_types: dict[str, bool]
    map_types: dict[str, bool]
    helpers: dict[str, tuple[str, ...]]
    misc: dict[str, bool]

    @property
    def asked_types(self) -> int:
        """Program types it lists any helper for."""
        return sum(1 for names in self.helpers.values() if names)

    @property
    def distinct_lists(self) -> int:
        """How many different helper lists those types have."""
        return len({frozenset(names) for names in self.helpers.values() if names})


@dataclass(frozen=True, slots=True)
class BpftoolSummary:
    """What is kept of bpftool in the facts: its version and the shape of its answers.

    Single claims are beside the other witnesses in the programs, maps and helpers areas.
    """

    path: str
    version: str
    libbpf: str
    asked_types: int
    distinct_lists: int
    longest_list: int


@dataclass(frozen=True, slots=True)
class Traces:
    """What a collection could leave behind, counted at one moment; unknown where it cannot be seen.

    `taint` is the kernel's taint mask. `descriptors` are this process's open files. `programs`,
    `maps`, `links` are BPF objects in the kernel, everybody's. `pins` are names in bpffs.
    """

    taint: Fact[int]
    descriptors: Fact[int]
    programs: Fact[int]
    maps: Fact[int]
    links: Fact[int]
    pins: Fact[int]


@dataclass(frozen=True, slots=True)
class Integrity:
    """Before and after. `kernel_lines` = lines written to the kernel log meanwhile, by anyone;
    `telling_lines` = those of them that speak of BPF, the verifier or a warning."""

    before: Traces
    after: Traces
    kernel_lines: Fact[int]
    telling_lines: Fact[int]


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """bpftool, unknown when it cannot be asked, and the integrity of this collection."""

    bpftool: Fact[BpftoolSummary]
    integrity: Fact[Integrity]
