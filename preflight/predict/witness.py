# SPDX-License-Identifier: Apache-2.0
"""An answer with what it rests on: the small change of the load and attach rules."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.facts import Evidence
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether something is there: True, False or None for undecided; why in one clause; and the evidence.

    `decided_by` says what would decide an open question.
    """

    there: bool | None
    why: str
    evidence: Evidence
    decided_by: str = ""


@cache
def table() -> Mapping[str, Any]:
    """data/load_types.toml."""
    return tables.load(Path(__file__).parent / "data" / "load_types.toml")


_MORE_FACTS = "the kernel's configuration and symbols: `preflight kernels add` its package, or `lab probe` it"


def type_answer(facts: KernelFacts, kind: str, name: str) -> Answer:
    """Whether a program type (`kind` "program") or map type ("map") can be used on this kernel."""
    enum, prefix = {
        "program": ("bpf_prog_type", "BPF_PROG_TYPE_"),
        "map": ("bpf_map_type", "BPF_MAP_TYPE_"),
    }[kind]
    word = f"{prefix}{name.upper()}"
    values = facts.enum(enum)
    if values is not None and word not in _spellings(values):
        return Answer(
            False, f"this kernel has no {word}", Evidence("btf", f"enum {enum} does not list {word}")
        )
    row = table()[kind].get(name)
    if row is None:
        shown = Evidence("btf", f"enum {enum} {'lists' if values else 'is not there to list'} {word}")
        return Answer(None, f"how {word} is built in is not known here", shown, _MORE_FACTS)
    options = tuple(row.get("options", ()))
    built = facts.built(row.get("table", ""), row.get("function", ""), options, row.get("struct", ""))
    if built is False:
        need = f" ({', '.join(options)})" if options else ""
        shown = Evidence("procfs", f"no symbol {row.get('table')}")
        if not facts.has_data_symbols:
            shown = Evidence("config", f"{', '.join(options)} not set")
        return Answer(False, f"this kernel was built without {word}{need}", shown)
    if built is None and values is not None and not options:
        return Answer(True, f"{word} is always built in", Evidence("btf", f"enum {enum} lists {word}"))
    if built is None:
        shown = Evidence("btf", f"enum {enum} {'lists' if values else 'is not in BTF, nor'} {word}")
        return Answer(None, f"whether {word} was built in is not known", shown, _MORE_FACTS)
    return Answer(True, f"{word} is built in", Evidence("btf", f"{row.get('table') or row.get('function')}"))


#: Names that the kernel's enum writes otherwise than libbpf.
_SAME = {
    "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED": "BPF_MAP_TYPE_CGROUP_STORAGE",
    "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED": "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE",
}


def _spellings(values: Mapping[str, int]) -> set[str]:
    return {*values, *(_SAME[name] for name in values if name in _SAME)}


def feature_answer(facts: KernelFacts, feature: str) -> Answer:
    """Whether the verifier takes a part of the instruction set (a key of ISA_FEATURES, or `callback`)."""
    row = table()["isa"].get(feature, {})
    helpers = facts.helper_names
    for name in row.get("helpers", ()):
        if helpers is not None and f"BPF_FUNC_{name}" in helpers.values():
            return Answer(True, "", Evidence("btf", f"enum bpf_func_id lists {name}, which is no older"))
    for name in row.get("functions", ()):
        if facts.has_func(name) or facts.symbol(name):
            return Answer(True, "", Evidence("btf", f"the kernel has {name}(), which came with it"))
    for pair in row.get("enumerators", ()):
        enum, _, value = pair.partition("/")
        if value in (facts.enum(enum) or {}):
            return Answer(True, "", Evidence("btf", f"enum {enum} lists {value}"))
    if row and set(row) == {"helpers"} and helpers is not None:
        shown = Evidence("btf", f"enum bpf_func_id does not list {', '.join(row['helpers'])}")
        return Answer(False if feature == "callback" else None, f"nothing shows {feature}", shown, "a load")
    shown = Evidence("btf", f"none of the functions that show {feature} is in this kernel's BTF")
    return Answer(None, f"nothing shows that this kernel's verifier takes {feature}", shown, "a trial load")
