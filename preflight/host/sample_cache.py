# SPDX-License-Identifier: Apache-2.0
"""Remembers how samples and shipped tracers were judged, in `preflight/check/samples.json`.

Their rows depend on the files of the objects, on preflight itself (its catalogue of tracers included), on
the facts of the host, and on the kernel that is running: its configuration, symbols and events do not
change before the next boot or the next module, as long as the same lists of them can be read. Rows are
kept under a digest of all that. Another digest means another question, so nothing here can be out of
date; it can only be absent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight import cachefiles

if TYPE_CHECKING:
    from preflight.host.facts import HostFacts

_LIMIT = 8 << 20
#: Hosts whose rows are remembered: one user may ask with different options and capabilities.
_HOSTS = 8
_KERNEL = ("/proc/sys/kernel/random/boot_id", "/proc/modules")
#: The kernel's lists of what can be attached to; whether each can be read, not what is in it.
_LISTS = (
    "/proc/kallsyms",
    "/sys/kernel/debug/kprobes/blacklist",
    "/sys/kernel/tracing/available_filter_functions",
    "/sys/kernel/debug/tracing/available_filter_functions",
)


class SampleCache:
    """What is remembered of the objects in these files. Made once per run; reads its file at most once."""

    def __init__(self, paths: Iterable[Path], directory: Path | None = None) -> None:
        self._file = (directory or cachefiles.directory("check")) / "samples.json"
        files = (cachefiles.identity(os.fspath(path)) for path in paths)
        self._of = cachefiles.digest_of([cachefiles.own_identity(), *files])
        found = cachefiles.read_json(self._file, _LIMIT)
        known = isinstance(found, dict) and found.get("of") == self._of
        self._content: dict[str, Any] = found if known else {"of": self._of, "rows": {}}

    def rows(self, facts: HostFacts) -> dict[str, list[dict[str, Any]]] | None:
        """The rows on a host by kind, None when they are not remembered."""
        found: dict[str, list[dict[str, Any]]] | None = self._content["rows"].get(_host(facts))
        return found

    def keep_rows(self, facts: HostFacts, rows: dict[str, list[dict[str, Any]]]) -> None:
        """Remember the rows on a host; the host asked about longest ago is forgotten."""
        hosts = self._content["rows"]
        hosts[_host(facts)] = rows
        self._content["rows"] = dict(list(hosts.items())[-_HOSTS:])
        cachefiles.write_json(self._file, self._content)


def _host(facts: HostFacts) -> str:
    """Digest of the facts and of the kernel that is running."""
    import json

    from preflight.host.codec import facts_to_dict

    shown = json.dumps(facts_to_dict(facts), sort_keys=True)
    lists = (f"{path}: {os.access(path, os.R_OK)}" for path in _LISTS)
    return cachefiles.digest_of([shown, *map(_kernel_part, _KERNEL), *lists])


def _kernel_part(path: str) -> str:
    """The boot's id, or the names of the loaded modules; the numbers beside them change all the time."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unseen"
    return " ".join(sorted(line.partition(" ")[0] for line in lines))
