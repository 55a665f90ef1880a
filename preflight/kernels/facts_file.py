# SPDX-License-Identifier: Apache-2.0
"""One facts file, schema `preflight.facts/1`: what was collected about one running kernel, in one document.

    schema         "preflight.facts/1"
    collected_at   ISO UTC
    tool           {name, version}
    kernel         identity, btf_sha256, source (provenance), and `contents`: by the name that a catalogue
                   entry gives the file (vmlinux.btf, config, symbols, tracepoints,
                   available_filter_functions, sites, modules/NAME.btf) its `size` and `sha256`, and, where
                   the content travels along, `xz`: base64
    host           what the checks ask, see preflight.host.codec; null when it was not collected

Other keys belong to whoever wrote the file and are passed over. A file with `vmlinux.btf` inside stands for a
kernel; without it the catalogue may have the BTF by its digest.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from preflight.errors import InputError
from preflight.kernels import entry
from preflight.kernels.blob import LIMIT, Blob
from preflight.kernels.btfblob import byteorder_of
from preflight.kernels.model import Contents, Identity, Kernel, Provenance

SCHEMA = "preflight.facts/1"
#: Fields of the identity that are texts or null.
_IDENTITY = ("release", "arch", "distribution", "suite", "flavour", "package", "version")
_MODULE = re.compile(r"modules/([A-Za-z0-9_.+-]{1,128})\.btf\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_MAX_CONTENTS = 20_000
#: All contents of one file together, unpacked.
_WHOLE_LIMIT = 512 << 20


def is_facts(document: object) -> bool:
    """Whether a JSON document is a facts file of any version."""
    return isinstance(document, dict) and str(document.get("schema", "")).startswith("preflight.facts/")


def kernel_part(kernel: Kernel, *, carried: Collection[str] | None = None) -> dict[str, Any]:
    """`kernel` of a facts file. `carried` names the contents that travel along; None stands for all."""
    contents = {}
    for name, blob in entry.files_of(kernel.contents):
        data = blob.read()
        contents[name] = _content(data, carried is None or name in carried)
    return {
        **{key: getattr(kernel.identity, key) for key in _IDENTITY},
        "byteorder": kernel.byteorder,
        "btf_sha256": kernel.btf_sha256,
        "source": kernel.provenance.to_dict(),
        "contents": contents,
    }


def _content(data: bytes, carried: bool) -> dict[str, Any]:
    from hashlib import sha256

    described: dict[str, Any] = {"size": len(data), "sha256": sha256(data).hexdigest()}
    if carried:
        import lzma

        described["xz"] = base64.b64encode(lzma.compress(data, preset=6)).decode("ascii")
    return described


def kernel_of(
    document: Mapping[str, Any], name: str, find_btf: Callable[[str], Blob | None] = lambda _: None
) -> Kernel:
    """The kernel a facts file describes, called `name`.

    `find_btf` gives the BTF of a digest when the file does not carry it. InputError for a document of another
    schema, with damage in it, or whose BTF is nowhere.
    """
    if document.get("schema") != SCHEMA:
        raise InputError(
            f"is a facts file of a version that is not known here (wanted {SCHEMA})", subject=name
        )
    try:
        return _kernel(document["kernel"], name, find_btf)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"does not describe a kernel: {error}", subject=name) from error
    except InputError as error:
        raise error.about(name) from None


def _kernel(raw: Mapping[str, Any], name: str, find_btf: Callable[[str], Blob | None]) -> Kernel:
    described = raw["contents"]
    if len(described) > _MAX_CONTENTS:
        raise ValueError("it has too many contents")
    blobs = _Unpacked().blobs(described)
    btf = blobs.get(entry.BTF)
    digest = raw["btf_sha256"]
    if btf is None and isinstance(digest, str) and _SHA256.match(digest):
        btf = find_btf(digest)
    if btf is None:
        raise InputError(
            "its BTF is not in the file, and no kernel of the catalogue has it: collect it with its BTF, "
            "or add the kernel to the catalogue"
        )
    order = byteorder_of(btf.read()[:4])
    if order is None:
        raise InputError("what stands for its BTF is none")
    modules = {match[1]: blob for key, blob in blobs.items() if (match := _MODULE.match(key))}
    has_modules = any(key.startswith("modules/") for key in described)
    contents = Contents(
        btf=btf,
        modules=modules if has_modules else None,
        **{field: blobs.get(file) for field, file in entry.OPTIONAL_FILES.items()},
    )
    identity = Identity(name=name, byteorder=order, **{key: _text(raw.get(key)) for key in _IDENTITY})
    source = raw.get("source") or {}
    notes = tuple(str(note)[:500] for note in source.get("notes", ())[:50])
    return Kernel(identity, contents, Provenance("facts", (), notes))


class _Unpacked:
    """The contents a file carries, unpacked within one limit for all of them."""

    def __init__(self) -> None:
        self._left = _WHOLE_LIMIT

    def blobs(self, described: Mapping[str, Any]) -> dict[str, Blob]:
        """By name; what does not travel along is not in it. InputError when one is not what it says."""
        return {
            str(name): self._blob(str(name), one)
            for name, one in described.items()
            if one.get("xz") is not None
        }

    def _blob(self, name: str, one: Mapping[str, Any]) -> Blob:
        from hashlib import sha256

        from preflight.kernels.decompress import decompress

        try:
            packed = base64.b64decode(one["xz"], validate=True)
        except binascii.Error as error:
            raise InputError(f"{name[:80]!r} is not base64: {error}") from None
        data = decompress("xz", packed, limit=min(LIMIT, self._left), subject=name[:80])
        self._left -= len(data)
        if sha256(data).hexdigest() != one["sha256"]:
            raise InputError(f"{name[:80]!r} does not have the digest the file says")
        return Blob(data=data)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is not a text")
    return value
