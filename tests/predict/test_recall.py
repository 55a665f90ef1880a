# SPDX-License-Identifier: Apache-2.0
"""A verdict is remembered by the answers it rests on: shared by kernels that give the same alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.bytecode.state import KernelMattersError
from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject
from preflight.predict.code import code_of
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.predict_report import result
from preflight.predict.recall import recalled
from preflight.predict.relocated import RelocatedObject
from preflight.predict.target import KernelTarget
from preflight.predict.verdict import predict
from tests.predict import scenes
from tests.predict.worlds import program, world

Judge = Callable[[RelocatedObject, KernelFacts], object]


def _judged_by(judge: Judge, obj: BpfObject, *kernels: Kernel) -> tuple[list[object], int]:
    """What each kernel comes to, and how many of them were judged."""
    times = 0

    def counting(on_kernel: RelocatedObject, facts: KernelFacts) -> object:
        nonlocal times
        times += 1
        return judge(on_kernel, facts)

    found = []
    for kernel in kernels:
        facts = KernelFacts(KernelTarget(kernel))
        found.append(recalled(obj, facts, RelocatedObject(obj, facts.target), counting))
    return found, times


def test_kernels_that_answer_alike_are_judged_once() -> None:
    same = (world(symbols=["T work", "one"]), world(symbols=["T work", "another"]))
    found, times = _judged_by(lambda _, facts: [facts.symbol("work")], program("kprobe/work"), *same)
    assert (times, found[0]) == (1, ["T"])
    assert found[0] is found[1]


def test_another_answer_is_judged_again_and_both_are_kept() -> None:
    kernels = [world(symbols=[f"{letter} work"]) for letter in "TtTt"]
    found, times = _judged_by(lambda _, facts: facts.symbol("work"), program("kprobe/work"), *kernels)
    assert (times, found) == (2, ["T", "t", "T", "t"])


def test_what_is_asked_next_may_depend_on_the_answer_before() -> None:
    def judge(_: RelocatedObject, facts: KernelFacts) -> object:
        return facts.option("CONFIG_X") if facts.has_func("work") else None

    kernels = [
        world(functions=["work"] if there else [], config={"CONFIG_X": value})
        for there, value in ((True, "y"), (False, "y"), (False, "n"), (True, "n"))
    ]
    found, times = _judged_by(judge, program("kprobe/work"), *kernels)
    assert (times, found) == (3, [True, None, None, False])


@pytest.mark.parametrize("part", ["btf", "config"])
def test_an_answer_that_cannot_be_compared_is_shared_with_nobody(part: str) -> None:
    found, times = _judged_by(
        lambda _, facts: id(getattr(facts.kernel, part)), program("kprobe/work"), world(), world()
    )
    assert times == 2
    assert found[0] != found[1]


def test_a_whole_image_is_shared_with_nobody() -> None:
    obj = scenes.reader("pid")
    judge: Judge = lambda on_kernel, _: on_kernel.image(obj.programs[0]).code  # noqa: E731
    found, times = _judged_by(judge, obj, scenes.kernel(["pid"]), scenes.kernel(["pid"]))
    assert times == 2
    assert found[0] == found[1]


def test_where_a_field_lies_does_not_matter_to_those_who_do_not_look() -> None:
    obj = scenes.reader("pid")
    judge: Judge = lambda on_kernel, _: [insn.opcode for insn in on_kernel.code(obj.programs[0]).insns]  # noqa: E731
    found, times = _judged_by(judge, obj, scenes.kernel(["pid"]), scenes.kernel(["tgid", "pid"]))
    assert times == 1
    assert found[0] is found[1]


def test_where_a_field_lies_matters_to_those_who_look() -> None:
    obj = scenes.reader("pid")

    def judge(on_kernel: RelocatedObject, _: KernelFacts) -> object:
        loads = [insn for insn in on_kernel.code(obj.programs[0]).insns if insn.is_load]
        return [insn.off * 1 for insn in loads]

    kernels = [scenes.kernel(names) for names in (["pid"], ["tgid", "pid"], ["other", "pid"])]
    (first, *others), _ = _judged_by(judge, obj, *kernels)
    assert first != others[0]
    assert others[0] == others[1]


def test_a_field_that_is_not_there_is_another_answer() -> None:
    obj = scenes.reader("pid")
    kernels = [scenes.kernel(names) for names in (["pid"], ["tgid"], ["a", "pid"])]
    words = [predict(obj, KernelFacts(KernelTarget(kernel))).verdict for kernel in kernels]
    assert words == ["unknown", "fails", "unknown"]


def test_numbers_that_are_left_out_cannot_be_used() -> None:
    obj = scenes.reader("pid")
    image = obj.image(obj.programs[0])
    code = code_of(image, range(len(image.code) // 8))
    for insn in code.insns:
        own = insn.off if insn.is_load else insn.imm
        for use in (lambda n: n - 1, lambda n: n < 1, bool, str, hash, lambda n: n == 0, lambda n: 1 << n):
            with pytest.raises(KernelMattersError) as raised:
                use(own)
            assert raised.value.slot == insn.slot


_SECTIONS = ("kprobe/work", "kretprobe/work", "fentry/work", "tp_btf/made", "raw_tp/made", "lsm/file_open")
_WORLDS = st.builds(
    world,
    helpers=st.sampled_from((100, 150, 212)),
    functions=st.sampled_from(((), ("work",), ("work", "bpf_lsm_file_open"))),
    tracepoints=st.sampled_from((None, {"made": 1}, {"made": 3})),
    symbols=st.sampled_from(
        (None, (), ("T work",), ("t work",), ("work.part.0",), ("T work", "_kbl_addr_work"))
    ),
    config=st.sampled_from((None, {}, {"CONFIG_KPROBES": "y", "CONFIG_KPROBE_EVENTS": "y"})),
    program_types=st.sampled_from((None, ("kprobe",), ("kprobe", "tracing", "raw_tracepoint", "lsm"))),
    attach_types=st.sampled_from((None, ("trace_fentry",), ("trace_fentry", "trace_raw_tp", "lsm_mac"))),
)


@settings(max_examples=30, deadline=None)
@given(section=st.sampled_from(_SECTIONS), kernels=st.lists(_WORLDS, min_size=2, max_size=6))
def test_it_makes_no_difference_who_was_judged_before(section: str, kernels: list[Kernel]) -> None:
    used = program(section)
    for kernel in kernels:
        alone = predict(program(section), KernelFacts(KernelTarget(kernel)))
        after = predict(used, KernelFacts(KernelTarget(kernel)))
        assert result(alone, "made") == result(after, "made")


_FIELDS = st.lists(st.sampled_from(("pid", "tgid", "gone", "flags")), unique=True, max_size=4)


@settings(max_examples=20, deadline=None)
@given(asked=st.sampled_from(("pid", "gone")), kernels=st.lists(_FIELDS, min_size=2, max_size=6))
@pytest.mark.parametrize("guarded", [True, False])
def test_the_same_for_relocated_programs(guarded: bool, asked: str, kernels: list[list[str]]) -> None:
    used = scenes.reader(asked, guarded=guarded)
    for names in kernels:
        kernel = scenes.kernel(names)
        alone = predict(scenes.reader(asked, guarded=guarded), KernelFacts(KernelTarget(kernel)))
        after = predict(used, KernelFacts(KernelTarget(kernel)))
        assert result(alone, "made") == result(after, "made")
