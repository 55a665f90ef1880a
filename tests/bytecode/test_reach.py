# SPDX-License-Identifier: Apache-2.0
"""Reachability on programs assembled in memory; the kernel's own answers are in test_reach_kernel.py."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.bytecode.image import (
    DataRef,
    KfuncRef,
    KsymRef,
    MapRef,
    Origin,
    ProgramImage,
    Ref,
    SubprogRef,
)
from preflight.bytecode.insn import Insn, encode
from preflight.bytecode.reach import Assumption, Environment, MapShape, Reach, reach, reachable_slots
from preflight.bytecode.reach_explore import explore_joined, explore_paths
from preflight.bytecode.reach_graph import Graph
from preflight.bytecode.reach_step import Machine
from preflight.errors import InputError
from preflight.host.bpf import asm

MISS = asm.call(195896080)
PRANDOM = asm.call(7)
EXIT = asm.exit_()


def image(
    *code: bytes,
    refs: Mapping[int, Ref] | None = None,
    subprogs: tuple[int, ...] = (0,),
    global_subprogs: frozenset[int] | None = frozenset(),
    byteorder: str = "little",
) -> ProgramImage:
    raw = b"".join(code)
    return ProgramImage(
        "test",
        "raw_tp",
        raw,
        byteorder,
        subprogs,
        tuple(Origin("raw_tp", slot) for slot in range(len(raw) // 8)),
        refs or {},
        global_subprogs,
    )


def ask(program: ProgramImage, environment: Environment | None = None, budget: int = 20_000) -> Reach:
    """The answer for the only miss of a program."""
    slots = [slot for slot in range(len(program.code) // 8) if program.code[8 * slot :][:8] == MISS]
    assert len(slots) == 1
    return reach(program, slots, environment, budget=budget)[slots[0]]


GUARDED = (asm.mov(0, 0), asm.mov(2, 0), asm.jump("eq", 2, 0, 1), MISS, EXIT)


def test_a_folded_guard_is_named_with_its_constant() -> None:
    answer = ask(image(*GUARDED))
    assert answer.answer == "no"
    (guard,) = answer.guards
    assert (guard.slot, guard.condition, guard.value, guard.holds) == (2, "r2 == 0", "0", True)
    assert guard.sources == (1,)
    assert guard.origin == Origin("raw_tp", 2)


def test_the_other_constant_opens_the_guard() -> None:
    answer = ask(image(*GUARDED).patched({1: asm.mov(2, 1)}))
    assert answer.answer == "yes"
    assert answer.path == (0, 3)


def test_run_time_data_is_no_guard() -> None:
    assert ask(image(PRANDOM, asm.jump("eq", 0, 0, 1), MISS, EXIT)).answer == "yes"


def test_every_target_gets_its_own_answer() -> None:
    program = image(asm.mov(2, 0), asm.jump("eq", 2, 0, 1), MISS, asm.jump("ne", 2, 0, 1), MISS, EXIT)
    answers = reach(program, [2, 4])
    assert {slot: answer.answer for slot, answer in answers.items()} == {2: "no", 4: "yes"}


def test_no_targets_no_work() -> None:
    assert reach(image(b"\xff" * 8), []) == {}


def test_32_bit_comparison_looks_at_the_lower_half() -> None:
    head = (asm.mov(0, 0), asm.ldimm64(2, 1 << 40))
    assert ask(image(*head, asm.jump("eq", 2, 0, 1, wide=False), MISS, EXIT)).answer == "no"
    assert ask(image(*head, asm.jump("eq", 2, 0, 1), MISS, EXIT)).answer == "yes"


def test_arithmetic_on_the_guard_is_folded() -> None:
    program = image(
        asm.mov(2, 0), asm.alu("mul", 2, 2), asm.alu("add", 2, 1), asm.jump("ne", 2, 3, 1), MISS, EXIT
    )
    assert ask(program).answer == "no"


def test_masking_run_time_data_with_zero_is_folded() -> None:
    program = image(PRANDOM, asm.mov(2, 0), asm.alu("and", 2, src=0), asm.jump("eq", 2, 0, 1), MISS, EXIT)
    assert ask(program).answer == "no"


@pytest.mark.parametrize(("op", "start"), [("mul", 0), ("or", -1)])
@pytest.mark.parametrize("wide", [True, False])
def test_a_constant_result_of_run_time_data_is_not_known_to_verifiers_before_6_10(
    op: str, start: int, wide: bool
) -> None:
    """5.10 came to an instruction behind 0 * r0: it computes with an unknown right side in three cases."""
    code = (PRANDOM, asm.mov(2, start), asm.alu(op, 2, src=0, wide=wide))
    guarded = image(*code, asm.jump("eq", 2, start, 1, wide=wide), MISS, EXIT)
    assert ask(guarded).answer == "unknown"
    other_way = (PRANDOM, asm.mov(2, start), asm.alu(op, 0, src=2, wide=wide))
    known = image(*other_way, asm.jump("eq", 0, start, 1, wide=wide), MISS, EXIT)
    assert ask(known).answer == "no"


@pytest.mark.parametrize(
    "fold",
    [
        asm.insn(0x87, 2),  # r2 = -r2
        asm.insn(0xDC, 2, imm=16),  # r2 = be16 r2
        asm.alu("div", 2, 3),
        asm.alu("mod", 2, 3),
    ],
)
def test_what_some_verifiers_do_not_fold_is_unknown(fold: bytes) -> None:
    answer = ask(image(asm.mov(2, 0), fold, asm.jump("eq", 2, 0, 1), MISS, EXIT))
    assert answer.answer == "unknown"
    assert answer.guards and "tracks more" in (answer.why or "")


def test_a_bound_that_excludes_is_unknown_because_verifiers_differ() -> None:
    program = image(PRANDOM, asm.alu("and", 0, 15), asm.jump("le", 0, 20, 1), MISS, EXIT)
    assert ask(program).answer == "unknown"


# -- constant data ---------------------------------------------------------------------------


def reading(data: bytes | None, *, settable: bool, size: int = 4, offset: int = 0) -> ProgramImage:
    """Reads a constant and misses unless it is 0."""
    ref = DataRef(".rodata", offset, data, settable)
    code = (asm.ldimm64(1, 0), asm.load(size, 2, 1, 0), asm.jump("eq", 2, 0, 1), MISS, EXIT)
    return image(*code, refs={0: ref})


def test_kernel_options_are_constants() -> None:
    answer = ask(reading(bytes(8), settable=False))
    assert (answer.answer, answer.assumes) == ("no", ())
    assert answer.guards[0].sources == (2,)


def test_a_kernel_option_whose_value_is_not_known_decides_nothing() -> None:
    code = (asm.ldimm64(1, 0), asm.load(1, 2, 1, 0), asm.jump("eq", 2, 0, 1), MISS, EXIT)
    answer = ask(image(*code, refs={0: DataRef(".kconfig", 0, None)}))
    assert answer.answer == "unknown"
    assert "not known here" in (answer.why or "")


def test_a_settable_constant_is_named_as_assumption() -> None:
    answer = ask(reading(bytes(8), settable=True, offset=4))
    assert (answer.answer, answer.assumes) == ("no", (Assumption(".rodata", 4, 4),))


def test_a_settable_constant_that_opens_the_way_is_named_too() -> None:
    answer = ask(reading(b"\1" + bytes(7), settable=True))
    assert (answer.answer, answer.assumes) == ("yes", (Assumption(".rodata", 0, 4),))


def test_a_settable_constant_that_selects_a_number_is_named() -> None:
    code = (
        asm.ldimm64(1, 0),
        asm.load(1, 2, 1, 3),
        asm.mov(3, 1),
        asm.jump("eq", 2, 0, 1),
        asm.mov(3, 9),
        asm.jump("ne", 3, 9, 1),
        MISS,
        EXIT,
    )
    answer = ask(image(*code, refs={0: DataRef(".rodata", 0, bytes(8), True)}))
    assert (answer.answer, answer.assumes) == ("no", (Assumption(".rodata", 3, 1),))


def test_a_guard_beside_settable_constants_assumes_nothing() -> None:
    code = (asm.ldimm64(1, 0), asm.load(1, 4, 1, 3), *GUARDED)
    answer = ask(image(*code, refs={0: DataRef(".rodata", 0, bytes(8), True)}))
    assert (answer.answer, answer.assumes) == ("no", ())


def test_changing_data_is_no_guard() -> None:
    assert ask(reading(None, settable=False)).answer == "yes"


def test_without_read_only_folding_a_constant_is_data() -> None:
    assert ask(reading(bytes(8), settable=False), Environment(readonly_data=False)).answer == "yes"


def test_a_read_past_the_section_gives_nothing() -> None:
    assert ask(reading(bytes(4), settable=False, offset=2)).answer == "unknown"


def test_byte_order_is_the_objects() -> None:
    def program(order: str) -> ProgramImage:
        insns = (
            Insn(0, 0x18, 1, 0, 0, 0, 0),
            Insn(2, 0x69, 2, 1, 0, 0),
            Insn(3, 0x15, 2, 0, 1, 0x0100),
            Insn(4, 0x85, 0, 0, 0, 195896080),
            Insn(5, 0x95, 0, 0, 0, 0),
        )
        code = b"".join(encode(insn, order) for insn in insns)
        ref = DataRef(".kconfig", 0, b"\1\0", False)
        return image(code, refs={0: ref}, byteorder=order)

    assert reach(program("big"), [4])[4].answer == "no"
    assert reach(program("little"), [4])[4].answer == "yes"


# -- kernel symbols ----------------------------------------------------------------------------


def symbol(exists: bool | None, *, miss_if_present: bool) -> Reach:
    jump = asm.jump("eq" if miss_if_present else "ne", 1, 0, 1)
    return ask(
        image(asm.ldimm64(1, 0), jump, MISS, EXIT, refs={0: KsymRef("sym", True, exists)}), budget=1000
    )


def test_a_missing_weak_symbol_is_null() -> None:
    assert symbol(False, miss_if_present=True).answer == "no"
    assert symbol(False, miss_if_present=False).answer == "yes"


def test_a_present_symbol_may_be_folded_or_not() -> None:
    assert symbol(True, miss_if_present=True).answer == "yes"
    assert symbol(True, miss_if_present=False).answer == "unknown"


def test_a_symbol_nobody_was_asked_about_decides_nothing() -> None:
    for miss_if_present in (True, False):
        assert symbol(None, miss_if_present=miss_if_present).answer == "unknown"


def test_a_missing_kernel_function_is_a_miss_wherever_it_is_called() -> None:
    call = asm.call_kfunc(0)
    refs = {2: KfuncRef("bpf_absent", weak=True, exists=False)}
    program = image(asm.mov(2, 0), asm.jump("eq", 2, 0, 1), call, EXIT, refs=refs)
    assert reach(program, [2])[2].answer == "no"
    assert reach(program.patched({0: asm.mov(2, 1)}), [2])[2].answer == "yes"


# -- stack ---------------------------------------------------------------------------------------


def kept(*between: bytes, size: int = 8, value: int = 0) -> ProgramImage:
    """Keeps a number on the stack, does something, and misses unless it is still there."""
    return image(
        asm.mov(2, value),
        asm.store(size, 10, -8, 2),
        *between,
        asm.load(size, 2, 10, -8),
        asm.jump("eq", 2, value, 1),
        MISS,
        EXIT,
    )


def test_a_spilled_guard_survives() -> None:
    assert ask(kept()).answer == "no"
    assert ask(kept(value=5)).answer == "no"
    assert ask(kept(PRANDOM, value=5)).answer == "no"


def test_a_narrow_zero_survives_and_another_narrow_number_only_for_some() -> None:
    assert ask(kept(size=4)).answer == "no"
    assert ask(kept(size=4, value=5)).answer == "unknown"


def test_storing_beside_it_ends_what_is_surely_known() -> None:
    assert ask(kept(asm.store(2, 10, -2, 10), size=4)).answer == "unknown"


def test_a_helper_that_writes_there_ends_it() -> None:
    read = (asm.mov_reg(1, 10), asm.alu("add", 1, -8), asm.mov(2, 8), asm.mov(3, 0), asm.call(113))
    assert ask(kept(*read)).answer == "yes"


def test_a_helper_that_writes_below_does_not() -> None:
    read = (asm.mov_reg(1, 10), asm.alu("add", 1, -16), asm.mov(2, 8), asm.mov(3, 0), asm.call(113))
    assert ask(kept(*read, value=3)).answer == "no"


def test_a_map_key_of_known_size_leaves_its_neighbour_alone() -> None:
    lookup = (asm.ldimm64(1, 0), asm.mov_reg(2, 10), asm.alu("add", 2, -16), asm.call(1))
    program = kept(*lookup, value=3)
    program = image(program.code, refs={2: MapRef("m")})
    assert ask(program).answer == "unknown"
    assert ask(program, Environment(maps={"m": MapShape(4, 8, indexed=False)})).answer == "no"


INDEXED, HASHED = (Environment(maps={"m": MapShape(4, 8, indexed=indexed)}) for indexed in (True, False))
CONSTANT_KEY = (asm.store_imm(4, 10, -4, 0),)
RANDOM_KEY = (PRANDOM, asm.store(4, 10, -4, 0))


def null_way(*key: bytes, copied: bool = False) -> ProgramImage:
    """Misses where a lookup of the four bytes at r10 - 4 finds nothing."""
    lookup = (asm.ldimm64(1, 0), asm.mov_reg(2, 10), asm.alu("add", 2, -4), asm.call(1))
    result = asm.mov_reg(6, 0) if copied else asm.mov_reg(0, 0)
    guard = (result, asm.jump("ne", 6 if copied else 0, 0, 1), MISS, EXIT)
    return image(*key, *lookup, *guard, refs={len(b"".join(key)) // 8: MapRef("m")})


@pytest.mark.parametrize("copied", [False, True])
def test_verifiers_differ_in_whether_a_constant_index_is_found(copied: bool) -> None:
    assert ask(null_way(*CONSTANT_KEY, copied=copied), INDEXED).answer == "unknown"
    assert ask(null_way(*CONSTANT_KEY, copied=copied), HASHED).answer == "yes"


def test_a_map_nothing_is_known_of_may_be_an_array() -> None:
    assert ask(null_way(*CONSTANT_KEY)).answer == "unknown"


def test_an_index_no_verifier_knows_may_not_be_found() -> None:
    assert ask(null_way(*RANDOM_KEY), INDEXED).answer == "yes"


def test_what_a_doubtful_way_reached_first_another_reaches_surely() -> None:
    found = null_way(*CONSTANT_KEY)
    # the null way jumps over the other one, so that it comes first to what both reach
    joined = image(
        found.code[:-24],
        asm.jump("eq", 0, 0, 2),
        asm.mov(0, 0),
        asm.mov(0, 0),
        asm.mov(0, 1),
        MISS,
        EXIT,
        refs=found.refs,
    )
    assert ask(joined, INDEXED).answer == "yes"


def test_a_store_through_a_computed_stack_address_is_seen() -> None:
    store = (asm.mov_reg(1, 10), asm.alu("add", 1, -8), PRANDOM, asm.mov_reg(3, 0), asm.store(8, 1, 0, 3))
    assert ask(kept(asm.mov_reg(6, 10), *store[:2], asm.store(8, 1, 0, 10))).answer != "no"


# -- calls -----------------------------------------------------------------------------------------


def called(*, argument: int, linkage: frozenset[int] | None) -> ProgramImage:
    """Passes a number to a function that misses unless it is 0."""
    return image(
        asm.mov(1, argument),
        asm.call_local(1),
        EXIT,
        asm.mov(0, 0),
        asm.jump("eq", 1, 0, 1),
        MISS,
        EXIT,
        subprogs=(0, 3),
        global_subprogs=linkage,
    )


def test_arguments_reach_a_static_function() -> None:
    assert ask(called(argument=0, linkage=frozenset())).answer == "no"
    assert ask(called(argument=1, linkage=frozenset())).answer == "yes"


def test_a_global_function_is_verified_for_every_argument() -> None:
    assert ask(called(argument=0, linkage=frozenset({3}))).answer == "yes"


def test_without_linkage_a_function_may_be_either() -> None:
    assert ask(called(argument=0, linkage=None)).answer == "unknown"
    assert ask(called(argument=1, linkage=None)).answer == "yes"


def guarded_global() -> ProgramImage:
    code = (asm.mov(0, 0), asm.mov(2, 0), asm.jump("eq", 2, 0, 1), asm.call_local(1), EXIT, MISS, EXIT)
    return image(*code, subprogs=(0, 5), global_subprogs=frozenset({5}))


@pytest.mark.parametrize(("lazy", "answer"), [(None, "unknown"), (True, "no"), (False, "yes")])
def test_a_global_function_behind_a_guard_depends_on_the_kernel(lazy: bool | None, answer: str) -> None:
    assert ask(guarded_global(), Environment(lazy_globals=lazy)).answer == answer


def test_saved_registers_survive_a_call_and_arguments_do_not() -> None:
    code = (asm.mov(6, 0), asm.call_local(3), asm.jump("eq", 6, 0, 1), MISS, EXIT, asm.mov(6, 1), EXIT)
    program = image(*code, subprogs=(0, 5))
    assert ask(program).answer == "no"


def test_a_returned_constant_is_folded() -> None:
    code = (asm.call_local(3), asm.jump("eq", 0, 0, 1), MISS, EXIT, asm.mov(0, 0), EXIT)
    program = image(*code, subprogs=(0, 4))
    assert ask(program).answer == "no"


def test_recursion_ends() -> None:
    program = image(asm.mov(0, 0), asm.call_local(-2), EXIT, MISS, EXIT)
    assert ask(program).answer == "no"


def looping(round_: tuple[bytes, ...]) -> ProgramImage:
    """bpf_loop with a flag in the context; misses afterwards unless the flag is 0."""
    main = (
        asm.mov(2, 0),
        asm.store(8, 10, -8, 2),
        asm.mov(1, 5),
        asm.ldimm64(2, 0, pseudo=4),
        asm.mov_reg(3, 10),
        asm.alu("add", 3, -8),
        asm.mov(4, 0),
        asm.call(181),
        asm.load(8, 2, 10, -8),
        asm.jump("eq", 2, 0, 1),
        MISS,
        EXIT,
    )
    return image(*main, *round_, refs={3: SubprogRef(13)}, subprogs=(0, 13))


def test_a_callback_may_change_what_its_context_points_to() -> None:
    assert ask(looping((asm.mov(0, 0), EXIT))).answer == "no"
    assert ask(looping((asm.mov(0, 1), asm.store(8, 2, 0, 0), EXIT))).answer == "yes"


def test_behind_a_function_that_throws_no_verifier_goes_that_knows_it() -> None:
    refs = {0: KfuncRef("bpf_throw", weak=False, exists=True)}
    assert ask(image(asm.call_kfunc(77), MISS, EXIT, refs=refs)).answer == "unknown"


# -- several misses --------------------------------------------------------------------------------


def test_behind_a_miss_the_program_is_walked_as_if_mended() -> None:
    assert reach(image(MISS, MISS, EXIT), [0, 1])[1].answer == "yes"


def test_a_register_the_missing_instruction_may_have_written_guards_nothing_surely() -> None:
    program = image(asm.mov(6, 0), MISS, asm.jump("eq", 6, 0, 1), MISS, EXIT)
    answers = reach(program, [1, 3])
    assert (answers[1].answer, answers[3].answer) == ("yes", "unknown")
    assert "miss at slot 1" in (answers[3].why or "")


def test_both_halves_of_a_64_bit_load_answer_alike() -> None:
    program = image(asm.ldimm64(1, 0), EXIT, refs={0: MapRef("m", created=False)})
    assert {answer.answer for answer in reach(program, [0, 1]).values()} == {"yes"}


# -- loops, odd jumps, bounds ----------------------------------------------------------------------


def counted(rounds: int, special: int) -> ProgramImage:
    """A loop that misses in one special round."""
    return image(
        asm.mov(6, 0),
        asm.jump("ne", 6, special, 1),
        MISS,
        asm.alu("add", 6, 1),
        asm.jump("lt", 6, rounds, -4),
        EXIT,
    )


def test_loops_are_walked_round_by_round() -> None:
    assert ask(counted(10, 9)).answer == "yes"
    assert ask(counted(10, 12)).answer == "no"


def test_a_loop_beyond_the_budget_is_unknown() -> None:
    answer = ask(counted(100_000, 200_000), budget=2_000)
    assert answer.answer == "unknown"
    assert "2000 steps" in (answer.why or "")


def test_a_jump_through_a_register_makes_everything_unknown() -> None:
    answer = ask(image(asm.mov(2, 0), asm.insn(0x0D, 2), MISS, EXIT))
    assert answer.answer == "unknown"
    assert "slot 1" in (answer.why or "")


def test_may_goto_goes_both_ways() -> None:
    assert ask(image(asm.may_goto(1), MISS, EXIT)).answer == "yes"
    assert ask(image(asm.may_goto(1), EXIT, MISS, EXIT)).answer == "yes"


def test_a_long_jump_is_followed() -> None:
    assert ask(image(asm.goto_long(1), MISS, EXIT)).answer == "no"


def test_code_without_a_way_to_it_says_so() -> None:
    answer = ask(image(asm.goto(1), MISS, EXIT))
    assert (answer.answer, answer.guards) == ("no", ())
    assert answer.why == "nothing in the program leads there"


def test_reachable_slots_hold_both_halves_of_a_64_bit_load() -> None:
    assert reachable_slots(image(asm.goto(1), EXIT, asm.ldimm64(0, 1), EXIT)) == {0, 2, 3, 4}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ((), "no instructions"),
        ((asm.goto(5), EXIT), "past its last instruction"),
        ((asm.goto(-3), EXIT), "where no instruction starts"),
        ((asm.goto(1), asm.ldimm64(0, 0), EXIT), "where no instruction starts"),
        ((asm.call_local(9), EXIT), "where no instruction starts"),
        ((asm.mov(0, 0),), "past its last instruction"),
        ((asm.ldimm64(0, 0)[:8],), "half of a 64-bit load"),
        ((b"\0" * 5,), "multiple of 8"),
        ((asm.insn(0xB7, 11), EXIT), "register above r10"),
    ],
)
def test_code_that_cannot_be_walked_is_an_input_error(code: tuple[bytes, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        reachable_slots(image(*code))


def test_a_target_outside_the_program_is_an_input_error() -> None:
    with pytest.raises(InputError, match="slot 9"):
        reach(image(EXIT), [9])


instructions = st.builds(
    asm.insn,
    st.integers(0, 255),
    st.integers(0, 10),
    st.integers(0, 10),
    st.integers(-4, 12),
    st.one_of(st.integers(-3, 12), st.sampled_from([1, 7, 113, 164, 181, 195896080, -(1 << 31)])),
)
hostile_refs = st.dictionaries(
    st.integers(0, 20),
    st.one_of(
        st.builds(DataRef, st.just(".rodata"), st.integers(-9, 99), st.binary(max_size=16), st.booleans()),
        st.builds(KsymRef, st.just("s"), st.booleans(), st.sampled_from([None, True, False])),
        st.builds(KfuncRef, st.just("bpf_iter_x_next"), st.booleans(), st.sampled_from([None, True, False])),
        st.builds(SubprogRef, st.integers(-1, 25)),
        st.builds(MapRef, st.just("m")),
    ),
    max_size=4,
)


@given(st.lists(instructions, min_size=1, max_size=24), hostile_refs, st.booleans(), st.booleans())
@settings(max_examples=600, deadline=None)
def test_hostile_code_ends_in_an_answer_or_an_input_error(
    code: list[bytes], refs: dict[int, Ref], big: bool, known_linkage: bool
) -> None:
    program = image(
        *code,
        asm.exit_(),
        refs=refs,
        byteorder="big" if big else "little",
        global_subprogs=frozenset() if known_linkage else None,
    )
    try:
        answers = reach(program, [0, len(code) // 2], budget=500)
    except InputError:
        return
    assert {answer.answer for answer in answers.values()} <= {"yes", "no", "unknown"}


@given(st.lists(instructions, min_size=1, max_size=24))
@settings(max_examples=200, deadline=None)
def test_yes_lies_within_what_is_reachable_at_all(code: list[bytes]) -> None:
    program = image(*code, asm.exit_())
    try:
        possible = reachable_slots(program)
        answers = reach(program, range(len(code) + 1), budget=500)
    except InputError:
        return
    for slot, answer in answers.items():
        if answer.answer == "no":
            continue
        assert slot in possible


def test_exploration_stops_at_its_budget() -> None:
    blocks = [asm.call(7), asm.jump("gt", 0, 3, 1), asm.alu("add", 6, 1)] * 3_000
    graph = Graph(image(asm.mov(6, 0), *blocks, EXIT))
    for explore in (lambda m: explore_joined(m, 500), lambda m: explore_paths(m, 500, ())[0]):
        machine = Machine(graph, Environment(), exact=True)
        assert not explore(machine)
        assert machine.steps < 600
