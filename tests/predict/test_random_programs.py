# SPDX-License-Identifier: Apache-2.0
"""Random programs put into one object, and what a booted kernel does with them."""

from __future__ import annotations

import os

import pytest

from preflight.lab.material import NotBootableError, Supply
from preflight.objects.load import load
from tests.lab.boots import bootable_kernels
from tests.predict.random_programs import made, recipe, together
from tools.random_accuracy import answers


def test_an_object_of_many_holds_each_program_as_it_is_alone() -> None:
    seeds = range(40)
    found = {}
    for data in together(seeds, most=3):
        obj = load(data, "many.bpf.o")
        assert 1 <= len(obj.programs) <= 3
        for program in obj.programs:
            found[int(program.name.removeprefix("made_"))] = program.section, program.code
    alone = {seed: made(seed).programs[0] for seed in seeds}
    assert found == {seed: (program.section, program.code) for seed, program in alone.items()}


def test_programs_of_one_object_have_its_map() -> None:
    for data in together(range(40)):
        obj = load(data, "many.bpf.o")
        kinds = {recipe(int(one.name.removeprefix("made_"))).map0 for one in obj.programs}
        assert [dict(kind)["type"] for kind in kinds] == [{"hash": 1, "array": 2}[obj.maps[0].type]]


@pytest.mark.lab
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the lab boots x86-64 kernels only")
def test_predictions_hold_on_the_oldest_kernel(tmp_path_factory: pytest.TempPathFactory) -> None:
    kernel = bootable_kernels(tmp_path_factory)[0]
    try:
        Supply().files(kernel)
    except NotBootableError as error:
        pytest.skip(f"the kernel's image is not at hand: {error}")
    counts, wrong = answers(range(600), kernel)
    refused = sum(count for (_, truth), count in counts.items() if truth == "fails")
    assert refused > 300
    assert counts["loads", "loads"] > 30
    assert counts["fails", "loads"] == 0, wrong
    assert counts["loads", "fails"] <= 0.01 * refused, wrong
