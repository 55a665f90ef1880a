# SPDX-License-Identifier: Apache-2.0
"""The compiled loops stay within the bytes they are given: run under AddressSanitizer."""

from __future__ import annotations

from pathlib import Path

from tests.sanitizer import assert_stays_within_its_bytes
from tools.compile_native import SOURCE

#: Searches through bytes that end where their memory ends; what is found is held against bytes.find().
_PROGRAM = """
quick = module("_quick")
chance = random.Random(7)
for _ in range(20_000):
    text = bytearray(chance.choices(b"_ab\\0Q", k=chance.randrange(400)))
    word = bytes(chance.choices(b"_ab\\0Q", k=chance.randrange(1, 9)))
    start = chance.randrange(len(text) + 3)
    assert quick.find(text, word, start) == text.find(word, start), (text, word, start)
for _ in range(5_000):
    text = bytearray(b"\\0" + bytes(chance.choices(b"_ab\\0Q", k=chance.randrange(200))) + b"\\0")
    names = [bytes(chance.choices(b"_abQ", k=chance.randrange(9))) for _ in range(5)]
    offsets = [chance.randrange(len(text) + (not chance.randrange(9))) for _ in range(9)]
    words = b"".join(offset.to_bytes(4, sys.byteorder) + bytes(8) for offset in offsets)
    places = b"".join((3 * n + 1).to_bytes(4, sys.byteorder) for n in range(9))
    wanted = b"".join(name + b"\\0" for name in names)
    found = quick.look_up(words, places, text, wanted, 0, 1 << 17, 1 << 26)
    assert (found is None) == (max(offsets) >= len(text))
    hits = [] if found is None else memoryview(found).cast("Q").tolist()
    called = [bytes(text[at : text.index(0, at)]) if at < len(text) else b"" for at in offsets]
    plain = {3 * n + 1: name for n, name in enumerate(called) if name and b"___" not in name}
    if found is not None:
        assert {h & 0xFFFFFFFF for h in hits} >= {place for place, name in plain.items() if name in names}
        assert all(names[h >> 32] == plain.get(h & 0xFFFFFFFF, names[h >> 32]) for h in hits)
"""


def test_searches_read_nothing_beyond_their_ends(tmp_path: Path) -> None:
    assert_stays_within_its_bytes(SOURCE, _PROGRAM, tmp_path)
