# SPDX-License-Identifier: Apache-2.0
"""PH0xx: which kernel, which architecture, seen from where."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace of this process: `kind` as in /proc/self/ns, `initial` = the kernel's first."""

    kind: str
    initial: Fact[bool]


@dataclass(frozen=True, slots=True)
class Hint:
    """One sign that this is a container or sandbox: `kind` names the technology, `seen` the sign."""

    kind: str
    seen: str


@dataclass(frozen=True, slots=True)
class ConfigTried:
    """One place a kernel configuration was looked for, and what was seen there."""

    place: str
    seen: str


@dataclass(frozen=True, slots=True)
class KernelConfig:
    """The running kernel's configuration, as far as eBPF cares.

    `options` maps names without `CONFIG_` to `y`, `m`, `n` or a value; an option that is not
    in it is not in the configuration. The whole is unknown when no place had one.
    """

    source: str
    options: dict[str, str]
    total: int

    def get(self, option: str) -> str:
        """Value of an option, `n` when this configuration does not have it."""
        return self.options.get(option, "n")


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """Kernel identity and point of view. Never the host's name, its users, or its command line."""

    release: str
    version_signature: Fact[str]
    distribution: Fact[str]
    distribution_version: Fact[str]
    machine: str
    byte_order: str
    page_size: int
    python_bits: int
    namespaces: tuple[Namespace, ...]
    container: tuple[Hint, ...]
    first_process: Fact[str]
    sandbox: tuple[Hint, ...]
    sandbox_seen: Fact[bool]
    config: Fact[KernelConfig]
    config_tried: tuple[ConfigTried, ...] = ()
