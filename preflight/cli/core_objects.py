# SPDX-License-Identifier: Apache-2.0
"""The objects of `preflight core`: which there are, and each opened when a question needs it.

Which objects a file holds is remembered under `$XDG_CACHE_HOME/preflight/core-objects`, by what `stat` tells
of the file. Directories are always looked through.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from preflight import cachefiles
from preflight.errors import InputError

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject

#: Files whose objects are remembered, and bytes of all that.
_FILES = 4096
_LIMIT = 4 << 20


class Key(NamedTuple):
    """An object: the digest of its bytes, and the name under which it was found first."""

    sha256: str
    name: str

    @property
    def digest(self) -> str:
        """The key of answers about it."""
        return cachefiles.digest_of(self)


class Objects:
    """The distinct objects behind what the user typed."""

    def __init__(self, specs: Iterable[str], directory: Path | None = None) -> None:
        self._specs = tuple(specs)
        self._place = (directory or cachefiles.directory("core-objects")) / cachefiles.own_identity()
        self._opened: dict[str, BpfObject] = {}
        #: digest -> what was typed and holds it
        self._held_by: dict[str, str] = {}
        #: digest -> every name it was found under
        self._names: dict[str, set[str]] = {}

    @cached_property
    def keys(self) -> list[Key]:
        """By name, equal bytes once, under the first of their names; as `open_all` of
        `preflight.objects.sources` finds them."""
        # decided before anything is read: what changes meanwhile is kept as what it was
        files = {spec: identity for spec in self._specs if (identity := _file(spec)) is not None}
        entries = cachefiles.Entries(self._place, _FILES, _LIMIT)
        digests = {spec: cachefiles.digest_of([identity]) for spec, identity in files.items()}
        known = {
            key: found for key, value in entries.get(digests.values()).items() if (found := _keys(value))
        }
        new: dict[str, list[Key]] = {}
        for spec in self._specs:
            held = known.get(digests.get(spec, ""))
            if held is None:
                held = [
                    Key(obj.sha256, name) for obj in self._open(spec) for name in (obj.name, *obj.aliases)
                ]
                if spec in digests:
                    new[digests[spec]] = held
            for key in held:
                self._held_by.setdefault(key.sha256, spec)
                self._names.setdefault(key.sha256, set()).add(key.name)
        if new:
            import json

            entries.keep({digest: json.dumps(held) for digest, held in new.items()})
        return sorted(
            (Key(digest, min(names)) for digest, names in self._names.items()), key=lambda key: key[::-1]
        )

    def aliases(self, key: Key) -> list[str]:
        """The other names its bytes were found under."""
        return sorted(self._names[key.sha256] - {key.name})

    def open(self, key: Key) -> BpfObject:
        """One of them. InputError when its file is another by now."""
        if key.sha256 not in self._opened:
            self._open(self._held_by[key.sha256])
        obj = self._opened.get(key.sha256)
        if obj is None:
            raise InputError("has changed while it was read", subject=key.name)
        if obj.name != key.name:  # another file with the same bytes was opened
            from preflight.records import replace

            obj = self._opened[key.sha256] = replace(obj, name=key.name, aliases=(), _memo={})
        return obj

    def all(self) -> list[BpfObject]:
        """All of them, opened."""
        return [self.open(key) for key in self.keys]

    def _open(self, spec: str) -> list[BpfObject]:
        from preflight.objects.sources import open_objects

        found = open_objects(spec, opened=self._opened)
        for obj in found:
            self._opened.setdefault(obj.sha256, obj)
        return found


def _keys(value: object) -> list[Key] | None:
    """Keys from their JSON form; None for anything else."""
    if not isinstance(value, list):
        return None
    texts = [one for one in value if isinstance(one, list) and list(map(type, one)) == [str, str]]
    return [Key(*one) for one in texts] if len(texts) == len(value) else None


def _file(spec: str) -> str | None:
    """What tells a file from another under the same name; None when nothing does."""
    if "\0" in spec:
        return None
    path = spec
    if not os.path.lexists(path):
        from shutil import which

        found = which(spec) if os.sep not in spec else None
        if found is None:
            return None
        path = found
    # a name in it becomes the object's
    return f"{path}={cachefiles.identity(path)}" if os.path.isfile(path) else None  # noqa: PTH113
