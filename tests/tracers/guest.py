# SPDX-License-Identifier: Apache-2.0
"""The tracers in a booted kernel, under the known events of known.py and known_work.py.

The guest gets this Python, preflight, its compiled tracers, the system's libbpf, a disk, the program of
work.c, and these tests: what a tracer's session does there is what it does on a host.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

from preflight import bpf_objects
from preflight.kernels import Kernel
from preflight.lab import collector, guest, initramfs, qemu, wire
from preflight.lab.initramfs import Node
from preflight.lab.material import Supply
from preflight.lab.tools import emulator, guest_tools

_ROOT = Path(__file__).resolve().parent.parent.parent
_ARCH = "x86_64"
#: `bpf` among the security modules: before 6.12 a program on a hook runs only then.
_APPEND = "lsm=capability,lockdown,bpf"
_SECONDS = 900.0
_DISK_BYTES = 16 << 20
_RUN = f"""
mark tracers begin
env PYTHONHOME={collector.HOME} PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={collector.HOME}/app \\
    python3 -S -s -m tests.tracers.guest_main @WORDS@ > /tmp/results 2>/tmp/error
mark tracers "$?"
frame results /tmp/results
frame errors /tmp/error
"""


def results(kernel: Kernel, work: Path, *tracers: str) -> list[dict[str, Any]]:
    """What guest_main says on this kernel, for the named tracers or all. `work` is the compiled work.c.

    AssertionError without an answer.
    """
    files = Supply().files(kernel)
    ended = qemu.boot(
        emulator(_ARCH),
        files.image,
        _initrd(work, tracers),
        accel="tcg",
        append=_APPEND,
        disk_bytes=_DISK_BYTES,
        # It says nothing between its beginning and its end.
        limits=qemu.Limits(total=_SECONDS, idle=_SECONDS),
    )
    frames = {item.name: item.data for item in wire.read(ended.output) if isinstance(item, wire.Frame)}
    said = frames.get("errors", b"").decode(errors="replace")[-2000:]
    assert frames.get("results"), f"{kernel.name}: {ended.reason}; {said or ended.console[-2000:]!r}"
    return [json.loads(line) for line in frames["results"].splitlines()]


def _initrd(work: Path, tracers: tuple[str, ...]) -> bytes:
    tools = guest_tools(arch=_ARCH, objects=False, bpftool=False)
    head = guest._HEAD.replace("@LIMIT@", str(int(_SECONDS))).replace("@PORT@", qemu.machine_for(_ARCH).port)
    run = _RUN.replace("@WORDS@", " ".join(tracers))
    nodes: dict[str, Node] = {
        **{name: initramfs.folder() for name in ("proc", "sys", "dev", "tmp", "etc")},
        "dev/console": initramfs.console(),
        "etc/hosts": initramfs.file(b"127.0.0.1 localhost\n"),
        "init": initramfs.file((head + run + guest._TAIL).encode("ascii"), executable=True),
        "bin/busybox": initramfs.file(tools.busybox.read_bytes(), executable=True),
        **initramfs.busybox_links(guest.COMMANDS),
        **initramfs.with_libraries(work, _ARCH, name="work"),
        **_python(),
        **_project(),
    }
    if tools.frame is not None:
        nodes["bin/frame"] = initramfs.file(tools.frame.read_bytes(), executable=True)
    return initramfs.archive(nodes)


def _folders() -> tuple[Path, ...]:
    return (Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib"),)


def _python() -> dict[str, Node]:
    """Python, the modules that the checks may import, and the shared libraries that they open."""
    python = Path(sys.executable).resolve()
    found = initramfs.with_libraries(python, _ARCH, name="python3", folders=_folders())
    libbpf = initramfs._library("libbpf.so.1", _ARCH, _folders())
    found |= {"lib/libbpf.so.1": initramfs.file(libbpf.read_bytes(), executable=True)}
    found |= initramfs.libraries(libbpf, _ARCH, _folders())
    ours, standard = _imported("tests.tracers.guest_main")
    for path in ours:
        found |= collector._compiled(f"py/app/{path.relative_to(_ROOT)}", path)
    for path in collector._standard_library({*standard, "runpy", "encodings.idna"}):
        found |= collector._standard(path, _ARCH, _folders())
    return found


def _imported(entry: str) -> tuple[set[Path], set[str]]:
    """The project's files that a module may import, and the standard modules that they name."""
    waiting, seen = [entry], set[str]()
    ours, standard = set[Path](), set[str]()
    while waiting:
        name = waiting.pop()
        path = collector._path_of(name)
        if name in seen:
            continue
        seen.add(name)
        if name.partition(".")[0] in sys.stdlib_module_names:
            standard.add(name)
        elif name.partition(".")[0] in ("preflight", "tests"):
            waiting += [name.rpartition(".")[0]] if "." in name else []
            if path.is_file():
                ours.add(path)
                waiting += collector._imports(path)
    return ours, standard


def _project() -> dict[str, Node]:
    """The tracers' objects and the data of the catalogue."""
    folder = _ROOT / "preflight"
    paths = [one.path for one in bpf_objects.objects("tracers") if one.target == "bpfel"]
    paths += [folder / "_bpf" / "manifest.json", *(folder / "tracers" / "catalogue").glob("*.toml")]
    paths += [path for path in (folder / "tracers" / "data").rglob("*") if path.is_file()]
    return {f"py/app/{path.relative_to(_ROOT)}": initramfs.file(path.read_bytes()) for path in paths}
