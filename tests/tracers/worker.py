# SPDX-License-Identifier: Apache-2.0
"""A process that does a known amount of work under a tracer: work.c, wherever it was compiled.

    with Work(binary) as work:
        outcome = traced(work, "futexes", "raw_tp", "futex 4 5")

A guest runs this as well, so nothing here needs more than the standard library and preflight.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.tracers.session import Options, Outcome, Session
from preflight.tracers.settings import Filters
from tests.tracers.events import _apart as apart

SECONDS = 60
#: PROC_PID_INIT_INO of include/linux/proc_ns.h.
IN_FIRST_PID_NAMESPACE = Path("/proc/self/ns/pid").stat().st_ino == 0xEFFFFFFC


class Work:
    """The running program. `pid` is known before it does anything."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary
        self._process = subprocess.Popen(
            [str(binary)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self.uid = os.getuid()
        self.comm = binary.name
        self._answer("ready")

    def is_shown_as(self, number: int) -> bool:
        """Whether a tracer that names processes by this number means this one. In a PID namespace of our own
        the kernel has another number for it that nobody here can see."""
        return number == self.pid if IN_FIRST_PID_NAMESPACE else number > 0

    def do(self, line: str) -> None:
        """Have it do the work and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        self._answer("done")

    def covers(self, address: int, function: str) -> bool:
        """Whether an address in the process lies in a function of the program."""
        from elftools.elf.elffile import ELFFile

        with self.binary.open("rb") as stream:
            table: Any = ELFFile(stream).get_section_by_name(".symtab")
            symbols = table.get_symbol_by_name(function)
        begin = symbols[0]["st_value"] + self._base()
        return bool(begin <= address < begin + symbols[0]["st_size"])

    def _base(self) -> int:
        """Where the position-independent program was loaded."""
        for line in Path(f"/proc/{self.pid}/maps").read_text(encoding="utf-8").splitlines():
            addresses, _, offset, _, _, *name = line.split()
            if name == [str(self.binary)] and int(offset, 16) == 0:
                return int(addresses.partition("-")[0], 16)
        raise AssertionError(f"{self.binary} is not mapped")

    def _answer(self, wanted: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == wanted

    def __enter__(self) -> Work:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=SECONDS)


def traced(
    work: Work, tracer: str, variant: str, lines: str | Iterable[str], options: Options | None = None
) -> Outcome:
    """What a tracer that sees the one process says of it doing `lines`."""
    chosen = options or Options()
    if chosen.filters == Filters():
        chosen = replace(chosen, filters=Filters(pid=work.pid))

    def observe() -> Outcome:
        with Session(tracer, variant, chosen) as session:
            for line in [lines] if isinstance(lines, str) else lines:
                work.do(line)
        return session.outcome

    found: Outcome = apart(observe)
    return found


def lost(outcome: Outcome) -> dict[str, int]:
    """The counters that say something is missing, without those that are 0."""
    names = ("update-failed", "ring-dropped", "read-failed")
    found = {name: outcome.health[name] for name in names}
    return {name: count for name, count in found.items() if count} | (
        {"missed": outcome.missed} if outcome.missed else {}
    )


def histogram(outcome: Outcome, **key: Any) -> Any:
    """The one histogram of `latencies` whose key has these fields."""
    rows = [
        row for row in outcome.rows["latencies"] if all(row.key[name] == want for name, want in key.items())
    ]
    assert len(rows) == 1, [row.key for row in outcome.rows["latencies"]]
    return rows[0].value["_"]
