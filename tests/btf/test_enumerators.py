# SPDX-License-Identifier: Apache-2.0
"""Whether an enum has an enumerator, told without decoding it."""

from __future__ import annotations

import pytest

from preflight.btf import Btf
from preflight.btf.types import Enum
from tests.btf.test_hostile import host_slice
from tests.btfwriter import BtfWriter


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_enumerators_of_both_widths_and_no_other_types(byteorder: str) -> None:
    w = BtfWriter(byteorder)
    narrow, wide = w.enum("a", [("ONE", 1), ("TWO", 2)]), w.enum64("b", [("LONG", 1 << 40)])
    number = w.int("ONE", 4)
    btf = Btf.parse(w.bytes())
    found = {
        name: [btf.has_enumerator(i, name) for i in (narrow, wide, number)]
        for name in ("ONE", "LONG", "ON", "")
    }
    none = [False, False, False]
    assert found == {"ONE": [True, False, False], "LONG": [False, True, False], "ON": none, "": none}


def test_enumerators_of_split_btf_may_have_names_of_the_base() -> None:
    base = BtfWriter()
    old = base.enum("a", [("ONE", 1)])
    more = BtfWriter(base=base)
    new = more.enum("b", [("ONE", 1), ("NEW", 2)])
    btf = Btf.parse(more.bytes(), Btf.parse(base.bytes()))
    assert [btf.has_enumerator(i, name) for i in (old, new) for name in ("ONE", "NEW")] == [
        True,
        False,
        True,
        True,
    ]


def test_it_agrees_with_decoding_on_real_btf() -> None:
    btf = Btf.parse(host_slice(1500))
    enums = [found for found in btf.types() if isinstance(found, Enum)]
    names = [value.name for found in enums[:20] for value in found.values[:2]]
    for found in enums:
        own = {value.name for value in found.values}
        assert [btf.has_enumerator(found.id, name) for name in names] == [name in own for name in names]
