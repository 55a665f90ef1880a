# SPDX-License-Identifier: Apache-2.0
"""Builds the compiled loops of native/, which are for `preflight.btf.quick`, `preflight.kernels.symbols` and
`preflight.bytecode.insn`.

Everything works without them, only slower. Without a C compiler or Python's headers nothing is built; that is
said, and is no error. The modules use Python's stable interface, so one file serves 3.11 and later. Here they
come to lie beside the modules that use them; the build hook of the wheel (hatch_build.py) compiles its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "native" / "btf_quick.c"
BUILT = ROOT / "preflight" / "btf" / "_quick.abi3.so"
#: Source -> the module that is built of it.
MODULES = {
    SOURCE: BUILT,
    ROOT / "native" / "symbols_quick.c": ROOT / "preflight" / "kernels" / "_symbols.abi3.so",
    ROOT / "native" / "insn_quick.c": ROOT / "preflight" / "bytecode" / "_insn.abi3.so",
}
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")
WHAT_TO_INSTALL = (
    "Debian, Ubuntu: apt-get install gcc libc6-dev python3-dev; Fedora: dnf install gcc python3-devel"
)


def compiler() -> str | None:
    """The compiler named by CC, else gcc, else cc on PATH."""
    names = (os.environ.get("CC"), "gcc", "cc")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def current(source: Path, built: Path) -> bool:
    """Whether what was built is newer than its source, and than the flags in this file."""
    newest = max(source.stat().st_mtime, Path(__file__).stat().st_mtime)
    return built.exists() and built.stat().st_mtime > newest


def oldest_python() -> str:
    """The oldest Python that the modules serve, as in a wheel's name (`cp311`): what the sources define."""
    asked = {
        int(found, 16)
        for source in MODULES
        for found in re.findall(r"^#define Py_LIMITED_API (0x[0-9a-f]{8})$", source.read_text(), re.MULTILINE)
    }
    newest = max(asked)
    return f"cp{newest >> 24}{newest >> 16 & 0xFF}"


def _unusable() -> str | None:
    """Why this Python takes no modules of the stable interface, or None."""
    if sys.platform != "linux":
        return f"the loops are for Linux, not {sys.platform}"
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} has an interface of its own"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "a Python without its global lock has no stable interface"
    return None


def build(built: Path = BUILT, *, source: Path = SOURCE, flags: tuple[str, ...] = ()) -> str | None:
    """Compile; what keeps it from being compiled, or None. RuntimeError when the compiler refuses it."""
    if unusable := _unusable():
        return unusable
    found = compiler()
    headers = Path(sysconfig.get_path("include"))
    if found is None:
        return "no C compiler"
    if not (headers / "Python.h").is_file():
        return f"no Python.h in {headers}"
    # a process that has the old file loaded goes on with it
    fresh = built.with_name(f"{built.name}.{os.getpid()}.new")
    command = [found, *FLAGS, *flags, f"-I{headers}", str(source), "-o", str(fresh)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        fresh.unlink(missing_ok=True)
        raise RuntimeError(run.stderr.strip() or f"{found} ended with {run.returncode}")
    fresh.replace(built)
    return None


def main() -> int:
    """Build what is older than its source; 1 when the source does not compile."""
    for source, built in MODULES.items():
        if current(source, built):
            print(f"compile_native: {built.name}: nothing to build")
            continue
        try:
            absent = build(built, source=source)
        except RuntimeError as error:
            print(f"compile_native: {error}", file=sys.stderr)
            return 1
        if absent:
            print(
                f"compile_native: {absent}: kernels and programs are read by Python alone. {WHAT_TO_INSTALL}",
                file=sys.stderr,
            )
            break
        print(f"compile_native: {built.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
