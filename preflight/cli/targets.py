# SPDX-License-Identifier: Apache-2.0
"""The kernels and modules named on a command line, for the commands that judge objects against them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from preflight.errors import InputError, UsageError
from preflight.kernels.model import Kernel


class WithoutBtf(NamedTuple):
    """A kernel that was named and shows no BTF."""

    name: str
    why: str


def kernels_named(refs: Iterable[str], store: str) -> list[Kernel | WithoutBtf]:
    """Each kernel once, in the order named. UsageError or InputError for what is none at all."""
    from preflight.kernels.refs import resolve
    from preflight.kernels.store import Store

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
    return list(found.values())


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
