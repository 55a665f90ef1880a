# SPDX-License-Identifier: Apache-2.0
"""Kernels and batches of objects as bytes, for workers that share no disk with us.

A parcel is one line of JSON that says what follows, and then the contents one after the other. It names no
path of the sender but the name the user gave a kernel. What could not be read here is in it as the error it
was, so that the receiver meets it where it would have met it with the file at hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.kernels.model import Kernel
    from preflight.matrix.work import Batch, Found

_KERNEL = "preflight.kernel/1"
_BATCH = "preflight.batch/1"
_PARTS = ("btf", "config", "symbols", "tracepoints", "filter_functions", "sites")


class Parcel(NamedTuple):
    """Bytes and their SHA-256 in hexadecimal, by which they are known."""

    digest: str
    data: bytes


def parcel_of(data: bytes) -> Parcel:
    """Bytes with their digest."""
    from hashlib import sha256

    return Parcel(sha256(data).hexdigest(), data)


@dataclass(frozen=True, slots=True)
class Unreadable(Blob):
    """What the sender could not read, with what it was told then."""

    message: str = ""
    subject: str | None = None
    offset: int | None = None

    def read(self) -> bytes:
        """The error that the sender met."""
        raise InputError(self.message, subject=self.subject, offset=self.offset)

    def stored(self) -> bytes:
        """The error that the sender met."""
        return self.read()

    def text(self) -> str:
        """The error that the sender met."""
        return self.read().decode()


def pack_kernel(found: Found) -> bytes:
    """A kernel with all its facts, or why there is none. Addresses of a host's symbols stay here."""
    kernel = found.kernel
    if kernel is None:
        return _pack(_KERNEL, {"why": found.why}, ())
    from dataclasses import asdict

    modules = kernel.contents.modules
    header = {
        "identity": asdict(kernel.identity),
        "source": kernel.provenance.kind,
        "modules": None if modules is None else sorted(modules),
    }
    return _pack(_KERNEL, header, _contents(kernel))


def _contents(kernel: Kernel) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for part in _PARTS:
        blob: Blob | None = getattr(kernel.contents, part)
        if blob is None:
            continue
        live = part == "symbols" and kernel.provenance.kind == "host"
        yield part, partial(_without_addresses, blob) if live else blob.read
    for module, blob in sorted((kernel.contents.modules or {}).items()):
        yield f"modules/{module}", blob.read


def _without_addresses(symbols: Blob) -> bytes:
    from preflight.kernels.model import symbol_lines

    return symbol_lines(symbols.text())


def unpack_kernel(data: bytes) -> Found:
    """The kernel in a parcel, in memory. InputError for what is no such parcel."""
    from preflight.kernels.model import Contents, Identity, Kernel, Provenance
    from preflight.matrix.work import Found

    header, parts = _unpack(_KERNEL, data)
    try:
        if "why" in header:
            return Found(None, header["why"])
        named = header["modules"]
        modules = None if named is None else {name: parts[f"modules/{name}"] for name in named}
        contents = Contents(parts["btf"], modules=modules, **{p: parts.get(p) for p in _PARTS[1:]})
        return Found(Kernel(Identity(**header["identity"]), contents, Provenance(header["source"])))
    except (KeyError, TypeError) as error:
        raise InputError(f"does not describe a kernel: {error}", subject="parcel") from None


def pack_batch(batch: Batch) -> bytes:
    """A batch without the place of its catalogue, which workers do not need."""
    subjects = [
        {"name": one.name, "aliases": one.aliases, "builds": [[b.machine, b.byteorder] for b in one.builds]}
        for one in batch.subjects
    ]
    header = {"subjects": subjects, "modules": batch.modules, "judge": batch.judge}
    contents = (
        (f"{number}/{place}", lambda build=build: build.data)
        for number, one in enumerate(batch.subjects)
        for place, build in enumerate(one.builds)
    )
    return _pack(_BATCH, header, contents)


def unpack_batch(data: bytes, key: str) -> Batch:
    """The batch in a parcel, under the key by which this process knows it. InputError for what is none."""
    from preflight.matrix.subjects import Build, Subject
    from preflight.matrix.work import Batch

    header, parts = _unpack(_BATCH, data)
    try:
        subjects = tuple(
            Subject(
                one["name"],
                tuple(one["aliases"]),
                tuple(
                    Build(machine, order, parts[f"{number}/{place}"].read())
                    for place, (machine, order) in enumerate(one["builds"])
                ),
            )
            for number, one in enumerate(header["subjects"])
        )
        return Batch(key, subjects, "", tuple(header["modules"]), header["judge"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"does not describe objects: {error}", subject="parcel") from None


def _pack(kind: str, header: Mapping[str, Any], contents: Iterable[tuple[str, Callable[[], bytes]]]) -> bytes:
    listed: list[dict[str, Any]] = []
    pieces: list[bytes] = []
    for name, read in contents:
        try:
            piece = read()
        except InputError as error:
            said = {"message": error.message, "subject": error.subject, "offset": error.offset}
            listed.append({"name": name, "error": said})
            continue
        listed.append({"name": name, "size": len(piece)})
        pieces.append(piece)
    # ASCII, so that names with bytes that are no UTF-8 arrive as they are
    first = json.dumps({"kind": kind, **header, "contents": listed}, separators=(",", ":")).encode("ascii")
    return b"\n".join((first, b"".join(pieces)))


def _unpack(kind: str, data: bytes) -> tuple[dict[str, Any], dict[str, Blob]]:
    end = data.find(b"\n")
    try:
        header = json.loads(data[: max(end, 0)])
        if not isinstance(header, dict) or header.get("kind") != kind:
            raise InputError(f"is no {kind}", subject="parcel", offset=0)
        parts: dict[str, Blob] = {}
        at = end + 1
        for one in header["contents"]:
            if "error" in one:
                parts[one["name"]] = Unreadable(**one["error"])
                continue
            piece = data[at : at + one["size"]]
            if one["size"] < 0 or len(piece) != one["size"]:
                raise InputError("ends too early", subject="parcel", offset=len(data))
            parts[one["name"]] = Blob(data=piece)
            at += len(piece)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}"[:200], subject="parcel", offset=0) from None
    if at != len(data):
        raise InputError("is longer than it says", subject="parcel", offset=at)
    return header, parts
