# SPDX-License-Identifier: Apache-2.0
"""Collects PH9xx: bpftool's version and the shape of its answers, and what this collection left behind.

`begin()` must be called before the first collector; `collect()` is the last one.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.instruments import Bpftool, BpftoolSummary, InstrumentFacts, Integrity
from preflight.host.bpftool import COMMAND
from preflight.host.collect.integrity import Watch
from preflight.host.collect.session import Session
from preflight.host.collect.witnesses import witnesses

_WATCHES: WeakKeyDictionary[Session, Watch] = WeakKeyDictionary()


def begin(session: Session) -> None:
    """Take the first counts, before anything is asked of the kernel."""
    if session.is_live:
        _WATCHES[session] = Watch(session.system)


def collect(session: Session) -> InstrumentFacts:
    """bpftool's summary, and the counts before and after."""
    return InstrumentFacts(bpftool=summary(witnesses(session).bpftool), integrity=_integrity(session))


def summary(claims: Fact[Bpftool]) -> Fact[BpftoolSummary]:
    """What is kept of bpftool's answers."""
    if claims.value is None:
        return Fact(None, claims.evidence, claims.reason or "bpftool was not asked", claims.decided_by)
    tool = claims.value
    lists = f"{tool.asked_types} helper lists, {tool.distinct_lists} different"
    return known(
        BpftoolSummary(
            path=tool.path,
            version=tool.version,
            libbpf=tool.libbpf,
            asked_types=tool.asked_types,
            distinct_lists=tool.distinct_lists,
            longest_list=max((len(names) for names in tool.helpers.values()), default=0),
        ),
        Evidence("bpftool", f"version {tool.version}, libbpf {tool.libbpf}", "bpftool version"),
        Evidence("bpftool", lists, COMMAND),
    )


def _integrity(session: Session) -> Fact[Integrity]:
    watch = _WATCHES.pop(session, None)
    if watch is None:
        return unknown("nothing was counted before the collection began")
    return known(watch.finish())
