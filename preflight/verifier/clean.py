# SPDX-License-Identifier: Apache-2.0
"""Taking off a line what loaders, terminals, CI runners and dmesg put around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ANSI = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")

#: What stands before a log line, and only there. Applied again and again until nothing is found.
_PREFIX = re.compile(
    r"""(?:
      \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?[ \t:]?  # CI runners, loggers
    | <\d{1,3}>(?=\[|\d)                                                          # printk level
    | \[\s*\d+\.\d{3,9}\](?:\[[^\]]{1,20}\])?\s?                                  # printk time
    | [IWEF]\d{4}\s\d\d:\d\d:\d\d\.\d+\s+\d+\s[\w.]+:\d+\]\s                      # klog
    | [A-Z][a-z]{2}\s+\d{1,2}\s\d\d:\d\d:\d\d\s\S+\s[\w./-]+(?:\[\d+\])?:\s       # journal
    | (?:\#\#\[\w+\])
    | libbpf:\s
    | [\w.-]{1,40}\s+\|\s                                                         # docker compose
    | (?:>\s?)+(?=\d+:\s\(|;|R\d|processed\s|from\s\d|\s)                         # quoted mail
    | (?:INFO|WARN|ERROR|DEBUG|TRACE)[:\s]\s*
    )""",
    re.VERBOSE,
)

#: Most lines of a log begin like this and need no look at prefixes.
_NATIVE = re.compile(r"\d+: |; |[ \t]|R\d|processed \d|from \d|mark_|regs=|last_idx|fp-|func#")

#: Text that a loader puts before the first line of a log, on the same line.
_LEAD = re.compile(
    r".{0,200}?(?:Verifier output:|verifier error:|Verifier log:|load program: [a-z ]+:(?=\s\S))\s?",
    re.IGNORECASE,
)
_OMITTED = re.compile(r"\s*\(?(?:\.\.\. )?\(?\d+ line\(s\) omitted\)\s*$")
#: Some messages end without a line feed (kernel/bpf/verifier.c: "expected prog array map for tail call").
_UNENDED = re.compile(r"(?<=\S)(?=processed \d+ insns[, ])")
_JOINED = re.compile(r"\s(?=\d+: (?:R\d|frame\d|fp))")
#: A jump that was taken is printed without a line feed, so that the message may follow on its line.
_JUMP_AND_MESSAGE = re.compile(r"goto\w* (pc[+-]\d{1,9}) (?=[A-Za-z])")
_ESCAPED = re.compile(r'\\(n|t|r|"|\\|u[0-9a-fA-F]{4})')
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "", '"': '"', "\\": "\\"}
_INSN_AND_MESSAGE = re.compile(r"(\d+: \([0-9a-f]{2}\) .*?)(?:: (?=\S))")


def _unescape(found: re.Match[str]) -> str:
    what = found.group(1)
    return _PLAIN_ESCAPES[what] if what in _PLAIN_ESCAPES else chr(int(what[1:], 16))


def clean(raw: str) -> Iterator[str]:
    """The log lines in one line of input: usually one, several where they were joined or escaped."""
    text = raw.rstrip("\r\n")
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if "\\n" in text and ("(" in text or "processed" in text):
        for piece in _ESCAPED.sub(_unescape, text).split("\n"):
            yield from _one(piece)
        return
    yield from _one(text)


def _one(text: str) -> Iterator[str]:
    if not _NATIVE.match(text):
        while (found := _PREFIX.match(text)) and found.end():
            text = text[found.end() :]
        if "erifier" in text or "load program" in text:
            lead = _LEAD.match(text)
            if lead:
                text = text[lead.end() :]
    elif text[0] == "\t":
        # a loader's indentation; the verifier's own lines begin with a tab only in a BTF log
        text = text.lstrip("\t")
    if "omitted)" in text:
        text = _OMITTED.sub("", text)
        joined = _INSN_AND_MESSAGE.match(text)
        if joined:
            yield joined.group(1)
            text = text[joined.end() :]
    if "processed " in text and text[0] != ";":
        split = _UNENDED.search(text)
        if split:
            yield text[: split.start()]
            text = text[split.start() :]
    if "goto" in text and text[0] != ";" and "(" in text:
        split = _JUMP_AND_MESSAGE.search(text)
        if split:
            yield text[: split.end(1)]
            text = text[split.end() :]
    if ": R" in text or ": frame" in text or ": fp" in text:
        split = _JOINED.search(text, 4)
        if split and text[0] != ";" and "(" in text[: split.start()]:
            yield text[: split.start()].rstrip()
            text = text[split.end() :]
    yield text
