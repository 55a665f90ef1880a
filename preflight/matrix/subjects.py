# SPDX-License-Identifier: Apache-2.0
"""The columns of a matrix: an object, or one object in several builds, each for another machine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject


class Build(NamedTuple):
    """One compiled object. `machine` is what `uname -m` prints where it belongs, None for any.

    `byteorder` is `little` or `big`.
    """

    machine: str | None
    byteorder: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Digest of the file."""
        return _digest(self.data)


@lru_cache(maxsize=4096)
def _digest(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged under one name. With several builds each kernel gets the one made for it."""

    name: str
    aliases: tuple[str, ...]
    builds: tuple[Build, ...]

    @property
    def sha256(self) -> str:
        """The build's digest; of several one digest over theirs."""
        digests = [build.sha256 for build in self.builds]
        if len(digests) == 1:
            return digests[0]
        from hashlib import sha256

        return sha256("\n".join(digests).encode()).hexdigest()

    def choose(self, machine: str | None, byteorder: str | None) -> tuple[Build | None, str]:
        """The build for a kernel; None, and why, when there is none. A single one is for all."""
        if len(self.builds) == 1 and self.builds[0].machine is None:
            return self.builds[0], ""
        fitting = [one for one in self.builds if one.byteorder == byteorder]
        exact = [one for one in fitting if one.machine is not None and one.machine == machine]
        plain = [one for one in fitting if one.machine is None]
        if exact or plain:
            return (exact or plain)[0], ""
        if machine is None or byteorder is None:
            return None, "the machine of this kernel is not known, so its build cannot be chosen"
        return None, f"no build for {machine}"


def subject_of(obj: BpfObject) -> Subject:
    """An object as it was found, as a column; of its names the first in order."""
    name, *aliases = sorted({obj.name, *obj.aliases})
    return Subject(name, tuple(aliases), (Build(None, obj.byteorder, bytes(obj.data)),))


def merge(subjects: Iterable[Subject]) -> tuple[Subject, ...]:
    """Each distinct one once, by name and digest, whatever the order they were found in."""
    found: dict[str, Subject] = {}
    for one in subjects:
        builds = tuple(sorted(set(one.builds), key=lambda b: (b.machine or "", b.byteorder, b.sha256)))
        one = Subject(one.name, one.aliases, builds)  # noqa: PLW2901
        known = found.get(one.sha256)
        if known is not None:
            name, *aliases = sorted({known.name, *known.aliases, one.name, *one.aliases})
            one = Subject(name, tuple(aliases), builds)  # noqa: PLW2901
        found[one.sha256] = one
    return tuple(sorted(found.values(), key=lambda one: (one.name, one.sha256)))
