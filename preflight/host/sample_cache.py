# SPDX-License-Identifier: Apache-2.0
"""Remembers what the installed samples ask for and how they were judged, in `preflight/check/samples.json`.

Kept are answers of pure functions, each under a digest of everything it was computed from:

- what the samples attach to: from the files of the samples and from preflight itself;
- the samples' rows: from those, the facts of the host, and the kernel that is running (its
  configuration and symbols do not change before the next boot or the next module).

Another digest means another question, so nothing here can be out of date; it can only be absent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight import cachefiles

if TYPE_CHECKING:
    from preflight.host.facts import HostFacts

#: Functions, and tracepoints as (category, name).
Targets = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]

_LIMIT = 8 << 20
#: Hosts whose rows are remembered: one user may ask with different options and capabilities.
_HOSTS = 8
_KERNEL = ("/proc/sys/kernel/random/boot_id", "/proc/modules")


class SampleCache:
    """What is remembered of these sample files. Made once per run; reads the cache file at most once."""

    def __init__(self, paths: Iterable[Path], directory: Path | None = None) -> None:
        self._file = (directory or cachefiles.directory("check")) / "samples.json"
        files = (cachefiles.identity(os.fspath(path)) for path in paths)
        self._of = cachefiles.digest_of([cachefiles.own_identity(), *files])
        found = cachefiles.read_json(self._file, _LIMIT)
        known = isinstance(found, dict) and found.get("of") == self._of
        self._content: dict[str, Any] = found if known else {"of": self._of, "rows": {}}

    def targets(self) -> Targets | None:
        """What the samples attach to, None when that is not remembered."""
        if "targets" not in self._content:
            return None
        functions, tracepoints = self._content["targets"]
        return tuple(functions), tuple((category, name) for category, name in tracepoints)

    def keep_targets(self, targets: Targets) -> None:
        """Remember what they attach to."""
        self._content["targets"] = targets
        cachefiles.write_json(self._file, self._content)

    def rows(self, facts: HostFacts) -> list[dict[str, Any]] | None:
        """The samples' rows on a host, None when that is not remembered."""
        found: list[dict[str, Any]] | None = self._content["rows"].get(_host(facts))
        return found

    def keep_rows(self, facts: HostFacts, rows: list[dict[str, Any]]) -> None:
        """Remember the rows on a host; the host asked about longest ago is forgotten."""
        hosts = self._content["rows"]
        hosts[_host(facts)] = rows
        self._content["rows"] = dict(list(hosts.items())[-_HOSTS:])
        cachefiles.write_json(self._file, self._content)


def _host(facts: HostFacts) -> str:
    """Digest of the facts and of the kernel that is running."""
    import json

    from preflight.host.codec import facts_to_dict

    return cachefiles.digest_of(
        [json.dumps(facts_to_dict(facts), sort_keys=True), *map(_kernel_part, _KERNEL)]
    )


def _kernel_part(path: str) -> str:
    """The boot's id, or the names of the loaded modules; the numbers beside them change all the time."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unseen"
    return " ".join(sorted(line.partition(" ")[0] for line in lines))
