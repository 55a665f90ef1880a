# SPDX-License-Identifier: Apache-2.0
"""What the TCP and DNS tracers count, against known connections and lookups on the running kernel."""

from __future__ import annotations

import ctypes
import pickle
import socket
from pathlib import Path

import pytest

from preflight.tracers.namespaces import cgroup_root
from preflight.tracers.session import Options, Outcome
from tests.host.live import needs_loads
from tests.tracers.events import health_is_whole, observed, only, rows, total
from tests.tracers.known import (
    AAAA,
    CANARY,
    CLOSE,
    CLOSED,
    ESTABLISHED,
    NOERROR,
    NXDOMAIN,
    OPEN,
    SYN_SENT,
    A,
    asking,
    connect_6,
    connect_50,
    look_up_30,
    query,
    thirty_questions,
)

pytestmark = [pytest.mark.kernel, needs_loads]

needs_cgroup2 = pytest.mark.skipif(
    cgroup_root() is None, reason="no cgroup v2 hierarchy is mounted, and programs attach to its folders"
)


@pytest.mark.parametrize("variant", ["tracepoint", "raw_tp"])
class TestTcpEvents:
    def test_connects_and_refusals_by_state(self, variant: str) -> None:
        outcome = observed("tcpevents", variant, connect_50, only_pid=False)
        for port, state, times in ((OPEN, ESTABLISHED, 40), (CLOSED, CLOSE, 10)):
            key = {"kind": "state", "port": port, "old_state": SYN_SENT, "state": state}
            assert sum(row.value["_"] for row in rows(outcome, "counts", **key)) == times
        assert health_is_whole(outcome.health)

    def test_each_refusal_is_a_reset_received(self, variant: str) -> None:
        outcome = observed("tcpevents", variant, connect_50, only(target_port=CLOSED), only_pid=False)
        assert total(outcome, "counts", kind="receive-reset", family=socket.AF_INET) == 10
        assert {row.key["port"] for row in outcome.rows["counts"]} == {CLOSED}

    def test_the_reset_of_a_closed_port_is_told_from_the_packet(self, variant: str) -> None:
        """Kernels before 6.10 do not tell of it, as there is no socket; then none is counted."""
        for make, family, wanted in ((connect_50, socket.AF_INET, 10), (connect_6, socket.AF_INET6, 2)):
            outcome = observed("tcpevents", variant, make, only(target_port=CLOSED), only_pid=False)
            sent = total(outcome, "counts", kind="send-reset")
            assert sent in (0, wanted)
            assert sent == total(outcome, "counts", kind="send-reset", family=family, state=0)

    def test_nothing_is_told_one_by_one_unless_asked(self, variant: str) -> None:
        assert observed("tcpevents", variant, connect_50, only_pid=False).events["events"] == []

    def test_addresses_are_cut(self, variant: str) -> None:
        options = only(stream_events=True, target_port=CLOSED)
        outcome = observed("tcpevents", variant, connect_50, options, only_pid=False)
        assert outcome.events["events"]
        for event in outcome.events["events"]:
            assert _address(event, "remote") in ("127.0.0.0", "0.0.0.0")
            assert _address(event, "local") in ("127.0.0.0", "0.0.0.0")

    def test_addresses_when_asked_for(self, variant: str) -> None:
        options = Options(
            constants={"stream_events": True, "target_port": CLOSED}, reveal=("full_addresses",)
        )
        outcome = observed("tcpevents", variant, connect_50, options, only_pid=False)
        assert "127.0.0.1" in {_address(event, "remote") for event in outcome.events["events"]}

    def test_a_full_ring_buffer_shows(self, variant: str) -> None:
        options = Options(constants={"stream_events": True, "target_port": OPEN}, map_sizes={"events": 4096})
        outcome = observed("tcpevents", variant, connect_50, options, only_pid=False, poll=False)
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
        outcome = observed("tcpconnect", "cgroup", connect_50)
        assert total(outcome, "counts", port=OPEN, operation="attempt", family=socket.AF_INET) == 40
        assert total(outcome, "counts", port=CLOSED) == 10
        assert outcome.health["exported"] == 50

    def test_attempts_over_ipv6(self) -> None:
        assert total(observed("tcpconnect", "cgroup", connect_6), "counts", family=socket.AF_INET6) == 6

    def test_one_port_alone(self) -> None:
        outcome = observed("tcpconnect", "cgroup", connect_50, only(target_port=CLOSED))
        assert total(outcome, "counts") == 10

    def test_a_connected_udp_socket_is_no_tcp_connection(self) -> None:
        def connect() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.connect(("127.0.0.1", OPEN))

        assert total(observed("tcpconnect", "cgroup", connect), "counts") == 0


def _by_old_functions() -> None:
    libc = ctypes.CDLL(None)
    libc.gethostbyname.restype = libc.gethostbyname2.restype = ctypes.c_void_p
    for _ in range(3):
        assert libc.gethostbyname(b"127.0.0.1")
    assert libc.gethostbyname2(b"127.0.0.1", socket.AF_INET)


class TestDnsLookups:
    def test_counts_by_result(self) -> None:
        outcome = observed("dnslookups", "uprobe", look_up_30)
        assert total(outcome, "latencies", operation="getaddrinfo", failed=0) == 20
        # EAI_NONAME of netdb.h
        assert total(outcome, "latencies", operation="getaddrinfo", failed=1, code=-2) == 10
        assert total(outcome, "counts", "count") == outcome.health["exported"] == 30
        assert health_is_whole(outcome.health)

    def test_equal_names_have_one_hash_and_no_name_is_shown(self) -> None:
        outcome = observed("dnslookups", "uprobe", look_up_30)
        found = {row.key["name_hash"]: row.value["count"] for row in outcome.rows["counts"]}
        assert sorted(found.values()) == [10, 20]
        assert 0 not in found
        assert {row.key["suffix"] for row in outcome.rows["counts"]} == {""}
        assert CANARY.encode() not in pickle.dumps(outcome.rows)

    @pytest.mark.parametrize(
        ("labels", "shown"),
        [(1, "test"), (2, "example.test"), (3, "sub.example.test"), (7, "sub.example.test")],
    )
    def test_the_last_labels_when_asked_for(self, labels: int, shown: str) -> None:
        outcome = observed("dnslookups", "uprobe", look_up_30, only(dns_suffix_labels=labels))
        # A name of one label shows nothing.
        assert {row.key["suffix"] for row in outcome.rows["counts"]} == {"", shown}

    def test_a_function_inside_another_is_no_lookup_of_its_own(self) -> None:
        outcome = observed("dnslookups", "uprobe", _by_old_functions)
        assert total(outcome, "latencies", operation="gethostbyname", failed=0) == 3
        assert total(outcome, "latencies", operation="gethostbyname2", failed=0) == 1
        assert outcome.health["exported"] == 4
        assert health_is_whole(outcome.health)


@pytest.mark.parametrize("variant", ["socket_filter", pytest.param("cgroup_skb", marks=needs_cgroup2)])
@pytest.mark.parametrize("address", ["127.77.0.53", "::1"])
class TestDnsWire:
    def _seen(self, variant: str, address: str, options: Options | None = None) -> Outcome:
        return observed("dnswire", variant, asking(address, thirty_questions), options, only_pid=False)

    def test_questions_and_answers_of_both_sides(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address)
        for role in ("client", "server"):
            assert total(outcome, "counts", role=role, answer=0, qtype=A) == 21
            assert total(outcome, "counts", role=role, answer=0, qtype=AAAA) == 9
            assert total(outcome, "counts", role=role, answer=1, rcode=NOERROR) == 21
            assert total(outcome, "counts", role=role, answer=1, rcode=NXDOMAIN) == 9
            assert total(outcome, "counts", role=role, truncated=1) == 1
        assert outcome.health["seen"] == outcome.health["exported"] == 120
        assert outcome.health["unmatched"] == 0
        assert health_is_whole(outcome.health)

    def test_each_answer_has_its_latency(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address)
        assert total(outcome, "latencies", role="client", rcode=NOERROR, qtype=A) == 21
        assert total(outcome, "latencies", role="client", rcode=NXDOMAIN, qtype=AAAA) == 9
        assert total(outcome, "latencies", role="server") == 30

    def test_equal_names_have_one_hash_and_no_name_is_shown(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address)
        assert len({row.key["name_hash"] for row in rows(outcome, "counts")} - {0}) == 3
        assert CANARY.encode() not in pickle.dumps(outcome.rows)

    def test_the_last_labels_when_asked_for(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address, only(dns_suffix_labels=2))
        suffixes = {row.key["suffix"] for row in outcome.rows["counts"]}
        # Whoever else asks for a name on this host is seen as well, but nobody else asks for these.
        assert {one for one in suffixes if one.endswith("test")} == {"example.test", "missing.test"}

    def test_one_type_of_question_alone(self, variant: str, address: str) -> None:
        outcome = self._seen(variant, address, only(target_qtype=AAAA))
        assert total(outcome, "counts", role="client", answer=0) == 9
        assert {row.key["qtype"] for row in outcome.rows["counts"]} == {AAAA}


class TestDnsWireOddities:
    def test_a_name_of_full_length(self) -> None:
        name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
        seen = observed(
            "dnswire", "socket_filter", asking("127.77.0.53", lambda: iter([(name, A)])), only_pid=False
        )
        assert total(seen, "counts", role="client", answer=1, qtype=A) == 1
        assert seen.health["read-failed"] == 0

    def test_a_large_answer(self) -> None:
        """Its end does not lie in the first part of the packet's memory."""
        ask = asking("127.77.0.53", lambda: iter([("www.example.test", A)]), padding=8000)
        seen = observed("dnswire", "socket_filter", ask, only_pid=False)
        assert total(seen, "counts", role="client", answer=1) == 1

    @pytest.mark.parametrize(
        "message",
        [b"", b"\0" * 11, b"\0" * 16, query(1, "a", 1)[:-5], b"\xff" * 40, query(1, "x" * 63, 1)[:30]],
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
        # Whoever else asks for a name on this host meanwhile is seen as well, but answers nobody.
        assert [row for row in rows(seen, "counts") if row.key["role"] == "server"] == []
        assert seen.health["seen"] - seen.health["exported"] == seen.health["read-failed"] == 2


def test_nothing_else_listens_on_the_ports_used_here() -> None:
    """The numbers above are exact only then."""
    taken = {
        int(line.split()[1].rpartition(":")[2], 16)
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    assert not taken & {OPEN, CLOSED}
