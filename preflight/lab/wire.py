# SPDX-License-Identifier: Apache-2.0
"""What comes out of a guest's second serial port: marks and frames, each complete or named as lost.

    #mark WORD ARGUMENT\\n
    #frame NAME SIZE SHA256\\n<SIZE bytes, gzip>\\n

The port carries nothing else, but a guest that dies stops in the middle, and a kernel may scribble
on any port: whatever is not a whole frame with the right digest is counted as lost, and reading goes
on at the next mark or frame.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

_HEAD = re.compile(
    rb"#mark (?P<word>[a-z-]{1,32})(?: (?P<argument>[ -~]{0,400}))?\r?\n"
    rb"|#frame (?P<name>[A-Za-z0-9._-]{1,64}) (?P<size>[0-9]{1,10}) (?P<digest>[0-9a-f]{64})\r?\n"
)
#: Largest frame, packed and unpacked, and largest output of one guest.
FRAME_LIMIT = 64 << 20
UNPACKED_LIMIT = 512 << 20
OUTPUT_LIMIT = 512 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """The guest came to a point: `word` names it (`boot`, `object`, `end`)."""

    word: str
    argument: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A file from the guest, unpacked, exactly as it was there."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """A frame that did not arrive whole: `name` of what was lost, and why."""

    name: str
    why: str


Item = Mark | Frame | Lost


def read(data: bytes) -> Iterator[Item]:
    """Everything in a guest's output, in order. Never raises: damage is `Lost`."""
    at = 0
    while match := _HEAD.search(data, at):
        at = match.end()
        if match["word"] is not None:
            yield Mark(match["word"].decode("ascii"), (match["argument"] or b"").decode("ascii"))
            continue
        name, size = match["name"].decode("ascii"), int(match["size"])
        packed = data[at : at + size]
        if size > FRAME_LIMIT:
            yield Lost(name, f"{size} bytes are more than any frame has")
        elif len(packed) < size:
            yield Lost(name, f"the output ends {size - len(packed)} bytes too early")
        elif sha256(packed).hexdigest().encode() != match["digest"]:
            yield Lost(name, "its digest is not the one the guest announced")
        else:
            # Only now: what is inside a damaged frame may still hold the next mark.
            at += size
            yield _unpacked(name, packed)


def _unpacked(name: str, packed: bytes) -> Frame | Lost:
    decoder = zlib.decompressobj(wbits=31)
    try:
        data = decoder.decompress(packed, UNPACKED_LIMIT)
    except zlib.error as error:
        return Lost(name, f"it cannot be unpacked: {error}")
    if not decoder.eof:
        return Lost(name, "it unpacks to more than the limit, or not to its end")
    return Frame(name, data)
