# SPDX-License-Identifier: Apache-2.0
"""Reads `loaders.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from preflight.errors import UsageError
from preflight.loaders.rules import LIBBPF, Loader
from preflight.records import dataclass

NAMES = ("libbpf", "cilium", "aya")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One documented behaviour: `rules` and `says` by loader name; `name` is a field of `Loader`."""

    name: str
    question: str
    source: str
    rules: Mapping[str, str | int]
    says: Mapping[str, str]


@cache
def _raw() -> dict[str, Any]:
    import tomllib
    from importlib import resources

    path = resources.files("preflight.loaders") / "loaders.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def behaviours() -> tuple[Behaviour, ...]:
    """All behaviours in table order."""
    return tuple(
        Behaviour(
            name,
            row["question"],
            row["source"],
            {loader: row.get(loader, row["libbpf"])["rule"] for loader in NAMES},
            {loader: row.get(loader, row["libbpf"])["says"] for loader in NAMES},
        )
        for name, row in _raw().items()
        if name != "versions"
    )


def differences(one: str, other: str) -> tuple[Behaviour, ...]:
    """The behaviours in which two loaders follow different rules."""
    return tuple(row for row in behaviours() if row.rules[one] != row.rules[other])


@cache
def loader(name: str) -> Loader:
    """The rules of `libbpf`, `cilium` or `aya`; UsageError for another name."""
    if name == "libbpf":
        return LIBBPF  # the table is not needed for the usual case; a test holds both together
    if name not in NAMES:
        raise UsageError(f"loader {name[:40]!r} is not known; there are {', '.join(NAMES)}")
    rules: dict[str, Any] = {row.name: row.rules[name] for row in behaviours()}
    known = Loader.__match_args__
    return Loader(
        name=name, version=_raw()["versions"][name], **{k: v for k, v in rules.items() if k in known}
    )
