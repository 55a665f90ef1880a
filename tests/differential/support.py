# SPDX-License-Identifier: Apache-2.0
"""What the differential tests compare, and on what: objects, kernels, one comparison."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from preflight.btf import Btf
from preflight.core import (
    ObjectRelocation,
    Target,
    find_attach_target,
    kconfig_map,
    relocate_object,
    resolve_externs,
)
from preflight.errors import PreflightError
from preflight.kernels import Kernel, Store, resolve
from preflight.objects import BpfObject, load, open_objects
from tests.differential.broken_objects import broken_objects

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
SOURCES = Path(__file__).with_name("src")
KERNELS = CACHE / "kernels"
#: where the distribution's package manager lists the tracers that embed objects
TOOL_LIST = Path("/var/lib/dpkg/info/libbpf-tools.list")
#: type_matches needs clang 15 or later
NEEDS_NEW_CLANG = ("matches.bpf.c",)
NEW_CLANG = ("clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang")
ANY_CLANG = ("clang-14", "clang")
FLAGS = ("-g", "-O2", "-Wall", "-Wno-unused", f"-fdebug-prefix-map={SOURCES}=.")
TARGETS = {"little": "bpfel", "big": "bpfeb"}


class MissingError(Exception):
    """Something the comparison needs is not on this machine; the message says what."""


@dataclass(frozen=True)
class Subject:
    """An object in both forms: the file the oracle reads and the parsed one."""

    path: Path
    obj: BpfObject

    @property
    def name(self) -> str:
        return self.obj.name


def write_once(path: Path, content: bytes) -> Path:
    """The file with that content; other test processes may write the same one."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
        scratch.write_bytes(content)
        scratch.replace(path)
    return path


def subject(name: str, content: bytes, folder: Path) -> Subject:
    """A subject from bytes."""
    return Subject(write_once(folder / name, content), load(content, name))


@cache
def tool_objects() -> tuple[Subject, ...]:
    """Every distinct object embedded in the installed libbpf-tools."""
    if not TOOL_LIST.exists():
        raise MissingError("the package libbpf-tools is not installed")
    found: dict[str, BpfObject] = {}
    for line in TOOL_LIST.read_text(encoding="utf-8").splitlines():
        path = Path(line)
        if "/sbin/" in line and path.is_file() and not path.is_symlink():
            try:
                for obj in open_objects(path):
                    found.setdefault(obj.sha256, obj)
            except PreflightError:
                continue
    folder = CACHE / "differential/tools"
    return tuple(subject(f"{obj.name}-{obj.sha256[:8]}.bpf.o", obj.data, folder) for obj in found.values())


def _compiler(source: Path) -> str:
    names = NEW_CLANG if source.name in NEEDS_NEW_CLANG else ANY_CLANG
    for name in names:
        if shutil.which(name):
            return name
    raise MissingError(f"none of {', '.join(names)} is installed")


@cache
def synthetic_objects(byteorder: str) -> tuple[Subject, ...]:
    """The project's own sources, compiled, and objects that no compiler makes."""
    folder = CACHE / f"differential/broken/{byteorder}"
    broken = [subject(f"{name}.{byteorder}", data, folder) for name, data in broken_objects(byteorder)]
    return (*_compiled(byteorder), *broken)


def _compiled(byteorder: str) -> list[Subject]:
    """The compiled sources; those that need a newer compiler than there is are left out, see `uncompiled`."""
    return [
        _compile(source, byteorder)
        for source in sorted(SOURCES.glob("*.bpf.c"))
        if source.name not in uncompiled()
    ]


@cache
def uncompiled() -> dict[str, str]:
    """Sources that no installed compiler understands, and why; only those that need a new one may be here."""
    found = {}
    for name in NEEDS_NEW_CLANG:
        try:
            _compile(SOURCES / name, "little")
        except MissingError as problem:
            found[name] = str(problem)
    return found


def _compile(source: Path, byteorder: str) -> Subject:
    """The object is kept under a name that changes with the source and the compiler."""
    compiler = _compiler(source)
    content = source.read_bytes()
    header = (SOURCES / "core.h").read_bytes()
    # a source may include another one
    others = b"".join(p.read_bytes() for p in sorted(SOURCES.glob("*.bpf.c")) if p.name.encode() in content)
    key = hashlib.sha256(header + content + others + compiler.encode()).hexdigest()[:12]
    stem = source.name.removesuffix(".bpf.c")
    path = CACHE / f"differential/synthetic/{byteorder}/{stem}-{key}.bpf.o"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
        done = subprocess.run(
            [compiler, "-target", TARGETS[byteorder], *FLAGS, "-c", source.name, "-o", str(scratch)],
            cwd=SOURCES,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise MissingError(f"{compiler} does not compile {source.name}: {done.stderr[:300]}")
        scratch.replace(path)
    return Subject(path, load(path.read_bytes(), f"{stem}.{byteorder}"))


def packaged_kernels() -> Iterator[tuple[str, Kernel]]:
    """The fetched kernels, named with their architecture; see tools/fetch_test_kernels.py."""
    if KERNELS.is_dir():
        for folder in sorted(path for path in KERNELS.iterdir() if path.is_dir()):
            store = Store(folder)
            for name in store.names():
                yield f"{folder.name}:{name}", store.get(name)


def host_kernel() -> Kernel | None:
    """This host, when it shows its BTF."""
    try:
        return next(iter(resolve("host")), None)
    except PreflightError:
        return None


@dataclass(frozen=True)
class Ground:
    """A kernel in both forms. `modules` count as loaded, in this order; `options` None: not known."""

    name: str
    btf: Path
    target: Target
    modules: tuple[tuple[str, Path], ...] = ()
    config: Path | None = None
    options: dict[str, str] | None = None
    version: int = 0


#: modules the sources ask for; the rest of the loaded ones stand in for all that do not matter
WANTED_MODULES = ("btrfs", "ext4", "kvm", "nf_conntrack", "nfs", "nfsd", "veth", "virtio_net", "xfs")


def ground(name: str, kernel: Kernel, other_modules: int = 20) -> Ground:
    """A kernel with the modules that matter and so many others."""
    folder = CACHE / "differential/grounds" / name.replace("/", "_").replace(":", "_")
    modules = []
    known = sorted(kernel.modules or ())
    others = [module for module in known if module not in WANTED_MODULES][:other_modules]
    for module in sorted({*others, *(m for m in known if m in WANTED_MODULES)}):
        assert kernel.contents.modules is not None
        path = write_once(folder / f"{module}.btf", kernel.contents.modules[module].read())
        modules.append((module, path))
    config = None
    if kernel.contents.config is not None:
        config = write_once(folder / "config", kernel.contents.config.text().encode())
    loaded = [(module, path.read_bytes()) for module, path in modules]
    return Ground(
        name,
        write_once(folder / "vmlinux.btf", kernel.btf_bytes),
        Target(kernel.btf, lambda: [(module, Btf.parse(data, kernel.btf)) for module, data in loaded]),
        tuple(modules),
        config,
        dict(kernel.config) if kernel.config is not None else None,
        version_code(kernel.release),
    )


def version_code(release: str | None) -> int:
    """KERNEL_VERSION() of a release string; 0 when there is none."""
    numbers = [
        int(part) for part in (release or "").split("-")[0].split("+")[0].split(".")[:3] if part.isdigit()
    ]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major << 16 | minor << 8 | min(patch, 255)


# --- relocations


def _theirs(record: dict[str, Any]) -> tuple[Any, ...]:
    return (
        record["section"], record["section_insn"], record["program"], record["index"], record["kind"],
        record["before"], record["after"], record["error"],
        tuple((c["id"], c["btf"], c["match"]) for c in record["candidates"]),
        None if record["poison"] or record["error"] else record["new"],
    )  # fmt: skip


def _ours(relocation: Any) -> tuple[Any, ...]:
    return (
        relocation.section, relocation.section_insn, relocation.program, relocation.index, relocation.kind,
        relocation.before, relocation.after, relocation.error,
        tuple((c.type_id, c.btf, c.match) for c in relocation.candidates),
        None if relocation.error else relocation.target_value,
    )  # fmt: skip


def relocate_as_the_oracle(obj: BpfObject, target: Target, *, all_programs: bool = False) -> ObjectRelocation:
    """Our answers with libbpf's one quirk: it shifts bitfields in its host's byte order (trap 10)."""
    return relocate_object(obj, target, shift_byteorder=sys.byteorder, all_programs=all_programs)


def differences(answer: dict[str, Any], ours: ObjectRelocation) -> list[str]:
    """Where libbpf and we differ on an object; empty when nowhere."""
    if "open_error" in answer:
        return [f"libbpf does not open the object: {answer['open_error']} {answer['warning']}"]
    found = []
    if answer["stock_error"] is None and not answer["stock_agrees"]:
        found.append("the oracle's loop disagrees with libbpf's own")
    if answer["stock_error"] != ours.stock_error:
        found.append(f"stock error: libbpf {answer['stock_error']}, ours {ours.stock_error}")
    if len(answer["relocations"]) != len(ours.relocations):
        found.append(f"libbpf relocates {len(answer['relocations'])} records, we {len(ours.relocations)}")
    for theirs, mine in zip(answer["relocations"], ours.relocations, strict=False):
        if _theirs(theirs) != _ours(mine):
            libbpf = f"libbpf {_theirs(theirs)} {theirs['warning']}"
            found.append(f"{theirs['spec']}\n  {libbpf}\n  ours   {_ours(mine)} {mine.detail}")
    return found


def _digest(rows: Iterable[tuple[Any, ...]], stock_error: str | None) -> str:
    lines = [" ".join(map(str, row)) for row in rows]
    return hashlib.sha256("\n".join([*lines, str(stock_error)]).encode()).hexdigest()[:16]


def digest(ours: ObjectRelocation) -> str:
    """What is frozen of an object on a kernel: every `after`, every error, and the stock error."""
    rows = [(r.section, r.section_insn, r.kind, r.after, r.error) for r in ours.relocations]
    return _digest(rows, ours.stock_error)


def digest_of(answer: dict[str, Any]) -> str:
    """The same of libbpf's answer."""
    rows = [
        [r[key] for key in ("section", "section_insn", "kind", "after", "error")]
        for r in answer["relocations"]
    ]
    return _digest([tuple(row) for row in rows], answer["stock_error"])


# --- attach targets and externs


def attach_differences(answer: dict[str, Any], obj: BpfObject, target: Target) -> list[str]:
    """Attach targets on which libbpf and we differ."""
    found = []
    programs = {program.name: program for program in obj.programs}
    for theirs in answer["attach"]:
        program = programs[theirs["program"]]
        mine = find_attach_target(target, program.attach_type, program.section.partition("/")[2])
        if (theirs["id"], theirs["btf"], theirs["error"]) != (mine.type_id, mine.btf, mine.error):
            found.append(f"{program.section}: libbpf {theirs}, ours {mine}")
    expected = {
        p.name
        for p in obj.programs
        if p.hook.needs_kernel_btf and p.program_type != "ext" and "/" in p.section
    }
    if expected != {theirs["program"] for theirs in answer["attach"]}:
        found.append(f"programs with attach targets: libbpf {answer['attach']}, ours {sorted(expected)}")
    return found


def extern_differences(answer: dict[str, Any], obj: BpfObject, where: Ground) -> list[str]:
    """Externs on which libbpf and we differ."""
    found = []
    mine = {e.name: e for e in resolve_externs(obj.btf, obj.externs, where.target)} if obj.btf else {}
    for theirs in answer["externs"]:
        if theirs["kind"] not in ("ksym", "kfunc"):
            continue
        ours = mine.pop(theirs["name"], None)
        if ours is None or (theirs["set"], theirs["id"], theirs["error"]) != (
            ours.exists,
            ours.type_id,
            ours.error,
        ):
            found.append(f"{theirs['name']}: libbpf {theirs}, ours {ours}")
    found += [f"{name}: unknown to libbpf" for name in mine]
    if where.options is not None:
        virtual = {
            "LINUX_KERNEL_VERSION": where.version,
            "LINUX_HAS_BPF_COOKIE": 0,
            "LINUX_HAS_SYSCALL_WRAPPER": 0,
        }
        # libbpf writes the values in its host's byte order, which is the object's wherever it can be loaded
        ours_map = kconfig_map(obj.externs, sys.byteorder, where.options, virtual)
        wrong = {v.error for v in ours_map.values} - {None, "ESRCH"}
        if bool(answer["kconfig_error"]) != bool(wrong):
            found.append(f"kconfig error: libbpf {answer['kconfig_error']}, ours {sorted(map(str, wrong))}")
        elif not wrong and answer["kconfig"] != (
            ours_map.contents.hex() if ours_map.values and ours_map.contents is not None else None
        ):
            found.append(f"kconfig: libbpf {answer['kconfig']}, ours {ours_map}")
    return found


def paths(subjects: Iterable[Subject]) -> list[Path]:
    """The files, for the oracle."""
    return [s.path for s in subjects]
