# SPDX-License-Identifier: Apache-2.0
"""A guest's output as it comes out of the serial port, built in memory."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from typing import Any

from preflight.lab.qemu import Ended

BTF = "ab" * 32


def mark(word: str, argument: str = "") -> bytes:
    """A point the guest came to."""
    return f"\n#mark {word} {argument}\n".encode()


def frame(name: str, data: bytes) -> bytes:
    """A file from the guest."""
    packed = gzip.compress(data, 1, mtime=0)
    return f"\n#frame {name} {len(packed)} {sha256(packed).hexdigest()}\n".encode() + packed


def records(*found: dict[str, Any]) -> bytes:
    """The loader's lines."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in found)


def loaded(name: str = "prog", *, errno: int = 0, attach: int = 0, log: str = "") -> bytes:
    """What the loader says of an object with one program."""
    lines: list[dict[str, Any]] = [
        {"event": "object", "object": "0.bpf.o", "errno": 0, "programs": 1, "messages": ""},
        {
            "event": "whole",
            "errno": errno,
            "failed_program": name if errno else None,
            "messages": "",
            "log": log,
            "usec": 10,
        },
        {
            "event": "program",
            "program": name,
            "section": "kprobe/x",
            "errno": errno,
            "messages": "",
            "log": log,
            "insns": 2,
            "insns_processed": -1,
            "usec": 5,
        },
    ]
    if not errno:
        lines.append({"event": "attach", "program": name, "how": "auto", "errno": attach, "messages": ""})
    return records(*lines)


def whole(*objects: bytes, btf: str = BTF, end: bool = True) -> bytes:
    """The output of a guest that measured these objects."""
    out = mark("boot", "6.99-test x86_64") + mark("btf", btf) + mark("uptime", "2.50")
    for number, data in enumerate(objects):
        out += mark("object", str(number)) + mark("loader", f"{number} 0") + frame(f"object.{number}", data)
    return out + (mark("end", "9.00") if end else b"")


def ended(output: bytes, *, reason: str = "exit", console: bytes = b"", stderr: str = "") -> Ended:
    """A machine that ended with this output."""
    return Ended(reason, console, output, stderr, 12.0, "tcg")
