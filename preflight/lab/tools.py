# SPDX-License-Identifier: Apache-2.0
"""The programs the lab needs of its host, each with the one line that says how to get it."""

from __future__ import annotations

import os
from pathlib import Path

from preflight import subprocesses
from preflight.errors import InstrumentError
from preflight.lab import collector as collecting
from preflight.lab import qemu
from preflight.lab.guest import Tools
from preflight.lab.initramfs import needed

_BUSYBOX = (
    "busybox-static is not installed: apt-get install busybox-static (Fedora: dnf install busybox; "
    "Alpine: apk add busybox-static)"
)
_BPFTOOL = (
    "bpftool is not installed: apt-get install bpftool (Fedora: dnf install bpftool; Alpine: apk add bpftool)"
)


def loader_folder() -> Path:
    """Where `make build` puts the loader: `build/lab/MACHINE` of the checkout, or $PREFLIGHT_LAB_TOOLS."""
    chosen = os.environ.get("PREFLIGHT_LAB_TOOLS", "")
    if chosen:
        return Path(chosen)
    return Path(__file__).resolve().parent.parent.parent / "build" / "lab" / os.uname().machine


def loader() -> Path:
    """The loader. InstrumentError says how it is made."""
    path = loader_folder() / "loader"
    if not path.is_file():
        raise InstrumentError(
            "the lab's loader is not built: run `make build` in a checkout (needs gcc, libbpf-dev, "
            "libelf-dev, zlib1g-dev; the wheel does not carry it), or name its folder in PREFLIGHT_LAB_TOOLS"
        )
    return path


def built(name: str) -> Path | None:
    """Another program that is built together with the loader: `target` for uprobes and USDT, `frame`."""
    path = loader_folder() / name
    return path if path.is_file() else None


def emulator(arch: str | None) -> str:
    """QEMU's path for kernels of an architecture. InstrumentError says what to install."""
    program, package = qemu.machine_for(arch)
    found = subprocesses.find_tool(program)
    if found.path is None:
        raise InstrumentError(
            f"QEMU is not installed ({found.reason}): apt-get install {package} "
            f"(Fedora: dnf install {package}; Alpine: apk add {program})"
        )
    return found.path


def guest_tools(*, arch: str = "x86_64", objects: bool, bpftool: bool, collector: bool = False) -> Tools:
    """What goes into a guest. InstrumentError with what to install for the first that is missing.

    `collector`: preflight's own collection of host facts as well.
    """
    if arch != os.uname().machine:
        raise InstrumentError(
            f"the guest's programs come from this host ({os.uname().machine}): "
            f"{arch} kernels need a host of that kind"
        )
    return Tools(
        busybox=_static_busybox(),
        loader=loader() if objects else None,
        target=built("target") if objects else None,
        bpftool=_bpftool() if bpftool else None,
        frame=built("frame"),
        arch=arch,
        collector=collecting.nodes(arch) if collector else {},
    )


def _static_busybox() -> Path:
    for name in ("busybox.static", "busybox"):
        found = subprocesses.find_tool(name)
        if found.path is not None and needed(Path(found.path))[0] is None:
            return Path(found.path)
    raise InstrumentError(_BUSYBOX)


def _bpftool() -> Path:
    found = subprocesses.find_tool("bpftool")
    if found.path is None:
        raise InstrumentError(_BPFTOOL)
    return Path(found.path)
