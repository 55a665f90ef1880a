# SPDX-License-Identifier: Apache-2.0
"""May a program of this type call this kernel function? Pure.

Kernels of 6.9 and later, built with a pahole that knows of it, mark every registered kernel function with
the declaration tag `bpf_kfunc`: one that is not marked beside others that are is none. For which program
types a function is registered is code (register_btf_kfunc_id_set()), so it is told from what kernels took
when it was tried (data/kfunc_types.toml); a type that is not among those stays open, as kernels add types.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.btf import Btf, Kind
from preflight.btf.types import DeclTag
from preflight.facts import Evidence
from preflight.objects.model import Program
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer

_MEASURE = "a load on this kernel: `preflight lab run`"
_TAG = "bpf_kfunc"


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "kfunc_types.toml")


def kfunc_answer(facts: KernelFacts, program: Program, name: str) -> Answer:
    """Whether the program's type may call a kernel function that vmlinux's BTF, or a module's, describes."""
    return facts.ask(_for_type, program.program_type, name)


def _for_type(facts: KernelFacts, program_type: str, name: str) -> Answer:
    marked = facts.kfuncs
    here = facts.has_type(name, Kind.FUNC)
    # functions with arguments the verifier fills in stand beside a NAME_impl, and only one is marked
    twin = name.endswith("_impl") or facts.has_type(f"{name}_impl", Kind.FUNC)
    if here and marked and name not in marked and not twin:
        shown = Evidence("btf", f"{len(marked)} functions are marked {_TAG}, {name} is not")
        return Answer(False, f"{name} is there, but is no function that programs may call", shown)
    witnessed = any(facts.has_func(word) for word in _table()["witness"])
    for group in _table()["group"]:
        if name in group["functions"] and program_type in group["types"] and witnessed:
            shown = Evidence("inferred", f"6.12 to 7.3 let {program_type} programs call {name}")
            return Answer(True, "", shown)
    why = f"whether {program_type} programs may call {name}, which is there, is not known"
    return Answer(None, why, Evidence("btf", f"FUNC {name}"), _MEASURE)


def marked_functions(btf: Btf) -> frozenset[str]:
    """Functions with the declaration tag of kernel functions; empty where nothing is marked."""
    if _TAG.encode() not in btf.strings.data:
        return frozenset()
    found = set()
    for type_id in btf.ids_of_kind(Kind.DECL_TAG):
        tag = btf.type(type_id)
        if isinstance(tag, DeclTag) and tag.name == _TAG and tag.component == -1:
            found.add(btf.name(tag.type))
    return frozenset(found)
