# SPDX-License-Identifier: Apache-2.0
"""Compiles every `bpf/**/*.bpf.c` into `preflight/_bpf/`, and writes `manifest.json` there.

Used by the build hook (`hatch_build.py`) and by `make build`; it needs nothing but the
standard library, clang and the libbpf headers. A source decides in its first lines how
it is built, with comments of the form `// build: WORD...`:

    (nothing)      one object for each byte order: bpfel/NAME.bpf.o and bpfeb/NAME.bpf.o
    per-arch       one object for each machine of ARCHES, because the program reads registers:
                   bpfel/NAME.x86.bpf.o, bpfel/NAME.arm64.bpf.o, ...
    bpfel-only     the little-endian object alone
    cpu=v3         another instruction set level than CPU

The folder of a source below `bpf/` is the folder of its objects below `preflight/_bpf/`.
Objects are rebuilt only when their source, a header, the compiler or the flags changed.
The output does not depend on where the project lies or on the time.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
#: v2 runs on every kernel that has BTF and on the backports of older ones.
CPU = "v2"
CPUS = ("v1", "v2", "v3", "v4")
BYTE_ORDERS = ("bpfel", "bpfeb")
#: libbpf's names of the machines whose registers bpf/include/regs.h declares, and their byte order.
ARCHES = {"x86": "bpfel", "arm64": "bpfel", "riscv": "bpfel", "powerpc": "bpfel", "s390": "bpfeb"}
FLAGS = (
    "-std=gnu11",
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    # The macros of libbpf's headers name arguments a program may leave unused, and end in `args...`.
    "-Wno-unused-parameter",
    "-fno-stack-protector",
    "-fdebug-compilation-dir=.",
)
_DIRECTIVE = re.compile(r"^\s*(?://|\*|/\*)\s*build:\s*(?P<words>.*?)\s*(?:\*/)?$")
_DIRECTIVE_LINES = 20
_COMPILE_SECONDS = 120

WHAT_TO_INSTALL = (
    "Debian, Ubuntu: apt-get install clang llvm libbpf-dev linux-libc-dev; "
    "Fedora: dnf install clang llvm libbpf-devel kernel-headers; "
    "Alpine: apk add clang llvm libbpf-dev linux-headers"
)


class BuildError(Exception):
    """The objects cannot be built; the message says what is missing or what clang said."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The compiler and what was found out about it. `includes` are the host's system header folders."""

    clang: str
    version: str
    strip: str | None
    includes: tuple[str, ...]
    headers_digest: str


@dataclass(frozen=True, slots=True)
class Unit:
    """One object to build. Paths are relative: `source` to the project, `output` to the output folder."""

    source: str
    output: str
    target: str
    arch: str | None
    cpu: str


def _run(command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        list(command),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_COMPILE_SECONDS,
        check=False,
    )


def find_toolchain(environment: Mapping[str, str] = os.environ) -> Toolchain:
    """The compiler named by PREFLIGHT_CLANG, else `clang` on PATH. BuildError says what is missing."""
    wanted = environment.get("PREFLIGHT_CLANG") or "clang"
    clang = shutil.which(wanted, path=environment.get("PATH"))
    if clang is None:
        raise BuildError(f"{wanted} was not found, and the BPF programs need clang. {WHAT_TO_INSTALL}")
    version = _run([clang, "--version"])
    if version.returncode != 0 or "clang" not in version.stdout:
        raise BuildError(f"{wanted} does not behave like clang: {(version.stderr or version.stdout)[:200]!r}")
    includes = _system_includes(clang)
    return Toolchain(
        clang=clang,
        version=version.stdout.splitlines()[0].strip(),
        strip=_find_strip(clang, environment),
        includes=includes,
        headers_digest=_headers_digest(clang, includes),
    )


def _system_includes(clang: str) -> tuple[str, ...]:
    """Where this host keeps its C headers; with `-target bpf` clang does not know the multiarch folder."""
    shown = _run([clang, "-E", "-v", "-x", "c", os.devnull]).stderr.splitlines()
    folders: list[str] = []
    inside = False
    for line in shown:
        if line.startswith("#include <"):
            inside = True
        elif line.startswith("End of search list"):
            inside = False
        elif inside:
            folders.append(str(Path(line.strip()).resolve()))
    return tuple(folder for folder in folders if not Path(folder, "stddef.h").exists())


def _find_strip(clang: str, environment: Mapping[str, str]) -> str | None:
    """The llvm-strip that belongs to this clang, else any on PATH; GNU strip does not know BPF objects."""
    own = _run([clang, "-print-prog-name=llvm-strip"]).stdout.strip()
    if own and Path(own).is_absolute() and Path(own).exists():
        return own
    return shutil.which("llvm-strip", path=environment.get("PATH"))


def _headers_digest(clang: str, includes: Sequence[str]) -> str:
    """Digest of the libbpf and BPF headers the programs are built with. BuildError when they are absent."""
    needed = ("bpf/bpf_helpers.h", "bpf/bpf_tracing.h", "bpf/bpf_core_read.h", "linux/bpf.h")
    digest = hashlib.sha256()
    for name in needed:
        path = next((Path(f, name) for f in includes if Path(f, name).is_file()), None)
        if path is None:
            looked = ", ".join(includes) or "no folder at all"
            raise BuildError(f"the header {name} was not found (looked in {looked}). {WHAT_TO_INSTALL}")
        for header in sorted(path.parent.glob("*.h")) if name.startswith("bpf/bpf_helpers") else [path]:
            digest.update(header.name.encode() + b"\0" + header.read_bytes())
    return digest.hexdigest()


def directives(text: str) -> tuple[str, ...]:
    """The words of all `// build:` comments in the first lines of a source."""
    words: list[str] = []
    for line in text.splitlines()[:_DIRECTIVE_LINES]:
        if match := _DIRECTIVE.match(line):
            words.extend(match["words"].split())
    return tuple(words)


def units(root: Path) -> list[Unit]:
    """All objects the sources under `root`/bpf ask for, in a stable order. BuildError for an unknown word."""
    found: list[Unit] = []
    for path in sorted((root / "bpf").rglob("*.bpf.c")):
        source = path.relative_to(root).as_posix()
        folder = path.parent.relative_to(root / "bpf").as_posix()
        name = path.name.removesuffix(".bpf.c")
        words = set(directives(path.read_text(encoding="utf-8")))
        cpu = next((w.removeprefix("cpu=") for w in sorted(words) if w.startswith("cpu=")), CPU)
        unknown = words - {"per-arch", "bpfel-only", f"cpu={cpu}"}
        if unknown or cpu not in CPUS:
            raise BuildError(f"{source}: unknown build word {' '.join(sorted(unknown)) or f'cpu={cpu}'}")
        targets: list[tuple[str, str | None]]
        if "per-arch" in words:
            targets = [(order, arch) for arch, order in ARCHES.items()]
        else:
            targets = [(order, None) for order in BYTE_ORDERS]
        for order, arch in targets:
            if "bpfel-only" in words and order != "bpfel":
                continue
            file = f"{name}.{arch}.bpf.o" if arch else f"{name}.bpf.o"
            found.append(Unit(source, f"{folder}/{order}/{file}", order, arch, cpu))
    return found


def command_line(unit: Unit, tools: Toolchain, output: str) -> list[str]:
    """The clang command for one object, to be run in the project's folder."""
    command = [tools.clang, "-target", unit.target, f"-mcpu={unit.cpu}", *FLAGS]
    if unit.arch:
        command.append(f"-D__TARGET_ARCH_{unit.arch}")
    command += ["-I", "bpf/include"]
    for folder in tools.includes:
        command += ["-idirafter", folder]
    return [*command, "-c", unit.source, "-o", output]


def _own_headers_digest(root: Path, source: str) -> str:
    """Digest of the project's headers that a source can include: the shared ones and those beside it."""
    digest = hashlib.sha256()
    for folder in (root / "bpf" / "include", (root / source).parent):
        for header in sorted(folder.rglob("*.h")):
            digest.update(header.relative_to(root).as_posix().encode() + b"\0" + header.read_bytes())
    return digest.hexdigest()


def _inputs(root: Path, unit: Unit, tools: Toolchain, own_headers: str) -> str:
    """Digest of everything the object depends on."""
    digest = hashlib.sha256()
    for part in (
        unit.source,
        unit.target,
        unit.arch or "",
        unit.cpu,
        tools.version,
        tools.headers_digest,
        own_headers,
        "stripped" if tools.strip else "unstripped",
        *FLAGS,
    ):
        digest.update(part.encode() + b"\0")
    digest.update((root / unit.source).read_bytes())
    return digest.hexdigest()


def _compile(root: Path, out: Path, unit: Unit, tools: Toolchain) -> bytes:
    """Compile and strip one object; returns its bytes. BuildError with what clang said."""
    target = out / unit.output
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(suffix=".o", dir=target.parent)
    os.close(handle)
    try:
        # A relative output keeps the command the same everywhere.
        done = _run(command_line(unit, tools, scratch), cwd=root)
        if done.returncode != 0:
            raise BuildError(
                f"{unit.source} ({unit.target}, {unit.arch or 'any machine'}):\n{done.stderr.strip()}"
            )
        if tools.strip:
            # -g takes the DWARF and leaves .BTF and .BTF.ext.
            stripped = _run([tools.strip, "-g", scratch], cwd=root)
            if stripped.returncode != 0:
                raise BuildError(f"llvm-strip failed on {unit.output}: {stripped.stderr.strip()}")
        content = Path(scratch).read_bytes()
        Path(scratch).chmod(0o644)
        Path(scratch).replace(target)
        return content
    finally:
        Path(scratch).unlink(missing_ok=True)


def _previous(out: Path) -> dict[str, dict[str, Any]]:
    """The entries of the last manifest whose objects still are what they were."""
    try:
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        entries = {entry["path"]: entry for entry in manifest["objects"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {
        path: entry
        for path, entry in entries.items()
        if (out / path).is_file()
        and hashlib.sha256((out / path).read_bytes()).hexdigest() == entry.get("sha256")
    }


def build(root: Path, out: Path, tools: Toolchain, *, force: bool = False) -> dict[str, Any]:
    """Build what is out of date, remove what has no source any more, write and return the manifest.

    Returns the manifest with one more key, `rebuilt`: the paths compiled now.
    """
    out.mkdir(parents=True, exist_ok=True)
    wanted = units(root)
    own_headers = {source: _own_headers_digest(root, source) for source in {unit.source for unit in wanted}}
    before = {} if force else _previous(out)
    entries: dict[str, dict[str, Any]] = {}
    stale: list[tuple[Unit, str]] = []
    for unit in wanted:
        inputs = _inputs(root, unit, tools, own_headers[unit.source])
        kept = before.get(unit.output)
        if kept is not None and kept.get("inputs") == inputs:
            entries[unit.output] = kept
        else:
            stale.append((unit, inputs))

    errors: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        jobs = {pool.submit(_compile, root, out, unit, tools): (unit, inputs) for unit, inputs in stale}
        for job in concurrent.futures.as_completed(jobs):
            unit, inputs = jobs[job]
            try:
                content = job.result()
            except BuildError as error:
                errors.append(str(error))
                continue
            entries[unit.output] = {
                "path": unit.output,
                "source": unit.source,
                "target": unit.target,
                "arch": unit.arch,
                "cpu": unit.cpu,
                "inputs": inputs,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
            }
    if errors:
        raise BuildError("clang refused:\n" + "\n".join(sorted(errors)))

    for path in sorted(out.rglob("*.bpf.o")):
        if path.relative_to(out).as_posix() not in entries:
            path.unlink()
    manifest: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "compiler": tools.version,
        "flags": list(FLAGS),
        "libbpf_headers_sha256": tools.headers_digest,
        "stripped": tools.strip is not None,
        "objects": [entries[path] for path in sorted(entries)],
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    scratch = out / "manifest.json.new"
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(out / "manifest.json")
    return {**manifest, "rebuilt": sorted(unit.output for unit, _ in stale)}


def complete(root: Path, out: Path) -> bool:
    """Whether every object the sources ask for is there, whatever it was built from."""
    return all((out / unit.output).is_file() for unit in units(root)) and (out / "manifest.json").is_file()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: build into `preflight/_bpf` of this checkout, or elsewhere with --out."""
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="compile bpf/**/*.bpf.c into preflight/_bpf")
    parser.add_argument("--out", type=Path, default=root / "preflight" / "_bpf")
    parser.add_argument("--force", action="store_true", help="rebuild everything")
    options = parser.parse_args(arguments)
    try:
        tools = find_toolchain()
        manifest = build(root, options.out, tools, force=options.force)
    except BuildError as error:
        print(f"compile_bpf: {error}", file=sys.stderr)
        return 1
    built, of = len(manifest["rebuilt"]), len(manifest["objects"])
    print(f"compile_bpf: {built} of {of} objects built, {tools.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
