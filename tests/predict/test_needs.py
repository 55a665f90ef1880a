# SPDX-License-Identifier: Apache-2.0
"""What an object asks for, read off its linked programs."""

from __future__ import annotations

from preflight.objects.load import load
from preflight.predict.needs import KINDS, object_needs
from tests.elfwriter import ElfWriter, exit_, helper, mov
from tests.predict.scenes import caller, reader


def _needs(section: str, *, helpers: tuple[int, ...] = ()) -> dict[str, set[str]]:
    writer = ElfWriter()
    insns = [*(helper(n) for n in helpers), mov(0, 0), exit_()]
    writer.code(section, insns, functions=["prog"])
    writer.license()
    found: dict[str, set[str]] = {}
    for need in object_needs(load(writer.bytes(), "x.bpf.o")):
        found.setdefault(need.kind, set()).add(need.name)
    return found


def test_a_kprobe_needs_its_type_its_hook_and_its_function() -> None:
    needs = _needs("kprobe/do_unlinkat")
    assert needs["program-type"] == {"kprobe"}
    assert needs["hook"] == {"kprobe"}
    assert needs["function"] == {"do_unlinkat"}


def test_a_tracepoint_needs_category_and_name() -> None:
    assert _needs("tp/sched/sched_switch")["tracepoint"] == {"sched/sched_switch"}


def test_a_raw_tracepoint_needs_the_bare_name() -> None:
    assert _needs("raw_tp/sched_switch")["tracepoint"] == {"sched_switch"}


def test_a_target_user_space_must_name_is_no_need() -> None:
    assert "function" not in _needs("kprobe")


def test_helpers_are_needed_by_number_and_program_type() -> None:
    writer = ElfWriter()
    writer.code("xdp", [helper(5), mov(0, 0), exit_()], functions=["prog"])
    writer.license()
    (need,) = [n for n in object_needs(load(writer.bytes(), "x.bpf.o")) if n.kind == "helper"]
    assert (need.name, need.number, need.program_type) == ("bpf_ktime_get_ns", 5, "xdp")


def test_a_program_that_is_not_loaded_by_default_needs_nothing() -> None:
    assert _needs("?kprobe/do_unlinkat") == {}


def test_relocations_need_kernel_btf() -> None:
    kinds = {n.kind for n in object_needs(reader("pid"))}
    assert "btf" in kinds


def test_a_kernel_function_is_needed_weak_or_strong() -> None:
    (strong,) = [n for n in object_needs(caller("bpf_made")) if n.kind == "kfunc"]
    (weak,) = [n for n in object_needs(caller("bpf_made", weak=True)) if n.kind == "kfunc"]
    assert (strong.weak, weak.weak) == (False, True)


def test_needs_come_in_the_order_they_are_shown() -> None:
    order = [KINDS.index(n.kind) for n in object_needs(reader("pid"))]
    assert order == sorted(order)
