# SPDX-License-Identifier: Apache-2.0
"""Typed kernel symbols and kernel functions: is it there, and with the type the object expects?

Follows bpf_object__resolve_ksym_var_btf_id(), bpf_object__resolve_ksym_func_btf_id() and
bpf_object__resolve_externs() in libbpf.c (1.7.0).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from preflight.btf import Btf, Kind
from preflight.btf.types import Func, Var
from preflight.core.errors import RelocationError
from preflight.core.relations import types_are_compat
from preflight.core.target import VMLINUX, Target
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.core.protocols import Extern


@dataclass(frozen=True, slots=True)
class ResolvedExtern:
    """A typed ksym or kfunc held against a kernel.

    `exists`: it will get an address. When it does, `type_id` is its VAR or FUNC in the BTF
    called `btf`. `error` is the errno name with which libbpf refuses the object: ESRCH missing and
    strong, EINVAL of another type (for a kfunc only when strong). `compatible` is None when
    there is nothing to compare.
    """

    name: str
    kind: str
    weak: bool
    exists: bool
    type_id: int = 0
    btf: str | None = None
    compatible: bool | None = None
    error: str | None = None


def resolve_extern(local: Btf, extern: Extern, target: Target) -> ResolvedExtern:
    """Look one typed ksym or kfunc up in vmlinux, then in the modules."""
    func = extern.kind == "kfunc"
    # a variable's flavour is part of its name, a function's is not
    name, kind = (extern.essential, Kind.FUNC) if func else (extern.name, Kind.VAR)
    found = _find(target, name, kind)
    base = {"name": extern.name, "kind": extern.kind, "weak": extern.weak}
    if found is None:
        return ResolvedExtern(**base, exists=False, error=None if extern.weak else "ESRCH")  # type: ignore[arg-type]
    where, btf, type_id = found
    declared = btf.type(type_id)
    theirs = declared.type if isinstance(declared, (Func, Var)) else 0
    theirs = theirs if func else btf.resolve(theirs)
    try:
        compatible = types_are_compat(local, extern.type_id, btf, theirs)
    except RelocationError:
        compatible = False
    if compatible:
        return ResolvedExtern(**base, exists=True, type_id=type_id, btf=where, compatible=True)  # type: ignore[arg-type]
    error = None if func and extern.weak else "EINVAL"
    return ResolvedExtern(**base, exists=False, compatible=False, error=error)  # type: ignore[arg-type]


def resolve_externs(local: Btf, externs: Iterable[Extern], target: Target) -> tuple[ResolvedExtern, ...]:
    """All typed ksyms and kfuncs, in libbpf's order; kconfig values and untyped symbols are left out."""
    return tuple(
        resolve_extern(local, extern, target)
        for extern in externs
        if extern.kind == "kfunc" or (extern.kind == "ksym" and extern.type_id)
    )


def _find(target: Target, name: str, kind: int) -> tuple[str, Btf, int] | None:
    ids = target.vmlinux.btf.ids_by_name(name, {kind}) if name else []
    if ids:
        return VMLINUX, target.vmlinux.btf, ids[0]
    for module in target.modules if name else ():
        ids = module.btf.ids_by_name(name, {kind}, own=True)
        if ids:
            return module.name, module.btf, ids[0]
    return None
