# SPDX-License-Identifier: Apache-2.0
"""The witnesses that several collectors of one session ask: kernel BTF by name, and bpftool, once each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from preflight.facts import Fact, unknown
from preflight.host.areas.instruments import Bpftool
from preflight.host.areas.programs import Trial
from preflight.host.collect.session import Session

if TYPE_CHECKING:
    from preflight.host.collect.ktypes import KernelTypes


class Witnesses:
    """Shared witnesses of one session; each is asked on first use."""

    def __init__(self, session: Session) -> None:
        self._session = ref(session)

    @property
    def session(self) -> Session:
        """The session; it outlives its witnesses."""
        session = self._session()
        if session is None:
            raise ReferenceError("the session is gone")
        return session

    @cached_property
    def types(self) -> KernelTypes:
        """The kernel's BTF by name."""
        return self.session.types

    @cached_property
    def trials(self) -> dict[tuple[object, ...], Trial]:
        """Answers to trial loads of minimal programs, filled by whoever asks first."""
        return {}

    @cached_property
    def bpftool(self) -> Fact[Bpftool]:
        """bpftool's claims about the running kernel."""
        if not self.session.is_live:
            return unknown("bpftool would ask the running kernel, not the one whose files are read")
        from preflight.host import bpftool

        return bpftool.probe(full=self.session.options.full)


_OF: WeakKeyDictionary[Session, Witnesses] = WeakKeyDictionary()


def witnesses(session: Session) -> Witnesses:
    """The witnesses of a session."""
    found = _OF.get(session)
    if found is None:
        found = _OF[session] = Witnesses(session)
    return found
