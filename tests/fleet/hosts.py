# SPDX-License-Identifier: Apache-2.0
"""Synthetic fleets: facts documents made by `facts_document` from built hosts and kernels, then varied.

`Maker().document("new", "open", 7)` is host 7 with kernel `new` and policy `open`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.fleet.document import facts_document
from preflight.host.checks.runner import run_checks
from preflight.host.facts import HostFacts
from preflight.kernels.model import Kernel
from tests.host.areas_builder import (
    DENIED,
    UNSUPPORTED,
    WORKS,
    caps,
    context,
    host,
    policy,
    privilege,
    programs,
    seen,
)
from tests.predict.worlds import PROGRAM_TYPES, program, world

#: Runs where socket filters are; the kernel `old` has none.
OBJECT = program("socket")


def _kernel(release: str, **shape: Any) -> Kernel:
    made = world(**shape)
    return Kernel(replace(made.identity, release=release), made.contents, made.provenance)


#: `old` has no socket filters; `same` has the release of `new` and another BTF.
KERNELS: dict[str, Kernel] = {
    "new": _kernel("6.12.1-a"),
    "same": _kernel("6.12.1-a", functions=["extra"]),
    "old": _kernel("5.10.0-b", program_types=[t for t in PROGRAM_TYPES if t != "socket_filter"]),
}


def _hosts() -> dict[str, HostFacts]:
    """Policy -> facts: `open` lets load, `shut` refuses for want of capabilities."""
    return {
        "open": host(programs=programs(socket_filter=WORKS)),
        "shut": host(
            programs=programs(kprobe=DENIED, tracing=DENIED, lsm=DENIED, socket_filter=DENIED),
            privilege=privilege(capabilities=caps("SYSLOG"), is_uid_zero=False),
            policy=policy(lockdown=seen("integrity", "sysfs")),
        ),
        "without": host(programs=programs(socket_filter=UNSUPPORTED)),
        "unasked": host(programs=None),
    }


class Maker:
    """Makes documents; each (kernel, policy) is collected once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, bool], dict[str, Any]] = {}
        self._hosts = _hosts()

    def document(
        self,
        kernel: str = "new",
        policy: str = "open",
        number: int | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        at: str = "2026-01-01T00:00Z",
        with_btf: bool = False,
    ) -> dict[str, Any]:
        """One host's document. `number` names the host by a key; None leaves it without a name."""
        key = (kernel, policy, with_btf)
        if key not in self._made:
            self._made[key] = self._document(*key)
        return {
            **self._made[key],
            "collected_at": at,
            "labels": dict(labels or {}),
            "host_key": None if number is None else f"host{number:06d}",
        }

    def _document(self, kernel: str, policy: str, with_btf: bool) -> dict[str, Any]:
        known = KERNELS[kernel]
        facts = replace(
            self._hosts[policy],
            context=context(release=known.release, machine=known.arch, byte_order="little"),
        )
        made = facts_document(
            facts,
            run_checks(facts),
            known,
            tool={"name": "preflight", "version": "0"},
            collected_at="",
            labels={},
            with_btf=with_btf,
        )
        loaded: dict[str, Any] = json.loads(json.dumps(made))
        return loaded


def write(folder: Path, documents: Iterable[Any]) -> Path:
    """One file per document; texts and bytes are written as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, document in enumerate(documents):
        path = folder / f"{number:05d}.json"
        if isinstance(document, bytes):
            path.write_bytes(document)
        else:
            path.write_text(document if isinstance(document, str) else json.dumps(document))
    return folder


def write_lines(path: Path, documents: Iterable[Any]) -> Path:
    """All in one file of JSON lines. What many documents have in common is turned into text once."""
    texts: dict[int, tuple[object, str]] = {}
    with path.open("w") as out:
        for document in documents:
            out.write(_line(document, texts) + "\n")
    return path


def _line(document: Any, texts: dict[int, tuple[object, str]]) -> str:
    """`json.dumps(document)`; `texts` has the members that were met, by identity, and keeps them alive."""
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        return json.dumps(document)
    members = []
    for name, value in document.items():
        if id(value) not in texts:
            texts[id(value)] = value, json.dumps(value)
        members.append(f"{json.dumps(name)}: {texts[id(value)][1]}")
    return "{" + ", ".join(members) + "}"
