# SPDX-License-Identifier: Apache-2.0
"""Builds the compiled loops of native/, which are for `preflight.btf.quick`, `preflight.kernels.symbols` and
`preflight.bytecode.insn`.

Everything works without them, only slower. Without a C compiler or Python's headers nothing is built; that is
said, and is no error. The module uses Python's stable interface, so one file serves 3.11 and later.
"""

from __future__ import annotations

import os
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


def build(built: Path = BUILT, *, source: Path = SOURCE, flags: tuple[str, ...] = ()) -> str | None:
    """Compile; what keeps it from being compiled, or None. RuntimeError when the source is wrong."""
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
        raise RuntimeError(run.stderr.strip())
    fresh.replace(built)
    return None


def main() -> int:
    """Build what is older than its source; 1 when the source does not compile."""
    for source, built in MODULES.items():
        newest = max(source.stat().st_mtime, Path(__file__).stat().st_mtime)
        if built.exists() and built.stat().st_mtime > newest:
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
