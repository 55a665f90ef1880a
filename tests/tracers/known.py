# SPDX-License-Identifier: Apache-2.0
"""Known events, and what each tracer must say of them: on this host and in a booted kernel alike.

Nothing here needs more than the standard library and preflight, so that a guest can run it (guest.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.tracers.session import Options, Outcome
from preflight.tracers.words import syscall_number
from tests.tracers.events import observed, rows, total

CANARY = "canary-5f1c9e"
#: Both lower than any ephemeral port, so both are "the lower port" of their connections.
OPEN, CLOSED, UNREACHABLE = 24753, 24754, 24755
SYN_SENT, ESTABLISHED, CLOSE = 2, 1, 7
NOERROR, NXDOMAIN = 0, 3
A, AAAA = 1, 28


def open_200() -> None:
    """200 opens, of which 20 find nothing."""
    for i in range(200):
        with contextlib.suppress(FileNotFoundError):
            os.close(os.open("/proc/self/no-such-file" if i % 10 == 0 else "/", os.O_RDONLY))


def spawn(path: str, *arguments: str) -> None:
    """Start a program in a child and wait for it; the child ends when that fails."""
    child = os.fork()
    if child == 0:
        try:
            with contextlib.suppress(OSError):
                os.execv(path, [path, *arguments])
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def starts_and_failures() -> None:
    """Three programs started, one not found, one that is no program."""
    Path("/proc/self/comm").write_text("f1-execs")
    for _ in range(3):
        spawn("/bin/true", f"--password={CANARY}")
    spawn(f"/no/such/{CANARY}")
    spawn("/proc/self/status")


def of_ours(outcome: Outcome) -> list[dict[str, Any]]:
    """The exec events of the children of the process that made them, whatever else runs on this host."""
    parents = {e["parent_tgid"] for e in outcome.events["events"] if e["comm"] == "f1-execs"}
    return [e for e in outcome.events["events"] if e["parent_tgid"] in parents]


def in_files() -> None:
    """In a folder of its own on /tmp: 100 writes, 50 reads, 10 syncs, 32 opens, 5 reads that cannot be."""
    folder = Path("/tmp") / f"preflight-{os.getpid()}"
    folder.mkdir()
    for i in range(30):
        os.close(os.open(folder / str(i), os.O_CREAT | os.O_WRONLY, 0o600))
    one = os.open(folder / "0", os.O_RDWR)
    for i in range(100):
        os.pwrite(one, bytes(4096), i * 4096)
    for i in range(50):
        os.pread(one, 4096, i * 4096)
    for _ in range(10):
        os.fsync(one)
    os.close(one)
    directory = os.open(folder, os.O_RDONLY)
    for _ in range(5):
        with contextlib.suppress(OSError):
            os.read(directory, 10)
    os.close(directory)
    for i in range(30):
        os.unlink(folder / str(i))
    folder.rmdir()


@contextlib.contextmanager
def listening(family: int = socket.AF_INET, host: str = "") -> Iterator[socket.socket]:
    """A server on OPEN, and CLOSED taken by a socket that does not listen."""
    host = host or ("127.0.0.1" if family == socket.AF_INET else "::1")
    with socket.socket(family) as server, socket.socket(family) as closed:
        for one, port in ((server, OPEN), (closed, CLOSED)):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, port))
        server.listen(64)
        yield server


def connect(family: int, connects: int, refused: int) -> None:
    """So many connections to OPEN and to CLOSED."""
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    for port, times in ((OPEN, connects), (CLOSED, refused)):
        for _ in range(times):
            with socket.socket(family) as one:
                assert one.connect_ex((host, port)) == (0 if port == OPEN else errno.ECONNREFUSED)


def connect_50() -> None:
    """50 connects over IPv4, of which 10 are refused."""
    with listening():
        connect(socket.AF_INET, 40, 10)


def connect_6() -> None:
    """6 connects over IPv6, of which 2 are refused."""
    with listening(socket.AF_INET6):
        connect(socket.AF_INET6, 4, 2)


def connect_and_accept() -> None:
    """connect_50, 40 accepts, 3 that would have to wait, and 4 connects to where no route leads."""
    with listening() as server:
        connect(socket.AF_INET, 40, 10)
        for _ in range(40):
            server.accept()[0].close()
        server.setblocking(False)
        for _ in range(3):
            with contextlib.suppress(BlockingIOError):
                server.accept()
    for _ in range(4):
        with socket.socket() as one:
            # A class E address: routed nowhere, on whatever network this host is.
            assert one.connect_ex(("255.255.255.254", UNREACHABLE)) != 0


def connect_oddly() -> None:
    """3 connects over IPv6 to an IPv4 address; 2 of 3 that are given up: the server's queue holds one."""
    with listening(socket.AF_INET6, "::"):
        for _ in range(3):
            with socket.socket(socket.AF_INET6) as one:
                one.connect(("::ffff:127.0.0.1", OPEN))
    with (
        socket.socket() as full,
        socket.socket() as first,
        socket.socket() as second,
        socket.socket() as given_up,
    ):
        full.bind(("127.0.0.1", UNREACHABLE))
        full.listen(0)
        for one in (first, second, given_up):
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", UNREACHABLE))
        select.select([], [first], [], 5)


def resolve(name: str, flags: int = 0) -> None:
    """Look a name up, whatever comes of it."""
    with contextlib.suppress(socket.gaierror):
        socket.getaddrinfo(name, None, flags=flags)


def look_up_30() -> None:
    """20 lookups that need no name server, and 10 that must fail without one."""
    for i in range(20):
        resolve("localhost" if i % 2 else "LocalHost")
    for i in range(10):
        name = f"{CANARY}.sub.example.test" if i % 2 else f"{CANARY}.SUB.example.test."
        resolve(name, socket.AI_NUMERICHOST)


def query(number: int, name: str, qtype: int) -> bytes:
    """A question as RFC 1035 wants it."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", qtype, 1)


def _answers(server: socket.socket, stop: socket.socket, padding: int) -> None:
    """NXDOMAIN for names with `missing`, else a truncated or empty answer. `padding` makes it a large one."""
    while True:
        ready, _, _ = select.select([server, stop], [], [])
        if stop in ready:
            return
        question, client = server.recvfrom(4096)
        flags = 0x8180 | (NXDOMAIN if b"missing" in question else 0) | (0x0200 if b"large" in question else 0)
        server.sendto(question[:2] + struct.pack("!H", flags) + question[4:] + bytes(padding), client)


def asking(
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
                client.send(query(number + 1, name, qtype))
                client.recv(65535)
            stop.send(b"x")
            thread.join()

    return ask


def thirty_questions() -> Iterator[tuple[str, int]]:
    """20 and 1 for addresses, 9 for what is not there."""
    for i in range(20):
        yield ("www.example.test" if i % 2 else "WWW.Example.TEST"), A
    for _ in range(9):
        yield f"{CANARY}.missing.test", AAAA
    yield "large.example.test", A


@dataclass(frozen=True, slots=True)
class Check:
    """One variant under known events. `answers` takes the numbers out that `wanted` names."""

    tracer: str
    variant: str
    make: Callable[[], None]
    answers: Callable[[Outcome], Mapping[str, Any]]
    wanted: Mapping[str, Any]
    options: Options = field(default_factory=Options)
    only_pid: bool = True
    name: str = ""

    def got(self, _binary: Path) -> tuple[Mapping[str, Any], Outcome]:
        """The numbers, and the outcome they come from."""
        outcome = observed(self.tracer, self.variant, self.make, self.options, only_pid=self.only_pid)
        return self.answers(outcome), outcome


_TMPFS = 0x01021994


def _syscalls(outcome: Outcome) -> Mapping[str, Any]:
    openat = syscall_number("openat")
    return {
        "opened": total(outcome, "latencies", nr=openat, error=0),
        "not found": total(outcome, "latencies", nr=openat, error=errno.ENOENT),
    }


def _execs(outcome: Outcome) -> Mapping[str, Any]:
    return {"events": sorted([e["comm"], e["error"], e["took_ns"] > 0] for e in of_ours(outcome))}


_EXECS = {
    "events": [
        ["f1-execs", errno.ENOENT, True],
        ["f1-execs", errno.EACCES, True],
        ["true", 0, True],
        ["true", 0, True],
        ["true", 0, True],
    ]
}


def _opens(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "opened": total(outcome, "counts", "count", error=0),
        "not found": total(outcome, "counts", "count", error=errno.ENOENT),
        "hashes": len({event["name_hash"] for event in outcome.events.get("events", [])} - {0}),
    }


def _vfs(outcome: Outcome) -> Mapping[str, Any]:
    def of(operation: str, error: int = 0) -> int:
        return total(outcome, "latencies", fs_magic=_TMPFS, operation=operation, error=error)

    reads = of("read")
    if outcome.variant.name == "kprobe":
        # While others wait in reads, an older kernel with few CPUs misses returns, and the tracer says so.
        reads = max(reads, min(50, reads + outcome.health["expired"]))
    return {
        "reads": reads,
        "writes": of("write"),
        "syncs": of("fsync"),
        "opens": of("open"),
        "reads of a folder": of("read", errno.EISDIR) in ((5,) if reads == of("read") else range(6)),
    }


_VFS = {"reads": 50, "writes": 100, "syncs": 10, "opens": 32, "reads of a folder": True}


def _tcp(outcome: Outcome) -> Mapping[str, Any]:
    def of(**key: Any) -> int:
        return sum(row.value["_"] for row in rows(outcome, "counts", **key))

    return {
        "connected": of(kind="state", port=OPEN, old_state=SYN_SENT, state=ESTABLISHED),
        "refused": of(kind="state", port=CLOSED, old_state=SYN_SENT, state=CLOSE),
        "resets received": of(kind="receive-reset", port=CLOSED),
        # Kernels before 6.10 do not tell of a reset without a socket.
        "resets sent": of(kind="send-reset", port=CLOSED) in (0, 10),
    }


_TCP = {"connected": 40, "refused": 10, "resets received": 10, "resets sent": True}


def _connects(outcome: Outcome) -> Mapping[str, Any]:
    def of(operation: str, port: int, error: int) -> int:
        return total(outcome, "counts", operation=operation, port=port, error=error, family=socket.AF_INET)

    return {
        "connected": of("connect", OPEN, 0),
        "refused": of("connect", CLOSED, errno.ECONNREFUSED),
        "accepted": of("accept", OPEN, 0),
        "nothing to accept": of("accept", OPEN, errno.EAGAIN),
        "not reached": total(outcome, "counts", operation="connect", port=UNREACHABLE, error=0),
        "failed at once": total(outcome, "counts", operation="connect", port=UNREACHABLE),
        "latencies": total(outcome, "latencies", port=OPEN, error=0),
        "of refusals": total(outcome, "latencies", port=CLOSED, error=errno.ECONNREFUSED),
    }


_CONNECTS = {
    "connected": 40,
    "refused": 10,
    "accepted": 40,
    "nothing to accept": 3,
    "not reached": 0,
    "failed at once": 4,
    "latencies": 40,
    "of refusals": 10,
}


def _odd_connects(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "IPv4 in IPv6": total(outcome, "counts", operation="connect", port=OPEN, error=0),
        "given up": total(outcome, "counts", operation="connect", port=UNREACHABLE, abandoned=1),
        "told one by one": len(outcome.events["events"]) == total(outcome, "counts"),
    }


def _attempts(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "to the open port": total(outcome, "counts", operation="attempt", port=OPEN),
        "to the closed port": total(outcome, "counts", operation="attempt", port=CLOSED),
    }


def _lookups(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "found": total(outcome, "latencies", operation="getaddrinfo", failed=0),
        # EAI_NONAME of netdb.h
        "failed": total(outcome, "latencies", operation="getaddrinfo", code=-2),
        "names": len({row.key["name_hash"] for row in rows(outcome, "counts")} - {0}),
    }


def _messages(outcome: Outcome) -> Mapping[str, Any]:
    found: dict[str, Any] = {"names": len({row.key["name_hash"] for row in rows(outcome, "counts")} - {0})}
    for role in ("client", "server"):
        found |= {
            f"{role}: questions": total(outcome, "counts", role=role, answer=0),
            f"{role}: answers": total(outcome, "counts", role=role, answer=1, rcode=NOERROR),
            f"{role}: no such name": total(outcome, "counts", role=role, answer=1, rcode=NXDOMAIN),
            f"{role}: latencies": total(outcome, "latencies", role=role),
        }
    return found


_MESSAGES: dict[str, Any] = {"names": 3} | {
    f"{role}: {what}": number
    for role in ("client", "server")
    for what, number in (("questions", 30), ("answers", 21), ("no such name", 9), ("latencies", 30))
}

_STREAM = Options(constants={"stream_failures": True})
_OPENED = {"opened": 180, "not found": 20}

CHECKS = (
    Check("syscalls", "raw_tp", open_200, _syscalls, _OPENED),
    Check("syscalls", "tracepoint", open_200, _syscalls, _OPENED),
    Check("execs", "tracepoint", starts_and_failures, _execs, _EXECS, only_pid=False),
    Check("execs", "raw_tp", starts_and_failures, _execs, _EXECS, only_pid=False),
    Check("opens", "tracepoint", open_200, _opens, {**_OPENED, "hashes": 1}, _STREAM),
    Check("opens", "lsm", open_200, _opens, {"opened": 180, "not found": 0, "hashes": 0}),
    Check("vfslat", "fentry", in_files, _vfs, _VFS),
    Check("vfslat", "kprobe", in_files, _vfs, _VFS),
    Check("tcpevents", "tracepoint", connect_50, _tcp, _TCP, only_pid=False),
    Check("tcpevents", "raw_tp", connect_50, _tcp, _TCP, only_pid=False),
    *(
        Check("tcpconnect", variant, connect_and_accept, _connects, _CONNECTS)
        for variant in ("fentry", "kprobe")
    ),
    *(
        Check(
            "tcpconnect",
            variant,
            connect_oddly,
            _odd_connects,
            {"IPv4 in IPv6": 3, "given up": 2, "told one by one": True},
            Options(constants={"stream_events": True}),
            name="oddly",
        )
        for variant in ("fentry", "kprobe")
    ),
    Check(
        "tcpconnect",
        "cgroup",
        connect_50,
        _attempts,
        {"to the open port": 40, "to the closed port": 10},
    ),
    Check("dnslookups", "uprobe", look_up_30, _lookups, {"found": 20, "failed": 10, "names": 2}),
    *(
        Check(
            "dnswire",
            variant,
            asking(address, thirty_questions),
            _messages,
            _MESSAGES,
            only_pid=False,
            name=f"IPv{4 if '.' in address else 6}",
        )
        for variant in ("cgroup_skb", "socket_filter")
        for address in ("127.77.0.53", "::1")
    ),
)
