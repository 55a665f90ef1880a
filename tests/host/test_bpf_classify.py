# SPDX-License-Identifier: Apache-2.0
"""Recorded log lines of several kernel generations, and lines that must not be read as anything."""

from __future__ import annotations

import errno
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.host.bpf.classify import (
    HELPER_WORDINGS,
    LACKS,
    HelperState,
    LoadState,
    Meaning,
    classify_helper,
    classify_load,
    helper_meaning,
    messages,
)
from preflight.host.bpf.syscall import ENOTSUPP

STATS_6_18 = (
    "verification time 17 usec\nstack depth 0\n"
    "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"
)

#: (kernel the log is from, errno, log, state). Level 4 unless the trace is part of it.
RECORDED = [
    ("6.18", 22, "program of this type cannot use helper bpf_probe_read#4\n" + STATS_6_18, "not-for-type"),
    ("6.18", 13, "R1 type=ctx expected=map_ptr\n" + STATS_6_18, "usable"),
    ("6.18", 13, "R9 !read_ok\n" + STATS_6_18, "usable"),
    ("6.18", 13, "R2 !read_ok\n" + STATS_6_18, "usable"),
    (
        "6.18",
        13,
        "R1 type=ctx expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_\n"
        + STATS_6_18,
        "usable",
    ),
    ("6.18", 22, "helper call might sleep in a non-sleepable prog\n" + STATS_6_18, "inconclusive"),
    ("6.18", 22, "helper call is not allowed in probe\n" + STATS_6_18, "inconclusive"),
    (
        "6.18",
        ENOTSUPP,
        "func bpf_get_func_ip#173 not supported for program type 5\n" + STATS_6_18,
        "not-for-type",
    ),
    ("6.18", 22, "invalid func unknown#212\n" + STATS_6_18, "unknown-to-kernel"),
    (
        "5.10",
        22,
        "unknown func bpf_ringbuf_output#130\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 "
        "total_states 0 peak_states 0 mark_read 0\n",
        "not-for-type",
    ),
    (
        "4.19",
        22,
        "0: (85) call bpf_sk_lookup_tcp#84\ninvalid func bpf_sk_lookup_tcp#84\n"
        "processed 1 insns (limit 131072), stack depth 0\n",
        "unknown-to-kernel",
    ),
    ("4.15", 13, "0: (85) call bpf_map_lookup_elem#1\nR1 type=ctx expected=map_ptr\n", "usable"),
    ("4.9", 22, "unknown func 25\n", "not-for-type"),
    ("5.15", 13, "R1 type=inv expected=ctx\n", "usable"),
    ("7.2", 13, "R1 is not a scalar\n", "usable"),
    ("7.3", 22, "sleepable helper bpf_copy_from_user#148 in non-sleepable prog\n", "inconclusive"),
    ("any", 1, "", "denied"),
    ("any", 13, "", "denied"),
    ("any", 22, "", "inconclusive"),
    ("any", 28, "", "inconclusive"),
    ("any", 0, "", "usable"),
]


@pytest.mark.parametrize(("kernel", "error", "log", "state"), RECORDED)
def test_recorded_helper_answer(kernel: str, error: int, log: str, state: str) -> None:
    assert classify_helper(error, log).state == state


#: Whole answers in which a naive search would find a known phrase.
MISLEADING = [
    # The word "call " is in the log of every such load; it says nothing of the helper.
    "0: (85) call bpf_map_lookup_elem#1\nSyscall programs can only be sleepable",
    "Syscall programs can only be sleepable",
    "note: program of this type cannot use helper bpf_redirect#23 was the former wording",
    "unknown func bpf_redirect#23 at insn 0",
    "prog 'unknown func bpf_redirect#23': something else",
    "R1 type=ctx expected=",
    "R12 !read_ok",
    "R1 !read_ok in callback",
    "invalid func",
]


@pytest.mark.parametrize("line", MISLEADING)
def test_a_known_phrase_inside_another_line_decides_nothing(line: str) -> None:
    answer = classify_helper(errno.EINVAL, line + "\n")
    assert answer.state is HelperState.INCONCLUSIVE
    assert answer.meaning is None
    assert answer.line


def test_an_unread_answer_keeps_its_line() -> None:
    answer = classify_helper(errno.EACCES, "a sentence of a kernel to come\n" + STATS_6_18)
    assert answer.line == "a sentence of a kernel to come"


KNOWN_LINES = (
    "unknown func bpf_redirect#23",
    "R1 !read_ok",
    "R1 type=ctx expected=map_ptr",
    "invalid func x#9",
)


@given(
    st.sampled_from(KNOWN_LINES),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20),
)
def test_a_known_line_with_anything_in_front_is_not_known(line: str, prefix: str) -> None:
    assert helper_meaning(f"{prefix}| {line}") is None


@given(st.integers(0, 600), st.text(max_size=300))
def test_any_log_is_classified_without_an_error(error: int, log: str) -> None:
    assert classify_helper(error, log).state in set(HelperState)
    assert classify_load(error, log)[0] in set(LoadState)


@given(st.sampled_from([errno.EPERM, errno.EACCES]), st.text(max_size=80))
def test_a_refusal_without_known_words_is_never_a_no(error: int, log: str) -> None:
    state, _ = classify_load(error, log)
    if not any(re.fullmatch(pattern, line) for line in messages(log) for pattern, _, _ in LACKS):
        assert state is not LoadState.UNSUPPORTED


LOADS = [
    (0, "", LoadState.WORKS),
    (errno.EPERM, "", LoadState.DENIED),
    (errno.EINVAL, "", LoadState.UNSUPPORTED),
    (errno.EINVAL, STATS_6_18, LoadState.INCONCLUSIVE),
    (errno.EINVAL, "unknown opcode 16\n" + STATS_6_18, LoadState.UNSUPPORTED),
    (errno.EINVAL, "BPF_END uses reserved fields\n", LoadState.UNSUPPORTED),
    (errno.EINVAL, "back-edge from insn 2 to 1\n", LoadState.UNSUPPORTED),
    (errno.EINVAL, "Syscall programs can only be sleepable\n", LoadState.INCONCLUSIVE),
    (
        errno.EINVAL,
        "Tracing programs must provide btf_id\nprocessed 0 insns (limit 1000000)\n",
        LoadState.INCONCLUSIVE,
    ),
    (
        errno.EINVAL,
        "Only fentry/fexit/fmod_ret, lsm, and kprobe/uprobe programs can be sleepable\n",
        LoadState.UNSUPPORTED,
    ),
    # One target may not sleep; that is no answer about the kernel.
    (errno.EINVAL, "__x64_sys_nanosleep is not sleepable\n", LoadState.INCONCLUSIVE),
    (errno.EINVAL, "Program extension requires BTF\n", LoadState.INCONCLUSIVE),
    (
        errno.EPERM,
        "function calls to other bpf functions are allowed for CAP_BPF and CAP_SYS_ADMIN\n",
        LoadState.DENIED,
    ),
    (ENOTSUPP, "", LoadState.UNSUPPORTED),
    (errno.ENOMEM, "", LoadState.INCONCLUSIVE),
    (errno.ENOSPC, "", LoadState.INCONCLUSIVE),
]


@pytest.mark.parametrize(("error", "log", "state"), LOADS)
def test_load_answer(error: int, log: str, state: LoadState) -> None:
    assert classify_load(error, log)[0] is state


def test_trace_and_statistics_are_not_messages() -> None:
    log = (
        "func#0 @0\n0: R1=ctx() R10=fp0\n0: (85) call bpf_map_lookup_elem#1\n; int x = 1; @ a.c:3\n"
        "R1 type=ctx expected=map_ptr\nprocessed 1 insns (limit 1000000) max_states_per_insn 0\n"
    )
    assert messages(log) == ("R1 type=ctx expected=map_ptr",)


def test_every_wording_names_where_it_was_seen_and_is_written() -> None:
    for wording in HELPER_WORDINGS:
        assert wording.seen
        assert wording.source.startswith("kernel/")
        assert isinstance(wording.meaning, Meaning)


def test_a_log_without_end_is_cut() -> None:
    assert len(messages("x\n" * 1_000_000)) == 32
