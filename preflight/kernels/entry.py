# SPDX-License-Identifier: Apache-2.0
"""One catalogue entry: a directory of facts about one kernel, read back as a Kernel.

`kernel.json` (identity, provenance, digests), `vmlinux.btf`, `config`, `modules/NAME.btf`,
`symbols`, `tracepoints`, `available_filter_functions`, `sites` (see `trace_sites`). All but
`vmlinux.btf` are optional and absent is unknown. A file may be kept as `.xz`; the digest is that
of the file as stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.kernels import btfblob
from preflight.kernels.blob import Blob, read_bounded
from preflight.kernels.btfblob import ByteOrder
from preflight.kernels.model import Contents, Identity, Kernel, Provenance, SourceFile, symbol_lines
from preflight.records import dataclass

FACTS = "kernel.json"
BTF = "vmlinux.btf"
MODULES = "modules"
SCHEMA_VERSION = "1.0"

#: Field of Contents -> file of the entry.
OPTIONAL_FILES = {
    "config": "config",
    "symbols": "symbols",
    "tracepoints": "tracepoints",
    "filter_functions": "available_filter_functions",
    "sites": "sites",
}

_FACTS_LIMIT = 4 << 20
_MODULE_FILE = re.compile(r"([A-Za-z0-9_.+-]{1,128})\.btf(?:\.xz)?\Z")
_IDENTITY_TEXT = ("release", "arch", "distribution", "suite", "flavour", "package", "version")


@dataclass(frozen=True, slots=True)
class Facts:
    """What `kernel.json` says: identity without the name, provenance, and the digests by file."""

    fields: Mapping[str, str | None]
    provenance: Provenance
    digests: Mapping[str, tuple[int, str]]


def is_entry(folder: Path) -> bool:
    """Whether a directory is laid out like a catalogue entry, a damaged one too."""
    return _stored(folder, BTF) is not None or (folder / FACTS).is_file()


def read(folder: Path, name: str) -> Kernel:
    """The kernel in an entry directory. InputError when it is none or `kernel.json` is damaged.

    Of the facts only the first bytes of the BTF are read now.
    """
    btf = _stored(folder, BTF)
    if btf is None:
        raise InputError(f"has no {BTF}: not laid out like a catalogue entry", subject=str(folder))
    facts = read_facts(folder)
    modules = _modules(folder, facts)
    contents = Contents(
        btf=_blob(btf, BTF, facts),
        modules=modules,
        **{
            field: _blob(path, file, facts) if (path := _stored(folder, file)) else None
            for field, file in OPTIONAL_FILES.items()
        },
    )
    identity = Identity(name=name, byteorder=_byteorder(btf, contents.btf), **facts.fields)
    return Kernel(identity, contents, facts.provenance)


def _stored(folder: Path, file: str) -> Path | None:
    for path in (folder / file, folder / f"{file}.xz"):
        if path.is_file():
            return path
    return None


def _blob(path: Path, file: str, facts: Facts) -> Blob:
    recorded = facts.digests.get(path.name if file == path.name else f"{file}.xz")
    return Blob(path=path, sha256=recorded[1] if recorded else None)


def _modules(folder: Path, facts: Facts) -> Mapping[str, Blob] | None:
    path = folder / MODULES
    if not path.is_dir():
        return None
    found = {}
    for file in sorted(path.iterdir()):
        match = _MODULE_FILE.match(file.name)
        if match and file.is_file():
            recorded = facts.digests.get(f"{MODULES}/{file.name}")
            found[match[1]] = Blob(path=file, sha256=recorded[1] if recorded else None)
    return found


def _byteorder(path: Path, blob: Blob) -> ByteOrder:
    try:
        if path.suffix == ".xz":
            return btfblob.at(blob.read(), 0).byteorder
        with path.open("rb") as stream:
            order = btfblob.byteorder_of(stream.read(4))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", subject=str(path)) from error
    except InputError as error:
        raise error.about(str(path)) from None
    if order is None:
        raise InputError("is not BTF", subject=str(path), offset=0)
    return order


def read_facts(folder: Path) -> Facts:
    """`kernel.json` of an entry; empty facts without one. InputError when it is damaged."""
    path = folder / FACTS
    if not path.exists():
        return Facts(dict.fromkeys(_IDENTITY_TEXT), Provenance("btf"), {})
    import json

    try:
        raw = json.loads(read_bounded(path, _FACTS_LIMIT))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not valid JSON: {error}", subject=str(path)) from error
    try:
        return _facts(raw)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"does not describe a kernel: {error}", subject=str(path)) from error


def _facts(raw: Any) -> Facts:
    if not isinstance(raw, dict):
        raise TypeError("not an object")
    version = str(raw.get("schema_version", SCHEMA_VERSION))
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise ValueError(f"schema version {version[:20]} is not known here")
    source = raw.get("source", {})
    provenance = Provenance(
        kind=_text(source.get("kind")) or "btf",
        files=tuple(
            SourceFile(_text(f["name"]) or "", int(f["size"]), _text(f["sha256"]) or "")
            for f in source.get("files", ())
        ),
        notes=tuple(_text(note) or "" for note in source.get("notes", ())),
    )
    digests = {
        str(file): (int(recorded["size"]), _text(recorded["sha256"]) or "")
        for file, recorded in raw.get("files", {}).items()
    }
    return Facts({key: _text(raw.get(key)) for key in _IDENTITY_TEXT}, provenance, digests)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is not a text")
    return value


def facts_json(kernel: Kernel, digests: Mapping[str, tuple[int, str]]) -> bytes:
    """`kernel.json` for an entry that holds these files; same input, same bytes."""
    import json

    fields = {key: getattr(kernel.identity, key) for key in _IDENTITY_TEXT}
    document = {
        "schema_version": SCHEMA_VERSION,
        **fields,
        "byteorder": kernel.byteorder,
        "btf_sha256": kernel.btf_sha256,
        "source": kernel.provenance.to_dict(),
        "files": {file: {"size": size, "sha256": digest} for file, (size, digest) in digests.items()},
    }
    return (json.dumps(document, sort_keys=True, indent=2) + "\n").encode()


def files_of(contents: Contents) -> Iterator[tuple[str, Blob]]:
    """The files an entry with these contents has, by name within the entry."""
    yield BTF, contents.btf
    for field, file in OPTIONAL_FILES.items():
        blob = getattr(contents, field)
        if blob is not None:
            yield file, Blob(data=symbol_lines(blob.text())) if field == "symbols" else blob
    for module, blob in sorted((contents.modules or {}).items()):
        yield f"{MODULES}/{module}.btf", blob
