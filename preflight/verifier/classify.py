# SPDX-License-Identifier: Apache-2.0
"""What a line of a log is: instruction, register state, source, precision, statistics, noise, a message.

The grammars of all kernels from 4.15 to 7.3 side by side (kernel/bpf/log.c, verifier.c, backtrack.c,
states.c, liveness.c); a log never tells its kernel, and need not.
"""

from __future__ import annotations

import re
from typing import Any

#: `12: (85) call bpf_x#1   ; R0=scalar()`, also the instructions a loader made unreadable.
INSN = re.compile(r"(\s*)(\d+): (?:\(([0-9a-f]{2})\) (.*)|(<invalid [^>]*>))")
#: Since 5.17 what changed follows the instruction after `; `.
CHANGED = re.compile(r"\s+;(?: (?=R\d|r\d|fp|frame\d|refs=|cb)|\s*$)")
STATE = re.compile(
    r"\s*(?:\d+: ?)?(?:\d+: )?(?:frame\d+: ?)?(?:R\d+(?:_[rwD]+)?=|fp-?\d+(?:_[rwD]+)?=|refs=)"
)
STATE_AT = re.compile(r"\s*(\d+): ?(?:frame\d+: ?)?(?:R\d|fp)")
FRAME = re.compile(r"\s*(?:\d+: ?)?frame(\d+):")
FROM_TO = re.compile(r"\s*from (\d+) to (\d+)( \([a-z ]+\))?: ?(.*)")
SAFE = re.compile(r"\s*(?:\d+|from \d+ to \d+.*): ?safe\s*$")
PRECISION = re.compile(
    r"\s*(?:mark_precise:|force_precise:|last_idx \d|regs=[0-9a-fr,]* stack=|"
    r"parent (?:didn't|already) |parent state|"
    r"propagating |frame ?\d+: propagating|falling back to forcing|"
    r"\(\d+(?:,\d+)*\) (?:frame \d+ insn \d|live stack update))"
)
#: What a precision line says: the registers whose exact value matters, and the instruction that was undone.
FOLLOWED = re.compile(
    r".*?\bregs=([0-9a-fr,]+) stack=[0-9a-fx,-]* before (\d{1,9}): (\([0-9a-f]{2}\) .*?)\s*$"
)
STATS = re.compile(
    r"\s*(?:processed (\d+) insns|verification time (\d+) usec|stack depth (?:max )?(\d[\d+]*)|"
    r"subprog \d+ \(.*insns_self)"
)
_PROCESSED = re.compile(r"(max_states_per_insn|total_states|peak_states|mark_read) (\d+)|\(limit (\d+)\)")
SOURCE = re.compile(r"\s*; (.*)")
_AT = re.compile(r"(.*?) ?@ ([^\s@:][^@:]*):(\d+)$")
CALLS = re.compile(r"\s*(?:caller|callee|returning from callee|to caller at \d+|from \d+ to \d+):?\s*$")
COMPARED = re.compile(r"\s*(?:cur|old) state:")

#: Headers of what level 2 prints ahead of the walk since 6.15 (liveness, stack use, live registers).
PREAMBLE = re.compile(
    r"\s*(?:subprog#\d+|stack use/def|Live regs before insn|topo_order\[|arg JOIN|"
    r"SCC (?:enter|exit|backedge))"
)
GLOBAL = re.compile(r"\s*(?:Validating (\S+)\(\) func#\d+|Func#\d+ .*is (?:global|safe)|func#\d+ @\d+)")
REPORT = re.compile(r"Verification failed: ([^:]+): (.+)")

#: Lines that look like an explanation and never are one.
NOISE = re.compile(
    r"""\s*(?:
      arg\#\d+\sreference\stype\('(?:UNKNOWN|FWD)
    | reg\stype\sunsupported\sfor\sarg\#\d+\sfunction
    | func\s'.*'\sarg\d+\shas\sbtf_id
    | marking\spointer\s.*\sas\sscalar
    | Cannot\sfind\sbtf\sof\stracepoint\stemplate
    | Error\sloading\s\.BTF\sinto\skernel
    | prog\s'.*':\sbad\smap\srelo
    | Signature\sverification\spassed
    | NOTE,\s
    | HINT:
    )""",
    re.VERBOSE,
)

BEGIN = re.compile(
    r"(?:prog '([^']*)': )?-- BEGIN (?:DUMP|PROG LOAD|BTF LOAD) LOG -+"
    r"|\s*(?:Verifier analysis:|VERIFIER LOG:|Kernel error log:)"
)
END = re.compile(r"(?:prog '[^']*': )?-+ ?END (?:PROG LOAD |BTF LOAD )?LOG -+")
FAILED = re.compile(
    r"(?:prog '([^']*)': )?(?:BPF program load failed|load bpf program failed|failed to load|"
    r"Failed to load program|load program|"
    r"Prog section '[^']*' rejected|BPF_PROG_LOAD.*failed|Error loading BPF program for (\S+?)\.?$|"
    r"bpf\(BPF_PROG_LOAD)"
)
#: What loaders say once more after the log of a program.
CLOSING = re.compile(r"(?:prog '([^']*)': )?failed to load(?: program| object| BPF skeleton|:)")
_ERRNO_TEXT = {
    "Operation not permitted": 1, "operation not permitted": 1, "Argument list too long": 7,
    "argument list too long": 7, "Permission denied": 13, "permission denied": 13, "Invalid argument": 22,
    "invalid argument": 22, "No space left on device": 28, "no space left on device": 28, "Bad address": 14,
    "bad address": 14, "Operation not supported": 95, "operation not supported": 95, "No such process": 3,
    "no such process": 3, "Unknown error 524": 524, "Try again": 11, "Resource temporarily unavailable": 11,
    "resource temporarily unavailable": 11, "Cannot allocate memory": 12, "cannot allocate memory": 12,
}  # fmt: skip
_ERRNO_NUMBER = re.compile(
    r"(?:failed to load: -|failed: -|rejected: [A-Za-z ]+\(|os error |errno[ =:]+-?|Error code: -?)"
    r"(\d{1,3})\b"
)


def source_of(text: str) -> tuple[str, str | None, int | None]:
    """Text, file and line of a source line without its `; `; the last ` @ name:digits` counts."""
    at = text.rfind(" @ ")
    if at >= 0:
        found = _AT.match(text[at + 1 :])
        if found:
            return text[:at], found[2], int(found[3])
    found = _AT.match(text) if text.startswith("@ ") else None
    return (found[1], found[2], int(found[3])) if found else (text, None, None)


def stats_of(text: str) -> dict[str, Any]:
    """The numbers of one statistics line."""
    found = STATS.match(text)
    if found is None:
        return {}
    if found[1]:
        numbers: dict[str, Any] = {"insns_processed": int(found[1][:12])}
        for name, value, limit in _PROCESSED.findall(text):
            numbers[name or "limit"] = int((value or limit)[:12])
        depth = re.search(r"stack depth (\d[\d+]*)", text)
        return numbers | ({"stack_depth": depth[1][:200]} if depth else {})
    if found[2]:
        return {"verification_time_us": int(found[2][:15])}
    return {"stack_depth": found[3][:200]} if found[3] else {}


def errno_of(text: str) -> int | None:
    """The errno a loader's line names, by number or by text."""
    found = _ERRNO_NUMBER.search(text)
    if found:
        return int(found[1]) or None
    return next((number for words, number in _ERRNO_TEXT.items() if words in text), None)
