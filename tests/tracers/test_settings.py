# SPDX-License-Identifier: Apache-2.0
"""Filters and constants as bytes of an object's .rodata, and what is refused."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight import bpf_objects
from preflight.errors import PreflightError, UsageError
from preflight.objects.load import load as read_object
from preflight.objects.model import BpfObject
from preflight.tracers import load, namespaces, settings
from preflight.tracers.settings import Filters
from preflight.tracers.words import syscall_number

TRACER = load.tracer("syscalls")


@pytest.fixture(scope="module")
def obj() -> BpfObject:
    return read_object(bpf_objects.find("tracers", "syscalls_raw_tp").read_bytes(), "syscalls_raw_tp")


@pytest.fixture(autouse=True)
def first_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "in_first_pid_namespace", lambda: True)


def number(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("10s", 10**10),
        ("500ms", 5 * 10**8),
        ("1.5m", 9 * 10**10),
        ("1h", 3600 * 10**9),
        ("7us", 7000),
        ("3ns", 3),
    ],
)
def test_a_duration_has_a_number_and_a_unit(text: str, nanoseconds: int) -> None:
    assert settings.duration(text, "--for") == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "10", "s", "-1s", "1e9s", "10 s", "0s", "0.0000001ns", "nan", "10s; rm"]
)
def test_what_is_no_duration_is_one_clear_line(text: str) -> None:
    with pytest.raises(UsageError, match="--for"):
        settings.duration(text, "--for")


def test_no_filter_writes_nothing(obj: BpfObject) -> None:
    assert settings.values(TRACER, obj, Filters(), {}) == {}


def test_a_process_and_a_thread(obj: BpfObject) -> None:
    found = settings.values(TRACER, obj, Filters(pid=42, tid=43), {})
    assert {name: number(value) for name, value in found.items()} == {"filter_tgid": 42, "filter_tid": 43}


def test_user_0_is_a_user(obj: BpfObject) -> None:
    found = settings.values(TRACER, obj, Filters(uid=0), {})
    assert {name: number(value) for name, value in found.items()} == {"filter_uid": 0, "filter_by_uid": 1}


def test_a_command_is_padded_to_its_room(obj: BpfObject) -> None:
    assert settings.values(TRACER, obj, Filters(comm="sh"), {}) == {"filter_comm": b"sh" + bytes(14)}


@pytest.mark.parametrize("comm", ["x" * 16, "a\0b"])
def test_a_command_that_no_task_can_have_is_refused(obj: BpfObject, comm: str) -> None:
    with pytest.raises(UsageError, match="1 to 15 bytes"):
        settings.values(TRACER, obj, Filters(comm=comm), {})


def test_ids_seen_in_another_pid_namespace_count_in_it(
    obj: BpfObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "in_first_pid_namespace", lambda: False)
    found = settings.values(TRACER, obj, Filters(pid=42), {})
    assert number(found["filter_pidns_ino"]) == Path("/proc/self/ns/pid").stat().st_ino
    assert number(found["filter_tgid"]) == 42


def test_sampling_and_bounds(obj: BpfObject) -> None:
    found = settings.values(TRACER, obj, Filters(sample=100, minimum=10**6, maximum=10**9), {})
    assert number(found["sample_every"]) == 100
    assert number(found["min_ns"]) == 10**6
    assert number(found["max_ns"]) == 10**9


def test_a_filter_the_programs_cannot_honour_is_refused() -> None:
    wire = read_object(bpf_objects.find("tracers", "dnswire_cgroup_skb").read_bytes(), "dnswire_cgroup_skb")
    with pytest.raises(UsageError, match="--uid cannot be honoured"):
        settings.values(load.tracer("dnswire"), wire, Filters(uid=5), {})


def test_a_number_that_does_not_fit_is_refused(obj: BpfObject) -> None:
    with pytest.raises(UsageError, match="does not fit 32 bits"):
        settings.values(TRACER, obj, Filters(pid=1 << 32), {})


@pytest.mark.parametrize(
    ("text", "value"), [("ENOENT", errno.ENOENT), ("enoent", errno.ENOENT), ("2", 2), ("0x2", 2)]
)
def test_an_errno_by_name_or_number(obj: BpfObject, text: str, value: int) -> None:
    assert number(settings.values(TRACER, obj, Filters(), {"target_errno": text})["target_errno"]) == value


def test_a_system_call_by_name(obj: BpfObject) -> None:
    found = settings.values(TRACER, obj, Filters(), {"target_syscall": "openat"})
    assert number(found["target_syscall"]) == syscall_number("openat")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("target_errno", "ENONSENSE", "is no errno"),
        ("target_syscall", "opennat", "is no syscall"),
        ("no_such", "1", "there are target_syscall, target_errno"),
        ("health_counters", "1", "there are target_syscall"),
        ("filter_tgid", "1", "there are target_syscall"),
    ],
)
def test_a_constant_that_cannot_be_set_is_one_clear_line(
    obj: BpfObject, name: str, value: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        settings.values(TRACER, obj, Filters(), {name: value})


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_usage_error(text: str) -> None:
    obj = read_object(bpf_objects.find("tracers", "syscalls_raw_tp").read_bytes(), "syscalls_raw_tp")
    try:
        found = settings.values(TRACER, obj, Filters(), {"target_errno": text})
    except PreflightError as error:
        assert error.exit_code == 2
    else:
        assert len(found["target_errno"]) == 4


def test_a_run_key_is_new_in_every_run() -> None:
    tracer = load.tracer("dnslookups")
    looked = read_object(bpf_objects.find("tracers", "dnslookups_uprobe").read_bytes(), "dnslookups_uprobe")
    keys = [one.name for one in tracer.constants if one.type == "run-key"]
    first, second = (settings.values(tracer, looked, Filters(), {}) for _ in range(2))
    assert keys
    for name in keys:
        assert first[name] != second[name]
        assert any(first[name])


def test_a_production_filter_is_asked_for() -> None:
    assert "pid" in settings.missing(TRACER, Filters(sample=10), [])
    assert settings.missing(TRACER, Filters(pid=1), []) == ()
    assert settings.missing(TRACER, Filters(), ["target_syscall"]) == ()


def test_a_cgroup_that_is_none_is_refused(obj: BpfObject) -> None:
    with pytest.raises(UsageError, match="--cgroup"):
        settings.values(TRACER, obj, Filters(cgroup="no/such/folder"), {})


def test_a_cgroup_outside_the_hierarchy_is_refused(obj: BpfObject, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--cgroup"):
        settings.values(TRACER, obj, Filters(cgroup=os.path.relpath(tmp_path, "/")), {})


def test_the_mount_of_the_v2_hierarchy_is_found(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "25 1 0:22 / /proc rw - proc proc rw\nrubbish\n"
        "41 31 0:38 / /sys/fs/cg\\040roup rw - cgroup2 cgroup2 rw\n",
        encoding="ascii",
    )
    assert namespaces.cgroup_root(mounts) == Path("/sys/fs/cg roup")
    assert namespaces.cgroup_root(tmp_path / "none") is None
