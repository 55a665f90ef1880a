# SPDX-License-Identifier: Apache-2.0
"""A file or directory a user named, recognised by its content, as a Kernel."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from preflight.errors import InputError, UsageError
from preflight.kernels import btfblob, entry, image
from preflight.kernels.blob import Blob, read_bounded
from preflight.kernels.decompress import decompress, kind_of
from preflight.kernels.model import Contents, Identity, Kernel, Provenance, SourceFile
from preflight.kernels.store import Store

_DEB = b"!<arch>\n"
_TAR_MAGIC_AT = 257


def kernel_from_path(path: Path, *, with_modules: bool = False, store: Store | None = None) -> Kernel:
    """The kernel in a file or directory; its name is the path as given.

    Raw BTF, vmlinux, a kernel image, a `.deb`, a directory laid out like a catalogue entry, a facts file with
    BTF inside or whose BTF a kernel of `store` has, each file also packed with gzip, xz or zstd, and a BTFHub
    `.tar.xz`. `with_modules` reads the modules of a package as well. InputError says what the file is not.
    """
    if path.is_dir():
        return entry.read(path, str(path))
    if not path.exists():
        raise InputError("no such file", subject=str(path))
    if not path.is_file():  # opening a FIFO would wait for whoever writes to it
        raise InputError("is not a regular file", subject=str(path))
    if _is_package(path):
        from preflight.kernels.packages import kernel_from_packages

        return kernel_from_packages([path], with_modules=with_modules)
    data = read_bounded(path, image.FILE_LIMIT)
    try:
        return _from_bytes(data, path, store)
    except InputError as error:
        raise error.about(str(path)) from None


def kernels_from_refs(
    refs: Sequence[str], *, with_modules: bool = False, store: Store | None = None
) -> list[Kernel]:
    """Kernels from `host` and files, as in `kernel_from_path`; the packages of one build are one kernel."""
    from preflight.kernels.host import HOST, running

    found = []
    packages: dict[str, list[Path]] = {}
    for ref in refs:
        if ref == HOST:
            found.append(running())
            continue
        if not ref:
            raise UsageError("an empty name is no file")
        path = Path(ref)
        if path.is_file() and _is_package(path):
            packages.setdefault(_build_of(path), []).append(path)
        else:
            found.append(kernel_from_path(path, store=store))
    for paths in packages.values():
        from preflight.kernels.packages import kernel_from_packages

        found.append(kernel_from_packages(paths, with_modules=with_modules))
    return found


def _is_package(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_DEB)) == _DEB
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", subject=str(path)) from error


def _build_of(path: Path) -> str:
    """What packages of one kernel build have in common: the release and the version."""
    from preflight.kernels import deb

    fields = deb.control(path)
    release = re.sub(
        r"\Alinux-(?:image|binary|base|modules)-|-unsigned\Z", "", fields.get("Package", str(path))
    )
    return f"{release} {fields.get('Version')}"


def _from_bytes(data: bytes, path: Path, store: Store | None) -> Kernel:
    if not data:
        raise InputError("is empty")
    if data.lstrip()[:1] in (b"{", b"["):
        return _facts(data, path, store)
    source = (source_file(path.name, data),)
    if btfblob.byteorder_of(data):
        return _raw_btf(data, path, source, packed=False)
    kind = kind_of(data)
    if kind is not None:
        inner = decompress(kind, data, limit=image.UNPACKED_LIMIT)
        if btfblob.byteorder_of(inner):
            return _raw_btf(inner, path, source, packed=True)
        if inner[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
            return _archive(inner, path, source)
    found = image.unpack(data)
    btf, order = found.found_btf
    identity = Identity(name=str(path), byteorder=order, release=found.release, arch=found.arch)
    contents = Contents(
        btf=Blob(data=btf),
        config=Blob(data=found.config) if found.config is not None else None,
        symbols=Blob(data=found.symbols) if found.symbols is not None else None,
        sites=Blob(data=found.trace_sites) if found.trace_sites is not None else None,
    )
    return Kernel(identity, contents, Provenance("image", source))


def _facts(data: bytes, path: Path, store: Store | None) -> Kernel:
    """A facts file, which stands for a kernel when its BTF is inside, or in the catalogue."""
    import json

    from preflight.kernels.facts_file import is_facts, kernel_of

    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("begins like JSON, and is damaged or cut off") from error
    if not is_facts(document):
        raise InputError("is JSON, and no facts file")
    return kernel_of(document, str(path), (store or Store()).btf_of)


def _raw_btf(data: bytes, path: Path, source: tuple[SourceFile, ...], *, packed: bool) -> Kernel:
    found = btfblob.whole(data)
    # The file itself is enough; nothing needs to be held until it is asked for.
    blob = Blob(path=path) if not packed or path.suffix in (".xz", ".gz") else Blob(data=data)
    return Kernel(Identity(str(path), found.byteorder), Contents(blob), Provenance("btf", source))


def _archive(data: bytes, path: Path, source: tuple[SourceFile, ...]) -> Kernel:
    """A BTFHub archive: a tar with one `RELEASE.btf` in it."""
    from preflight.kernels.deb import tar_files

    held = [
        (file.name, file.read())
        for file in tar_files(cast("io.BufferedReader", io.BytesIO(data)), str(path))
        if file.name.endswith(".btf")
    ]
    if not held:
        raise InputError("is a tar archive without a .btf file")
    if len(held) > 1:
        raise InputError(f"is a tar archive of {len(held)} .btf files; which one, only you can say")
    ((name, btf),) = held
    found = btfblob.whole(btf)
    release = re.sub(r"\.btf\Z", "", name.rpartition("/")[2])
    identity = Identity(str(path), found.byteorder, release=release)
    return Kernel(identity, Contents(Blob(data=btf)), Provenance("archive", source))


def source_file(name: str, data: bytes) -> SourceFile:
    """Provenance of a file from its bytes."""
    from hashlib import sha256

    return SourceFile(name, len(data), sha256(data).hexdigest())


def source_path(path: Path) -> SourceFile:
    """Provenance of a file on disk, which is read in pieces."""
    from hashlib import sha256

    digest = sha256()
    size = 0
    with path.open("rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
            size += len(piece)
    return SourceFile(path.name, size, digest.hexdigest())
