# SPDX-License-Identifier: Apache-2.0
"""A kernel's BTF with its index from the cache, for commands that ask few questions of many kernels.

An index is built when a kernel comes up for the second time: building and writing it costs more than it
saves once, and many kernels are looked at once.
"""

from __future__ import annotations

from preflight.kernels.model import Kernel

#: Where a kernel keeps what its file is known by, found before its BTF was read.
_FILE = "btf file key"


def use_index(kernel: Kernel) -> None:
    """Let `kernel.btf` come with an index, when there is one. InputError when the BTF is corrupt."""
    from preflight.btf import Btf
    from preflight.btf.index_cache import met_before, parse_cached
    from preflight.errors import InputError

    if "btf" in kernel.__dict__:
        return
    file = kernel.__dict__[_FILE] = _file_key(kernel)
    first_time = not met_before(file or kernel.btf_sha256)
    try:
        if first_time and file is not None:  # nor is it hashed for an index that another file left
            kernel.__dict__["btf"] = Btf.parse(kernel.btf_bytes)
        else:
            key = btf_digest(kernel)
            kernel.__dict__["btf"] = parse_cached(kernel.btf_bytes, key=key, write=not first_time)
    except InputError as error:
        raise error.about(kernel.name) from None


def expect_several() -> None:
    """Tell that kernel after kernel will be read: see `preflight.btf.quick.expect_kernels`."""
    from preflight.btf.quick import expect_kernels

    expect_kernels()


def btf_digest(kernel: Kernel) -> str:
    """`kernel.btf_sha256`, remembered with the index where `use_index` knew the file before it was read."""
    from preflight.btf.index_cache import digest_kept, keep_digest

    file = kernel.__dict__.get(_FILE)
    if "btf_sha256" in kernel.__dict__ or file is None:
        return kernel.btf_sha256
    kept = digest_kept(file)
    if kept is None:
        keep_digest(file, kernel.btf_sha256)
    else:
        kernel.__dict__["btf_sha256"] = kept
    return kernel.btf_sha256


def _file_key(kernel: Kernel) -> str | None:
    """What tells the file of the BTF from any other as `stat` shows it: hashing megabytes would take longer
    than all that an index saves. None where there is no such file."""
    from preflight.btf.index_cache import key_of_file

    path = kernel.contents.btf.path
    if path is None or path.suffix in (".xz", ".gz") or not path.is_file() or str(path).startswith("/sys/"):
        return None
    return key_of_file(path.resolve())  # an entry may consist of links to another one
