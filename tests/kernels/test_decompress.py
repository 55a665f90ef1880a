# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import ctypes
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels import lz4
from preflight.kernels.decompress import Unpacked, decompress, kind_of
from tests.kernels.builders import PACK, lz4_block

KINDS = sorted(PACK)
DATA = bytes(range(256)) * 1200


@pytest.mark.parametrize("kind", KINDS)
def test_gives_back_what_was_packed(kind: str) -> None:
    assert decompress(kind, PACK[kind](DATA), limit=len(DATA)) == DATA


@pytest.mark.parametrize("kind", KINDS)
def test_recognises_the_stream_by_its_magic(kind: str) -> None:
    assert kind_of(b"..." + PACK[kind](DATA), 3) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_stops_at_the_limit(kind: str) -> None:
    with pytest.raises(InputError, match="unpacks to more than"):
        decompress(kind, PACK[kind](DATA), limit=len(DATA) - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_cut_off_is_an_input_error(kind: str) -> None:
    packed = PACK[kind](DATA)
    with pytest.raises(InputError):
        decompress(kind, packed[: len(packed) // 2], limit=1 << 30, subject="x")


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_damage_is_an_input_error_or_harmless(kind: str, data: st.DataObject) -> None:
    packed = bytearray(PACK[kind](DATA[:4096]))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        out = decompress(kind, bytes(packed), limit=1 << 20)
    except InputError:
        return
    assert len(out) <= 1 << 20


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"lz4"}))
def test_what_follows_the_stream_is_not_looked_at(kind: str) -> None:
    assert decompress(kind, PACK[kind](DATA) + b"anything at all", limit=len(DATA)) == DATA


def test_a_compression_nobody_reads_is_named() -> None:
    with pytest.raises(InputError, match="lzo compression cannot be read"):
        decompress("lzo", b"\x89LZO\x00\r\n", limit=100)


@pytest.mark.parametrize("kind", KINDS)
def test_can_be_read_as_a_stream(kind: str) -> None:
    stream = io.BufferedReader(Unpacked(kind, io.BytesIO(PACK[kind](DATA)), limit=len(DATA)))
    assert stream.read(10) == DATA[:10]
    assert stream.read() == DATA[10:]


def test_the_stream_is_bounded_too() -> None:
    with pytest.raises(InputError, match="unpacks to more than"):
        io.BufferedReader(Unpacked("gz", io.BytesIO(PACK["gz"](DATA)), limit=1000)).read()


def test_lz4_joins_blocks_of_eight_mebibytes() -> None:
    data = b"0123456789abcdef" * (9 << 16)
    assert decompress("lz4", PACK["lz4"](data), limit=1 << 30) == data


def _liblz4_block(data: bytes) -> bytes:
    library = ctypes.CDLL("liblz4.so.1")
    target = ctypes.create_string_buffer(len(data) + 1024)
    size = library.LZ4_compress_default(data, target, len(data), len(target))
    return target.raw[:size]


@given(
    st.lists(st.sampled_from([b"a", b"abc", b"kernel ", b"\0" * 300, bytes(range(256))]), max_size=60),
)
@settings(max_examples=100, deadline=None)
def test_the_slow_lz4_agrees_with_liblz4(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert lz4.unpack_slowly(_liblz4_block(data)) == data


def test_lz4_works_without_liblz4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lz4, "_library", lambda: None)
    assert decompress("lz4", PACK["lz4"](DATA), limit=len(DATA)) == DATA


@pytest.mark.parametrize(
    "block",
    [
        b"\xf0",  # the length goes on, and does not
        b"\x50abc",  # fewer literals than announced
        b"\x10a\x00\x00",  # a match at distance 0
        b"\x10a\x05\x00",  # a match before the beginning
        b"\x10a\x01",  # half a distance
    ],
)
def test_a_malformed_lz4_block_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError, match=r"block|end"):
        lz4.unpack_slowly(block)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_the_slow_lz4_fails_only_with_value_error(block: bytes) -> None:
    with contextlib.suppress(ValueError):
        lz4.unpack_slowly(block)


def test_the_error_names_the_block() -> None:
    good = lz4_block(b"x" * 20)
    frame = b"\x02\x21\x4c\x18" + len(good).to_bytes(4, "little") + good + b"\x04\0\0\0\x10a\x05\x00"
    with pytest.raises(InputError) as caught:
        decompress("lz4", frame, limit=1 << 20)
    assert caught.value.offset == 8 + len(good)
