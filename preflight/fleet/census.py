# SPDX-License-Identifier: Apache-2.0
"""Counting hosts: from documents to groups of hosts that are alike. Of one host only its group is kept.

A group is one kernel (BTF and configuration), one policy class and one outcome of all checks. Of each group
one host's facts are kept, packed, to be asked about objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.errors import InputError
from preflight.fleet.kept import Areas, Parts
from preflight.fleet.reading import Document, Unread
from preflight.fleet.record import Check, HostRecord, KernelKey, Known, RefusedError, record_of

if TYPE_CHECKING:
    from preflight.fleet.distinct import Kernels

#: Why a document was not counted -> what that means.
SKIPS = {
    "unreadable": "a file that cannot be read",
    "too-large": "larger than any facts file",
    "truncated": "cut off before its end",
    "malformed": "no JSON, or not what its schema says",
    "not-facts": "JSON of another kind",
    "future": "written by a later version of preflight",
    "duplicate": "a host that was counted already",
}
#: Of these so many are listed by name; all are counted.
LISTED = 1_000
#: Groups beyond this number keep no facts to ask, and stay undecided.
ASKABLE = 20_000
#: Outcomes of checks and policies that are remembered, for hosts that have the same.
_KNOWN = 512
#: Values of one label that are told apart; the others are counted together.
_VALUES = 10_000


class Group(NamedTuple):
    """Hosts that are alike. `facts` are one host's, in `Census.areas`; None where none are kept."""

    number: int
    kernel: KernelKey
    policy: str
    checks: tuple[Check, ...]
    facts: Parts | None


class Skipped(NamedTuple):
    """A document that was not counted."""

    source: str
    kind: str
    reason: str


class _Seen(NamedTuple):
    """What is known of a host that has a name: its group and labels, and when it was collected."""

    group: int
    collected_at: str
    labels: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Census:
    """All hosts counted so far.

    `hosts` counts by number of group; `labels` by (key, value), then by group. `named` has the hosts that
    have a name of their own, for comparing two fleets host by host.
    """

    name_label: str | None = None
    count_identical: bool = False
    groups: dict[tuple[KernelKey, str, bytes], Group] = field(default_factory=dict)
    hosts: Counter[int] = field(default_factory=Counter)
    labels: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)
    policies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    releases: dict[KernelKey, Counter[tuple[str | None, ...]]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    skips: Counter[str] = field(default_factory=Counter)
    named: dict[str, _Seen] = field(default_factory=dict)
    partial: bool = False
    areas: Areas = field(default_factory=Areas)
    _known: Known = field(default_factory=lambda: Known(_KNOWN))
    _digests: set[bytes] = field(default_factory=set)
    _per_key: Counter[str] = field(default_factory=Counter)

    def take(self, documents: Iterable[Document | Unread], kernels: Kernels) -> None:
        """Count all documents; what they carry of kernels goes to `kernels`. An interrupt ends it early."""
        try:
            for one in documents:
                if isinstance(one, Unread):
                    self._skip(one.source, one.kind, one.reason)
                else:
                    self._count(one, kernels)
        except KeyboardInterrupt:
            self.partial = True

    def _count(self, document: Document, kernels: Kernels) -> None:
        try:
            record = record_of(document.value, self._known)
            name = self._name(record)
            if name is None and not self.count_identical and document.digest in self._digests:
                raise RefusedError("duplicate", "is the same as one before it, and neither names its host")
            kernels.offer(record.kernel, record.identity, document.value.get("kernel"))
        except RefusedError as refused:
            self._skip(document.source, refused.kind, refused.reason)
            return
        except InputError as error:
            self._skip(document.source, "malformed", str(error)[:200])
            return
        if name is None:
            self._digests.add(document.digest)
        elif not self._newest(name, record, document.source):
            return
        group = self._group(record, document.value.get("host"))
        self._add(group, record, 1)
        if name is not None:
            self.named[name] = _Seen(group, record.collected_at, tuple(record.labels.items()))

    def _name(self, record: HostRecord) -> str | None:
        if self.name_label is not None and self.name_label in record.labels:
            return f"{self.name_label}={record.labels[self.name_label]}"
        return record.host_key

    def _newest(self, name: str, record: HostRecord, source: str) -> bool:
        """Whether this is the newest of a host that has a name; an older one is taken back."""
        before = self.named.get(name)
        if before is None:
            return True
        if record.collected_at <= before.collected_at:
            self._skip(source, "duplicate", "is of a host of which newer facts were counted")
            return False
        self._skip(source, "duplicate", "replaces older facts of the same host")
        self._remove(before)
        return True

    def _remove(self, before: _Seen) -> None:
        self.hosts[before.group] -= 1
        for pair in before.labels:
            counted = self.labels.get(self._pair(*pair))
            if counted is not None:
                counted[before.group] -= 1

    def _group(self, record: HostRecord, host: Any) -> int:
        key = (record.kernel, record.policy_digest, record.shape)
        group = self.groups.get(key)
        if group is None:
            kept = self.areas.keep(host) if host is not None and len(self.groups) < ASKABLE else None
            group = Group(len(self.groups), record.kernel, record.policy_digest, record.checks, kept)
            self.groups[key] = group
            self.policies.setdefault(record.policy_digest, record.policy)
        return group.number

    def _add(self, group: int, record: HostRecord, count: int) -> None:
        self.hosts[group] += count
        identity = (record.identity["release"], record.identity["arch"], record.identity["distribution"])
        self.releases.setdefault(record.kernel, Counter())[identity] += count
        for key, value in record.labels.items():
            if key != self.name_label:
                self.labels.setdefault(self._pair(key, value), Counter())[group] += count

    def _pair(self, key: str, value: str) -> tuple[str, str]:
        """The label as it is counted: a key with a value per host would be as long as the fleet."""
        pair = (key, value)
        if pair in self.labels:
            return pair
        if self._per_key[key] >= _VALUES:
            return (key, "(others)")
        self._per_key[key] += 1
        return pair

    def _skip(self, source: str, kind: str, reason: str) -> None:
        self.skips[kind] += 1
        if len(self.skipped) < LISTED:
            self.skipped.append(Skipped(source[-200:], kind, reason))
