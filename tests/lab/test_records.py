# SPDX-License-Identifier: Apache-2.0
"""The loader's lines become measurements; what cannot be read stays unknown."""

from __future__ import annotations

import errno
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.lab.records import measurement, parse, settled
from preflight.lab.results import Attachment, verdict_of
from tests.lab.serial import loaded, records

DIGEST = "0" * 64


def test_an_object_that_loads_and_attaches() -> None:
    measured = measurement("tool", DIGEST, loaded())
    (program,) = measured.programs
    assert (measured.verdict, program.verdict, program.attach.state) == ("loads", "loads", "ok")
    assert measured.problem is None
    assert program.insns_processed is None


def test_a_refused_program_keeps_errno_and_log() -> None:
    measured = measurement("tool", DIGEST, loaded(errno=13, log="R1 invalid\nprocessed 3 insns"))
    (program,) = measured.programs
    assert (measured.verdict, measured.failed_program) == ("fails", "prog")
    assert (program.verdict, program.errno, program.attach.state) == ("fails", 13, "not-tried")
    assert "R1 invalid" in program.log


def test_a_refused_attachment_is_not_a_refused_load() -> None:
    (program,) = measurement("tool", DIGEST, loaded(attach=16)).programs
    assert (program.verdict, program.attach.state, program.attach.errno) == ("loads", "fails", 16)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOMEM, errno.EAGAIN])
def test_circumstances_decide_nothing(number: int) -> None:
    measured = measurement("tool", DIGEST, loaded(errno=number))
    assert (measured.verdict, measured.programs[0].verdict) == ("unknown", "unknown")
    (program,) = measurement("tool", DIGEST, loaded(attach=number)).programs
    assert program.attach.state == "unknown"


def test_eperm_with_the_verifiers_own_statistics_is_the_verifiers() -> None:
    assert verdict_of(errno.EPERM, "R0 leaks addr\nprocessed 5 insns") == "fails"


def test_a_refusal_without_a_log_by_a_security_module_is_unknown() -> None:
    assert verdict_of(errno.EACCES, "") == "unknown"


def test_output_that_ends_in_a_line_is_a_problem() -> None:
    whole = loaded()
    measured = measurement("tool", DIGEST, whole[: whole.rindex(b'{"event": "program"') + 30])
    assert measured.problem is not None
    assert measured.verdict == "loads"
    assert measured.programs == ()


def test_no_output_at_all_is_unknown() -> None:
    measured = measurement("tool", DIGEST, b"")
    assert (measured.verdict, measured.problem) == ("unknown", "the loader's output ends too early")


def test_a_crash_is_named() -> None:
    crash = records({"event": "object", "errno": 0, "programs": 3}, {"event": "crash", "signal": 11})
    measured = measurement("tool", DIGEST, crash)
    assert measured.problem == "the loader died of signal 11"
    assert measured.verdict == "unknown"


def test_lines_of_others_are_counted() -> None:
    found, bad = parse(b"libc: something\n" + loaded() + b'[1, 2]\n{"event": 5}\n')
    assert len(found) == 4
    assert bad == 3


@given(st.binary(max_size=200), st.integers(0, 700))
def test_no_damage_raises_or_makes_a_failure(noise: bytes, at: int) -> None:
    output = loaded()
    measured = measurement("tool", DIGEST, output[:at] + b"\n" + noise + b"\n" + output[at:])
    assert measured.verdict in ("loads", "unknown")


@pytest.mark.parametrize(
    ("section", "number", "messages", "state"),
    [
        ("kprobe", errno.EOPNOTSUPP, "", "not-tried"),
        ("kprobe.multi/x", errno.EOPNOTSUPP, "", "fails"),
        ("uretprobe/readline", 22, "section 'x' missing ':function[+offset]' specification", "not-tried"),
        ("tc", 2, "Kernel error message: Specified qdisc kind is unknown", "unknown"),
        ("kprobe/foo", 2, "failed to create kprobe", "fails"),
    ],
)
def test_a_failure_that_is_not_the_kernels(section: str, number: int, messages: str, state: str) -> None:
    assert settled(section, Attachment("fails", "auto", number, messages=messages)).state == state


@pytest.mark.parametrize(
    ("section", "number", "messages", "verdict"),
    [
        (
            "netkit/primary",
            errno.EINVAL,
            "libbpf: prog 'prog': missing BPF prog type, check ELF section",
            "unknown",
        ),
        (
            "no_such_hook",
            errno.EINVAL,
            "libbpf: prog 'prog': missing BPF prog type, check ELF section",
            "fails",
        ),
        ("struct_ops/init", 524, "libbpf: prog 'prog': BPF program load failed", "unknown"),
        ("tc", 524, "libbpf: prog 'prog': BPF program load failed", "fails"),
    ],
)
def test_what_the_loaders_libbpf_is_too_old_for_decides_nothing(
    section: str, number: int, messages: str, verdict: str
) -> None:
    whole = {"event": "whole", "object": "x", "errno": number, "messages": messages}
    alone = {"event": "program", "object": "x", "program": "prog", "section": section, "errno": number}
    lines = [{"event": "object", "programs": 1, "errno": 0}, whole, {**alone, "messages": messages}]
    output = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    measured = measurement("x", DIGEST, output)
    assert measured.programs[0].verdict == verdict
    if section == "netkit/primary":
        assert measured.verdict == "unknown"
