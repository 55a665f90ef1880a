# SPDX-License-Identifier: Apache-2.0
"""The frozen truth under fixtures/core: small kernels, compiled objects, and libbpf's answers as digests.

`tools/freeze_core_truth.py` writes it with libbpf's help; reading it needs neither libbpf nor
a compiler nor network.
"""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from preflight.btf import Btf
from preflight.core import Target
from preflight.objects import BpfObject, load

FOLDER = Path(__file__).resolve().parents[2] / "fixtures/core"
TRUTH = FOLDER / "truth.json"
OBJECTS = FOLDER / "objects.tar.xz"
KERNELS = FOLDER / "kernels"
#: worlds of tests/differential/random_worlds.py whose answers are frozen
WORLDS = range(40)


@cache
def truth() -> dict[str, Any]:
    """`kernels`: {kernel: {object: digest}}; `tools`: {kernel: {sha256 of the object: digest}}; `worlds`."""
    found: dict[str, Any] = json.loads(TRUTH.read_text(encoding="utf-8"))
    return found


@cache
def objects() -> Mapping[str, BpfObject]:
    """The project's compiled sources by name, in both byte orders."""
    found = {}
    with tarfile.open(OBJECTS) as archive:
        for member in archive:
            data = archive.extractfile(member)
            assert data is not None
            found[member.name] = load(data.read(), member.name)
    return found


def pack(contents: Mapping[str, bytes]) -> bytes:
    """An archive of objects; the same contents always give the same bytes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(contents.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return lzma.compress(raw.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def kernel_names() -> list[str]:
    """The small kernels."""
    return sorted(path.name.removesuffix(".btf.xz") for path in KERNELS.glob("*.btf.xz"))


@cache
def kernel(name: str) -> Target:
    """A small kernel."""
    return Target(Btf.parse(lzma.decompress((KERNELS / f"{name}.btf.xz").read_bytes())))
