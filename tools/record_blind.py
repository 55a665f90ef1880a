#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile the objects of tests/predict/blind and record what packaged kernels do with them.

    python tools/record_blind.py [--set NAME] [--compile] [--predict] [--only PATTERN]

Writes fixtures/blind/objects.tar.xz (with --compile, or where it is not there) and, for each kernel,
fixtures/blind/RELEASE.json.xz. The objects were written before anything was predicted of them, to find out
where predictions are wrong. Later sets lie in folders of their own, beside them what was predicted before any
kernel was asked: predicted.json.xz, made by --predict, which records nothing and never writes it twice.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
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
from preflight.objects.load import load  # noqa: E402
from preflight.predict.kernel_facts import KernelFacts  # noqa: E402
from preflight.predict.predict_report import result, summarise  # noqa: E402
from preflight.predict.target import KernelTarget  # noqa: E402
from preflight.predict.verdict import predict  # noqa: E402
from preflight.render.envelope import envelope  # noqa: E402

SOURCES = ROOT / "tests" / "predict" / "blind"
FIXTURES = ROOT / "fixtures" / "blind"
KERNELS = ("5.10.0-32-amd64", "6.1.0-50-amd64", "6.12.107+deb13-cloud-amd64", "7.3.4+deb13-amd64")
_LEVELS = {"// mcpu=v3": "v3", "// mcpu=v4": "v4"}
_OLDER = "// clang-14\n"


def compile_all(sources: Path) -> dict[str, bytes]:
    """Name -> object, without debug information beyond BTF."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted(sources.glob("*.bpf.c")):
            text = source.read_text(encoding="utf-8")
            level = next((level for mark, level in _LEVELS.items() if mark in text), "v2")
            compiler = "clang-14" if _OLDER in text else "clang-19"
            made = Path(folder) / f"{source.name.removesuffix('.c')}.o"
            subprocess.run(
                [compiler, "-g", "-O2", "-target", "bpf", f"-mcpu={level}",
                 f"-ffile-prefix-map={sources}=.", "-I/usr/include/x86_64-linux-gnu",
                 "-Wno-unknown-attributes", "-Wno-visibility",
                 "-c", source.name, "-o", str(made)],
                cwd=sources, check=True,
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


def unpack(packed: Path) -> dict[str, bytes]:
    """The recorded objects by name."""
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed.read_bytes()))) as archive:
        files = [(entry.name, archive.extractfile(entry)) for entry in archive if entry.isfile()]
        return {name: file.read() for name, file in files if file is not None}


def predict_all(objects: dict[str, bytes]) -> bytes:
    """What `preflight predict` says of the objects on each kernel: its results, as `lab score --predicted`
    takes them."""
    facts = {release: KernelFacts(KernelTarget(resolve_all([f"debian/{release}"])[0])) for release in KERNELS}
    results = [
        result(predict(load(data, name), of), f"debian/{release}")
        for release, of in facts.items()
        for name, data in sorted(objects.items())
    ]
    made = envelope("predict", summarise(results, [f"debian/{release}" for release in facts], 0), results)
    return lzma.compress(json.dumps(made, sort_keys=True).encode(), preset=9 | lzma.PRESET_EXTREME)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--compile", action="store_true", help="compile the objects again")
    parser.add_argument("--only", default="*", help="only kernels whose release matches this pattern")
    parser.add_argument("--set", default=".", metavar="NAME", help="the set in the folder of that name")
    parser.add_argument("--predict", action="store_true", help="write down what is predicted, once")
    arguments = parser.parse_args()
    fixtures, sources = FIXTURES / arguments.set, SOURCES / arguments.set
    packed, predicted = fixtures / "objects.tar.xz", fixtures / "predicted.json.xz"
    fixtures.mkdir(parents=True, exist_ok=True)
    if arguments.compile or not packed.exists():
        packed.write_bytes(pack(compile_all(sources)))
    if arguments.predict:
        if predicted.exists():
            parser.error(f"{predicted} is there; what was predicted first stays")
        predicted.write_bytes(predict_all(unpack(packed)))
        return 0
    wanted = tuple(
        Subject(name, hashlib.sha256(data).hexdigest(), data, "x86_64")
        for name, data in unpack(packed).items()
    )
    for release in KERNELS:
        if not fnmatchcase(release, arguments.only):
            continue
        (kernel,) = resolve_all([f"debian/{release}"])
        (measured,) = run([kernel], Plan(subjects=wanted))
        print(f"{release}: {measured.outcome}, {len(measured.objects)} objects")
        truth.write(fixtures / f"{release}.json.xz", truth.compact(measured, kernel, {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
