# SPDX-License-Identifier: Apache-2.0
"""preflight's own collection of host facts, made portable: for a guest that asks itself what `check` asks.

Taken along are this very Python, the part of its standard library that the collection imports, and the
collection itself, compiled already, because parsing a megabyte of Python takes an emulated machine longer
than booting. What a module imports is read from its source, so nothing is run for it.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from preflight import subprocesses
from preflight.errors import InstrumentError
from preflight.lab import initramfs
from preflight.lab.initramfs import Node

#: Where Python's library and preflight lie in the guest, and what the guest runs.
HOME = "/py"
SCRIPT = f"{HOME}/collect.py"
_PACKAGES = Path(__file__).resolve().parent.parent
_ENTRIES = ("preflight.host.collect.run", "preflight.host.codec")
#: Packages whose modules are imported by computed names, so that all of them are taken.
_WHOLE = ("preflight.host.areas", "preflight.host.collect")
#: Modules that Python itself imports before any of ours.
_START = ("encodings.utf_8", "encodings.ascii", "encodings.latin_1", "site", "zipimport", "importlib.util")

_COLLECT = """\
import json, sys
sys.path.insert(0, sys.path[0] + "/app")
from preflight.host.codec import facts_to_dict
from preflight.host.collect.run import collect_host
json.dump(facts_to_dict(collect_host()), sys.stdout, separators=(",", ":"))
"""

_LIST = """\
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
print("\\n".join(m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)))
"""


def nodes(arch: str) -> dict[str, Node]:
    """The collection by path in the guest. InstrumentError when a part of it is not on this host."""
    python = Path(os.path.realpath(sys.executable))
    folders = (Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib"),)
    modules, standard = _closure()
    found = {
        SCRIPT.lstrip("/"): initramfs.file(_COLLECT.encode()),
        **initramfs.with_libraries(python, arch, name="python3", folders=folders),
    }
    for path in _standard_library(standard):
        found |= _standard(path, arch, folders)
    for path in modules.values():
        found |= _compiled(f"py/app/{path.relative_to(_PACKAGES.parent)}", path)
    for folder in {path.parent for path in modules.values()}:
        for data in (*folder.glob("data/*"), *folder.glob("*.toml")):
            if data.is_file():
                found[f"py/app/{data.relative_to(_PACKAGES.parent)}"] = initramfs.file(data.read_bytes())
    return found


def command() -> str:
    """What the guest's shell runs; the facts come out of it as JSON."""
    return f"env PYTHONHOME={HOME} PYTHONDONTWRITEBYTECODE=1 python3 -S -s {SCRIPT}"


def _closure() -> tuple[dict[str, Path], set[str]]:
    """preflight's modules that the collection may import, by name, and the others they name."""
    waiting = list(_ENTRIES)
    for package in _WHOLE:
        folder = _path_of(package).parent
        waiting += [f"{package}.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__"]
    modules: dict[str, Path] = {}
    others: set[str] = set()
    while waiting:
        name = waiting.pop()
        while name and name not in modules:
            path = _path_of(name)
            if path.is_file():
                modules[name] = path
                for imported in _imports(path):
                    if imported.partition(".")[0] == "preflight":
                        waiting.append(imported)
                    elif imported.partition(".")[0] in sys.stdlib_module_names:
                        others.add(imported)
            name = name.rpartition(".")[0]
    return modules, others


def _path_of(name: str) -> Path:
    """The file of a module of preflight's; one that does not exist for a name that is none."""
    place = _PACKAGES.parent.joinpath(*name.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _imports(path: Path) -> Iterator[str]:
    """Every module a file may import, also inside functions; not what only type checkers see."""
    for node in _executed(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _executed(node)


def _standard_library(names: set[str]) -> list[Path]:
    """Files of the standard library: of the named modules and of all that they import."""
    argv = [sys.executable, "-I", "-S", "-c", _LIST, *_START, *sorted(names)]
    done = subprocesses.run(argv, timeout=60)
    if done.exit_code != 0:
        raise InstrumentError(f"Python's standard library cannot be listed: {done.error or done.exit_code}")
    files = dict.fromkeys(done.stdout.decode("utf-8", "surrogateescape").splitlines())
    return [path for path in map(Path, files) if path.is_file()]


def _standard(path: Path, arch: str, folders: tuple[Path, ...]) -> dict[str, Node]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if path.suffix != ".py":
        place = f"py/lib/{version}/lib-dynload/{path.name}"
        found = initramfs.libraries(path, arch, folders)
        return {**found, place: initramfs.file(path.read_bytes(), executable=True)}
    library = Path(os.__file__).parent
    inside = path.relative_to(library) if path.is_relative_to(library) else Path(path.name)
    return _compiled(f"py/lib/{version}/{inside}", path)


def _compiled(place: str, path: Path) -> dict[str, Node]:
    """A module without its source: the interpreter takes `NAME.pyc` in the place of `NAME.py`."""
    code = _cached(path) or marshal.dumps(compile(path.read_bytes(), place, "exec", dont_inherit=True))
    # Flags 1: an unchecked hash; there is no source to compare with (PEP 552).
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
    return {f"{place}c": initramfs.file(header + code)}


def _cached(path: Path) -> bytes | None:
    """The compiled code that Python keeps of a file, when it is of this very file."""
    try:
        data = Path(importlib.util.cache_from_source(str(path))).read_bytes()
        status = path.stat()
    except (OSError, NotImplementedError):
        return None
    wanted = (
        importlib.util.MAGIC_NUMBER + bytes(4) + (int(status.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
    )
    wanted += (status.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    return data[16:] if data[:16] == wanted else None
