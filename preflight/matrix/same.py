# SPDX-License-Identifier: Apache-2.0
"""Which kernels hold the same facts, so that they are judged once. Reads as little as it can.

Files of another size cannot be the same, so only what agrees in size, name and identity is read at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from preflight.errors import PreflightError
from preflight.kernels import entry
from preflight.kernels.store import Store
from preflight.matrix.plan import KernelRef

_CHUNK = 1 << 20


def group(kernels: Sequence[KernelRef], store: Store) -> list[list[KernelRef]]:
    """The kernels, those with the same facts together; in the order given, each group by its first."""
    similar: dict[tuple[object, ...], list[KernelRef]] = {}
    for kernel in kernels:
        similar.setdefault(_outline(kernel, store), []).append(kernel)
    found: dict[tuple[object, ...], list[KernelRef]] = {}
    for outline, members in similar.items():
        for kernel in members:
            key = (*outline, _digest(kernel, store)) if len(members) > 1 else outline
            found.setdefault(key, []).append(kernel)
    position = {kernel: number for number, kernel in enumerate(kernels)}
    return sorted(found.values(), key=lambda members: position[members[0]])


def _folder(kernel: KernelRef, store: Store) -> Path | None:
    """The entry's directory, None for anything that is not laid out like one."""
    path = Path(kernel.ref) if kernel.ref.startswith("/") else store.root / kernel.ref
    return path if path.is_dir() and entry.is_entry(path) else None


def _outline(kernel: KernelRef, store: Store) -> tuple[object, ...]:
    """What can be told without reading facts; unique to the kernel where nothing can."""
    if kernel.ref == "host":
        return ("host",)
    try:
        folder = _folder(kernel, store)
        if folder is not None:
            facts = entry.read_facts(folder)
            sizes = tuple((name, path.stat().st_size) for name, path in _files(folder))
            return ("entry", sizes, tuple(sorted(facts.fields.items(), key=lambda kv: kv[0])))
        path = Path(kernel.ref)
        if path.is_file():
            return ("file", path.stat().st_size, path.suffix)
    except (OSError, PreflightError):
        # the worker that reads it says what is wrong
        return ("unreadable", kernel.ref)
    return ("other", kernel.ref)


def _files(folder: Path) -> list[tuple[str, Path]]:
    """The files of an entry but `kernel.json`, which says when and from what it was made."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != entry.FACTS)
    return sorted((str(path.relative_to(folder)), path) for path in files)


def _digest(kernel: KernelRef, store: Store) -> str:
    folder = _folder(kernel, store)
    digest = hashlib.sha256()
    try:
        for path in _paths(kernel, folder):
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
    except OSError:
        return kernel.ref
    return digest.hexdigest()


def _paths(kernel: KernelRef, folder: Path | None) -> Iterable[Path]:
    return [Path(kernel.ref)] if folder is None else [path for _, path in _files(folder)]
