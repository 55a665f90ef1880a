# SPDX-License-Identifier: Apache-2.0
"""What leaves the process: private fields handled, rows that became equal merged, numbers as words."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import UsageError
from preflight.render.console import Style
from preflight.render.registry import renderers
from preflight.tracers import load, present, report, words
from preflight.tracers.present import Presenter, address, revealed
from preflight.tracers.symbols import NO_NAME
from tests.tracers.results import CANARY, outcome, presented, result, tracer


def shown(name: str, presenter: Presenter | None = None) -> dict[str, Any]:
    found = (presenter or presented(outcome())).results()
    return next(one for one in found if one["map"] == name)


@pytest.mark.parametrize("form", list(renderers("tracers run")))
def test_no_private_value_is_in_any_format(form: str) -> None:
    text = renderers("tracers run")[form](result(), Style(verbose=2))
    assert CANARY not in text
    assert CANARY.encode().hex() not in text


def test_what_is_dropped_is_not_there_at_all() -> None:
    assert set(shown("counts")["rows"][0]["value"]) == {"times"}
    assert set(shown("events")["rows"][0]) == {"pid", "path"}


def test_rows_that_differ_only_in_what_is_dropped_become_one() -> None:
    rows = shown("latencies")["rows"]
    assert [(row["key"], row["value"]["latency"]["count"]) for row in rows] == [
        ({"call": 1, "errno": "ok"}, 12),
        ({"call": 2, "errno": "ENOENT"}, 6),
    ]
    assert rows[0]["value"]["latency"]["total"] == 1000


def test_a_hash_is_stable_within_a_run_and_means_nothing_outside() -> None:
    one, same, other = presented(outcome(), key=b"k"), presented(outcome(), key=b"k"), presented(outcome())
    hashes = [
        {row["key"]["host"] for row in shown("counts", presenter)["rows"]} for presenter in (one, same, other)
    ]
    assert hashes[0] == hashes[1]
    assert not hashes[0] & hashes[2]
    assert len(hashes[0]) == 2


def test_a_truncated_field_keeps_its_part() -> None:
    assert {row["key"]["domain"] for row in shown("counts")["rows"]} == {"example.org"}
    assert shown("events")["rows"][0]["path"] == "notes.txt"


def test_a_value_that_is_not_on_the_list_is_another() -> None:
    assert {row["key"]["kind"] for row in shown("counts")["rows"]} == {"web", "(other)"}


def test_rows_are_ordered_by_the_field_the_catalogue_names() -> None:
    assert [row["value"]["times"] for row in shown("counts")["rows"]] == [9, 5]


def test_what_was_asked_for_is_shown_and_said() -> None:
    labels, constants = revealed(tracer(), ["payload", "domain"])
    presenter = presented(outcome(), labels)
    assert constants == ("capture_payload",)
    assert shown("events", presenter)["rows"][0]["payload"] == CANARY
    assert shown("counts", presenter)["rows"][1]["key"]["domain"] == f"{CANARY}.example.org"
    assert presenter.privacy()["revealed"] == ["domain", "payload"]


@pytest.mark.parametrize("name", ["pid", "nothing", "__class__"])
def test_only_a_private_field_can_be_revealed(name: str) -> None:
    with pytest.raises(UsageError, match="the private fields of madeup are arguments, domain"):
        revealed(tracer(), [name])


def test_the_result_says_what_was_done_to_which_field() -> None:
    assert presented(outcome()).privacy() == {
        "allow-listed": ["kind"],
        "dropped": ["arguments", "payload", "user"],
        "hashed": ["host"],
        "truncated": ["domain", "path"],
    }


def test_a_histogram_has_only_the_buckets_that_are_not_empty() -> None:
    found = shown("latencies")["rows"][1]["value"]["latency"]
    assert found["buckets"] == [
        {"low": 4, "high": 8, "count": 3},
        {"low": 8, "high": 16, "count": 1},
        {"low": 1 << 39, "high": None, "count": 2},
    ]


def test_a_stack_that_was_lost_is_not_an_empty_one() -> None:
    frames = [row["frames"] for row in shown("waits")["rows"]]
    assert [NO_NAME] in frames
    assert ["[stack lost]"] in frames


def test_an_unnamed_kernel_address_is_not_shown() -> None:
    assert "ffffffff80000010" not in json.dumps(presented(outcome()).results())


@given(st.integers(0, (1 << 32) - 1))
def test_an_ipv4_address_in_network_order(number: int) -> None:
    packed = struct.pack("=I", number)
    assert address(number) == address(packed) == socket.inet_ntoa(packed)


def test_an_address_of_either_family() -> None:
    six = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    assert address(six, int(socket.AF_INET6)) == "2001:db8::1"
    assert address(bytes([10, 0, 0, 1]) + bytes(12), int(socket.AF_INET)) == "10.0.0.1"
    assert address(socket.inet_pton(socket.AF_INET6, "::ffff:10.0.0.1")) == "10.0.0.1"


@given(st.integers(-(1 << 31), (1 << 32) - 1))
def test_every_number_has_a_word(number: int) -> None:
    for decode, function in present._WORDS.items():
        if decode not in ("text", "ipv4", "ipv6") and number >= 0:
            assert function(number) is not None, decode
    assert words.error(number)
    assert words.tcp_state(number)
    assert words.futex_op(number)


def test_system_calls_have_the_names_of_their_machine() -> None:
    assert words.syscall_name(257, machine="x86_64") == "openat"
    assert words.syscall_name(56, machine="aarch64") == "openat"
    assert words.syscall_name(288, machine="s390x") == "openat"
    assert words.syscall_name(5, compat=True, machine="x86_64") == "open"
    assert words.syscall_name(99999, machine="x86_64") == "syscall-99999"
    assert words.syscall_name(1, machine="m68k") == "syscall-1"
    assert words.syscall_number("futex_wait", machine="riscv64") == 455


def test_a_futex_operation_is_named_without_its_flags() -> None:
    assert words.futex_op(0 | 128) == "WAIT"
    assert words.futex_op(9 | 128 | 256) == "WAIT_BITSET"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"health": {"seen": 9, "ring-dropped": 3}}, "3 events found no room"),
        ({"missed": 4}, "4 runs of programs were left out"),
        ({"left_out": 5}, "5 events came after the limit"),
        ({"unread": 6}, "6 elements of maps could not be read"),
        ({"full": ("counts",)}, "map counts is full"),
        ({"evicted": {"counts": 7}}, "7 records are no longer in counts"),
        ({"health": {"update-failed": 2}}, "2 times a map had no place for a record, or for a stack"),
        ({"detach_failures": 1}, "1 links reported an error"),
    ],
)
def test_nothing_is_lost_silently(changes: dict[str, Any], word: str) -> None:
    lines = report.losses(outcome(**changes))
    assert len(lines) == 1
    assert word in lines[0]
    assert f"lost: {lines[0]}" in renderers("tracers run")["text"](result(**changes), Style())


def test_without_stacks_a_refused_update_is_a_refused_record() -> None:
    plain = load.tracer("syscalls")
    found = outcome(tracer=plain, variant=plain.variants[0], health={"update-failed": 2})
    assert report.losses(found) == ["2 records were refused by a full map"]


def test_a_whole_result_loses_nothing() -> None:
    assert report.losses(outcome()) == []


@pytest.mark.parametrize(
    ("path", "container"),
    [
        (f"/system.slice/docker-{'ab' * 32}.scope", "abababababab"),
        (f"/kubepods/burstable/pod1/{'cd' * 32}", "cdcdcdcdcdcd"),
        (f"/machine.slice/libpod-{'ef' * 32}.scope/container", "efefefefefef"),
        ("/system.slice/ssh.service", None),
        (f"/x{'ab' * 32}", None),
    ],
)
def test_a_container_is_told_by_the_name_of_its_cgroup(path: str, container: str | None) -> None:
    found = present._CONTAINER.search(path)
    assert (found[1][:12] if found else None) == container
