#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the lab's guest programs for another architecture, so that its kernels can be booted here.

    python tools/foreign_lab.py arm64

Busybox, bpftool and their libraries come from the host's own Debian suite, for that architecture, through a
private apt root; the loader is compiled with the distribution's cross compiler. The result is
`build/lab/MACHINE`: `loader`, `target`, `frame`, and `root` with the rest. Nothing is installed; what has
to be installed first (the cross compiler, QEMU) is said in one line.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.errors import PreflightError  # noqa: E402
from preflight.kernels.fetch_debian import open_suite  # noqa: E402
from preflight.kernels.packages import ARCHITECTURES  # noqa: E402
from preflight.lab.initramfs import needed  # noqa: E402
from preflight.lab.qemu import MACHINES  # noqa: E402
from tools.compile_lab import BuildError, build  # noqa: E402

#: Debian's architecture -> its cross compiler, and the packages that have it.
CROSS = {"arm64": ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross")}
#: What is linked into the loader, and what goes into the guest as it is.
DEVELOPMENT = ("libbpf-dev", "libelf-dev", "zlib1g-dev")
PROGRAMS = ("busybox-static", "bpftool")
#: A shared library -> the package that has it in Debian.
LIBRARIES = {
    "ld-linux-aarch64.so.1": "libc6",
    "libc.so.6": "libc6",
    "libcap.so.2": "libcap2",
    "libelf.so.1": "libelf1",
    "libm.so.6": "libc6",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}


class Packages:
    """The packages of the host's suite for one architecture, unpacked into one folder."""

    def __init__(self, arch: str, folder: Path) -> None:
        root = open_suite(_suite(), arch, say=print)
        self._root = root
        self._known = {package.name: package for package in root.packages("")}
        self._folder = folder
        self._done: set[str] = set()

    def unpack(self, name: str) -> None:
        """Fetch a package and unpack it, once. BuildError when the suite does not have it."""
        if name in self._done:
            return
        if name not in self._known:
            raise BuildError(f"{self._root.suite} has no {name} for {self._root.arch}")
        self._done.add(name)
        store = self._folder.parent / "packages"
        store.mkdir(parents=True, exist_ok=True)
        path = self._root.download(self._known[name], store)
        subprocess.run(["dpkg-deb", "-x", str(path), str(self._folder)], check=True)

    def unpack_libraries(self, program: Path) -> None:
        """The packages of the shared libraries that a program needs, and of those that they need."""
        for library in needed(program)[1]:
            if library not in LIBRARIES:
                raise BuildError(f"{program.name} needs {library}, of which no package is known here")
            if LIBRARIES[library] not in self._done:
                self.unpack(LIBRARIES[library])
                for found in self._folder.glob(f"**/{library}"):
                    self.unpack_libraries(found)


def _suite() -> str:
    """The codename of the host's Debian."""
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise BuildError("this host's release has no codename, so no suite can be chosen")


def make(arch: str) -> Path:
    """Everything for one architecture; the folder it is in. BuildError or PreflightError without it."""
    machine = ARCHITECTURES[arch]
    compiler, packages = CROSS[arch]
    if shutil.which(compiler) is None:
        raise BuildError(f"no {compiler}: apt-get install {packages} {MACHINES[machine].package}")
    folder = ROOT / "build" / "lab" / machine
    root = folder / "root"
    found = Packages(arch, root)
    for name in (*DEVELOPMENT, *PROGRAMS):
        found.unpack(name)
    found.unpack_libraries(root / "usr/sbin/bpftool")
    triplet = compiler.removesuffix("-gcc")
    more = (f"-I{root}/usr/include", f"-I{root}/usr/include/{triplet}", f"-L{root}/usr/lib/{triplet}")
    build(folder, compiler, more)
    return folder


def main() -> int:
    """Command line; 1 with one line when something is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("arch", choices=sorted(CROSS))
    try:
        print(f"foreign_lab: {make(parser.parse_args().arch)}")
    except (BuildError, PreflightError, OSError, subprocess.CalledProcessError) as error:
        print(f"foreign_lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
