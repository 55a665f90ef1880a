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


def programs_folder(arch: str = "") -> Path:
    """Where the lab's own programs are built: `build/lab/MACHINE` of the checkout, or $PREFLIGHT_LAB_TOOLS.

    The variable names the folder of this machine's programs; those of others lie beside it.
    """
    machine = arch or os.uname().machine
    chosen = os.environ.get("PREFLIGHT_LAB_TOOLS", "")
    if chosen:
        return Path(chosen) if machine == os.uname().machine else Path(chosen).parent / machine
    return Path(__file__).resolve().parent.parent.parent / "build" / "lab" / machine


def loader() -> Path:
    """The loader for this machine. InstrumentError says how it is made."""
    found = built("loader")
    if found is None:
        raise InstrumentError(
            "the lab's loader is not built: run `make build` in a checkout (needs gcc, libbpf-dev, "
            "libelf-dev, zlib1g-dev; the wheel does not carry it), or name its folder in PREFLIGHT_LAB_TOOLS"
        )
    return found


def built(name: str, arch: str = "") -> Path | None:
    """One of the lab's own programs: `loader`, `target` for uprobes and USDT, `frame`."""
    path = programs_folder(arch) / name
    return path if path.is_file() else None


def emulator(arch: str | None) -> str:
    """QEMU's path for kernels of an architecture. InstrumentError says what to install."""
    machine = qemu.machine_for(arch)
    program, package = machine.program, machine.package
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
        return _foreign(arch, objects=objects, bpftool=bpftool)
    return Tools(
        busybox=_static_busybox(),
        loader=loader() if objects else None,
        target=built("target") if objects else None,
        bpftool=_bpftool() if bpftool else None,
        frame=built("frame"),
        arch=arch,
        collector=collecting.nodes(arch) if collector else {},
    )


#: Debian's names of the architectures whose guest programs can be made on another machine.
_CROSS = {"aarch64": "arm64"}


def _foreign(arch: str, *, objects: bool, bpftool: bool) -> Tools:
    """The programs of another architecture, made by tools/foreign_lab.py."""
    root = programs_folder(arch) / "root"
    busybox = root / "bin" / "busybox"
    loader = built("loader", arch)
    if loader is None or not busybox.is_file():
        how = (
            f"`make lab-{_CROSS[arch]}` in a checkout makes them" if arch in _CROSS else "a host of that kind"
        )
        raise InstrumentError(f"{arch} kernels need guest programs of their own: {how}")
    return Tools(
        busybox=busybox,
        loader=loader if objects else None,
        target=built("target", arch) if objects else None,
        bpftool=root / "usr" / "sbin" / "bpftool" if bpftool else None,
        frame=built("frame", arch),
        arch=arch,
        root=root,
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
