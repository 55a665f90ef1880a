# SPDX-License-Identifier: Apache-2.0
"""What is asked for: objects, kernels and options, from the command line and from a set in TOML."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from preflight.errors import InputError, UsageError
from preflight.kernels.store import Store
from preflight.records import dataclass, field, replace

#: No set that a person wrote is larger.
#: Characters of what a set says it needs.
_NEEDS = 500
_SET_LIMIT = 4 << 20
#: In one line: `tomllib` takes time with the square of a dotted key's parts.
_DOTS = 10_000
_GLOB = frozenset("*?[")
JUDGES = ("adjusted", "as-is")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Objects and kernels as they were named.

    `hosts`: kernel name or pattern -> how many hosts run it. `builds`: machine (`uname -m`) -> folder with
    the same objects built for it, under the same file names. `needs`: what has to be there, and the commands
    that make it, for whoever misses some of it.
    """

    objects: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    judge: str = "adjusted"
    hosts: Mapping[str, int] = field(default_factory=dict)
    builds: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    digest: str = ""
    needs: str = ""

    def with_judge(self, judge: str) -> Wanted:
        """The same, judged otherwise."""
        return replace(self, judge=judge)


@dataclass(frozen=True, slots=True)
class KernelRef:
    """One kernel to judge: what it is called in the result, and where any worker finds it."""

    name: str
    ref: str


def read_set(spec: str) -> Wanted:
    """A set: a TOML file, or `NAME` for `matrices/NAME.toml`.

    Keys: `objects` and `kernels` (lists of what the command line takes), `measured` (files or patterns),
    `modules`, `judge`, and the tables `[hosts]` (kernel name or pattern -> number of hosts) and `[builds]`
    (machine -> folder with the same objects built for it). A path that begins with `./` or `../` is taken
    from the set's folder. InputError when it is no TOML or says something else.
    """
    import tomllib
    from hashlib import sha256

    from preflight.kernels.blob import read_bounded

    path = Path(spec)
    if not path.exists() and os.sep not in spec and not spec.endswith(".toml"):
        path = Path("matrices") / f"{spec}.toml"
    if not path.exists():
        raise UsageError(f"--set {spec[:120]!r}: no such file, and no matrices/{spec[:120]}.toml here")
    raw = read_bounded(path, _SET_LIMIT)
    if any(line.count(b".") > _DOTS for line in raw.split(b"\n")):
        raise InputError(f"has a line with more than {_DOTS:,} dots", subject=path.name)
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"is not TOML: {error}"[:300], subject=path.name) from None
    unknown = sorted(
        set(table) - {"objects", "kernels", "measured", "modules", "judge", "hosts", "builds", "needs"}
    )
    if unknown:
        raise InputError(f"has an unknown key {unknown[0][:60]!r}", subject=path.name)
    judge = table.get("judge", "adjusted")
    if judge not in JUDGES:
        raise InputError(f"judge is neither of {', '.join(JUDGES)}", subject=path.name)
    needs = table.get("needs", "")
    if not isinstance(needs, str):
        raise InputError("needs is not a text", subject=path.name)
    return Wanted(
        objects=_paths(_texts(table, "objects", path), path.parent),
        kernels=_paths(_texts(table, "kernels", path), path.parent),
        measured=_files(_texts(table, "measured", path), path.parent),
        modules=_texts(table, "modules", path),
        judge=judge,
        hosts=_hosts(table, path),
        builds=_builds(table, path),
        name=path.stem,
        digest=sha256(raw).hexdigest(),
        needs=needs[:_NEEDS],
    )


def _texts(table: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise InputError(f"{key} is not a list of texts", subject=path.name)
    return tuple(value)


def _paths(items: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Relative paths from the set's folder; names of commands and of catalogue entries stay what they are."""
    return tuple(str(folder / item) if item.startswith(("./", "../")) else item for item in items)


def _files(items: Sequence[str], folder: Path) -> tuple[str, ...]:
    """The same for files, each of which may be a pattern; one that matches nothing stays, and is missed."""
    found: list[str] = []
    for item in _paths(items, folder):
        path = Path(item)
        matched = sorted(map(str, path.parent.glob(path.name))) if _GLOB & set(path.name) else []
        found += matched or [item]
    return tuple(found)


def _hosts(table: Mapping[str, Any], path: Path) -> dict[str, int]:
    hosts = table.get("hosts", {})
    if not isinstance(hosts, dict) or not all(type(n) is int and n >= 0 for n in hosts.values()):
        raise InputError("hosts is not a table of numbers", subject=path.name)
    return hosts


def _builds(table: Mapping[str, Any], path: Path) -> dict[str, str]:
    builds = table.get("builds", {})
    if not isinstance(builds, dict) or not all(isinstance(f, str) and f for f in builds.values()):
        raise InputError("builds is not a table of folders", subject=path.name)
    return {machine: _paths([folder], path.parent)[0] for machine, folder in builds.items()}


def join(first: Wanted, second: Wanted) -> Wanted:
    """Two sets as one; `second` is the command line and wins where only one value can hold."""
    return replace(
        first,
        objects=first.objects + second.objects,
        kernels=first.kernels + second.kernels,
        measured=first.measured + second.measured,
        modules=first.modules + second.modules,
    )


def locate(refs: Sequence[str], store: Store) -> list[KernelRef]:
    """The kernels behind the references, each name once, in the order of their names.

    Nothing of them is read yet. UsageError for what matches nothing.
    """
    from preflight.kernels.refs import resolve
    from preflight.kernels.store import natural

    found: dict[str, KernelRef] = {}
    for ref in refs:
        if ref == "host":
            found.setdefault("host", KernelRef("host", "host"))
            continue
        path = Path(ref).expanduser() if ref.startswith("~") else Path(ref)
        names = _catalogued(ref, store)
        if names:
            found.update({name: KernelRef(name, name) for name in names})
        elif ref and "\0" not in ref and path.exists():
            found.setdefault(str(path), KernelRef(str(path), str(path.absolute())))
        else:
            resolve(ref, store)  # says what there is instead
            raise UsageError(f"no kernel {ref[:120]!r}")
    return sorted(found.values(), key=lambda one: (natural(one.name), one.ref))


def _catalogued(ref: str, store: Store) -> list[str]:
    if ref.startswith(("/", "./", "../", "~")):
        return []
    return [ref] if ref in store else store.match(ref)


def hosts_of(name: str, hosts: Mapping[str, int]) -> int | None:
    """How many hosts run a kernel: its own entry, else the first pattern that fits; None when not told."""
    from fnmatch import fnmatchcase

    if name in hosts:
        return hosts[name]
    return next((count for pattern, count in hosts.items() if fnmatchcase(name, pattern)), None)
