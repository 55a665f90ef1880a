# SPDX-License-Identifier: Apache-2.0
"""Builds the lab's own programs from `bpf/loader/` into `build/lab/MACHINE/`.

The loader, its uprobe target and what packs a guest's output are static programs, because they run in guests
that have no libraries. Without a C compiler or the static libraries nothing is built: everything but the lab
works without them, so that is said and is no error.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "bpf" / "loader"
FLAGS = ("-D_GNU_SOURCE", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static")
WHAT_TO_INSTALL = (
    "Debian, Ubuntu: apt-get install gcc libc6-dev libbpf-dev libelf-dev zlib1g-dev; "
    "Fedora: dnf install gcc glibc-static libbpf-static elfutils-libelf-devel-static zlib-static; "
    "Alpine: apk add gcc musl-dev linux-headers libbpf-dev elfutils-dev zlib-static"
)


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its source and the libraries it is linked with."""

    name: str
    libraries: tuple[str, ...]


#: libelf is built with zstd on some distributions, and then needs it.
MORE_LIBRARIES: tuple[tuple[str, ...], ...] = ((), ("-lzstd",))
PROGRAMS = (Program("loader", ("-lbpf", "-lelf", "-lz")), Program("target", ()), Program("frame", ("-lz",)))


#: What a compiler says when something is not installed, as opposed to wrong.
_ABSENT = re.compile(r"cannot find -l|No such file or directory|library not found")


class BuildError(Exception):
    """A program cannot be built; the message is the compiler's."""


class AbsentError(BuildError):
    """It cannot be built because a header or a static library is not installed."""


def compiler() -> str | None:
    """The compiler named by CC, else gcc, else cc on PATH."""
    return next(
        (found for name in (os.environ.get("CC"), "gcc", "cc") if name and (found := shutil.which(name))),
        None,
    )


def digest(cc: str, more: tuple[str, ...] = ()) -> str:
    """What the programs depend on: sources, flags, the compiler."""
    whole = hashlib.sha256(" ".join((cc, *FLAGS, *more)).encode())
    for path in sorted(SOURCES.glob("*.[ch]")):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def build(out: Path, cc: str, more: tuple[str, ...] = ()) -> list[str]:
    """Build what is out of date; the names of what was built. BuildError with the compiler's words.

    `more` are flags besides FLAGS: where a cross compiler finds headers and libraries.
    """
    out.mkdir(parents=True, exist_ok=True)
    stamp = out / "inputs"
    wanted = digest(cc, more)
    fresh = stamp.is_file() and stamp.read_text() == wanted
    if fresh and all((out / program.name).is_file() for program in PROGRAMS):
        return []
    for program in PROGRAMS:
        with tempfile.TemporaryDirectory(dir=out) as scratch:
            made = Path(scratch) / program.name
            _compile(cc, program, made, more)
            made.replace(out / program.name)
    stamp.write_text(wanted)
    return [program.name for program in PROGRAMS]


def _compile(cc: str, program: Program, made: Path, flags: tuple[str, ...]) -> None:
    first = ""
    for more in MORE_LIBRARIES if program.libraries else ((),):
        libraries = (*program.libraries, *more)
        command = [cc, *FLAGS, *flags, "-o", str(made), str(SOURCES / f"{program.name}.c"), *libraries]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=300, check=False
        )
        if done.returncode == 0:
            return
        first = first or f"{program.name}: {done.stderr.strip()[-2000:]}"
    raise (AbsentError if _ABSENT.search(first) else BuildError)(first)


def main() -> int:
    """Build into `build/lab/MACHINE`; 0 also when what it takes is not installed here."""
    cc = compiler()
    if cc is None:
        print(f"compile_lab: no C compiler, so no lab here. {WHAT_TO_INSTALL}", file=sys.stderr)
        return 0
    try:
        built = build(ROOT / "build" / "lab" / os.uname().machine, cc)
    except AbsentError as error:
        print(f"compile_lab: no lab here: {error}\n{WHAT_TO_INSTALL}", file=sys.stderr)
        return 0
    except BuildError as error:
        print(f"compile_lab: {error}", file=sys.stderr)
        return 1
    print(f"compile_lab: {', '.join(built) if built else 'nothing to build'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
