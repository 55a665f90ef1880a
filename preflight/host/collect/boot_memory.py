# SPDX-License-Identifier: Apache-2.0
"""The digest of the kernel's own BTF, remembered until the next boot in `preflight/kernel/boot.json`.

The kernel shows its BTF out of its own read-only image, so the bytes stay the same as long as it runs.
The digest is believed for the same boot and the same file: something mounted over it is another file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from preflight import cachefiles
from preflight.host.system import MAGICS, System

_LIMIT = 4096
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class BootMemory:
    """What is remembered of a file of the kernel's own, below /sys. Reads the cache file once."""

    def __init__(self, system: System, path: str) -> None:
        self._file = cachefiles.directory("kernel") / "boot.json"
        self._of = _question(system, path)

    def digest(self) -> str | None:
        """The SHA-256 of the whole file in hex; None when it is not remembered."""
        found: Any = cachefiles.read_json(self._file, _LIMIT) if self._of else None
        known = isinstance(found, dict) and found.get("of") == self._of
        return str(found["digest"]) if known else None

    def keep(self, digest: str) -> None:
        """Remember the digest of the whole file."""
        if self._of:
            cachefiles.write_json(self._file, {"of": self._of, "digest": digest})


def _question(system: System, path: str) -> str:
    """Which boot and which file; empty where that cannot be told, or the file is not the kernel's own."""
    boot, status = system.read(_BOOT_ID, _LIMIT), system.filesystem(path)
    if not system.is_live or not boot.is_present or status is None or status.magic != MAGICS["sysfs"]:
        return ""
    place = Path(path)
    return cachefiles.digest_of([system.release, boot.text, cachefiles.identity(str(place))])
