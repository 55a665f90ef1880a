# SPDX-License-Identifier: Apache-2.0
"""What a kernel is called in the catalogue when nobody says otherwise."""

from __future__ import annotations

import re
from pathlib import Path

from preflight.kernels.host import HOST
from preflight.kernels.model import Kernel

_STRANGE = re.compile(r"[^A-Za-z0-9._+~-]+")
_PACKED = re.compile(r"(?:\.(?:btf|tar|xz|gz|zst|lz4|deb|img))+\Z")


def catalogue_name(kernel: Kernel) -> str:
    """`DISTRIBUTION/RELEASE`, `host/RELEASE` for the running kernel, `local/...` for anything else.

    Without a known release the file's name stands in.
    """
    release = kernel.release or _PACKED.sub("", Path(kernel.name).name)
    release = _STRANGE.sub("-", release).lstrip("._+~-")[:128] or "kernel"
    if kernel.name == HOST:
        return f"host/{release}"
    return f"{kernel.identity.distribution or 'local'}/{release}"
