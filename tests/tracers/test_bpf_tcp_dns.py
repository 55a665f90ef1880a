# SPDX-License-Identifier: Apache-2.0
"""What the TCP and DNS tracers count, against known connections and lookups on the running kernel."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import pickle
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.tracers.namespaces import cgroup_root
from preflight.tracers.session import Options, Outcome
from tests.host.live import needs_loads
from tests.tracers.events import health_is_whole, observed, only, rows, total

pytestmark = [pytest.mark.kernel, needs_loads]

#: Both lower than any ephemeral port, so both are "the lower port" of their connections.
_OPEN, _CLOSED = 24753, 24754
_SYN_SENT, _ESTABLISHED, _CLOSE = 2, 1, 7
_CANARY = "canary-5f1c9e"

needs_cgroup2 = pytest.mark.skipif(
    cgroup_root() is None, reason="no cgroup v2 hierarchy is mounted, and programs attach to its folders"
)


@contextlib.contextmanager
def _listening(family: int = socket.AF_INET) -> Iterator[None]:
    """A server on _OPEN, and _CLOSED taken by a socket that does not listen."""
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.socket(family) as server, socket.socket(family) as closed:
        for one, port in ((server, _OPEN), (closed, _CLOSED)):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, port))
        server.listen(64)
        yield


def _connect(family: int, connects: int, refused: int) -> None:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    for port, times in ((_OPEN, connects), (_CLOSED, refused)):
        for _ in range(times):
            with socket.socket(family) as one:
                assert one.connect_ex((host, port)) == (0 if port == _OPEN else errno.ECONNREFUSED)


def _connect_50() -> None:
    with _listening():
        _connect(socket.AF_INET, 40, 10)


def _connect_6() -> None:
    with _listening(socket.AF_INET6):
        _connect(socket.AF_INET6, 4, 2)


@pytest.mark.parametrize("variant", ["tracepoint", "raw_tp"])
class TestTcpEvents:
    def test_connects_and_refusals_by_state(self, variant: str) -> None:
        outcome = observed("tcpevents", variant, _connect_50, only_pid=False)
        for port, state, times in ((_OPEN, _ESTABLISHED, 40), (_CLOSED, _CLOSE, 10)):
            key = {"kind": "state", "port": port, "old_state": _SYN_SENT, "state": state}
            assert sum(row.value["_"] for row in rows(outcome, "counts", **key)) == times
        assert health_is_whole(outcome.health)

    def test_each_refusal_is_a_reset_received(self, variant: str) -> None:
        outcome = observed("tcpevents", variant, _connect_50, only(target_port=_CLOSED), only_pid=False)
        assert total(outcome, "counts", kind="receive-reset", family=socket.AF_INET) == 10
        assert {row.key["port"] for row in outcome.rows["counts"]} == {_CLOSED}

    def test_the_reset_of_a_closed_port_is_told_from_the_packet(self, variant: str) -> None:
        """Kernels before 6.10 do not tell of it, as there is no socket; then none is counted."""
        for make, family, wanted in ((_connect_50, socket.AF_INET, 10), (_connect_6, socket.AF_INET6, 2)):
            outcome = observed("tcpevents", variant, make, only(target_port=_CLOSED), only_pid=False)
            sent = total(outcome, "counts", kind="send-reset")
            assert sent in (0, wanted)
            assert sent == total(outcome, "counts", kind="send-reset", family=family, state=0)

    def test_nothing_is_told_one_by_one_unless_asked(self, variant: str) -> None:
        assert observed("tcpevents", variant, _connect_50, only_pid=False).events["events"] == []

    def test_addresses_are_cut(self, variant: str) -> None:
        options = only(stream_events=True, target_port=_CLOSED)
        outcome = observed("tcpevents", variant, _connect_50, options, only_pid=False)
        assert outcome.events["events"]
        for event in outcome.events["events"]:
            assert _address(event, "remote") in ("127.0.0.0", "0.0.0.0")
            assert _address(event, "local") in ("127.0.0.0", "0.0.0.0")

    def test_addresses_when_asked_for(self, variant: str) -> None:
        options = Options(
            constants={"stream_events": True, "target_port": _CLOSED}, reveal=("full_addresses",)
        )
        outcome = observed("tcpevents", variant, _connect_50, options, only_pid=False)
        assert "127.0.0.1" in {_address(event, "remote") for event in outcome.events["events"]}

    def test_a_full_ring_buffer_shows(self, variant: str) -> None:
        options = Options(constants={"stream_events": True, "target_port": _OPEN}, map_sizes={"events": 4096})
        outcome = observed("tcpevents", variant, _connect_50, options, only_pid=False, poll=False)
        assert outcome.health["ring-dropped"] > 0
        counted = total(outcome, "counts")
        assert len(outcome.events["events"]) + outcome.health["ring-dropped"] == counted


def _address(event: dict[str, object], end: str) -> str:
    raw = event[f"tuple.{end}_address"]
    assert isinstance(raw, bytes)
    return socket.inet_ntop(socket.AF_INET, raw[:4])


@needs_cgroup2
class TestTcpConnectCgroup:
    def test_attempts_by_port(self) -> None:
        outcome = observed("tcpconnect", "cgroup", _connect_50)
        assert total(outcome, "counts", port=_OPEN, operation="attempt", family=socket.AF_INET) == 40
        assert total(outcome, "counts", port=_CLOSED) == 10
        assert outcome.health["exported"] == 50

    def test_attempts_over_ipv6(self) -> None:
        assert total(observed("tcpconnect", "cgroup", _connect_6), "counts", family=socket.AF_INET6) == 6

    def test_one_port_alone(self) -> None:
        outcome = observed("tcpconnect", "cgroup", _connect_50, only(target_port=_CLOSED))
        assert total(outcome, "counts") == 10

    def test_a_connected_udp_socket_is_no_tcp_connection(self) -> None:
        def connect() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.connect(("127.0.0.1", _OPEN))

        assert total(observed("tcpconnect", "cgroup", connect), "counts") == 0


def _resolve(name: str, flags: int = 0) -> None:
    with contextlib.suppress(socket.gaierror):
        socket.getaddrinfo(name, None, flags=flags)


def _look_up_30() -> None:
    """20 lookups that need no name server, and 10 that must fail without one."""
    for i in range(20):
        _resolve("localhost" if i % 2 else "LocalHost")
    for i in range(10):
        _resolve(
            f"{_CANARY}.sub.example.test" if i % 2 else f"{_CANARY}.SUB.example.test.", socket.AI_NUMERICHOST
        )


def _by_old_functions() -> None:
    libc = ctypes.CDLL(None)
    libc.gethostbyname.restype = libc.gethostbyname2.restype = ctypes.c_void_p
    for _ in range(3):
        assert libc.gethostbyname(b"127.0.0.1")
    assert libc.gethostbyname2(b"127.0.0.1", socket.AF_INET)


class TestDnsLookups:
    def test_counts_by_result(self) -> None:
        outcome = observed("dnslookups", "uprobe", _look_up_30)
        assert total(outcome, "latencies", operation="getaddrinfo", failed=0) == 20
        # EAI_NONAME of netdb.h
        assert total(outcome, "latencies", operation="getaddrinfo", failed=1, code=-2) == 10
        assert total(outcome, "counts", "count") == outcome.health["exported"] == 30
        assert health_is_whole(outcome.health)

    def test_equal_names_have_one_hash_and_no_name_is_shown(self) -> None:
        outcome = observed("dnslookups", "uprobe", _look_up_30)
        found = {row.key["name_hash"]: row.value["count"] for row in outcome.rows["counts"]}
        assert sorted(found.values()) == [10, 20]
        assert 0 not in found
        assert {row.key["suffix"] for row in outcome.rows["counts"]} == {""}
        assert _CANARY.encode() not in pickle.dumps(outcome.rows)

    @pytest.mark.parametrize(
        ("labels", "shown"),
        [(1, "test"), (2, "example.test"), (3, "sub.example.test"), (7, "sub.example.test")],
    )
    def test_the_last_labels_when_asked_for(self, labels: int, shown: str) -> None:
        outcome = observed("dnslookups", "uprobe", _look_up_30, only(dns_suffix_labels=labels))
        # A name of one label shows nothing.
        assert {row.key["suffix"] for row in outcome.rows["counts"]} == {"", shown}

    def test_a_function_inside_another_is_no_lookup_of_its_own(self) -> None:
        outcome = observed("dnslookups", "uprobe", _by_old_functions)
        assert total(outcome, "latencies", operation="gethostbyname", failed=0) == 3
        assert total(outcome, "latencies", operation="gethostbyname2", failed=0) == 1
        assert outcome.health["exported"] == 4
        assert health_is_whole(outcome.health)


_NOERROR, _NXDOMAIN = 0, 3
_A, _AAAA = 1, 28


def _query(number: int, name: str, qtype: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", qtype, 1)


def _answers(server: socket.socket, stop: socket.socket, padding: int) -> None:
    """NXDOMAIN for names with `missing`, else a truncated or empty answer. `padding` makes it a large one."""
    while True:
        ready, _, _ = select.select([server, stop], [], [])
        if stop in ready:
            return
        question, client = server.recvfrom(4096)
        flags = (
            0x8180 | (_NXDOMAIN if b"missing" in question else 0) | (0x0200 if b"large" in question else 0)
        )
        server.sendto(question[:2] + struct.pack("!H", flags) + question[4:] + bytes(padding), client)


def _asking(
    address: str, names: Callable[[], Iterator[tuple[str, int]]], padding: int = 0
) -> Callable[[], None]:
    """Events: each question is asked of a server on port 53 of `address` and answered."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def ask() -> None:
        server = socket.socket(family, socket.SOCK_DGRAM)
        stop, stopped = socket.socketpair()
        with server, stop, stopped, socket.socket(family, socket.SOCK_DGRAM) as client:
            server.bind((address, 53))
            thread = threading.Thread(target=_answers, args=(server, stopped, padding))
            thread.start()
            client.connect((address, 53))
            client.settimeout(10)
            for number, (name, qtype) in enumerate(names()):
                client.send(_query(number + 1, name, qtype))
                client.recv(4096)
            stop.send(b"x")
            thread.join()

    return ask


def _thirty() -> Iterator[tuple[str, int]]:
    for i in range(20):
        yield ("www.example.test" if i % 2 else "WWW.Example.TEST"), _A
    for _ in range(9):
        yield f"{_CANARY}.missing.test", _AAAA
    yield "large.example.test", _A


@pytest.mark.parametrize("variant", ["socket_filter", pytest.param("cgroup_skb", marks=needs_cgroup2)])
@pytest.mark.parametrize("address", ["127.77.0.53", "::1"])
class TestDnsWire:
    def _seen(self, variant: str, address: str, options: Options | None = None) -> Outcome:
        return observed("dnswire", variant, _asking(address, _thirty), options, only_pid=False)

    def test_questions_and_answers_of_both_sides(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address)
        for role in ("client", "server"):
            assert total(outcome, "counts", role=role, answer=0, qtype=_A) == 21
            assert total(outcome, "counts", role=role, answer=0, qtype=_AAAA) == 9
            assert total(outcome, "counts", role=role, answer=1, rcode=_NOERROR) == 21
            assert total(outcome, "counts", role=role, answer=1, rcode=_NXDOMAIN) == 9
            assert total(outcome, "counts", role=role, truncated=1) == 1
        assert outcome.health["seen"] == outcome.health["exported"] == 120
        assert outcome.health["unmatched"] == 0
        assert health_is_whole(outcome.health)

    def test_each_answer_has_its_latency(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address)
        assert total(outcome, "latencies", role="client", rcode=_NOERROR, qtype=_A) == 21
        assert total(outcome, "latencies", role="client", rcode=_NXDOMAIN, qtype=_AAAA) == 9
        assert total(outcome, "latencies", role="server") == 30

    def test_equal_names_have_one_hash_and_no_name_is_shown(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address)
        assert len({row.key["name_hash"] for row in rows(outcome, "counts")} - {0}) == 3
        assert _CANARY.encode() not in pickle.dumps(outcome.rows)

    def test_the_last_labels_when_asked_for(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address, only(dns_suffix_labels=2))
        suffixes = {row.key["suffix"] for row in outcome.rows["counts"]}
        assert suffixes == {"example.test", "missing.test"}

    def test_one_type_of_question_alone(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address, only(target_qtype=_AAAA))
        assert total(outcome, "counts", role="client", answer=0) == 9
        assert {row.key["qtype"] for row in outcome.rows["counts"]} == {_AAAA}


class TestDnsWireOddities:
    def test_a_name_of_full_length(self) -> None:
        name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
        seen = observed(
            "dnswire", "socket_filter", _asking("127.77.0.53", lambda: iter([(name, _A)])), only_pid=False
        )
        assert total(seen, "counts", role="client", answer=1, qtype=_A) == 1
        assert seen.health["read-failed"] == 0

    def test_a_large_answer(self) -> None:
        """Its end does not lie in the first part of the packet's memory."""
        ask = _asking("127.77.0.53", lambda: iter([("www.example.test", _A)]), padding=8000)
        seen = observed("dnswire", "socket_filter", ask, only_pid=False)
        assert total(seen, "counts", role="client", answer=1) == 1

    @pytest.mark.parametrize(
        "message",
        [b"", b"\0" * 11, b"\0" * 16, _query(1, "a", 1)[:-5], b"\xff" * 40, _query(1, "x" * 63, 1)[:30]],
        ids=["empty", "short", "no question", "cut type", "pointer", "cut name"],
    )
    def test_what_is_no_message_is_counted_as_unreadable(self, message: bytes) -> None:
        def send() -> None:
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
            ):
                server.bind(("127.77.0.53", 53))
                client.sendto(message, ("127.77.0.53", 53))

        seen = observed("dnswire", "socket_filter", send, only_pid=False)
        assert seen.rows["counts"] == []
        assert seen.health["seen"] == seen.health["read-failed"] == 2


def test_nothing_else_listens_on_the_ports_used_here() -> None:
    """The numbers above are exact only then."""
    taken = {
        int(line.split()[1].rpartition(":")[2], 16)
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    assert not taken & {_OPEN, _CLOSED}
