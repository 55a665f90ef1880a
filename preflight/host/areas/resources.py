# SPDX-License-Identifier: Apache-2.0
"""PH8xx: file systems, compiler and headers that BPF users rely on."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Bpffs:
    """/sys/fs/bpf: is it a bpf file system, can this caller create in it, is one mounted elsewhere."""

    mounted: bool
    writable: bool
    readonly: bool
    elsewhere: int


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """`jit_enable` is the sysctl (0 off, 1 on, 2 on with dumps); `headers`: where kernel headers are."""

    bpffs: Fact[Bpffs]
    jit_enable: Fact[int]
    headers: Fact[tuple[str, ...]]
