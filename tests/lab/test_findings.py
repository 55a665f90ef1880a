# SPDX-License-Identifier: Apache-2.0
"""Which of a kernel's words a measurement gives as the reason."""

from __future__ import annotations

import pytest

from preflight.lab.findings import last_words

REASON = "R0 invalid mem access 'map_value_or_null'"
AFTER = {
    "5.10": "processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0",
    "with a time": "verification time 31 usec\nstack depth 8\nprocessed 5 insns (limit 1000000)",
    "7.3": (
        "verification time 31 usec\nsubprog 0 (counts) main insns_self 5 insns_total 9 stack 8\n"
        "subprog 1 (helper) static insns_self 4 insns_total 4 stack 0\nprocessed 9 insns (limit 1000000)"
    ),
}


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_statistics_are_not_the_reason(after: str) -> None:
    assert last_words(f"4: (71) r1 = *(u8 *)(r0 +0)\n{REASON}\n{after}\n", "") == REASON


def test_a_report_is_not_the_reason() -> None:
    report = "Verification failed: null pointer: may be null\n\nReason:\n  it is\n"
    log = f"4: (71) r1 = *(u8 *)(r0 +0)\n{REASON}\n\n{report}\nprocessed 5 insns (limit 1000000)\n"
    assert last_words(log, "") == REASON


def test_a_report_alone_says_what_it_is_about() -> None:
    report = "Verification failed: null pointer: may be null"
    assert last_words(f"{report}\n\nReason:\n  it is\n", "") == report


def test_a_log_of_statistics_alone_leaves_libbpfs_words() -> None:
    assert last_words("processed 0 insns\n", "libbpf: prog 'x': missing BPF prog type\n") == (
        "prog 'x': missing BPF prog type"
    )


def test_nothing_said_is_no_words() -> None:
    assert last_words("", "") == ""


def test_states_behind_a_message_and_its_second_line_are_not_the_reason() -> None:
    loop = "infinite loop detected at insn 1"
    assert last_words(f"{loop}\ncur state: R0=0 R10=fp0\nold state: R0=0 R10=fp0\n", "") == loop
    call = "global function calls are not allowed with preemption disabled,"
    assert last_words(f"{call}\nuse static function instead\n", "") == call


def test_what_libbpf_tries_anew_is_not_the_reason() -> None:
    anew = "libbpf: Error in bpf_create_map_xattr(m):Invalid argument(-22). Retrying without BTF.\n"
    assert last_words("", f"{anew}libbpf: map 'm': failed to create\n") == "map 'm': failed to create"
