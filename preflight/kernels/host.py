# SPDX-License-Identifier: Apache-2.0
"""The running kernel as facts, from /sys/kernel/btf, /proc, /boot and tracefs. Reads only.

What this process may not read is unknown.
"""

from __future__ import annotations

import os
from pathlib import Path

from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.kernels.btfblob import ByteOrder, byteorder_of
from preflight.kernels.model import Contents, Identity, Kernel, Provenance

HOST = "host"
#: Said beside predictions for the running kernel, which has a machine around it.
PREDICTED_NOTE = (
    "host: predicted from the facts of its kernel alone. Whether this machine refuses what its kernel takes "
    "(EPERM from a security module, lockdown, missing capabilities) is what `preflight check OBJECT...` tries"
)

_BTF = "sys/kernel/btf"
_CONFIGS = (
    "proc/config.gz",
    "boot/config-{release}",
    "usr/lib/modules/{release}/config",
    "lib/modules/{release}/config",
    "lib/modules/{release}/build/.config",
)
_TRACEFS = ("sys/kernel/tracing", "sys/kernel/debug/tracing")
#: Where libbpf looks when sysfs has no BTF (btf__load_vmlinux_btf in src/btf.c).
_IMAGES = (
    "boot/vmlinux-{release}",
    "lib/modules/{release}/vmlinux-{release}",
    "lib/modules/{release}/build/vmlinux",
    "usr/lib/modules/{release}/kernel/vmlinux",
    "usr/lib/debug/boot/vmlinux-{release}",
    "usr/lib/debug/boot/vmlinux-{release}.debug",
    "usr/lib/debug/lib/modules/{release}/vmlinux",
)


def running(root: Path = Path("/")) -> Kernel:
    """The running kernel; `root` is the file system to read it from. InputError when it shows no BTF."""
    uname = os.uname()
    release = uname.release
    btf, order = _vmlinux(root, release)
    identity = Identity(name=HOST, byteorder=order, release=release, arch=uname.machine)
    contents = Contents(
        btf=btf,
        config=_first(root, _CONFIGS, release),
        modules=_modules(root),
        symbols=_readable(root / "proc/kallsyms"),
        tracepoints=_first(root, [f"{t}/available_events" for t in _TRACEFS], release),
        filter_functions=_first(root, [f"{t}/available_filter_functions" for t in _TRACEFS], release),
    )
    return Kernel(identity, contents, Provenance("host"))


def _vmlinux(root: Path, release: str) -> tuple[Blob, ByteOrder]:
    blob = _readable(root / _BTF / "vmlinux")
    if blob is not None:
        order = byteorder_of(blob.read()[:4])
        if order is None:
            raise InputError("is not BTF", subject=f"/{_BTF}/vmlinux", offset=0)
        return blob, order
    from preflight.kernels import image

    for place in _IMAGES:
        found = _readable(root / place.format(release=release))
        if found is not None:
            data, order = image.unpack(found.read(), subject=place).found_btf
            return Blob(data=data), order
    raise InputError(
        f"the running kernel {release} shows no BTF (/{_BTF}/vmlinux is absent or unreadable, "
        "and no vmlinux image is installed)",
        subject=HOST,
    )


def _modules(root: Path) -> dict[str, Blob] | None:
    try:
        files = sorted((root / _BTF).iterdir())
    except OSError:
        return None
    return {file.name: Blob(path=file) for file in files if file.name != "vmlinux"}


def _first(root: Path, places: tuple[str, ...] | list[str], release: str) -> Blob | None:
    found = (_readable(root / place.format(release=release)) for place in places)
    return next((blob for blob in found if blob is not None), None)


def _readable(path: Path) -> Blob | None:
    """A file that opens and has at least one byte: tracefs and kallsyms may be there and closed or empty."""
    try:
        with path.open("rb") as stream:
            return Blob(path=path) if stream.read(1) else None
    except OSError:
        return None
