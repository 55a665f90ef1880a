# SPDX-License-Identifier: Apache-2.0
"""The table of loaders, and every difference in it shown by an object."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from preflight.btf import Btf
from preflight.core import Cause, ReloKind, Target, divergences
from preflight.errors import UsageError
from preflight.loaders import (
    LIBBPF,
    NAMES,
    Loader,
    behaviours,
    differences,
    essential_name,
    loader,
    unreadable,
)
from tests.btfwriter import BtfWriter, field
from tests.core.asking import ask, exists, load, mov, run, wide


def test_the_table_and_the_engines_defaults_say_the_same_of_libbpf() -> None:
    rules = asdict(LIBBPF)
    assert {row.name: row.rules["libbpf"] for row in behaviours()} == {
        key: value for key, value in rules.items() if key not in ("name", "version")
    }


def test_every_rule_of_the_engine_stands_in_the_table_with_question_source_and_sentences() -> None:
    assert {row.name for row in behaviours()} == {f.name for f in fields(Loader)} - {"name", "version"}
    for row in behaviours():
        assert row.question.endswith(("?", ")")) and row.source
        assert set(row.says) == set(NAMES) == set(row.rules)
        assert all(row.says.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_loader_knows_its_name_and_version(name: str) -> None:
    assert loader(name).name == name
    assert loader(name).version


def test_an_unknown_loader_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="libbpf, cilium, aya"):
        loader("bcc")


def test_libbpf_differs_from_both_others_in_several_behaviours() -> None:
    assert {row.name for row in differences("libbpf", "cilium")} >= {"resize", "selection", "missing_type"}
    assert {row.name for row in differences("libbpf", "aya")} >= {"flavour", "type_matches", "validation"}
    assert differences("libbpf", "libbpf") == ()


@pytest.mark.parametrize(
    ("name", "libbpf", "cilium", "aya"),
    [
        ("a___b", "a", "a", "a"),
        ("a___b___c", "a___b", "a___b", "a"),
        ("a____b", "a____b", "a_", "a"),
        ("a___", "a___", "a", "a"),
        ("___a", "___a", "___a", ""),
        ("plain", "plain", "plain", "plain"),
    ],
)
def test_flavours_are_cut_in_three_ways(name: str, libbpf: str, cilium: str, aya: str) -> None:
    cut = [essential_name(loader(n).flavour, name) for n in NAMES]
    assert cut == [libbpf, cilium, aya]


def _pair() -> tuple[BtfWriter, BtfWriter]:
    local, kernel = BtfWriter(), BtfWriter()
    local.int()
    kernel.int()
    return local, kernel


def test_a_double_flavour_finds_the_plain_type_with_aya_only() -> None:
    local, kernel = _pair()
    s = local.struct("s___one___two", [field("x", 1, at=0)], size=4)
    kernel.struct("s", [field("x", 1, at=0)], size=4)
    outcomes = [ask(local, kernel, [exists(s, "0:0")], loader_name=n)[0].outcome for n in NAMES]
    assert outcomes == ["absent", "absent", "unchanged"]


def test_cilium_looks_into_modules_although_vmlinux_has_the_type() -> None:
    local, kernel = _pair()
    s = local.struct("kvm", [field("x", 1, at=0)], size=4)
    kernel.struct("kvm", [field("y", 1, at=0)], size=4)
    split = BtfWriter(base=kernel)
    split.struct("kvm", [field("x", 1, at=8)], size=16)
    vmlinux = Btf.parse(kernel.bytes())
    target = Target(vmlinux, [("kvm", Btf.parse(split.bytes(), vmlinux))])
    outcomes = [ask(local, target, [load(4, s, "0:0", 0)], loader_name=n)[0].outcome for n in NAMES]
    assert outcomes == ["poisoned", "patched", "poisoned"]


def test_cilium_takes_the_best_candidate_where_libbpf_depends_on_order_and_aya_mixes_layouts() -> None:
    local, kernel = _pair()
    s = local.struct("chan", [field(name, 1, at=4 * n) for n, name in enumerate("abc")], size=12)
    kernel.struct("chan", [field("a", 1, at=100)], size=200)
    kernel.struct("chan", [field("b", 1, at=104), field("c", 1, at=108)], size=200)
    asks = [load(4, s, "0:0", 0), load(4, s, "0:1", 4), load(4, s, "0:2", 8)]
    results = {n: run(local, kernel, [asks], loader_name=n) for n in NAMES}
    values = {n: [r.target_value for r in result.relocations] for n, result in results.items()}
    assert values == {"libbpf": [100, None, None], "cilium": [None, 104, 108], "aya": [100, 104, 108]}
    assert len(divergences(results)) == 3


def test_cilium_refuses_equally_good_candidates_that_differ() -> None:
    local, kernel = _pair()
    s = local.struct("chan", [field("a", 1, at=0), field("b", 1, at=4)], size=8)
    kernel.struct("chan", [field("a", 1, at=8)], size=16)
    kernel.struct("chan", [field("b", 1, at=12)], size=16)
    result = run(local, kernel, [[exists(s, "0:0"), exists(s, "0:1")]], loader_name="cilium")
    assert [(r.error, r.cause) for r in result.relocations] == [("EINVAL", Cause.AMBIGUOUS)] * 2
    assert run(local, kernel, [[exists(s, "0:0"), exists(s, "0:1")]]).stock_error is None


def test_cilium_scores_each_program_by_itself() -> None:
    local, kernel = _pair()
    s = local.struct("chan", [field("a", 1, at=0), field("b", 1, at=4)], size=8)
    kernel.struct("chan", [field("a", 1, at=8)], size=16)
    kernel.struct("chan", [field("b", 1, at=12)], size=16)
    result = run(local, kernel, [[load(4, s, "0:0", 0)], [load(4, s, "0:1", 4)]], loader_name="cilium")
    assert [r.target_value for r in result.relocations] == [8, 12]


@pytest.mark.parametrize("kind", [ReloKind.TYPE_SIZE, ReloKind.TARGET_TYPE_ID])
def test_a_missing_type_is_0_poison_or_an_error(kind: ReloKind) -> None:
    local, kernel = _pair()
    s = local.struct("gone", [field("a", 1, at=0)], size=4)
    results = {n: run(local, kernel, [[mov(kind, s, imm=4)]], loader_name=n) for n in NAMES}
    assert {n: r.relocations[0].outcome for n, r in results.items()} == {
        "libbpf": "absent", "cilium": "poisoned", "aya": "error",
    }  # fmt: skip
    assert {n: r.stock_error for n, r in results.items()} == {"libbpf": None, "cilium": None, "aya": "EINVAL"}


def test_aya_cannot_parse_type_matches() -> None:
    local, kernel = _pair()
    s = local.struct("s", [field("a", 1, at=0)], size=4)
    kernel.struct("s", [field("a", 1, at=0)], size=4)
    results = {n: run(local, kernel, [[mov(ReloKind.TYPE_MATCHES, s, imm=1)]], loader_name=n) for n in NAMES}
    assert {n: r.stock_error for n, r in results.items()} == {"libbpf": None, "cilium": None, "aya": "EINVAL"}


def _resized(encoding: int) -> tuple[BtfWriter, int, BtfWriter]:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("x", local.int("u", 4, encoding=encoding), at=0)], size=4)
    kernel.struct("s", [field("x", kernel.int("u", 8, encoding=encoding), at=8)], size=16)
    return local, s, kernel


def test_a_resized_unsigned_field_is_read_too_narrow_by_cilium() -> None:
    local, s, kernel = _resized(0)
    opcodes = {}
    for name in NAMES:
        (result,) = ask(local, kernel, [load(4, s, "0:0", 0)], loader_name=name)
        assert (result.outcome, result.local_size, result.target_size) == ("patched", 4, 8)
        opcodes[name] = bytes.fromhex(result.after)[0]
    assert opcodes == {"libbpf": 0x79, "cilium": 0x61, "aya": 0x79}


def test_a_resized_signed_field_is_poisoned_misread_or_refused() -> None:
    local, s, kernel = _resized(1)
    outcomes = [ask(local, kernel, [load(4, s, "0:0", 0)], loader_name=n)[0].outcome for n in NAMES]
    assert outcomes == ["poisoned", "patched", "error"]


def test_a_value_beyond_32_bits_is_cut_or_refused() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    e = local.enum64("e", [("A", 1)])
    kernel.enum64("e", [("A", 1 << 40)])
    results = [ask(local, kernel, [mov(ReloKind.ENUMVAL_VALUE, e, imm=1)], loader_name=n)[0] for n in NAMES]
    assert [r.error for r in results] == [None, "EINVAL", None]
    assert results[0].after[8:] == "00000000"


def test_a_poisoned_constant_is_two_calls_or_a_load_into_the_frame_pointer() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    e = local.enum("e", [("A", 1)])
    kernel.int()
    after = [
        ask(local, kernel, [wide(ReloKind.ENUMVAL_VALUE, e, "0", 1)], loader_name=n)[0].after for n in NAMES
    ]
    calls = "850000001023ad0b" * 2
    assert after == [calls, "180a00001023ad0b0000000000000000", calls]


def test_aya_does_not_look_at_what_the_instruction_holds() -> None:
    local, kernel = _pair()
    s = local.struct("s", [field("x", 1, at=0)], size=4)
    kernel.struct("s", [field("x", 1, at=8)], size=16)
    outcomes = [ask(local, kernel, [load(4, s, "0:0", 4)], loader_name=n)[0].outcome for n in NAMES]
    assert outcomes == ["error", "error", "patched"]


def test_a_candidate_of_another_kind_counts_as_a_miss_for_cilium() -> None:
    local, kernel = _pair()
    s = local.struct("sigval", [field("x", 1, at=0)], size=4)
    kernel.union("sigval", [field("x", 1, at=0)], size=4)
    results = [ask(local, kernel, [exists(s, "0:0")], loader_name=n)[0] for n in NAMES]
    assert [(r.outcome, len(r.candidates)) for r in results] == [("absent", 0), ("absent", 1), ("absent", 0)]


def test_which_btf_a_loader_cannot_read() -> None:
    plain = {"header_length": 32, "max_vlen": 700, "kinds": frozenset({1, 19})}
    assert [unreadable(loader(n), **plain) for n in NAMES] == [(), (), ()]
    assert unreadable(LIBBPF, header_length=24, max_vlen=70_000, kinds=frozenset({1}))
    assert unreadable(LIBBPF, header_length=24, max_vlen=7, kinds=frozenset({1, 40}))
    strict = Loader(max_header=24)
    assert "32" in unreadable(strict, **plain)[0]
