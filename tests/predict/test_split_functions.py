# SPDX-License-Identifier: Apache-2.0
"""Functions in BTF that may have no symbol, where the kernel's symbols are not known."""

from __future__ import annotations

import pytest

from tests.predict.worlds import findings, program, world

#: Debian 6.16 to 7.3 have it in BTF, and only blk_account_io_done.part.0 among their symbols.
SPLIT = "blk_account_io_done"


@pytest.mark.parametrize(
    ("name", "symbols", "expected"),
    [
        (SPLIT, None, ["unknown"]),
        (SPLIT, [f"t {SPLIT}"], []),
        (SPLIT, [f"t {SPLIT}.part.0"], ["missing"]),
        ("vfs_read", None, []),
    ],
)
def test_only_symbols_tell(name: str, symbols: list[str] | None, expected: list[str]) -> None:
    found = findings(program(f"fentry/{name}"), world(functions=[name], symbols=symbols))
    assert [f.verdict.value for f in found if f.code == "PC412"] == expected
