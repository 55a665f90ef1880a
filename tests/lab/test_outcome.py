# SPDX-License-Identifier: Apache-2.0
"""However a machine ends, its outcome has a name and what arrived stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.lab.outcome import judge
from preflight.lab.results import OUTCOMES, BpftoolAnswer, KernelRun
from tests.lab.serial import BTF, ended, frame, loaded, mark, records, whole

OBJECTS = [("one", "1" * 64), ("two", "2" * 64)]
PANIC = b"[    5.0] Kernel panic - not syncing: Fatal exception in interrupt\r\n"


def run(
    output: bytes, *, reason: str = "exit", console: bytes = b"", stderr: str = "", facts: bool = False
) -> KernelRun:
    machine = ended(output, reason=reason, console=console, stderr=stderr)
    return judge("debian/x", machine, OBJECTS, btf_sha256=BTF, asked_facts=facts)


def test_a_complete_run() -> None:
    result = run(whole(loaded(), loaded(attach=2)))
    assert (result.outcome, result.release, result.boot_seconds) == ("booted", "6.99-test", 2.5)
    assert result.btf_identical is True
    assert [measured.verdict for measured in result.objects] == ["loads", "loads"]


def test_a_panic_keeps_what_was_measured_before() -> None:
    output = whole(loaded(), end=False) + mark("object", "1")
    result = run(output, console=PANIC)
    assert result.outcome == "panic"
    assert result.detail == "Fatal exception in interrupt while measuring two"
    assert [measured.verdict for measured in result.objects] == ["loads", "unknown"]
    assert result.objects[1].problem == "panic: it was being measured when the kernel ended"


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("boot-limit", "boot-hang"),
        ("idle-limit", "hang"),
        ("total-limit", "hang"),
        ("too-much", "too-much"),
        ("stopped", "interrupted"),
        ("broken", "vm-failed"),
    ],
)
def test_how_the_machine_ended(reason: str, outcome: str) -> None:
    result = run(b"", reason=reason, stderr="qemu: no such file")
    assert result.outcome == outcome
    assert {measured.verdict for measured in result.objects} == {"unknown"}


def test_a_machine_that_never_spoke() -> None:
    assert run(b"").outcome == "boot-hang"


def test_output_without_an_end_is_lost_data() -> None:
    result = run(whole(loaded(), loaded(), end=False))
    assert result.outcome == "lost-data"
    assert [measured.verdict for measured in result.objects] == ["loads", "loads"]


def test_a_damaged_frame_is_lost_data_and_the_other_object_stays() -> None:
    output = whole(loaded(), loaded())
    at = output.rindex(b"#frame object.1") + 110
    result = run(output[:at] + bytes([output[at] ^ 0xFF]) + output[at + 1 :])
    assert result.outcome == "lost-data"
    assert "object.1" in result.detail
    assert [measured.verdict for measured in result.objects] == ["loads", "unknown"]


def test_a_kernel_without_btf() -> None:
    result = run(whole(loaded(), loaded(), btf=""))
    assert (result.outcome, result.btf_identical) == ("no-btf", None)
    assert [measured.verdict for measured in result.objects] == ["loads", "loads"]


def test_another_kernels_results_count_for_nothing() -> None:
    result = run(whole(loaded(), loaded(), btf="cd" * 32))
    assert (result.outcome, result.btf_identical) == ("other-btf", False)
    assert {measured.verdict for measured in result.objects} == {"unknown"}


def test_a_crash_of_the_loader_leaves_the_others() -> None:
    crash = records({"event": "object", "errno": 0, "programs": 1}, {"event": "crash", "signal": 11})
    result = run(whole(crash, loaded()))
    assert (result.outcome, result.detail) == ("loader-crash", "on one")
    assert [measured.verdict for measured in result.objects] == ["unknown", "loads"]


def test_facts_that_did_not_come_are_lost_data() -> None:
    output = whole(loaded(), loaded())
    assert run(output, facts=True).outcome == "lost-data"
    assert (
        run(frame("features", b"{}") + frame("kallsyms", b"T x\n") + output, facts=True).outcome == "booted"
    )


def test_bpftools_answers_stand_beside_ours() -> None:
    answers = frame("bpftool.0", b"255\nError: no") + frame("bpftool.1", b"0\n")
    result = run(whole(loaded(), loaded(), end=False) + answers + mark("end"))
    found = [measured.bpftool for measured in result.objects]
    assert found == [BpftoolAnswer(255, "Error: no"), BpftoolAnswer(0, "")]


def test_an_answer_of_bpftool_that_did_not_come_is_lost_data() -> None:
    result = run(whole(loaded(), loaded(), end=False) + frame("bpftool.0", b"0\n") + mark("end"))
    assert (result.outcome, result.objects[1].bpftool) == ("lost-data", None)


@pytest.mark.parametrize("said", [b"", b"Error: no", b"-1\n", b"12345\n"])
def test_what_is_no_exit_code_is_no_answer(said: bytes) -> None:
    answers = frame("bpftool.0", said) + frame("bpftool.1", b"0\n")
    assert run(whole(loaded(), loaded(), end=False) + answers + mark("end")).objects[0].bpftool is None


def test_modules_are_reported() -> None:
    output = (
        mark("module", "md_mod ok") + mark("module", "zfs insmod: can't insert") + whole(loaded(), loaded())
    )
    assert run(output).modules == {"md_mod": "ok", "zfs": "insmod: can't insert"}


def test_a_guest_cannot_invent_objects() -> None:
    output = whole(loaded(), loaded()) + mark("object", "77") + frame("object.99", loaded())
    assert len(run(output).objects) == 2


def test_every_outcome_has_a_meaning() -> None:
    for output, reason in ((b"", "broken"), (whole(loaded(), loaded()), "exit")):
        assert run(output, reason=reason).to_dict()["meaning"] in OUTCOMES.values()


def test_the_page_about_the_lab_explains_every_outcome() -> None:
    page = (Path(__file__).parents[2] / "docs" / "lab.md").read_text(encoding="utf-8")
    assert [name for name in OUTCOMES if f"`{name}`" not in page] == []
