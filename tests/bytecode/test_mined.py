# SPDX-License-Identifier: Apache-2.0
"""Random programs as objects for the lab: what is loaded is what was judged."""

from __future__ import annotations

import pytest

from preflight.bytecode.insn import decode
from preflight.bytecode.reach_graph import is_poison
from preflight.objects import load
from preflight.objects.link import link
from tests.bytecode import mined
from tests.predict import measured
from tests.predict.measured import Seen

SEEDS = (1, 2, 3, 5, 8)


def test_an_object_links_to_the_programs_it_was_made_of() -> None:
    images = [mined.random_image(seed) for seed in SEEDS]
    obj = load(mined.as_object(images), "random")
    linked = {program.name: link(obj, program) for program in obj.programs}
    assert {name: image.code for name, image in linked.items()} == {i.name: i.code for i in images}
    assert any(len(image.subprogs) > 1 for image in images)


def test_misses_stand_where_they_were_put_and_control_flow_stays() -> None:
    image = mined.random_image(2)
    slots = mined.mines(image)
    changed = mined.with_misses(image, slots)
    found = {insn.slot for insn in decode(changed.code, "little") if is_poison(insn)}
    assert found == slots and slots
    ways = {insn.slot: insn.successors for insn in decode(image.code, "little")}
    assert {insn.slot: insn.successors for insn in decode(changed.code, "little")} == ways


@pytest.mark.parametrize("seed", range(20))
def test_for_old_kernels_nothing_new_is_left(seed: int) -> None:
    image = mined.random_image(seed)
    old = mined.for_old_kernels(image)
    insns = list(decode(image.code, "little"))
    assert (old is None) == any(insn.is_may_goto for insn in insns)
    for insn in decode(old.code, "little") if old else ():
        assert not (insn.is_atomic and insn.imm) and insn.opcode != 0xD7


def test_a_refusal_at_a_miss_is_a_false_no_and_another_decides_nothing() -> None:
    def agreement(seen: Seen) -> str:
        return measured.compare_mined("seed", frozenset({4}), "kernel", seen).agreement

    assert agreement(Seen("refused", (1, 4))) == "false no"
    assert agreement(Seen("refused", (1, 3))) == "other"
    assert agreement(Seen("loads")) == "agree"
