# SPDX-License-Identifier: Apache-2.0
"""Twenty places where a plain reading of CO-RE differs from libbpf; one test or more for each.

Every expectation here was seen in libbpf 1.7.0, and the differential tests ask it again.
"""

from __future__ import annotations

import pytest

from preflight.btf import Btf, BtfExt, CoreRelo, essential_name
from preflight.core import Cause, ReloKind, Target, find_attach_target
from preflight.core.question import plan
from preflight.core.relocate import relocate, relocate_object
from preflight.objects import load as load_object
from tests.btfwriter import BtfWriter, ExtWriter, bitfield, field
from tests.core.asking import Body, add, ask, exists, load, mov, run, store, wide
from tests.differential.elfbuild import Code, build, insn

POISON = "850000001023ad0b"


def _dma_chan() -> tuple[BtfWriter, int, BtfWriter]:
    """A local struct and a kernel that has it twice: first without, then with `cookie`."""
    local = BtfWriter()
    i = local.int()
    chan = local.struct("dma_chan", [field("lock", i, at=0), field("cookie", i, at=4)], size=8)
    kernel = BtfWriter()
    k = kernel.int()
    kernel.struct("dma_chan", [field("lock", k, at=0), field("other", k, at=8)], size=16)
    kernel.struct("dma_chan", [field("lock", k, at=8), field("cookie", k, at=16)], size=24)
    return local, chan, kernel


# --- 1: pruning


def test_trap_01_a_match_drops_the_other_candidates_for_the_rest_of_the_object() -> None:
    local = BtfWriter()
    i = local.int()
    chan = local.struct(
        "dma_chan", [field("lock", i, at=0), field("cookie", i, at=4), field("only", i, at=8)], size=12
    )
    kernel = BtfWriter()
    k = kernel.int()
    kernel.struct("dma_chan", [field("only", k, at=0)], size=16)
    kernel.struct("dma_chan", [field("cookie", k, at=16)], size=24)
    alone = ask(local, kernel, [exists(chan, "0:1"), load(4, chan, "0:1", 4)])
    assert [r.outcome for r in alone] == ["unchanged", "patched"]
    assert alone[1].target_value == 16
    after = ask(local, kernel, [load(4, chan, "0:2", 8), exists(chan, "0:1"), load(4, chan, "0:1", 4)])
    assert [r.outcome for r in after] == ["patched", "absent", "poisoned"]
    assert [len(r.candidates) for r in after] == [2, 1, 1]


def test_trap_01_no_match_leaves_the_candidates_as_they_are() -> None:
    local, chan, kernel = _dma_chan()
    local.struct("unused", size=1)
    i = 1
    gone = local.struct("dma_chan", [field("gone", i, at=0)], size=4)
    results = ask(local, kernel, [exists(gone, "0:0"), exists(gone, "0:0"), exists(chan, "0:1")])
    assert [len(r.candidates) for r in results] == [2, 2, 2]


def test_trap_01_programs_that_are_not_loaded_do_not_prune() -> None:
    local = BtfWriter()
    i = local.int()
    chan = local.struct("dma_chan", [field("only", i, at=0), field("cookie", i, at=4)], size=8)
    kernel = BtfWriter()
    k = kernel.int()
    kernel.struct("dma_chan", [field("only", k, at=0)], size=16)
    kernel.struct("dma_chan", [field("cookie", k, at=16)], size=24)
    programs = [[load(4, chan, "0:0", 0)], [exists(chan, "0:1")]]
    assert run(local, kernel, programs).relocations[-1].outcome == "absent"
    off = run(local, kernel, programs, off=[0])
    assert [r.outcome for r in off.relocations] == ["unchanged"]
    assert [s.function for s in off.skipped] == ["prog0"]


def test_trap_01_a_flavour_has_a_candidate_list_of_its_own() -> None:
    local = BtfWriter()
    i = local.int()
    plain = local.struct("dma_chan", [field("only", i, at=0)], size=4)
    flavour = local.struct("dma_chan___v2", [field("cookie", i, at=4)], size=8)
    kernel = BtfWriter()
    k = kernel.int()
    kernel.struct("dma_chan", [field("only", k, at=0)], size=16)
    kernel.struct("dma_chan", [field("cookie", k, at=16)], size=24)
    results = ask(local, kernel, [load(4, plain, "0:0", 0), exists(flavour, "0:0")])
    assert [r.outcome for r in results] == ["unchanged", "unchanged"]


# --- 2: flavours in the kernel


def _nf_conn() -> tuple[BtfWriter, int, BtfWriter]:
    local = BtfWriter()
    i = local.int()
    conn = local.struct("nf_conn", [field("status", i, at=0)], size=4)
    kernel = BtfWriter()
    k = kernel.int()
    kernel.struct("nf_conn", [field("status", k, at=128)], size=256)
    inner = kernel.struct("nf_conn_inner", [field("x", k, at=0)], size=4)
    kernel.struct("nf_conn___init", [field("ct", inner, at=0)], size=256)
    return local, conn, kernel


def test_trap_02_a_flavour_in_the_kernel_is_a_candidate_and_makes_the_type_id_ambiguous() -> None:
    local, conn, kernel = _nf_conn()
    (result,) = ask(local, kernel, [mov(ReloKind.TARGET_TYPE_ID, conn)])
    assert (result.outcome, result.error, result.cause) == ("error", "EINVAL", Cause.AMBIGUOUS)
    assert [c.name for c in result.candidates] == ["struct nf_conn", "struct nf_conn___init"]


def test_trap_02_an_earlier_field_relocation_resolves_the_ambiguity() -> None:
    local, conn, kernel = _nf_conn()
    results = run(local, kernel, [[load(4, conn, "0:0", 0), mov(ReloKind.TARGET_TYPE_ID, conn)]])
    assert [r.outcome for r in results.relocations] == ["patched", "patched"]
    assert results.relocations[1].target_value == 2
    assert results.stock_error is None


# --- 3: ambiguity


def _workspace(second_at: int, second_type: str = "int") -> tuple[BtfWriter, int, BtfWriter]:
    local = BtfWriter()
    i = local.int()
    work = local.struct("workspace", [field("buf", i, at=0)], size=4)
    kernel = BtfWriter()
    types = {"int": kernel.int(), "u32": kernel.int("unsigned int", encoding=0)}
    kernel.struct("workspace", [field("buf", types["int"], at=8)], size=16)
    kernel.struct("workspace", [field("buf", types[second_type], at=second_at)], size=16)
    return local, work, kernel


def test_trap_03_existence_at_two_offsets_is_an_error_though_both_candidates_have_the_field() -> None:
    local, work, kernel = _workspace(12)
    (result,) = ask(local, kernel, [exists(work, "0:0")])
    assert (result.outcome, result.error, result.cause) == ("error", "EINVAL", Cause.AMBIGUOUS)
    assert result.after == result.before


def test_trap_03_equal_offsets_with_another_sign_are_an_error_only_when_the_sign_is_asked() -> None:
    local, work, kernel = _workspace(8, "u32")
    assert ask(local, kernel, [exists(work, "0:0")])[0].outcome == "unchanged"
    sign = ask(local, kernel, [mov(ReloKind.SIGNED, work, "0:0", 1)])[0]
    assert (sign.error, sign.cause) == ("EINVAL", Cause.AMBIGUOUS)


def test_trap_03_candidates_that_agree_are_fine() -> None:
    local, work, kernel = _workspace(8)
    (result,) = ask(local, kernel, [load(4, work, "0:0", 0)])
    assert (result.outcome, [c.match for c in result.candidates]) == ("patched", [True, True])


def test_trap_03_an_error_in_dead_code_refuses_the_whole_object() -> None:
    local, work, kernel = _workspace(12)
    result = run(local, kernel, [[exists(work, "0:0")], [exists(work, "0:0")]])
    assert result.stock_error == "EINVAL"


# --- 4: member search


def test_trap_04_the_search_stops_at_the_first_member_of_the_name() -> None:
    local = BtfWriter()
    i = local.int()
    file = local.struct(
        "file", [field("f_op", local.struct("ops", [field("x", i, at=0)], size=4), at=0)], size=4
    )
    sock = local.struct("sock", [field("sk_prot", i, at=0)], size=4)
    kernel = BtfWriter()
    kernel.int()
    pointer = kernel.ptr(0)
    kernel.struct("file", [field("f_op", pointer, at=8)], size=16)
    kernel.struct("sock", [field("sk_prot", pointer, at=8)], size=16)
    results = ask(local, kernel, [exists(file, "0:0"), load(4, file, "0:0:0", 0), exists(sock, "0:0")])
    assert [r.outcome for r in results] == ["absent", "poisoned", "absent"]
    assert {r.cause for r in results} == {Cause.KIND_CHANGED}


def test_trap_04_anonymous_members_are_searched_depth_first() -> None:
    local = BtfWriter()
    i = local.int()
    s = local.struct("s", [field("x", i, at=0)], size=4)
    kernel = BtfWriter()
    k = kernel.int()
    deep = kernel.union("", [field("x", k, at=0)], size=4)
    middle = kernel.struct("", [field("y", k, at=0), field("", deep, at=8)], size=12)
    kernel.struct("s", [field("a", k, at=0), field("", middle, at=16)], size=32)
    (result,) = ask(local, kernel, [load(4, s, "0:0", 0)])
    assert result.target_value == 24
    assert result.target_spec is not None and result.target_spec.raw == (0, 1, 1, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "compatible"),
    [
        ("int", "u8", True),
        ("int", "ptr", False),
        ("ptr", "ptr", True),
        ("struct", "union", True),
        ("color", "color___x", True),
        ("color", "shape", False),
        ("color", "", True),
        ("color", "int", False),
        ("color", "color64", True),
        ("array-int", "array-u8", True),
        ("array-int", "array-ptr", False),
        ("int", "old-bitfield", False),
        ("float", "float", True),
    ],
)
def test_trap_04_which_field_types_are_compatible(ours: str, theirs: str, compatible: bool) -> None:
    def add_type(w: BtfWriter, what: str) -> int:
        i = w.int()
        makers = {
            "int": lambda: i,
            "u8": lambda: w.int("unsigned char", 1, encoding=0),
            "ptr": lambda: w.ptr(0),
            "struct": lambda: w.struct("one", [field("a", i, at=0)], size=4),
            "union": lambda: w.union("two", [field("a", i, at=0)], size=4),
            "color64": lambda: w.enum64("color", [("RED", 1)]),
            "array-int": lambda: w.array(i, 3),
            "array-u8": lambda: w.array(w.int("unsigned char", 1, encoding=0), 3),
            "array-ptr": lambda: w.array(w.ptr(0), 3),
            "old-bitfield": lambda: w.int("bits", 4, bits=3, offset=5),
            "float": w.float,
        }
        return makers[what]() if what in makers else w.enum(what, [("RED", 1)])

    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("x", add_type(local, ours), at=0)], size=16)
    kernel.struct("s", [field("x", add_type(kernel, theirs), at=0)], size=16)
    (result,) = ask(local, kernel, [exists(s, "0:0")])
    assert (result.outcome == "unchanged") is compatible


# --- 5: memory size


def _sized(local_type: str, kernel_type: str, *, pointer: int = 8) -> tuple[BtfWriter, int, BtfWriter]:
    def make(w: BtfWriter, what: str) -> int:
        if what == "ptr":
            return w.ptr(0)
        if what.startswith("array "):
            return w.array(make(w, what[6:]), 4)
        size = int(what[1:]) // 8
        encoding = {"u": 0, "s": 1, "b": 4, "c": 2}[what[0]]
        return w.int(what, size, encoding=encoding)

    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("x", make(local, local_type), at=0)], size=32)
    if pointer == 4:
        kernel.int("long", 4)
    kernel.struct("s", [field("x", make(kernel, kernel_type), at=16)], size=64)
    return local, s, kernel


@pytest.mark.parametrize(
    ("ours", "theirs", "opcode"),
    [
        ("u32", "u64", 0x79),
        ("u64", "u32", 0x61),
        ("u32", "u8", 0x71),
        ("u16", "b8", 0x71),
        ("u32", "c8", 0x71),
    ],
)
def test_trap_05_unsigned_loads_get_the_kernels_size(ours: str, theirs: str, opcode: int) -> None:
    local, s, kernel = _sized(ours, theirs)
    (result,) = ask(local, kernel, [load(int(ours[1:]) // 8, s, "0:0", 0)])
    assert result.outcome == "patched"
    assert bytes.fromhex(result.after)[0] == opcode
    assert bytes.fromhex(result.after)[2] == 16


@pytest.mark.parametrize(("ours", "theirs"), [("s32", "s64"), ("s64", "u32"), ("u32", "s64")])
def test_trap_05_signed_loads_and_stores_are_poisoned(ours: str, theirs: str) -> None:
    local, s, kernel = _sized(ours, theirs)
    size = int(ours[1:]) // 8
    results = ask(local, kernel, [load(size, s, "0:0", 0), store(size, s, "0:0", 0)])
    assert [(r.outcome, r.cause, r.after) for r in results] == [("poisoned", Cause.MEMSIZE, POISON)] * 2
    assert results[0].error is None


def test_trap_05_the_same_field_is_patched_silently_in_arithmetic() -> None:
    local, s, kernel = _sized("s32", "s64")
    results = ask(local, kernel, [add(s, "0:0", 0), wide(ReloKind.BYTE_OFF, s, "0:0", 0)])
    assert [(r.outcome, r.target_value) for r in results] == [("patched", 16)] * 2


def test_trap_05_pointers_shrink_on_a_32_bit_kernel() -> None:
    local, s, kernel = _sized("ptr", "ptr", pointer=4)
    (result,) = ask(local, kernel, [load(8, s, "0:0", 0)])
    assert (result.outcome, bytes.fromhex(result.after)[0]) == ("patched", 0x61)


def test_trap_05_an_array_counts_by_its_elements_and_a_whole_array_never_resizes() -> None:
    local, s, kernel = _sized("array u32", "array u64")
    results = ask(local, kernel, [load(4, s, "0:0:1", 4), load(4, s, "0:0", 0)])
    assert [(r.outcome, bytes.fromhex(r.after)[0]) for r in results] == [
        ("patched", 0x79),
        ("poisoned", 0x85),
    ]


def test_trap_05_an_instruction_of_another_size_than_its_field_is_an_error() -> None:
    local, s, kernel = _sized("u32", "u64")
    (result,) = ask(local, kernel, [load(2, s, "0:0", 0)])
    assert (result.outcome, result.error, result.cause) == ("error", "EINVAL", Cause.MEMSIZE)


# --- 6: range


def test_trap_06_an_offset_beyond_a_load_is_fatal_and_fine_in_arithmetic() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("x", local.int(), at=0)], size=4)
    kernel.struct("s", [field("x", kernel.int(), at=32768)], size=40000)
    result = run(
        local, kernel, [[add(s, "0:0", 0), load(4, s, "0:0", 0), wide(ReloKind.BYTE_OFF, s, "0:0", 0)]]
    )
    assert [(r.outcome, r.error) for r in result.relocations] == [
        ("patched", None), ("error", "ERANGE"), ("patched", None),
    ]  # fmt: skip
    assert result.stock_error == "ERANGE"


def test_trap_06_32767_still_fits() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("x", local.int("char", 1), at=0)], size=4)
    kernel.struct("s", [field("x", kernel.int("char", 1), at=32767)], size=40000)
    (result,) = ask(local, kernel, [load(1, s, "0:0", 0)])
    assert (result.outcome, result.after[4:8]) == ("patched", "ff7f")


# --- 7: high enumerators


def test_trap_07_a_32_bit_enumerator_above_2_to_31_is_refused_as_the_compiler_writes_it() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    e = local.enum("e", [("HIGH", 0xFF000000)])
    kernel.enum("e", [("HIGH", 0xFF000000)])
    compiled, extended = ask(
        local,
        kernel,
        [
            wide(ReloKind.ENUMVAL_VALUE, e, "0", 0xFF000000),
            wide(ReloKind.ENUMVAL_VALUE, e, "0", 0xFFFFFFFFFF000000),
        ],
    )
    assert (compiled.error, compiled.cause) == ("EINVAL", Cause.VALUE_MISMATCH)
    assert (extended.outcome, extended.target_value) == ("unchanged", 0xFFFFFFFFFF000000)


def test_trap_07_enum_and_enum64_stand_for_each_other() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    e = local.enum("e", [("A", 3)])
    kernel.enum64("e", [("A", 1 << 40)])
    (result,) = ask(local, kernel, [wide(ReloKind.ENUMVAL_VALUE, e, "0", 3)])
    assert (result.outcome, result.target_value) == ("patched", 1 << 40)


# --- 8: validation


def test_trap_08_an_instruction_without_the_local_value_is_refused() -> None:
    local, work, kernel = _workspace(8)
    for wrong in (load(4, work, "0:0", 4), add(work, "0:0", 4), wide(ReloKind.BYTE_OFF, work, "0:0", 4)):
        (result,) = ask(local, kernel, [wrong])
        assert (result.outcome, result.error, result.cause) == ("error", "EINVAL", Cause.VALUE_MISMATCH)
        assert result.after == result.before


def test_trap_08_bitfields_and_type_ids_are_not_validated() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [bitfield("x", local.int(), bit=3, width=2)], size=4)
    kernel.struct("s", [bitfield("x", kernel.int(), bit=3, width=2)], size=4)
    results = ask(
        local,
        kernel,
        [
            mov(ReloKind.BYTE_OFF, s, "0:0", 99),
            mov(ReloKind.BYTE_SZ, s, "0:0", 99),
            mov(ReloKind.LSHIFT_U64, s, "0:0", 99),
            mov(ReloKind.LOCAL_TYPE_ID, s, "0", 99),
            mov(ReloKind.TARGET_TYPE_ID, s, "0", 99),
            mov(ReloKind.RSHIFT_U64, s, "0:0", 99),
        ],
    )
    assert [r.error for r in results] == [None, None, None, None, None, "EINVAL"]


# --- 9: bitfields


@pytest.mark.parametrize(
    ("bit", "width", "offset", "size"),
    [(0, 3, 0, 4), (31, 1, 0, 4), (30, 4, 0, 8), (64, 8, 8, 4), (62, 4, None, None)],
)
def test_trap_09_a_bitfield_is_loaded_by_the_smallest_aligned_power_of_two(
    bit: int, width: int, offset: int | None, size: int | None
) -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [bitfield("x", local.int(), bit=0, width=1)], size=4)
    kernel.struct("s", [bitfield("x", kernel.int(), bit=bit, width=width)], size=16)
    results = ask(local, kernel, [mov(ReloKind.BYTE_OFF, s, "0:0", 0), mov(ReloKind.BYTE_SZ, s, "0:0", 4)])
    if offset is None:
        assert [(r.error, r.cause) for r in results] == [("E2BIG", Cause.BITFIELD)] * 2
    else:
        assert [r.target_value for r in results] == [offset, size]


def test_trap_09_a_field_may_be_a_bitfield_on_one_side_only() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    i = local.int("unsigned int", encoding=0)
    s = local.struct("s", [field("x", i, at=0)], size=4)
    kernel.struct("s", [bitfield("x", kernel.int("unsigned int", encoding=0), bit=9, width=4)], size=4)
    address, shift, direct = ask(
        local, kernel, [add(s, "0:0", 0), mov(ReloKind.RSHIFT_U64, s, "0:0", 32), load(4, s, "0:0", 0)]
    )
    assert (address.outcome, shift.target_value) == ("unchanged", 60)
    assert (direct.outcome, direct.cause) == ("poisoned", Cause.MEMSIZE)


# --- 10: byte order


@pytest.mark.parametrize(("byteorder", "shift"), [("little", 56), ("big", 60)])
def test_trap_10_a_shift_follows_the_objects_byte_order(byteorder: str, shift: int) -> None:
    # four bits at bit 4 of a byte
    local, kernel = BtfWriter(byteorder), BtfWriter(byteorder)
    u8 = local.int("unsigned char", 1, encoding=0)
    ip = local.struct("iphdr", [bitfield("version", u8, bit=4, width=4)], size=1)
    kernel.struct(
        "iphdr", [bitfield("version", kernel.int("unsigned char", 1, encoding=0), bit=4, width=4)], size=1
    )
    (result,) = ask(local, kernel, [mov(ReloKind.LSHIFT_U64, ip, "0:0", 0)], byteorder=byteorder)
    assert result.target_value == shift
    in_order = "little" if byteorder == "little" else "big"
    assert int.from_bytes(bytes.fromhex(result.after)[4:], in_order) == shift


def test_trap_10_a_big_endian_object_is_patched_in_its_own_byte_order() -> None:
    local, kernel = BtfWriter("big"), BtfWriter("big")
    s = local.struct("s", [field("x", local.int(), at=0)], size=4)
    kernel.struct("s", [field("x", kernel.int(), at=0x120)], size=0x200)
    e = local.struct("gone", [field("x", 1, at=0)], size=4)
    results = ask(local, kernel, [load(4, s, "0:0", 0), load(4, e, "0:0", 0)], byteorder="big")
    assert [r.after for r in results] == ["6112012000000000", "850000000bad2310"]


# --- 11: type questions


def test_trap_11_a_missing_type_is_answered_0_and_never_poisons() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    gone = local.struct("gone", [field("x", local.int(), at=0)], size=4)
    kernel.int()
    asks = [
        mov(ReloKind.TYPE_EXISTS, gone, imm=1), mov(ReloKind.TYPE_SIZE, gone, imm=4),
        mov(ReloKind.TARGET_TYPE_ID, gone), mov(ReloKind.TYPE_MATCHES, gone, imm=1),
    ]  # fmt: skip
    results = ask(local, kernel, asks)
    assert [(r.outcome, r.target_value) for r in results] == [("absent", 0)] * 4
    assert {r.cause for r in results} == {Cause.NO_CANDIDATE}


def test_trap_11_the_root_kind_must_be_equal() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    i = local.int()
    sigval = local.struct("sigval", [field("sival_int", i, at=0)], size=4)
    typedef = local.typedef("thing", sigval)
    kernel.union("sigval", [field("sival_int", kernel.int(), at=0)], size=8)
    kernel.struct("thing", [field("sival_int", 1, at=0)], size=8)
    results = ask(
        local,
        kernel,
        [exists(sigval, "0:0"), exists(typedef, "0:0"), mov(ReloKind.TYPE_EXISTS, typedef, imm=1)],
    )
    assert [(r.outcome, len(r.candidates)) for r in results] == [("absent", 0)] * 3


def test_trap_11_an_anonymous_root_is_refused_but_its_local_id_is_not() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    anonymous = local.struct("", [field("x", local.int(), at=0)], size=4)
    kernel.int()
    asked, own = ask(
        local, kernel, [mov(ReloKind.TYPE_EXISTS, anonymous, imm=1), mov(ReloKind.LOCAL_TYPE_ID, anonymous)]
    )
    assert (asked.outcome, asked.error, asked.cause) == ("error", "EINVAL", Cause.ANONYMOUS)
    assert (own.outcome, own.error) == ("patched", None)


# --- 12: enumerators


def test_trap_12_a_missing_enumerator_poisons_both_halves_and_its_existence_is_0() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    e = local.enum("e", [("A", 5)])
    kernel.enum("e", [("B", 5)])
    there, value = ask(
        local, kernel, [mov(ReloKind.ENUMVAL_EXISTS, e, "0", 1), wide(ReloKind.ENUMVAL_VALUE, e, "0", 5)]
    )
    assert (there.outcome, there.cause) == ("absent", Cause.ENUMERATOR_MISSING)
    assert (value.outcome, value.after) == ("poisoned", POISON * 2)


def test_trap_12_enumerators_match_by_essential_name() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    e = local.enum("e", [("BPF_FUNC_get_stackid___y", 5)])
    kernel.enum("e", [("A", 0), ("BPF_FUNC_get_stackid", 27)])
    (value,) = ask(local, kernel, [wide(ReloKind.ENUMVAL_VALUE, e, "0", 5)])
    assert (value.outcome, value.target_value) == ("patched", 27)


# --- 13: essential names


@pytest.mark.parametrize(
    ("name", "essential"),
    [("a___b", "a"), ("a___b___c", "a___b"), ("a____b", "a____b"), ("___a", "___a"), ("a___", "a___")],
)
def test_trap_13_a_flavour_is_cut_at_the_last_separator_between_other_characters(
    name: str, essential: str
) -> None:
    assert essential_name(name) == essential
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct(name, [field("x", local.int(), at=0)], size=4)
    # both sides are cut: only a kernel type of the same essential name is a candidate
    kernel.struct(
        f"{essential}___kernel" if name != essential else name, [field("x", kernel.int(), at=0)], size=4
    )
    kernel.struct(f"{essential}_more", [field("x", 1, at=0)], size=4)
    (result,) = ask(local, kernel, [exists(s, "0:0")])
    assert (result.outcome, len(result.candidates)) == ("unchanged", 1)


# --- 14: arrays


def _array(nelems: int, *, last: bool, ours: int = 64) -> tuple[BtfWriter, int, BtfWriter]:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("a", local.array(local.int("char", 1), ours), at=0)], size=ours)
    k = kernel.int("char", 1)
    members = [field("first", k, at=0), field("a", kernel.array(k, nelems), at=4)]
    kernel.struct("s", members if last else [members[1], members[0]], size=64)
    return local, s, kernel


@pytest.mark.parametrize(
    ("nelems", "last", "index", "outcome"),
    [
        (16, True, 15, "patched"), (16, True, 16, "poisoned"), (16, False, 40, "poisoned"),
        (0, True, 40, "patched"), (0, False, 40, "poisoned"), (0, False, 0, "poisoned"),
    ],
)  # fmt: skip
def test_trap_14_a_bound_is_the_kernels_and_only_a_last_member_without_elements_has_none(
    nelems: int, last: bool, index: int, outcome: str
) -> None:
    local, s, kernel = _array(nelems, last=last)
    (result,) = ask(local, kernel, [load(1, s, f"0:0:{index}", index)])
    assert result.outcome == outcome
    assert (result.cause == Cause.ARRAY_BOUND) is (outcome == "poisoned")


def test_trap_14_a_root_index_multiplies_the_kernels_size() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("x", local.int(), at=4)], size=8)
    kernel.struct("s", [field("x", kernel.int(), at=12)], size=100)
    (result,) = ask(local, kernel, [add(s, "2:0", 20)])
    assert (result.local_value, result.target_value) == (20, 212)


# --- 15: pointer size


@pytest.mark.parametrize(
    ("name", "size"), [("long", 4), ("long unsigned int", 4), ("unsigned long", 8), ("other", 8)]
)
def test_trap_15_a_pointer_is_as_wide_as_the_kernels_long(name: str, size: int) -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("p", local.ptr(0), at=0)], size=8)
    kernel.int(name, 4 if size == 4 else 8)
    kernel.struct("s", [field("p", kernel.ptr(0), at=0)], size=8)
    (result,) = ask(local, kernel, [mov(ReloKind.BYTE_SZ, s, "0:0", 8)])
    assert result.target_value == size


# --- 16: modules


def test_trap_16_modules_are_asked_only_when_vmlinux_has_no_type_of_that_name() -> None:
    local = BtfWriter()
    i = local.int()
    inode = local.struct("btrfs_inode", [field("size", i, at=0)], size=4)
    kvm = local.struct("kvm", [field("size", i, at=0)], size=4)
    kernel = BtfWriter()
    k = kernel.int()
    kernel.struct("kvm", [field("other", k, at=0)], size=4)
    split = BtfWriter(base=kernel)
    split.struct("btrfs_inode", [field("size", k, at=216)], size=400)
    split.struct("kvm", [field("size", k, at=8)], size=400)
    vmlinux = Btf.parse(kernel.bytes())
    fetched = []

    def modules() -> list[tuple[str, Btf]]:
        fetched.append(1)
        return [("btrfs", Btf.parse(split.bytes(), vmlinux))]

    target = Target(vmlinux, modules)
    (alone,) = ask(local, target, [exists(kvm, "0:0")])
    assert (alone.outcome, fetched) == ("absent", [])
    (found,) = ask(local, target, [load(4, inode, "0:0", 0)])
    assert (found.outcome, found.target_value, found.target_btf) == ("patched", 216, "btrfs")
    assert [c.btf for c in found.candidates] == ["btrfs"]
    (missing,) = ask(local, Target(vmlinux), [load(4, inode, "0:0", 0)])
    assert (missing.outcome, missing.cause) == ("poisoned", Cause.NO_CANDIDATE)


# --- 17: attach targets


def test_trap_17_attach_targets_are_looked_up_in_the_kernel_asked_about() -> None:
    old, new = BtfWriter(), BtfWriter()
    for kernel, name in ((old, "account_page_dirtied"), (new, "folio_account_dirtied")):
        kernel.func(name, kernel.func_proto())
    kernels = [Target(Btf.parse(kernel.bytes())) for kernel in (old, new)]
    found = [find_attach_target(kernel, "trace_fentry", "account_page_dirtied") for kernel in kernels]
    assert [(f.type_id, f.btf, f.error) for f in found] == [(2, "vmlinux", None), (0, None, "ESRCH")]


@pytest.mark.parametrize(
    ("attach_type", "kind", "btf_name"),
    [
        ("trace_raw_tp", "typedef", "btf_trace_sched_switch"),
        ("lsm_mac", "func", "bpf_lsm_sched_switch"),
        ("trace_iter", "func", "bpf_iter_sched_switch"),
        ("modify_return", "func", "sched_switch"),
    ],
)
def test_trap_17_each_hook_has_its_own_name_in_btf(attach_type: str, kind: str, btf_name: str) -> None:
    kernel = BtfWriter()
    proto = kernel.func_proto()
    wanted = kernel.typedef(btf_name, proto) if kind == "typedef" else kernel.func(btf_name, proto)
    target = Target(Btf.parse(kernel.bytes()))
    assert find_attach_target(target, attach_type, "sched_switch").type_id == wanted


# --- 18: sections, subprograms, eliminated functions, record size


def test_trap_18_records_of_eliminated_functions_are_skipped_and_the_index_restarts_per_section() -> None:
    local = BtfWriter()
    s = local.struct("s", [field("x", local.int(), at=0)], size=4)
    ext = ExtWriter(local)
    code = [load(4, s, "0:0", 0).code("little"), insn("little", 0x95)]
    for section in (".text", "kprobe/x"):
        ext.core(section, 0, s, "0:0", ReloKind.BYTE_OFF)
        ext.core(section, 2, s, "0:0", ReloKind.BYTE_OFF)
        ext.core(section, 40, s, "0:0", ReloKind.BYTE_OFF)
    sections = {
        name: [Code(f"{name[-1]}_one", b"".join(code)), Code(f"{name[-1]}_two", b"".join(code))]
        for name in (".text", "kprobe/x")
    }
    records = ext.bytes(extra_words=1)  # first: it adds strings to the types' blob
    obj = load_object(build("little", sections, local.bytes(), records), "test")
    kernel = BtfWriter()
    kernel.struct("s", [field("x", kernel.int(), at=8)], size=16)
    result = relocate_object(obj, Target(Btf.parse(kernel.bytes())))
    assert [(r.section, r.index, r.program, r.section_insn, r.insn) for r in result.relocations] == [
        (".text", 0, "t_one", 0, 0), (".text", 1, "t_two", 2, 0),
        ("kprobe/x", 0, "x_one", 0, 0), ("kprobe/x", 1, "x_two", 2, 0),
    ]  # fmt: skip
    assert [(s.section, s.section_insn, s.function) for s in result.skipped] == [
        (".text", 40, None), ("kprobe/x", 40, None),
    ]  # fmt: skip
    assert {r.outcome for r in result.relocations} == {"patched"}


def test_trap_18_records_longer_than_known_are_read() -> None:
    local = BtfWriter()
    s = local.struct("s", [field("x", local.int(), at=0)], size=4)
    ext = ExtWriter(local)
    ext.core("kprobe/x", 3, s, "0:0", 2)
    data = ext.bytes(extra_words=2)
    records = BtfExt.parse(data, Btf.parse(local.bytes())).core_relos["kprobe/x"]
    assert [(r.insn, r.access_str, r.kind) for r in records] == [(3, "0:0", 2)]


# --- 19: local ids and type_matches


def test_trap_19_the_local_id_is_written_without_looking_for_candidates() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("nowhere", [field("x", local.int(), at=0)], size=4)
    kernel.int()
    (result,) = ask(local, kernel, [mov(ReloKind.LOCAL_TYPE_ID, s, imm=77)])
    assert (result.outcome, result.target_value, result.candidates) == ("patched", s, ())


def _matching(w: BtfWriter, shape: str) -> int:
    i = w.int()
    other = w.int("long", 8)

    def behind(pointee: int) -> int:
        return w.struct("s", [field("p", w.ptr(pointee), at=0)], size=8)

    makers = {
        "two": lambda: w.struct("s", [field("a", i, at=0), field("b", i, at=4)], size=8),
        "one": lambda: w.struct("s", [field("a", i, at=0)], size=4),
        "flavoured member": lambda: w.struct("s", [field("a___x", i, at=0)], size=4),
        "wide": lambda: w.struct("s", [field("a", other, at=0)], size=8),
        "fwd behind": lambda: behind(w.fwd("t")),
        "union fwd behind": lambda: behind(w.fwd("t", union=True)),
        "struct behind": lambda: behind(w.struct("t", [field("z", i, at=0)], size=4)),
        "other struct behind": lambda: behind(w.struct("t", [field("y", other, at=0)], size=8)),
        "array 3": lambda: w.struct("s", [field("r", w.array(i, 3), at=0)], size=12),
        "array 4": lambda: w.struct("s", [field("r", w.array(i, 4), at=0)], size=16),
    }  # fmt: skip
    return makers[shape]()


@pytest.mark.parametrize(
    ("ours", "theirs", "match"),
    [
        ("one", "two", True), ("two", "one", False), ("flavoured member", "two", True),
        ("wide", "one", False),
        ("fwd behind", "struct behind", True), ("struct behind", "fwd behind", True),
        ("union fwd behind", "struct behind", False), ("other struct behind", "struct behind", True),
        ("array 3", "array 4", False), ("array 3", "array 3", True),
    ],
)  # fmt: skip
def test_trap_19_type_matches_compares_members_and_stops_behind_pointers(
    ours: str, theirs: str, match: bool
) -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = _matching(local, ours)
    _matching(kernel, theirs)
    (result,) = ask(local, kernel, [mov(ReloKind.TYPE_MATCHES, s, imm=1)])
    assert (result.outcome == "unchanged") is match


# --- 20: poison


def test_trap_20_poison_is_one_fixed_call_and_the_object_still_relocates() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    gone = local.struct("gone", [field("x", local.int(), at=8)], size=16)
    kernel.int()
    result = run(
        local,
        kernel,
        [[load(4, gone, "0:0", 8), store(2, gone, "0:0", 8), add(gone, "0:0", 8), wide(0, gone, "0:0", 8)]],
    )
    assert [r.after for r in result.relocations] == [POISON, POISON, POISON, POISON * 2]
    assert {r.outcome for r in result.relocations} == {"poisoned"}
    assert result.stock_error is None
    assert result.patches()["kprobe/0", 3] == bytes.fromhex(POISON * 2)


def test_trap_18_a_symbol_inside_a_function_hides_the_rest_of_it() -> None:
    local = BtfWriter()
    s = local.struct("s", [field("x", local.int(), at=0)], size=4)
    kernel = BtfWriter()
    kernel.struct("s", [field("x", kernel.int(), at=8)], size=16)
    code = load(4, s, "0:0", 0).code("little") * 6
    outer, inner = Body("outer", "kprobe/x", 0, code), Body("inner", "kprobe/x", 2, code[16:32])
    records = {"kprobe/x": tuple(CoreRelo(8 * n, s, "0:0", ReloKind.BYTE_OFF) for n in range(6))}
    made = plan("test", Btf.parse(local.bytes(), pointer_size=8), "little", records, [outer, inner])
    result = relocate(made, Target(Btf.parse(kernel.bytes())))
    assert [(r.section_insn, r.program) for r in result.relocations] == [
        (0, "outer"), (1, "outer"), (2, "inner"), (3, "inner"),
    ]  # fmt: skip
    assert [s.section_insn for s in result.skipped] == [4, 5]
