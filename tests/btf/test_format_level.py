# SPDX-License-Identifier: Apache-2.0
"""What a reader must understand is told without decoding a type."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.btf import Btf, FormatLevel, Kind
from tests.btfwriter import BtfWriter, standard_layout

CASES: list[tuple[Callable[[BtfWriter], int], dict[str, object]]] = [
    (lambda w: w.enum("e", [("A", 1)]), {"max_vlen": 1}),
    (lambda w: w.enum("e", [("A", 1)], signed=True), {"max_vlen": 1, "kflag_enums": True}),
    (lambda w: w.enum64("e", []), {"enum64": True}),
    (lambda w: w.enum64("e", [], signed=True), {"enum64": True, "kflag_enums": True}),
    (lambda w: w.type_tag("x", 0), {}),
    (lambda w: w.type_tag("x", 0, kflag=True), {"kflag_tags": True}),
    (lambda w: w.decl_tag("x", 0, kflag=True), {"kflag_tags": True}),
    (lambda w: w.func("f", 0, linkage=2), {}),
    (lambda w: w.enum("e", [("", 0)] * 65536), {"max_vlen": 65536}),
]


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("number", range(len(CASES)))
def test_each_feature_shows(number: int, byteorder: str) -> None:
    add, shown = CASES[number]
    w = BtfWriter(byteorder)
    type_id = add(w)
    btf = Btf.parse(w.bytes())
    kind = btf.kind(type_id)
    plain: dict[str, object] = {
        "byteorder": byteorder,
        "header_length": 24,
        "has_layout": False,
        "kinds": frozenset({kind}),
        "max_vlen": 0,
        "kflag_enums": False,
        "enum64": False,
        "kflag_tags": False,
    }
    assert btf.format_level() == FormatLevel(**{**plain, **shown})  # type: ignore[arg-type]


def test_header_and_layout_show() -> None:
    w = BtfWriter()
    w.raw(40, vlen=3)
    layout = standard_layout() + [(0, 0)] * 21
    level = Btf.parse(w.bytes(layout=layout)).format_level()
    assert (level.header_length, level.has_layout, level.kinds) == (32, True, {40})
    assert level.max_vlen == 3


def test_struct_kflag_is_no_enum_kflag() -> None:
    w = BtfWriter()
    w.struct("s", kflag=True)
    level = Btf.parse(w.bytes()).format_level()
    assert level.kinds == {Kind.STRUCT}
    assert not level.kflag_enums
