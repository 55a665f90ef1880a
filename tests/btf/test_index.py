# SPDX-License-Identifier: Apache-2.0
"""The index answers as the BTF itself does, and never when it belongs to another BTF."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest

from preflight.btf import Btf, Kind, index_cache, quick
from preflight.btf import index as index_module
from preflight.btf.index import Index
from preflight.btf.index_cache import cache_directory, key_of_file, parse_cached
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, field

pytestmark = pytest.mark.usefixtures("reader")


def sample(byteorder: str = "little") -> BtfWriter:
    w = BtfWriter(byteorder)
    i = w.int()
    w.struct("nf_conn", [field("a", i, at=0)], size=4)
    w.union("nf_conn")
    w.func("nf_conn", w.func_proto())
    w.struct("nf_conn___init")
    w.struct("nf_conn")
    w.struct("")
    return w


NAMES = ["nf_conn", "nf_conn___init", "int", "absent", ""]


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_every_query_agrees(byteorder: str) -> None:
    data = sample(byteorder).bytes()
    plain = Btf.parse(data)
    indexed = Btf.parse(data, index=Index.load(Index.build(plain)))
    assert list(indexed.types()) == list(plain.types())
    assert indexed.format_level() == plain.format_level()
    assert indexed.type_count == plain.type_count
    assert indexed.separated_names() == plain.separated_names() == {"nf_conn___init"}
    for name in NAMES:
        for kinds in (None, {Kind.STRUCT}, {Kind.FUNC}):
            assert indexed.ids_by_name(name, kinds) == plain.ids_by_name(name, kinds)
            assert indexed.ids_by_essential_name(name, kinds) == plain.ids_by_essential_name(name, kinds)


def test_hash_collisions_only_cost_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample().bytes()
    plain = Btf.parse(data)

    class SameHash:
        @staticmethod
        def crc32(data: bytes) -> int:
            return 7

    monkeypatch.setattr(index_module, "zlib", SameHash)
    monkeypatch.setattr(quick, "native", None)
    indexed = Btf.parse(data, index=Index.load(Index.build(plain)))
    for name in NAMES:
        assert indexed.ids_by_name(name) == plain.ids_by_name(name)
        assert indexed.ids_by_essential_name(name) == plain.ids_by_essential_name(name)


def test_an_index_of_another_btf_is_refused() -> None:
    other = sample()
    other.int("more")
    index = Index.load(Index.build(Btf.parse(other.bytes())))
    with pytest.raises(InputError, match="another BTF"):
        Btf.parse(sample().bytes(), index=index)


def test_every_damaged_byte_is_noticed() -> None:
    good = Index.build(Btf.parse(sample().bytes()))
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 0x41
        try:
            loaded = Index.load(bytes(bad))
        except InputError:
            continue
        with pytest.raises(InputError, match="another BTF"):
            Btf.parse(sample().bytes(), index=loaded)


def test_every_truncated_index_is_refused() -> None:
    good = Index.build(Btf.parse(sample().bytes()))
    for size in range(len(good)):
        with pytest.raises(InputError):
            Index.load(good[:size])


def test_the_cache_is_filled_and_then_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample().bytes()
    first = parse_cached(data, directory=tmp_path)
    (file,) = tmp_path.iterdir()
    monkeypatch.setattr(Index, "build", lambda btf: pytest.fail("built again"))
    second = parse_cached(data, directory=tmp_path)
    assert second.ids_by_essential_name("nf_conn") == first.ids_by_essential_name("nf_conn")
    assert file.suffix == ".index"


@pytest.mark.parametrize("content", [b"", b"garbage", b"PFBTFIX3" + b"\0" * 100])
def test_a_damaged_cache_file_is_replaced(tmp_path: Path, content: bytes) -> None:
    data = sample().bytes()
    parse_cached(data, directory=tmp_path)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(content)
    assert parse_cached(data, directory=tmp_path).ids_by_name("int") == [1]
    assert file.read_bytes() == good


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    assert parse_cached(sample().bytes(), directory=blocked).ids_by_name("int") == [1]


def test_nothing_is_written_on_request(tmp_path: Path) -> None:
    parse_cached(sample().bytes(), directory=tmp_path, write=False)
    assert list(tmp_path.iterdir()) == []


def test_one_split_over_bases_of_different_length(tmp_path: Path) -> None:
    bases = [BtfWriter(), BtfWriter()]
    bases[1].int("extra")
    for base_w in bases:
        split = BtfWriter(base=base_w)
        split.struct("own")
        base = Btf.parse(base_w.bytes())
        for _ in range(2):
            btf = parse_cached(split.bytes(), base, directory=tmp_path)
            assert btf.ids_by_name("own") == [base.type_count]


def test_corrupt_btf_stays_corrupt_with_a_cache(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(InputError, match="magic"):
            parse_cached(b"nonsense" * 10, directory=tmp_path)


def test_a_key_must_be_a_digest(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        parse_cached(sample().bytes(), key="../" * 21 + "x", directory=tmp_path)


def test_the_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/c")
    assert cache_directory() == Path("/var/tmp/c/preflight/btf")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_directory() == Path("/home/someone/.cache/preflight/btf")
    assert index_cache.cache_directory is cache_directory


def test_the_checksum_is_crc32_of_the_body() -> None:
    data = Index.build(Btf.parse(sample().bytes()))
    head = index_module._HEAD.size
    assert zlib.crc32(data[head:]) == index_module._HEAD.unpack_from(data)[2]


def test_the_oldest_indexes_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(index_cache._KEPT, ".index", 2)
    for number in range(4):
        writer = BtfWriter()
        writer.int(f"int{number}")
        parse_cached(writer.bytes(), directory=tmp_path)
        newest = max(tmp_path.glob("*.index"), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, ns=(number, number))
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.glob("*.index")) == [2, 3]


def test_a_rewritten_file_has_another_key(tmp_path: Path) -> None:
    file = tmp_path / "btf"
    file.write_bytes(b"one")
    first = key_of_file(file)
    assert key_of_file(file) == first
    file.write_bytes(b"other")
    assert key_of_file(file) != first
