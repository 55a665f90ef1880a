# SPDX-License-Identifier: Apache-2.0
"""Builds the libbpf oracle (`oracle.c`) and runs it.

The binary is kept under `.cache/oracle/`, named after everything that goes into it, so it
is built once per libbpf version and per change of `oracle.c`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(__file__).with_name("oracle.c")
CACHE = ROOT / ".cache/oracle"
#: part of the unity build, so not compiled a second time
INCLUDED = ("libbpf.c", "relo_core.c")


class OracleUnavailableError(Exception):
    """The oracle cannot be built here; the message says why."""


def _libbpf() -> Path:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import fetch_libbpf
    finally:
        sys.path.pop(0)
    try:
        return fetch_libbpf.fetch(ROOT / ".cache/libbpf")
    except fetch_libbpf.UnavailableError as problem:
        raise OracleUnavailableError(f"libbpf's source: {problem}") from problem


def libbpf_version() -> str:
    """The version that is compared with, as its package calls it."""
    return _libbpf().name


def build() -> Path:
    """The oracle's path, built when needed; raises OracleUnavailableError with the reason."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise OracleUnavailableError("no C compiler")
    libbpf = _libbpf()
    key = hashlib.sha256(SOURCE.read_bytes() + libbpf.name.encode()).hexdigest()[:16]
    binary = CACHE / f"oracle-{libbpf.name}-{key}"
    if binary.exists():
        return binary
    CACHE.mkdir(parents=True, exist_ok=True)
    # two test processes may build at the same time: each under its own name, the rename is atomic
    scratch = binary.with_name(f"{binary.name}.{os.getpid()}")
    sources = [path for path in sorted((libbpf / "src").glob("*.c")) if path.name not in INCLUDED]
    done = subprocess.run(
        [compiler, "-O1", "-std=gnu99", "-w", "-D_LARGEFILE64_SOURCE", "-D_FILE_OFFSET_BITS=64"]
        + [f"-I{libbpf / part}" for part in ("src", "include", "include/uapi")]
        + ["-o", str(scratch), str(SOURCE), *map(str, sources), "-lelf", "-lz"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:200])
        raise OracleUnavailableError(f"the oracle does not compile here (libelf and zlib headers?): {first}")
    scratch.rename(binary)
    return binary


def run(
    btf: Path,
    objects: Sequence[Path],
    *,
    modules: Mapping[str, Path] | Iterable[tuple[str, Path]] = (),
    config: Path | None = None,
    kernel_version: int = 0,
    all_programs: bool = False,
) -> list[dict[str, Any]]:
    """One result per object, in order; the fields are those `oracle.c` prints."""
    command = [str(build()), "--btf", str(btf)]
    for name, path in dict(modules).items():
        command += ["--module", f"{name}={path}"]
    if config is not None:
        command += ["--config", str(config)]
    if kernel_version:
        command += ["--kernel-version", str(kernel_version)]
    if all_programs:
        command.append("--all-programs")
    done = subprocess.run(
        [*command, *map(str, objects)], capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"oracle ended with {done.returncode}: {done.stderr[:500]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
