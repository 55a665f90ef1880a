# SPDX-License-Identifier: Apache-2.0
"""Targets that are there and that no program may have, as 6.1, 6.12 and 7.3 answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.elfwriter import Ins, mov
from tests.predict.worlds import call, findings, program, world

NAMES = ("do_exit", "migrate_disable", "__rcu_read_lock", "kthread_exit", "vfs_read", "filp_close",
         "security_inode_rename", "bpf_lsm_ismaclabel", "bpf_lsm_file_open")  # fmt: skip
#: r2 = r10 - 64, written; r3 = 64; call d_path; r0 = 0
D_PATH = [Ins(0x7A, 10, off=-64), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-64), mov(3, 64), call(147), mov(0, 0)]


def verdicts(section: str, code: str, symbols: Sequence[str] | None, insns: Sequence[Ins] = ()) -> list[str]:
    """Verdicts of a code for a program at one of NAMES on a kernel with these symbols."""
    known = None if symbols is None else [*(f"T {name}" for name in NAMES), *symbols]
    kernel = world(functions=dict.fromkeys(NAMES, 1), symbols=known)
    return [f.verdict.value for f in findings(program(section, insns), kernel) if f.code == code]


@pytest.mark.parametrize(
    ("section", "symbols", "expected"),
    [
        ("fexit/do_exit", ["r noreturn_deny"], ["missing"]),
        ("fexit/do_exit", [], []),
        ("fexit/do_exit", None, ["unknown"]),
        ("fentry/do_exit", ["r noreturn_deny"], []),
        ("fexit/kthread_exit", ["r noreturn_deny"], ["unknown"]),
        ("fentry/migrate_disable", ["r btf_id_deny"], ["missing"]),
        ("fentry/__rcu_read_lock", ["r btf_id_deny"], ["unknown"]),
        ("fentry/__rcu_read_lock", ["r btf_id_deny", "d raw_tp_null_args"], ["missing"]),
        ("lsm/ismaclabel", ["r bpf_lsm_disabled_hooks"], ["missing"]),
        ("lsm/ismaclabel", [], []),
        ("lsm/file_open", ["r bpf_lsm_disabled_hooks"], []),
    ],
)
def test_the_kernels_own_lists_decide(section: str, symbols: list[str] | None, expected: list[str]) -> None:
    assert verdicts(section, "PC306", symbols) == expected


def test_variable_arguments_are_never_passed() -> None:
    kernel = world(taking={"printk": ["const char *", "..."]}, symbols=["T printk"])
    found = [f.verdict.value for f in findings(program("fentry/printk"), kernel) if f.code == "PC306"]
    assert found == ["missing"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["long"] * 13, ["The function work has 13 arguments. Too many."]),
        (["long"] * 12, []),
        (["long", "->struct pair"], ["The function work return type STRUCT is unsupported"]),
        (["long", "->union pair"], ["The function work return type UNION is unsupported"]),
        (["long", "->struct pair *"], []),
        (["long", "->void"], []),
    ],
)
def test_a_prototype_that_no_trampoline_is_made_for(words: list[str], says: list[str]) -> None:
    """Met on booted kernels: pfn_pte() returns a struct, tcp_v6_send_response() has 14 arguments."""
    kernel = world(taking={"work": words}, symbols=["T work"])
    found = [f for f in findings(program("fentry/work"), kernel) if f.code == "PC306"]
    assert [f.cause.removeprefix("the verifier says: ") for f in found] == says


@pytest.mark.parametrize(
    ("function", "expected"),
    [("filp_close", []), ("vfs_read", ["missing"]), ("security_inode_rename", ["unknown"])],
)
def test_d_path_is_for_the_functions_of_a_list(function: str, expected: list[str]) -> None:
    assert verdicts(f"fentry/{function}", "PC405", [], D_PATH) == expected
