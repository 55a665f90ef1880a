# SPDX-License-Identifier: Apache-2.0
"""Facts that come in files of their own, joined to a kernel: configuration, symbols, modules, trace lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from preflight.errors import InputError
from preflight.kernels.blob import Blob, read_bounded
from preflight.kernels.config import parse_config
from preflight.kernels.decompress import decompress, kind_of
from preflight.kernels.model import Kernel
from preflight.kernels.packages import MODULE_LIMIT, module_btf, module_name
from preflight.kernels.symbols import parse_symbols
from preflight.records import replace

_TEXT_LIMIT = 256 << 20
_FILES_LIMIT = 100_000
#: What is not in the list counts as not in the kernel; Debian's System.map is a stub of one line.
_FEWEST_SYMBOLS = 1000


def with_parts(
    kernel: Kernel,
    *,
    config: Path | None = None,
    symbols: Path | None = None,
    modules: Path | None = None,
    tracepoints: Path | None = None,
    filter_functions: Path | None = None,
) -> Kernel:
    """The kernel with more facts: `symbols` is a System.map or kallsyms, `modules` a directory of modules.

    The lists are tracefs's available_events and available_filter_functions. Files may be packed.
    InputError when a file is not what it is given as.
    """
    changes: dict[str, Blob | Mapping[str, Blob]] = {}
    if config is not None:
        changes["config"] = blob = _text(config)
        if not parse_config(blob.text()):
            raise InputError("has no line CONFIG_...: not a kernel configuration", subject=str(config))
    if symbols is not None:
        changes["symbols"] = blob = _text(symbols)
        count = len(parse_symbols(blob.read()))
        if count < _FEWEST_SYMBOLS:
            raise InputError(
                f"has {count} symbols where a kernel has tens of thousands: a stub, or no symbol list",
                subject=str(symbols),
            )
    if tracepoints is not None:
        changes["tracepoints"] = _text(tracepoints)
    if filter_functions is not None:
        changes["filter_functions"] = _text(filter_functions)
    if modules is not None:
        changes["modules"] = _module_directory(modules)
    contents = replace(kernel.contents, **changes)  # type: ignore[arg-type]
    return Kernel(kernel.identity, contents, kernel.provenance)


def _text(path: Path) -> Blob:
    data = read_bounded(path, _TEXT_LIMIT)
    kind = kind_of(data)
    return Blob(data=decompress(kind, data, limit=_TEXT_LIMIT, subject=str(path)) if kind else data)


def _module_directory(folder: Path) -> dict[str, Blob]:
    """Split BTF by module name: of `.ko` files anywhere below, or of raw `NAME.btf` files."""
    if not folder.is_dir():
        raise InputError("is not a directory", subject=str(folder))
    found = {}
    for path in _below(folder):
        name, dot, rest = path.name.partition(".")
        if rest == "btf":
            found[module_name(name)] = Blob(path=path)
        elif dot and (rest == "ko" or rest.startswith("ko.")):
            btf = module_btf(read_bounded(path, MODULE_LIMIT), str(path))
            if btf is not None:
                found[module_name(name)] = Blob(data=btf)
    if not found:
        raise InputError("holds no module with BTF", subject=str(folder))
    return found


def _below(folder: Path) -> Iterator[Path]:
    """Regular files below a directory, symbolic links not followed; InputError when there are too many."""
    import os

    count = 0
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            count += 1
            if count > _FILES_LIMIT:
                raise InputError(f"holds more than {_FILES_LIMIT} files", subject=str(folder))
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink():
                yield path
