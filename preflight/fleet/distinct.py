# SPDX-License-Identifier: Apache-2.0
"""The distinct kernels of a fleet, as a catalogue of their own that the matrix can judge.

A kernel's BTF comes from the first facts file that carries it, or from the user's catalogue by its digest.
Of a catalogue entry only what is surely the same is taken: all of it where BTF and configuration agree,
the BTF alone where the configuration differs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any

from preflight.errors import InputError, PreflightError
from preflight.fleet.document import config_digest
from preflight.fleet.record import KernelKey
from preflight.kernels import entry
from preflight.kernels.blob import Blob
from preflight.kernels.facts_file import SCHEMA, kernel_of
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.kernels.store import Store

#: Where a kernel's BTF was found.
FROM_FACTS, FROM_CATALOGUE, NOWHERE, NO_BTF = "facts", "catalogue", "nowhere", "no-btf"
#: It was found, and the disk is full.
NO_ROOM = "no-room"
#: Why objects cannot be predicted for a kernel.
WHY = {
    NOWHERE: "the kernel's BTF is neither in a facts file nor in the catalogue: "
    "collect one such host --with-btf, or `preflight kernels add` it",
    NO_BTF: "the kernel shows no BTF",
    NO_ROOM: "there was no room to keep the kernel's BTF",
}
_ODD = re.compile(r"[^A-Za-z0-9._+~-]")


class Kernels:
    """Distinct kernels, kept in `folder` (private, temporary) as catalogue entries.

    `offer` takes what facts files carry as they go by; `settle` looks up the rest and names them all. A disk
    that is full costs the kernels it was full for, and `trouble` says so.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._catalogue = store
        self._carried: dict[KernelKey, Path] = {}
        self._without_room: set[KernelKey] = set()
        self.trouble = ""
        self.names: dict[KernelKey, str] = {}
        self.sources: dict[KernelKey, str] = {}

    @property
    def store(self) -> Store:
        """The kernels whose BTF is there, by the names that `settle` gave them."""
        return Store(self._folder / "store")

    def offer(self, key: KernelKey, identity: Mapping[str, str | None], kernel: Any) -> None:
        """Keep what a facts file carries of a kernel, once. InputError when that is damaged."""
        if key.btf is None or key in self._carried or key in self._without_room or not _carries_btf(kernel):
            return
        found = kernel_of({"schema": SCHEMA, "kernel": kernel}, "kernel")
        if found.btf_sha256 != key.btf:
            raise InputError("its BTF does not have the digest the file says")
        if (found.config is None) != (key.config is None) or (
            found.config is not None and config_digest(found.config) != key.config
        ):
            raise InputError("its configuration does not have the digest the file says")
        folder = self._folder / f"carried-{len(self._carried)}"
        if self._kept(folder, found):
            self._carried[key] = folder
        else:
            self._without_room.add(key)

    def settle(self, keys: Iterable[tuple[KernelKey, tuple[str | None, ...]]]) -> None:
        """Name every kernel (`identity`: release, machine, distribution) and find its BTF."""
        wanted = sorted(keys, key=lambda one: (str(one[1][0]), str(one[0])))
        catalogued = self._by_digest({key.btf for key, _ in wanted if key.btf})
        self._name(wanted)
        for key, identity in wanted:
            self.sources[key] = self._place(key, identity, catalogued.get(key.btf or "", ()))

    def _name(self, wanted: Iterable[tuple[KernelKey, tuple[str | None, ...]]]) -> None:
        """Names by release; a release with several kernels tells them apart by their digests."""
        by_release: dict[str, list[KernelKey]] = {}
        for key, identity in wanted:
            plain = _ODD.sub("_", identity[0] or "unknown")[:80].lstrip("._+~-") or "unknown"
            by_release.setdefault(plain, []).append(key)
        for release, keys in by_release.items():
            builds = {key.btf for key in keys}
            for key in keys:
                parts = [release]
                if len(builds) > 1:
                    parts.append((key.btf or "no-btf")[:8])
                if len(keys) > len(builds):
                    parts.append((key.config or "no-config")[:8])
                self.names[key] = "~".join(parts)

    def _place(self, key: KernelKey, identity: tuple[str | None, ...], entries: Iterable[str]) -> str:
        """Put a kernel into the store, and say where it came from."""
        if key.btf is None:
            return NO_BTF
        if key in self._without_room:
            return NO_ROOM
        target = self._folder / "store" / self.names[key]
        if key in self._carried:
            try:
                target.parent.mkdir(exist_ok=True)
                self._carried[key].rename(target)
            except OSError as error:
                self.trouble = _no_room(error)
                return NO_ROOM
            return FROM_FACTS
        best = self._best(key, identity, entries)
        if best is None:
            return NOWHERE
        return FROM_CATALOGUE if self._kept(target, best) else NO_ROOM

    def _best(
        self, key: KernelKey, identity: tuple[str | None, ...], entries: Iterable[str]
    ) -> Kernel | None:
        bare: Kernel | None = None
        for name in entries:
            try:
                found = self._catalogue.get(name)
                if found.btf_sha256 != key.btf:
                    continue
                if self._agrees(found, key, identity):
                    return found
            except PreflightError:
                continue
            bare = bare or Kernel(
                Identity(name, found.byteorder, identity[0], found.arch, identity[2]),
                Contents(found.contents.btf),
                found.provenance,
            )
        return bare

    @staticmethod
    def _agrees(found: Kernel, key: KernelKey, identity: tuple[str | None, ...]) -> bool:
        """Whether it is the same build: one configuration, or one release where the host's is unknown."""
        if key.config is None or found.config is None:
            return found.release is not None and found.release == identity[0]
        return config_digest(found.config) == key.config

    def _by_digest(self, wanted: set[str | None]) -> dict[str, list[str]]:
        """Names of catalogue entries by the digest of their BTF, as far as it is wanted."""
        found: dict[str, list[str]] = {}
        for name in self._catalogue.names() if wanted else ():
            try:
                digest = self._catalogue.btf_digest(name)
            except (PreflightError, OSError):
                continue
            if digest in wanted:
                found.setdefault(digest, []).append(name)
        return found

    def _kept(self, folder: Path, kernel: Kernel) -> bool:
        """Write an entry, or nothing where it does not fit."""
        try:
            self._write(folder, kernel)
        except OSError as error:
            rmtree(folder, ignore_errors=True)
            self.trouble = _no_room(error)
            return False
        return True

    def _write(self, folder: Path, kernel: Kernel) -> None:
        """An entry; what lies unpacked in the catalogue is linked to. OSError when it has no room."""
        from hashlib import sha256

        digests: dict[str, tuple[int, str]] = {}
        folder.mkdir(parents=True)
        for file, blob in _blobs(kernel.contents):
            target = folder / file
            target.parent.mkdir(exist_ok=True)
            plain = blob.path is not None and blob.path.suffix not in (".xz", ".gz") and blob.sha256
            if blob.path is not None and plain and not str(blob.path).startswith("/sys/"):
                target.symlink_to(blob.path.absolute())
                digests[file] = (blob.path.stat().st_size, blob.sha256 or "")
            else:
                data = blob.read()
                target.write_bytes(data)
                digests[file] = (len(data), sha256(data).hexdigest())
        (folder / entry.FACTS).write_bytes(entry.facts_json(kernel, digests))


def _blobs(contents: Contents) -> Iterator[tuple[str, Blob]]:
    """The files of an entry, as they are."""
    yield entry.BTF, contents.btf
    for field, file in entry.OPTIONAL_FILES.items():
        blob = getattr(contents, field)
        if blob is not None:
            yield file, blob
    for module, blob in sorted((contents.modules or {}).items()):
        yield f"{entry.MODULES}/{module}.btf", blob


def _carries_btf(kernel: Any) -> bool:
    described = kernel["contents"].get(entry.BTF)
    return isinstance(described, dict) and described.get("xz") is not None


def _no_room(error: OSError) -> str:
    where = os.environ.get("TMPDIR", "the temporary folder")
    return f"cannot keep the fleet's kernels in {where}: {error.strerror or error}"
