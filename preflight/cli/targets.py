# SPDX-License-Identifier: Apache-2.0
"""The objects, kernels and modules named on a command line, for the commands that judge objects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from preflight.errors import InputError, UsageError
from preflight.kernels.model import Kernel

#: Prefix of an OBJECT -> folder of the objects that come with preflight.
_PACKAGED = ("tracers", "probes")


def object_paths(specs: Iterable[str]) -> tuple[str, ...]:
    """What the user named as OBJECT, `tracers:` and `tracers:NAME` (or `probes:`) as the packaged files.

    An empty NAME is all of them; it is an object's name, or a tracer's for all its variants. Built for this
    machine. UsageError names what there is; InstrumentError when preflight's objects are not built.
    """
    found: list[str] = []
    for spec in specs:
        group, colon, name = spec.partition(":")
        found += _packaged(group, name) if colon and group in _PACKAGED else [spec]
    return tuple(found)


def _packaged(group: str, name: str) -> list[str]:
    from preflight import bpf_objects

    chosen = bpf_objects.chosen(group, name)
    if not chosen:
        there = ", ".join(dict.fromkeys(file.name for file in bpf_objects.chosen(group, "")))
        raise UsageError(f"no {group}:{name[:80]}; there are {there or 'none'}")
    return [str(file.path) for file in chosen]


class WithoutBtf(NamedTuple):
    """A kernel that was named and shows no BTF."""

    name: str
    why: str


def kernels_named(refs: Iterable[str], store: str) -> list[Kernel | WithoutBtf]:
    """Each kernel once, by name, in whatever order they were named. UsageError or InputError for what is
    none at all."""
    from preflight.kernels.refs import resolve
    from preflight.kernels.store import Store, natural

    catalogue = Store(Path(store)) if store else None
    found: dict[str, Kernel | WithoutBtf] = {}
    for ref in refs:
        try:
            for kernel in resolve(ref, catalogue):
                found.setdefault(kernel.name, kernel)
        except InputError as error:
            if not _has_no_btf(error):
                raise
            found.setdefault(ref, WithoutBtf(ref, str(error)))
    return sorted(found.values(), key=lambda kernel: natural(kernel.name))


def _has_no_btf(error: InputError) -> bool:
    """Whether an error means a kernel without BTF, which is an answer, and not a file that is none."""
    return "shows no BTF" in error.message or "holds no BTF" in error.message


def modules_named(kernel: Kernel, wanted: tuple[str, ...]) -> tuple[str, ...] | None:
    """The modules to take as loaded; UsageError for one whose BTF nobody has."""
    if not wanted:
        return None
    for name in wanted:
        if name not in (kernel.modules or ()):
            known = "no module BTF is known of it" if not kernel.modules else "its BTF is not known"
            raise UsageError(f"--module {name[:60]!r}: {known} ({kernel.name})")
    return wanted
