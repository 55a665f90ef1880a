# SPDX-License-Identifier: Apache-2.0
"""PH5xx: which map types and map features the kernel creates, by three witnesses."""

from __future__ import annotations

from preflight.host.areas.programs import Trial
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class MapType:
    """One map type. `name` as bpftool spells it (`ringbuf`), `number` of `enum bpf_map_type`.

    `in_btf` is None when there is no kernel BTF; `built`: the function that implements it is in
    the kernel's BTF, None when that cannot be looked up; `bpftool` its claim, None without one.
    """

    name: str
    number: int
    in_btf: bool | None
    create: Trial
    built: bool | None = None
    bpftool: bool | None = None


@dataclass(frozen=True, slots=True)
class MapFeature:
    """One thing a map can do beyond existing; `trial` asked it, `needs` names the map type it is about."""

    name: str
    needs: str
    trial: Trial


@dataclass(frozen=True, slots=True)
class MapFacts:
    """All map types in the order of their enum, and the map features; `btf_source` as in ProgramFacts."""

    types: tuple[MapType, ...]
    features: tuple[MapFeature, ...]
    btf_source: str

    def type_named(self, name: str) -> MapType | None:
        """The map type of this name."""
        return next((t for t in self.types if t.name == name), None)

    def feature_named(self, name: str) -> MapFeature | None:
        """The map feature of this name."""
        return next((f for f in self.features if f.name == name), None)
