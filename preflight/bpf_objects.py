# SPDX-License-Identifier: Apache-2.0
"""Finds the BPF objects that come with preflight: the probes and the tracers.

They are compiled when the wheel is built (`hatch_build.py`), so an installed preflight
needs no compiler. In a checkout `make build` puts them into the same place.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

from preflight.errors import InstrumentError
from preflight.records import dataclass

#: `uname -m` -> libbpf's name of the machine, as in the file names of objects built per machine.
ARCHES = {
    "x86_64": "x86",
    "aarch64": "arm64",
    "riscv64": "riscv",
    "ppc64le": "powerpc",
    "s390x": "s390",
}


@dataclass(frozen=True, slots=True)
class BpfFile:
    """One packaged object. `arch` is None when it suits every machine of its byte order.

    `name` is the source's name without `.bpf.c`, `folder` the folder below `bpf/` (`probes`).
    """

    name: str
    folder: str
    target: str
    arch: str | None
    path: Path
    sha256: str


def root() -> Path:
    """The folder of the packaged objects, whether it exists or not."""
    return Path(__file__).parent / "_bpf"


def manifest() -> dict[str, Any]:
    """The manifest written by the compile step: compiler, flags, objects. InstrumentError when absent."""
    return _manifest(root())


@cache
def _manifest(folder: Path) -> dict[str, Any]:
    import json

    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InstrumentError("preflight's own BPF objects are not here: run `make build`") from None
    return found


@cache
def _files(folder: Path) -> tuple[BpfFile, ...]:
    found = []
    for entry in _manifest(folder)["objects"]:
        group, _, _ = entry["path"].rpartition(f"/{entry['target']}/")
        name = entry["source"].rpartition("/")[2].removesuffix(".bpf.c")
        path = folder / entry["path"]
        found.append(BpfFile(name, group, entry["target"], entry["arch"], path, entry["sha256"]))
    return tuple(found)


def objects(folder: str | None = None) -> tuple[BpfFile, ...]:
    """All packaged objects, or those of one folder (`probes`, `tracers`), in the manifest's order."""
    return tuple(file for file in _files(root()) if folder is None or file.folder == folder)


def chosen(folder: str, name: str) -> tuple[BpfFile, ...]:
    """The objects of a folder for this machine that a name stands for; an empty one stands for all.

    It is an object's name, or what several have before the first `_`: `syscalls` for all its variants.
    """
    import os

    arch = ARCHES.get(os.uname().machine)
    target = "bpfel" if sys.byteorder == "little" else "bpfeb"
    here = [file for file in objects(folder) if file.target == target and file.arch in (None, arch)]
    exact = [file for file in here if name in ("", file.name)]
    return tuple(exact or (file for file in here if file.name.partition("_")[0] == name))


def find(folder: str, name: str, *, machine: str | None = None, byteorder: str = sys.byteorder) -> Path:
    """The object of one program for a machine (`uname -m`, default this one's).

    InstrumentError when the objects are absent or there is none for that machine.
    """
    import os

    machine = machine or os.uname().machine
    target = "bpfel" if byteorder == "little" else "bpfeb"
    for file in objects(folder):
        if file.name == name and file.target == target and file.arch in (None, ARCHES.get(machine)):
            if not file.path.is_file():
                raise InstrumentError(f"preflight's BPF object {file.path.name} is missing: run `make build`")
            return file.path
    raise InstrumentError(f"no BPF object {folder}/{name} for {machine} ({target})")
