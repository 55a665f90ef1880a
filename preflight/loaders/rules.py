# SPDX-License-Identifier: Apache-2.0
"""The choices in which loaders differ, and the few rules that are code."""

from __future__ import annotations

from collections.abc import Callable

from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Loader:
    """How one loader relocates. The defaults are libbpf's rules; `loaders.toml` says what each value means.

    `max_header` is the longest BTF header read (0: any), `vlen_bits` and `kind_bits` how many
    bits of the info word are looked at.
    """

    name: str = "libbpf"
    version: str = "1.7.0"
    flavour: str = "last-separator"
    candidates: str = "modules-when-absent"
    candidate_kinds: str = "same"
    selection: str = "agree-and-prune"
    missing_type: str = "zero"
    type_matches: str = "yes"
    resize: str = "rewrite-or-poison"
    wide_immediate: str = "truncate"
    poison_ldimm64: str = "two-calls"
    validation: str = "yes"
    module_btf: str = "when-consulted"
    max_header: int = 0
    vlen_bits: int = 16
    kind_bits: int = 5


LIBBPF = Loader()


def _last_separator(name: str) -> str:
    """libbpf: before the last `X___Y` with X and Y not `_`."""
    for at in range(len(name) - 5, -1, -1):
        if name[at] != "_" and name[at + 1 : at + 4] == "___" and name[at + 4] != "_":
            return name[: at + 1]
    return name


def _last_underscores(name: str) -> str:
    """cilium/ebpf: before the last `___` that is not at the beginning."""
    at = name.rfind("___")
    return name[:at] if at > 0 else name


def _first_underscores(name: str) -> str:
    """aya: before the first `___`, wherever it is."""
    return name.partition("___")[0]


FLAVOUR_RULES: dict[str, Callable[[str], str]] = {
    "last-separator": _last_separator,
    "last-underscores": _last_underscores,
    "first-underscores": _first_underscores,
}


def essential_name(rule: str, name: str) -> str:
    """A type's name without its flavour, as the loader with this `flavour` rule sees it."""
    return FLAVOUR_RULES[rule](name) if "___" in name else name


def unreadable(
    loader: Loader, *, header_length: int, max_vlen: int, kinds: frozenset[int]
) -> tuple[str, ...]:
    """What in a BTF's format this loader cannot read, as sentences; empty when it can.

    `header_length` in bytes, `max_vlen` the largest element count, `kinds` the kind
    numbers present: the fields of `preflight.btf.FormatLevel`.
    """
    problems = []
    if loader.max_header and header_length > loader.max_header:
        problems.append(f"the BTF header has {header_length} bytes, {loader.name} reads {loader.max_header}")
    if max_vlen >> loader.vlen_bits:
        problems.append(f"a type has {max_vlen} elements, {loader.name} counts with {loader.vlen_bits} bits")
    if any(kind >> loader.kind_bits for kind in kinds):
        problems.append(f"a type has kind {max(kinds)}, {loader.name} reads {loader.kind_bits} bits of it")
    return tuple(problems)
