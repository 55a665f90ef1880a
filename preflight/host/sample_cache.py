# SPDX-License-Identifier: Apache-2.0
"""Remembers what the installed samples ask for and how they were judged, in `preflight/check/samples.json`.

Kept are answers of pure functions, each under a digest of everything it was computed from:

- what the samples attach to: from the files of the samples and from preflight itself;
- the samples' rows: from those, the facts of the host, and the kernel that is running (its
  configuration and symbols do not change before the next boot or the next module).

Another digest means another question, so nothing here can be out of date; it can only be absent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight import __version__, cachefiles

if TYPE_CHECKING:
    from preflight.host.facts import HostFacts

#: Functions, and tracepoints as (category, name).
Targets = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]

_LIMIT = 8 << 20
#: Hosts whose rows are remembered: one user may ask with different options and capabilities.
_HOSTS = 8
_KERNEL = ("/proc/sys/kernel/random/boot_id", "/proc/modules")
_SOURCES = (".py", ".toml")


class SampleCache:
    """What is remembered of these sample files. Made once per run; reads the cache file at most once."""

    def __init__(self, paths: Iterable[Path], directory: Path | None = None) -> None:
        self._file = (directory or cachefiles.directory("check")) / "samples.json"
        self._of = _digest([__version__, *_sources(), *(_identity(os.fspath(path)) for path in paths)])
        self._content = self._read()

    def targets(self) -> Targets | None:
        """What the samples attach to, None when that is not remembered."""
        try:
            functions, tracepoints = self._content["targets"]
            return tuple(map(_text, functions)), tuple((_text(c), _text(n)) for c, n in tracepoints)
        except (KeyError, TypeError, ValueError):
            return None

    def keep_targets(self, targets: Targets) -> None:
        """Remember what they attach to; rows for other files are forgotten."""
        self._content = {"of": self._of, "targets": targets, "rows": {}}
        self._write()

    def rows(self, facts: HostFacts) -> list[dict[str, Any]] | None:
        """The samples' rows on a host, None when that is not remembered."""
        found = self._rows().get(_host(facts))
        if isinstance(found, list) and all(_is_row(row) for row in found):
            return found
        return None

    def keep_rows(self, facts: HostFacts, rows: list[dict[str, Any]]) -> None:
        """Remember the rows on a host; the host asked about longest ago is forgotten."""
        hosts = self._rows()
        hosts.pop(_host(facts), None)
        hosts[_host(facts)] = rows
        self._content["rows"] = dict(list(hosts.items())[-_HOSTS:])
        self._write()

    def _rows(self) -> dict[str, Any]:
        found = self._content.get("rows")
        return found if isinstance(found, dict) else {}

    def _read(self) -> dict[str, Any]:
        content = cachefiles.read(self._file, _LIMIT)
        try:
            document = json.loads(content or b"")
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and document.get("of") == self._of:
            return document
        return {}

    def _write(self) -> None:
        cachefiles.write(self._file, json.dumps(self._content).encode())


#: Keys of a row of the contract's `objects`, with the type of their values.
_ROW = {
    "object": str,
    "sha256": str,
    "verdict": str,
    "programs": int,
    "blocking": list,
    "undecided": list,
    "open": list,
}


def _is_row(row: object) -> bool:
    return (
        isinstance(row, dict)
        and row.keys() == _ROW.keys()
        and all(isinstance(row[key], kind) for key, kind in _ROW.items())
        and all(isinstance(item, str) for key in ("blocking", "undecided", "open") for item in row[key])
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _digest(parts: Iterable[str]) -> str:
    from hashlib import sha256

    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _host(facts: HostFacts) -> str:
    """Digest of the facts and of the kernel that is running."""
    from preflight.host.codec import facts_to_dict

    return _digest([json.dumps(facts_to_dict(facts), sort_keys=True), *map(_kernel_part, _KERNEL)])


def _kernel_part(path: str) -> str:
    """The boot's id, or the names of the loaded modules; the numbers beside them change all the time."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unseen"
    return " ".join(sorted(line.partition(" ")[0] for line in lines))


def _identity(path: str) -> str:
    """A file as far as `stat` tells it apart from another: any writing or replacing shows."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return f"{path}: gone"
    return (
        f"{path}:{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
    )


def _sources() -> Iterator[str]:
    """Preflight's own files: a changed rule is another question."""
    folders = [os.path.dirname(os.path.dirname(__file__))]  # noqa: PTH120
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(_SOURCES):
                    yield _identity(entry.path)
                elif entry.is_dir() and entry.name != "__pycache__":
                    folders.append(entry.path)
