# SPDX-License-Identifier: Apache-2.0
"""Finds BPF objects embedded in other files: skeletons in `.rodata`, embedded files of Go and Rust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.btf.quick import find as find_bytes
from preflight.errors import InputError
from preflight.objects.precheck import EM_BPF, MAGIC, extent, read_header

if TYPE_CHECKING:
    from mmap import mmap

#: More embedded objects than this in one file are refused.
MAX_EMBEDDED: Final = 1024


def find(data: bytes | mmap) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of every BPF ELF inside `data`, in file order; not the file itself.

    An object ends with its last section or its section table, whichever is later. Four bytes that merely
    look like an ELF file are passed over. InputError for more than MAX_EMBEDDED objects.
    """
    at = find_bytes(data, MAGIC, 1)
    found = 0
    while at >= 0:
        size = _extent(data, at)
        if size is None:
            at = find_bytes(data, MAGIC, at + 1)
            continue
        found += 1
        if found > MAX_EMBEDDED:
            raise InputError(f"more than {MAX_EMBEDDED} embedded objects", offset=at)
        yield at, data[at : at + size]
        at = find_bytes(data, MAGIC, at + size)


def _extent(data: bytes | mmap, at: int) -> int | None:
    view = memoryview(data)
    try:
        if read_header(view, at).machine != EM_BPF:
            return None
        size = extent(view, at)
        return size if at + size <= len(data) else None
    except InputError:
        return None
    finally:
        view.release()
