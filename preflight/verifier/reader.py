# SPDX-License-Identifier: Apache-2.0
"""From a stream to programs' logs: one pass, line by line, with bounded memory.

The verifier explores depth first: at `from X to Y` it goes on at the branch pushed last, and that was
pushed on the path just walked. So the path is kept as a stack that is cut back to the last visit of X;
what was explored and found safe is forgotten. At level 1 kernels since 5.8 do the same with the log itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from preflight.verifier import classify
from preflight.verifier.clean import clean
from preflight.verifier.model import NO_SOURCE, Followed, Line, ProgramLog, Source, Step

#: Longest line read at once, in bytes: a whole log can stand in one JSON string.
LINE_LIMIT = 1 << 20
#: Longest text of one log line that is looked at, in characters.
TEXT_LIMIT = 4000
#: Steps kept of one path; a longer one loses its oldest half.
PATH_LIMIT = 40_000
BLOCK_LIMIT = 60
REPORT_LIMIT = 4000
PRECISION_LIMIT = 400

#: What loaders leave of a call of a weak kernel function that this kernel does not have.
_EMPTY_CALL = ("call #0", "call kernel-function#0", "call <error>#0")
_BACK = re.compile(r"goto pc-(\d{1,9})")
_CALL = re.compile(r"call (?:pc[+-]|func|0x|-?\d)")
#: Conditional jumps by their opcodes as printed: classes JMP and JMP32 without ja, call and exit.
_CONDITIONAL = frozenset(
    f"({code:02x})" for code in range(256) if code & 7 in {5, 6} and code & 0xF0 not in {0x00, 0x80, 0x90}
)
#: First characters of the lines that make up nearly all of a level-2 log.
_DIGITS = frozenset("0123456789")


def read_logs(stream: BinaryIO) -> Iterator[ProgramLog]:
    """The programs' logs in a stream of bytes, in order; also what turns out to be no log."""
    reader = _Reader()
    number = 0
    fresh = True
    while raw := stream.readline(LINE_LIMIT):
        number += fresh
        fresh = raw.endswith(b"\n")
        text = raw.decode("utf-8", "replace")
        for piece in clean(text):
            done = reader.take(number, piece if len(piece) <= TEXT_LIMIT else piece[:TEXT_LIMIT])
            if done is not None:
                yield done
    last = reader.finish()
    if last is not None:
        yield last


class _Reader:
    """The state between two lines."""

    def __init__(self) -> None:
        self._log = ProgramLog()
        self._fresh()
        self._next_errno: int | None = None
        self._next_name: str | None = None
        self._previous: ProgramLog | None = None

    def _fresh(self) -> None:
        self._source = NO_SOURCE
        self._made = False
        self._before = ""
        self._depth = 0
        self._preamble = False
        self._reporting = False
        self._entered = False
        self._jumped = False
        self._framed = False

    def take(self, number: int, text: str) -> ProgramLog | None:
        """Use one line; a program's log when it is complete."""
        log = self._log
        first = text[:1]
        if first in _DIGITS and not self._preamble and not self._reporting and not log.ended:
            # the fast way for the bulk
            found = classify.INSN.match(text)
            if found:
                self._instruction(number, found)
                return None
        if not text.strip():
            return None
        if log.ended:
            numbers = classify.stats_of(text)
            if numbers and "insns_processed" not in numbers:
                log.stats |= {k: v for k, v in numbers.items() if k not in log.stats}
                return None
            if classify.STATS.match(text) and "insns_processed" not in numbers:
                return None
            if self._closing(number, text):
                return None
            done = self._close()
            self._log_line(number, text)
            return done
        return self._log_line(number, text)

    def _closing(self, number: int, text: str) -> bool:
        """Whether a loader still speaks of the program whose log has ended; its errno is kept."""
        if classify.END.match(text):
            return True
        found = classify.CLOSING.match(text) if "failed to load" in text else None
        if found is None or (found[1] and self._log.name and found[1] != self._log.name):
            return False
        self._log.closing = Line(number, text)
        self._log.name = self._log.name or found[1]
        self._log.errno = self._log.errno or classify.errno_of(text)
        return True

    def finish(self) -> ProgramLog | None:
        """The log that the input ends with."""
        return self._close() if self._log.last_line else None

    def _close(self) -> ProgramLog:
        done, self._log = self._log, ProgramLog()
        if done.errno is None:
            done.errno, self._next_errno = self._next_errno, None
        self._fresh()
        self._previous = done
        return done

    def _log_line(self, number: int, text: str) -> ProgramLog | None:
        log = self._log
        log.first_line = log.first_line or number
        log.last_line = number
        log.last_text = text
        if self._wrapping(number, text):
            if log.wrapped and self._ends(text):
                return self._close()
            return None
        if classify.STATS.match(text):
            log.stats |= classify.stats_of(text)
            log.ended = "insns_processed" in log.stats and "processed" in text
            self._reporting = False
            return None
        if self._reporting:
            if len(log.report) < REPORT_LIMIT:
                log.report.append(Line(number, text))
            return None
        if classify.REPORT.match(text):
            self._reporting = True
            log.report = [Line(number, text)]
            return None
        if classify.PREAMBLE.match(text):
            self._preamble = True
            return None
        if self._preamble:
            if not classify.STATE_AT.match(text) and (text[:1] in " \t" or classify.INSN.match(text)):
                return None
            self._preamble = False
        self._trace(number, text)
        return None

    def _ends(self, text: str) -> bool:
        return classify.END.match(text) is not None

    def _wrapping(self, number: int, text: str) -> bool:
        """Lines of the loader around the log."""
        log = self._log
        if "--" in text or text.rstrip().endswith((":", "=")):
            begin = classify.BEGIN.match(text)
            if begin:
                log.wrapped, log.btf = True, "BTF LOAD" in text
                log.name = begin[1] or self._next_name
                log.block.clear()
                return True
            if classify.END.match(text) or not text.strip("= "):
                return True
        if "oad" in text or "rejected" in text or "rrno" in text:
            found = classify.FAILED.search(text)
            if classify.CLOSING.match(text):
                log.closing = Line(number, text)
            number_of = classify.errno_of(text) if found or "rrno" in text else None
            if number_of is not None:
                if log.steps or (log.block and classify.CLOSING.match(text)):
                    log.errno = log.errno or number_of
                else:
                    log.wrapped = True
                    log.errno = number_of
                    log.refusal = log.refusal or Line(number, text)
                    log.name = log.name or (found and (found[1] or found[2])) or None
                    log.last_text = text
                return True
        return False

    def _trace(self, number: int, text: str) -> None:
        log = self._log
        found = classify.INSN.match(text)
        if found:
            self._instruction(number, found)
            return
        if text.lstrip()[:1] == ";":
            self._source_line(text)
            return
        jump = classify.FROM_TO.match(text)
        if classify.SAFE.match(text):
            return
        if jump:
            self._jump(int(jump[1][:9]), int(jump[2][:9]), jump[4])
            return
        if classify.STATE.match(text):
            self._state(text)
            return
        if classify.PRECISION.match(text):
            self._precision(text)
            return
        if classify.CALLS.match(text) or classify.COMPARED.match(text):
            return
        named = classify.GLOBAL.match(text)
        if named:
            if "alidating" in text:
                self._restart()
            if "alidating" in text or "is safe" in text:
                log.validating = named[1] or ""
            return
        if classify.NOISE.match(text):
            return
        if len(log.block) >= BLOCK_LIMIT:
            del log.block[0]
        log.block.append(Line(number, text))

    def _precision(self, text: str) -> None:
        found = classify.FOLLOWED.match(text) if "before" in text else None
        if found and len(self._log.precise) < PRECISION_LIMIT:
            self._log.precise.append(Followed(found[1], int(found[2]), found[3]))

    def _source_line(self, text: str) -> None:
        shown = classify.SOURCE.match(text)
        if shown:
            body, file, line = classify.source_of(shown[1])
            self._made = line == 0
            if self._made:
                return  # made by the compiler; it belongs to the statement around it
            self._source = self._log.printed = self._log.behind = Source(file, line, body.strip() or None)

    def _restart(self) -> None:
        """A new walk begins: of a global function, or of the program itself."""
        self._log.steps.clear()
        self._log.path_cut = False
        self._log.head_lost = False
        self._entered = True
        self._depth = 0
        self._before = ""

    def _state(self, text: str) -> None:
        at = classify.STATE_AT.match(text)
        if at:
            if not self._jumped:
                self._popped(int(at[1][:9]))
            self._frame(text)
        if at and at[1] == "0" and "R1=ctx" in text and "frame" not in text and not self._jumps_to_start():
            self._restart()
        self._before = text
        self._log.block.clear()

    def _jumps_to_start(self) -> bool:
        """Whether the last instruction jumps back to the first one: a loop there, and no new walk."""
        steps = self._log.steps
        back = _BACK.search(steps[-1].text) if steps else None
        return back is not None and steps[-1].insn + 1 == int(back[1])

    def _frame(self, state: str) -> None:
        """A printed state names its call frame; without a name it is the outermost."""
        found = classify.FRAME.match(state)
        self._depth = int(found[1][:2]) if found else 0
        self._framed = True

    def _popped(self, insn: int) -> None:
        """Forget the source line when a level 1 log goes on behind a branch.

        The kernel prints a line that differs from the last one it printed, even if that has been taken
        back with the path it stood in (log.c: bpf_vlog_reset(), env->prev_linfo). What follows unprinted
        is the last line of a path that nobody sees.
        """
        steps = self._log.steps
        if steps and steps[-1].text[:4] in _CONDITIONAL and insn not in {steps[-1].insn + 1, steps[-1].insn}:
            self._source = NO_SOURCE

    def _jump(self, insn: int, to: int, state: str) -> None:
        steps = self._log.steps
        self._jumped = True
        if steps and steps[-1].insn == insn:
            self._popped(to)
        for position in range(len(steps) - 1, -1, -1):
            if steps[position].insn == insn:
                del steps[position + 1 :]
                self._depth = steps[position].depth
                break
        else:
            if steps:
                self._log.path_cut = True
        self._before = state
        self._log.block.clear()

    def _instruction(self, number: int, found: re.Match[str]) -> None:
        log = self._log
        insn = int(found[2][:9])
        body = found[4] if found[4] is not None else found[5]
        after = ""
        if "; " in body or body.endswith(";"):
            split = classify.CHANGED.search(body)
            if split:
                body, after = body[: split.start()], body[split.end() :]
        text = f"({found[3]}) {body}" if found[3] else body
        steps = log.steps
        if not steps:
            log.first_line = log.first_line or number
            log.head_lost = insn != 0 and not self._entered
            log.path_cut = log.path_cut or log.head_lost
        elif not self._framed:
            self._follow(steps[-1], insn)
        if steps and self._depth > steps[-1].depth:
            log.calls[self._depth] = steps[-1]
        self._framed = False
        if len(steps) >= PATH_LIMIT:
            del steps[: PATH_LIMIT // 2]
            log.path_cut = True
        steps.append(Step(number, insn, text, self._before, after, self._source, self._depth, self._made))
        if text.endswith(_EMPTY_CALL):
            log.unresolved = steps[-1]
        log.behind = NO_SOURCE
        self._before = ""
        self._jumped = False
        log.last_line = number
        log.last_text = text
        if log.block:
            log.block.clear()
        if log.precise:
            log.precise.clear()

    def _follow(self, previous: Step, insn: int) -> None:
        """Keep the call depth: a call that is entered goes to another instruction than the next."""
        op = previous.text[:4]
        if op == "(85)" and insn != previous.insn + 1 and _CALL.search(previous.text):
            self._depth += 1
        elif op == "(95)" and self._depth:
            self._depth -= 1
