# SPDX-License-Identifier: Apache-2.0
"""What a verifier log says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from preflight.facts import Evidence


class Source(NamedTuple):
    """A line of the program's source as the log prints it; file and line since kernel 6.9."""

    file: str | None
    line: int | None
    text: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"file": self.file, "line": self.line, "text": self.text}


NO_SOURCE = Source(None, None, None)


class Line(NamedTuple):
    """One line that matters: 1-based line of the input and its text without wrapping."""

    number: int
    text: str


class Step:
    """One verified instruction: where it stands, its text, and what was printed of the registers.

    `before` is the state printed ahead of it, `after` what it changed (kernels since 5.17); both as text.
    `depth` is the call depth. `made`: the compiler gave it no line (0), and `source` is that before it.
    """

    __slots__ = ("after", "before", "depth", "insn", "line", "made", "source", "text")

    def __init__(
        self,
        line: int,
        insn: int,
        text: str,
        before: str,
        after: str,
        source: Source,
        depth: int,
        made: bool = False,
    ) -> None:
        self.line = line
        self.insn = insn
        self.text = text
        self.before = before
        self.after = after
        self.source = source
        self.depth = depth
        self.made = made


class Followed(NamedTuple):
    """One step of the kernel's own walk back: registers (`r7`, or a hexadecimal mask), instruction, text."""

    registers: str
    insn: int
    text: str


@dataclass(slots=True)
class ProgramLog:
    """One program's log as far as it was read: the path to its end, and the lines that follow the path.

    `head_lost`: the log does not begin at the program's entry. `path_cut`: the path was too long to keep, or
    continues one that was not kept. `ended`: a statistics line closes it. `wrapped`: a loader's marks
    surround it, so it is a verifier log whatever it says. `validating`: the global function that is
    verified by itself, empty for the program. `refusal`: the loader's line that names the errno; `closing`:
    one that says that the whole object was refused. `precise`: how the kernel followed a value back from
    the last instruction (mark_precise), latest first. `printed`: the last source line, also one without an
    instruction. `behind`: a source line printed behind the last instruction, which is the message's own.
    `calls`: the last instruction that entered a frame, by the depth of the frame. `unresolved`: the last call
    of a kernel function that a loader left empty.
    """

    name: str | None = None
    steps: list[Step] = field(default_factory=list)
    block: list[Line] = field(default_factory=list)
    report: list[Line] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    first_line: int = 0
    last_line: int = 0
    head_lost: bool = False
    path_cut: bool = False
    ended: bool = False
    wrapped: bool = False
    errno: int | None = None
    btf: bool = False
    last_text: str = ""
    validating: str = ""
    refusal: Line | None = None
    closing: Line | None = None
    precise: list[Followed] = field(default_factory=list)
    printed: Source = NO_SOURCE
    behind: Source = NO_SOURCE
    unresolved: Step | None = None
    calls: dict[int, Step] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Root:
    """Where the trouble began."""

    insn: int | None
    reason: str
    source: Source

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"insn": self.insn, "reason": self.reason, "source": self.source.to_dict()}


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejection, decoded. Fields as in the JSON contract of `log`.

    `truncated` names the side that is missing: `head` is the beginning, `tail` the end. `trail` are places
    on the way to the rejection besides the root; `evidence` is what else is known of it (preflight/joins).
    `path` are the last verified instructions, when they were asked for; `path_left_out` how many came before.
    """

    file: str
    program: str | None
    family: str
    cause_id: str
    confidence: str
    mode: str
    terminal: Line
    lines: tuple[Line, ...]
    insn: int | None
    insn_text: str | None
    source: Source
    root: Root | None
    errno: int | None
    truncated: str
    stats: dict[str, Any]
    kernel_report: dict[str, Any] | None
    seen_in: tuple[str, ...]
    trail: tuple[Root, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    path: tuple[Step, ...] = ()
    path_left_out: int = 0
