# SPDX-License-Identifier: Apache-2.0
"""Functions that compilers split: in BTF under their name, in the kernel's symbols only as NAME.part.0.

pahole writes such functions into BTF under the name in front of the dot (--btf_features=optimized_func), so
a FUNC is no proof of a symbol. BTF does not tell them apart; other kernels' symbols do.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from preflight import tables


@cache
def _names() -> frozenset[str]:
    """data/split_functions.toml."""
    data = tables.load(Path(__file__).parent / "data" / "split_functions.toml")
    return frozenset(data["names"].split())


def is_often_split(function: str) -> bool:
    """Whether some packaged kernel has the function in its BTF, and no symbol of its name."""
    return function in _names()
