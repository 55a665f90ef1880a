# SPDX-License-Identifier: Apache-2.0
"""From what the user typed after `--kernel` to kernels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from preflight.errors import UsageError
from preflight.kernels.host import HOST, running
from preflight.kernels.model import Kernel
from preflight.kernels.store import Store

_GLOB = frozenset("*?[")


def resolve(ref: str, store: Store | None = None) -> list[Kernel]:
    """The kernels `ref` stands for: `host`, a path, a catalogue name, or a glob over the catalogue.

    A catalogue name wins over a file of the same name; `./name` always is a path. UsageError with near names
    when nothing matches, InputError when what matches cannot be used. Never empty.
    """
    if ref == HOST:
        return [running()]
    store = store or Store()
    if not ref.startswith(("/", "./", "../", "~")):
        if ref in store:
            return [store.get(ref)]
        matched = store.match(ref)
        if matched:
            return [store.get(name) for name in matched]
    path = Path(ref).expanduser() if ref.startswith("~") else Path(ref)
    if ref and "\0" not in ref and path.exists():
        from preflight.kernels.files import kernel_from_path

        return [kernel_from_path(path, store=store)]
    raise UsageError(_nothing(ref, store))


def resolve_all(refs: Iterable[str], store: Store | None = None) -> list[Kernel]:
    """The kernels of several references, each name once, in the order they were asked for."""
    found: dict[str, Kernel] = {}
    for ref in refs:
        for kernel in resolve(ref, store):
            found.setdefault(kernel.name, kernel)
    return list(found.values())


def _nothing(ref: str, store: Store) -> str:
    import difflib

    names = store.names()
    shown = repr(ref[:120])
    if not names:
        return (
            f"no kernel {shown}: there is no such file, and the catalogue {store.root} is empty "
            "(`preflight kernels fetch` or `add` fills it)"
        )
    if _GLOB & set(ref):
        return f"no kernel in the catalogue matches {shown}; `preflight kernels list` shows all {len(names)}"
    near = difflib.get_close_matches(ref, names, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"`preflight kernels list` shows all {len(names)}"
    return f"no kernel {shown}: neither a file nor in the catalogue; {hint}"
