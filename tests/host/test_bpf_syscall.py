# SPDX-License-Identifier: Apache-2.0
"""Answers of bpf(2) as values, and descriptors that are always closed."""

from __future__ import annotations

import errno
import os
import struct
from types import SimpleNamespace

import pytest

from preflight.host.bpf import syscall
from preflight.host.bpf.asm import R0, R9, call, exit_, map_fd, mov, mov_reg
from preflight.host.bpf.attrs import Cmd, LogLevel, MapFlag
from preflight.host.bpf.helper_loop import probe_helpers
from preflight.host.bpf.names import MapType, ProgType
from preflight.host.bpf.syscall import (
    ENOTSUPP,
    Fd,
    Result,
    bpf_with_size,
    btf_load,
    errno_name,
    map_create,
    map_lookup,
    map_update,
    obj_info,
    prog_load,
    prog_test_run,
)
from preflight.host.bpf.tinybtf import TinyBtf
from tests.host.live import needs_loads

OUT = mov(R0, 0) + exit_()


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_a_descriptor_is_closed_once_and_only_once() -> None:
    read, write = os.pipe()
    fd = Fd(read)
    fd.close()
    fd.close()
    assert not _is_open(read)
    os.close(write)
    with pytest.raises(ValueError, match="closed"):
        _ = fd.number


def test_leaving_the_block_closes_the_result() -> None:
    read, write = os.pipe()
    with Result(Fd(read), 0) as answer:
        assert answer.ok
    assert not _is_open(read)
    os.close(write)


def test_a_forgotten_descriptor_is_closed_with_its_object() -> None:
    read, write = os.pipe()
    fd = Fd(read)
    del fd
    assert not _is_open(read)
    os.close(write)


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "ok"), (errno.EPERM, "EPERM"), (95, "EOPNOTSUPP"), (ENOTSUPP, "ENOTSUPP"), (4000, "errno 4000")],
)
def test_errno_name(number: int, name: str) -> None:
    assert errno_name(number) == name


def test_last_line_is_not_the_statistics() -> None:
    answer = Result(
        None, 13, "R9 !read_ok\nverification time 5 usec\nstack depth 0\nprocessed 1 insns (limit 9)\n"
    )
    assert answer.last_line == "R9 !read_ok"


def test_an_unknown_machine_has_no_syscall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscall, "_NR", None)
    assert prog_load(ProgType.XDP, OUT).errno == errno.ENOSYS
    assert bpf_with_size(Cmd.PROG_LOAD, 8) == -errno.ENOSYS


def test_an_unknown_machine_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(machine="pdp11"))
    assert syscall.syscall_number() is None
    assert list(probe_helpers([1], prog_type=ProgType.XDP)) == []


def test_tiny_btf_has_the_header_of_the_format() -> None:
    btf = TinyBtf()
    number = btf.int_()
    data = btf.to_bytes()
    magic, version, flags, header, type_off, type_len, str_off, str_len = struct.unpack_from(
        "=HBBIIIII", data
    )
    assert (magic, version, flags, header, number) == (0xEB9F, 1, 0, 24, 1)
    assert type_off == 0
    assert str_off == type_len == 16
    assert len(data) == 24 + type_len + str_len


@pytest.mark.kernel
@needs_loads
class TestRunningKernel:
    def test_a_minimal_program_loads_and_runs(self) -> None:
        with prog_load(ProgType.SOCKET_FILTER, mov(R0, 7) + exit_(), name="seven") as answer:
            assert answer.fd is not None
            ran, returned = prog_test_run(answer.fd.number, data=bytes(64))
        assert ran.ok
        assert returned == 7

    def test_a_buffer_that_is_too_small_grows_until_the_log_is_whole(self) -> None:
        whole = prog_load(ProgType.SOCKET_FILTER, mov_reg(R0, R9) + exit_(), log_size=1 << 16)
        grown = prog_load(ProgType.SOCKET_FILTER, mov_reg(R0, R9) + exit_(), log_size=128)
        assert whole.errno == grown.errno == errno.EACCES
        assert grown.last_line == whole.last_line == "R9 !read_ok"

    def test_a_valid_program_is_valid_whatever_the_buffer(self) -> None:
        with prog_load(
            ProgType.SOCKET_FILTER, mov(R0, 0) * 40 + exit_(), log_level=LogLevel.STATES, log_size=128
        ) as answer:
            assert answer.ok

    def test_without_a_log_level_there_is_no_log(self) -> None:
        assert prog_load(ProgType.SOCKET_FILTER, mov_reg(R0, R9) + exit_(), log_level=0).log == ""

    def test_map_values_come_back(self) -> None:
        with map_create(MapType.HASH, value_size=8, max_entries=2) as table:
            assert table.fd is not None
            assert map_update(table.fd.number, b"key1", b"8 bytes!").ok
            found, value = map_lookup(table.fd.number, b"key1", 8)
            absent, _ = map_lookup(table.fd.number, b"key2", 8)
        assert found.ok
        assert value == b"8 bytes!"
        assert absent.errno == errno.ENOENT

    def test_map_info_names_the_type(self) -> None:
        with map_create(MapType.ARRAY, value_size=8, name="probe", map_flags=int(MapFlag.RDONLY)) as table:
            assert table.fd is not None
            answer, info = obj_info(table.fd.number)
        assert answer.ok
        assert struct.unpack_from("=I", info)[0] == MapType.ARRAY

    def test_a_program_can_hold_a_map(self) -> None:
        with map_create(MapType.ARRAY) as table:
            assert table.fd is not None
            with prog_load(ProgType.SOCKET_FILTER, map_fd(1, table.fd.number) + OUT) as answer:
                assert answer.ok, answer.log

    def test_btf_loads_and_broken_btf_does_not(self) -> None:
        btf = TinyBtf()
        btf.int_()
        with btf_load(btf.to_bytes()) as good, btf_load(b"\0" * 24, log_level=1) as bad:
            assert good.ok
            assert bad.errno == errno.EINVAL

    def test_the_loop_says_the_same_as_single_loads(self) -> None:
        quick = {n: (error, log.splitlines()[:1]) for n, error, log in probe_helpers([5, 9, 1], prog_type=1)}
        for number, (error, first) in quick.items():
            slow = prog_load(1, call(number) + mov_reg(R0, R9) + exit_(), log_level=LogLevel.STATS)
            assert (slow.errno, [slow.log.splitlines()[0].encode()]) == (error, first)

    def test_a_thousand_probes_leave_no_descriptor(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        assert sum(1 for _ in probe_helpers(range(1, 200), prog_type=ProgType.XDP)) == 199
        assert len(os.listdir("/proc/self/fd")) == before

    def test_a_size_no_kernel_takes_is_not_enosys(self) -> None:
        assert -bpf_with_size(Cmd.PROG_LOAD, 4097) in (errno.E2BIG, errno.EINVAL)
