#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile the objects of tests/predict/blind and record what packaged kernels do with them.

    python tools/record_blind.py [--compile] [--only PATTERN]

Writes fixtures/blind/objects.tar.xz (with --compile, or where it is not there) and, for each kernel,
fixtures/blind/RELEASE.json.xz. The objects were written before anything was predicted of them, to find out
where predictions are wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import lzma
import subprocess
import sys
import tarfile
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.kernels import resolve_all  # noqa: E402
from preflight.lab import truth  # noqa: E402
from preflight.lab.run import Plan, Subject, run  # noqa: E402

SOURCES = ROOT / "tests" / "predict" / "blind"
FIXTURES = ROOT / "fixtures" / "blind"
OBJECTS = FIXTURES / "objects.tar.xz"
KERNELS = ("5.10.0-32-amd64", "6.1.0-50-amd64", "6.12.107+deb13-cloud-amd64", "7.3.4+deb13-amd64")
_LEVELS = {"// mcpu=v3": "v3", "// mcpu=v4": "v4"}


def compile_all() -> dict[str, bytes]:
    """Name -> object, without debug information beyond BTF."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted(SOURCES.glob("*.bpf.c")):
            text = source.read_text(encoding="utf-8")
            level = next((level for mark, level in _LEVELS.items() if mark in text), "v2")
            made = Path(folder) / f"{source.name.removesuffix('.c')}.o"
            subprocess.run(
                ["clang-19", "-g", "-O2", "-target", "bpf", f"-mcpu={level}",
                 f"-ffile-prefix-map={SOURCES}=.", "-I/usr/include/x86_64-linux-gnu",
                 "-Wno-unknown-attributes", "-Wno-visibility",
                 "-c", source.name, "-o", str(made)],
                cwd=SOURCES, check=True,
            )  # fmt: skip
            subprocess.run(["llvm-strip-19", "-g", str(made)], check=True)
            found[made.name] = made.read_bytes()
    return found


def pack(objects: dict[str, bytes]) -> bytes:
    """The objects as a tar file whose bytes depend on them alone."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(objects.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return lzma.compress(held.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def unpack() -> dict[str, bytes]:
    """The recorded objects by name."""
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(OBJECTS.read_bytes()))) as archive:
        files = [(entry.name, archive.extractfile(entry)) for entry in archive if entry.isfile()]
        return {name: file.read() for name, file in files if file is not None}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--compile", action="store_true", help="compile the objects again")
    parser.add_argument("--only", default="*", help="only kernels whose release matches this pattern")
    arguments = parser.parse_args()
    FIXTURES.mkdir(parents=True, exist_ok=True)
    if arguments.compile or not OBJECTS.exists():
        OBJECTS.write_bytes(pack(compile_all()))
    wanted = tuple(
        Subject(name, hashlib.sha256(data).hexdigest(), data, "x86_64") for name, data in unpack().items()
    )
    for release in KERNELS:
        if not fnmatchcase(release, arguments.only):
            continue
        (kernel,) = resolve_all([f"debian/{release}"])
        (measured,) = run([kernel], Plan(subjects=wanted))
        print(f"{release}: {measured.outcome}, {len(measured.objects)} objects")
        truth.write(FIXTURES / f"{release}.json.xz", truth.compact(measured, kernel, {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
