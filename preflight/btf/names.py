# SPDX-License-Identifier: Apache-2.0
"""Flavours: `task_struct___old` is another view of `task_struct`.

This is libbpf's rule (bpf_core_essential_name_len in libbpf/src/relo_core.c at f7081a6b);
other loaders cut elsewhere, see `preflight.loaders`.
"""

from __future__ import annotations


def essential_name(name: str) -> str:
    """The name without its flavour: everything before the last `X___Y` where X and Y are not `_`.

    `a___b___c` gives `a___b`; `a____b`, `___a` and `a___` have no flavour and stay.
    """
    end = len(name)
    while True:
        cut = name.rfind("___", 0, end)
        if cut <= 0:
            return name
        after = cut + 3
        # The search came from the right, so what follows is no underscore; it may be the end.
        if name[cut - 1] != "_" and after < len(name):
            return name[:cut]
        # A longer run of underscores holds no cut at all; each character is passed once.
        while cut and name[cut - 1] == "_":
            cut -= 1
        end = cut


def essential_bytes(name: bytes) -> bytes:
    """`essential_name` for a name as it stands in a string table."""
    if b"___" not in name:
        return name
    return essential_name(name.decode("latin-1")).encode("latin-1")


def has_flavour(name: str) -> bool:
    """Whether `essential_name` would cut anything."""
    return "___" in name and essential_name(name) != name
