# SPDX-License-Identifier: Apache-2.0
"""Sleepable programs and fmod_ret: which targets a kernel takes, as measured on 5.10 to 7.3."""

from __future__ import annotations

import pytest

from tests.predict.worlds import CONFIG, findings, program, world

WITHOUT = {**CONFIG, "CONFIG_FUNCTION_ERROR_INJECTION": "n"}
NAMES = ("work", "security_open", "__x64_sys_read", "bpf_fentry_test1", "should_failslab")


def verdicts(section: str, **more: object) -> list[tuple[str, str]]:
    """Code and verdict of the findings about sleeping and modifying."""
    settings: dict[str, object] = {"symbols": [f"T {name}" for name in NAMES], **more}
    kernel = world(functions=NAMES, **settings)  # type: ignore[arg-type]
    found = findings(program(section), kernel)
    return [(f.code, f.verdict.value) for f in found if f.code in ("PC413", "PC423")]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("fentry/work", []),
        ("fexit/work", []),
        ("fentry.s/work", [("PC413", "missing")]),
        ("fexit.s/work", [("PC413", "missing")]),
        ("fentry.s/security_open", [("PC413", "missing")]),
        ("fmod_ret.s/security_open", [("PC413", "missing")]),
        ("fentry.s/__x64_sys_read", [("PC413", "unknown")]),
        ("fentry.s/bpf_fentry_test1", [("PC413", "unknown")]),
        ("fmod_ret/security_open", []),
        ("fmod_ret/work", [("PC423", "missing")]),
        ("fmod_ret/__x64_sys_read", [("PC423", "unknown")]),
    ],
)
def test_what_is_not_marked(section: str, expected: list[tuple[str, str]]) -> None:
    assert verdicts(section, config=WITHOUT, symbols=None) == expected
    assert verdicts(section, config=None) == expected


@pytest.mark.parametrize("section", ["fentry.s/work", "fmod_ret/work", "fmod_ret.s/work"])
def test_a_marked_function_is_taken(section: str) -> None:
    assert verdicts(section, symbols=["T work", "d _eil_addr_work"]) == []


def test_marked_functions_that_may_not_sleep_stay_open() -> None:
    marked = ["T should_failslab", "d _eil_addr_should_failslab"]
    assert verdicts("fentry.s/should_failslab", symbols=marked) == [("PC413", "unknown")]


def test_nothing_known_decides_nothing() -> None:
    assert verdicts("fentry.s/work", symbols=None, config=None) == [("PC413", "unknown")]


def test_a_sleepable_uprobe_needs_what_came_with_it() -> None:
    assert verdicts("uprobe.s") == [("PC413", "unknown")]
    found = findings(program("uprobe.s"), world(functions=["bpf_uprobe_multi_link_attach"]))
    assert [f for f in found if f.code == "PC413"] == []


@pytest.mark.parametrize(
    ("section", "functions", "expected"),
    [
        ("lsm/file_open", [], []),
        ("lsm.s/file_open", [], ["unknown"]),
        ("lsm.s/file_open", ["bpf_lsm_is_sleepable_hook"], []),
        ("lsm.s/task_to_inode", ["bpf_lsm_is_sleepable_hook"], ["unknown"]),
    ],
)
def test_lsm_hooks_are_taken_from_the_measured_set(
    section: str, functions: list[str], expected: list[str]
) -> None:
    hooks = ["bpf_lsm_file_open", "bpf_lsm_task_to_inode"]
    found = findings(program(section), world(functions=[*hooks, *functions]))
    assert [f.verdict.value for f in found if f.code == "PC413"] == expected
