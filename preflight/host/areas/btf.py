# SPDX-License-Identifier: Apache-2.0
"""PH1xx: the kernel's type information, and where else it could come from."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class BtfFormat:
    """What a reader must understand to read a BTF file.

    `header_length` in bytes (24, or 32 with a layout section), `kinds` the kind names that
    occur and `newest_kind` the highest kind number, `max_vlen` the largest member count,
    `tag_attributes` whether a tag stands for a whole attribute, `byte_order` `little` or `big`.
    """

    header_length: int
    has_layout: bool
    kinds: tuple[str, ...]
    max_vlen: int
    byte_order: str
    tag_attributes: bool = False
    newest_kind: int = 0


@dataclass(frozen=True, slots=True)
class BtfFile:
    """One BTF file that was opened. `types` counts its own types, without the base's and without void.

    `error` says why it does not parse, None when it does. `empty` = it parses and holds no type;
    `own_strings` = its string table holds more than the empty string (split BTF may need none).
    """

    name: str
    size: int
    sha256: str
    types: int = 0
    empty: bool = False
    own_strings: bool = True
    format: BtfFormat | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BtfPlace:
    """One path libbpf tries for the kernel's BTF; `seen` as `system.Seen`, `note` what was found there."""

    path: str
    seen: str
    note: str


@dataclass(frozen=True, slots=True)
class ExternalBtf:
    """A BTF file given from outside for this kernel's release; `plausible` = it could be this kernel's."""

    file: BtfFile
    plausible: bool
    note: str


@dataclass(frozen=True, slots=True)
class BtfFacts:
    """vmlinux and module BTF, libbpf's search path, external BTF, and whether BTF can be had by id.

    `fd_by_id` is the errno name of BPF_BTF_GET_FD_BY_ID for the vmlinux BTF, `OK` when it was allowed.
    `module_names_unread` are modules whose BTF file could not be opened.
    """

    vmlinux: Fact[BtfFile]
    modules: Fact[tuple[BtfFile, ...]]
    module_names_unread: tuple[str, ...]
    places: tuple[BtfPlace, ...]
    external: Fact[ExternalBtf]
    fd_by_id: Fact[str]
