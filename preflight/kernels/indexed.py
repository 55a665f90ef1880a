# SPDX-License-Identifier: Apache-2.0
"""A kernel's BTF with its index from the cache, for commands that ask few questions of many kernels.

An index is built when a kernel comes up for the second time: building and writing it costs more than it
saves once, and many kernels are looked at once.
"""

from __future__ import annotations

from preflight.kernels.model import Kernel

#: Where a kernel keeps the key of its index, found before its BTF was read.
_KEY = "btf index key"


def use_index(kernel: Kernel) -> None:
    """Let `kernel.btf` come with an index, when there is one. InputError when the BTF is corrupt."""
    from preflight.btf.index_cache import met_before, parse_cached
    from preflight.errors import InputError

    if "btf" in kernel.__dict__:
        return
    key = kernel.__dict__[_KEY] = _key(kernel)
    try:
        kernel.__dict__["btf"] = parse_cached(kernel.btf_bytes, key=key, write=met_before(key))
    except InputError as error:
        raise error.about(kernel.name) from None


def btf_digest(kernel: Kernel) -> str:
    """`kernel.btf_sha256`, remembered with the index where `use_index` knew the file before it was read."""
    from preflight.btf.index_cache import digest_kept, keep_digest

    key = kernel.__dict__.get(_KEY)
    if "btf_sha256" in kernel.__dict__ or key is None:
        return kernel.btf_sha256
    kept = digest_kept(key)
    if kept is None:
        keep_digest(key, kernel.btf_sha256)
    else:
        kernel.__dict__["btf_sha256"] = kept
    return kernel.btf_sha256


def _key(kernel: Kernel) -> str:
    """What tells the BTF from any other: its file as `stat` shows it, where hashing megabytes would take
    longer than all that an index saves, else its content."""
    from preflight.btf.index_cache import key_of_file

    path = kernel.contents.btf.path
    if path is None or path.suffix in (".xz", ".gz") or not path.is_file() or str(path).startswith("/sys/"):
        return kernel.btf_sha256
    return key_of_file(path.resolve())  # an entry may consist of links to another one
