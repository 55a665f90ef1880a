# SPDX-License-Identifier: Apache-2.0
"""Cache files: what is read is one's own, and what cannot be kept is no error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight import cachefiles


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "kind" / "name"
    cachefiles.write(path, b"content")
    assert cachefiles.read(path, 100) == b"content"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["name"]


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    path = tmp_path / "name"
    cachefiles.write(path, b"first")
    cachefiles.write(path, b"second")
    assert cachefiles.read(path, 100) == b"second"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_others_may_write_is_not_believed(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "name"
    cachefiles.write(path, b"content")
    path.chmod(mode)
    assert cachefiles.read(path, 100) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "name"
    cachefiles.write(path, b"content")
    os.chown(path, 12345, 12345)
    assert cachefiles.read(path, 100) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    cachefiles.write(tmp_path / "real", b"content")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert cachefiles.read(tmp_path / "link", 100) is None


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert cachefiles.read(tmp_path / "pipe", 100) is None
    assert cachefiles.read(tmp_path, 100) is None


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    cachefiles.write(tmp_path / "name", b"12345")
    assert cachefiles.read(tmp_path / "name", 4) is None
    assert cachefiles.read(tmp_path / "name", 5) == b"12345"


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cachefiles.write(tmp_path / "file" / "name", b"content")
    assert cachefiles.read(tmp_path / "file" / "name", 100) is None


def test_the_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/c")
    assert cachefiles.directory("check") == Path("/var/tmp/c/preflight/check")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cachefiles.directory("check") == Path("/home/someone/.cache/preflight/check")


@pytest.mark.parametrize("value", [None, 1, "text", [1, [2]], {"a": {"b": []}}])
def test_a_value_comes_back(tmp_path: Path, value: object) -> None:
    cachefiles.write_json(tmp_path / "name", value)
    assert cachefiles.read_json(tmp_path / "name", 1000) == value


def test_a_changed_byte_makes_a_value_unbelievable(tmp_path: Path) -> None:
    path = tmp_path / "name"
    cachefiles.write_json(path, {"answer": 1})
    path.write_bytes(path.read_bytes().replace(b"1}", b"2}"))
    assert cachefiles.read_json(path, 1000) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b"[" * 5000])
def test_what_was_never_a_value_is_none(tmp_path: Path, content: bytes) -> None:
    cachefiles.write(tmp_path / "name", content)
    assert cachefiles.read_json(tmp_path / "name", 10_000) is None


def test_a_rewritten_file_has_another_identity(tmp_path: Path) -> None:
    path = tmp_path / "name"
    path.write_bytes(b"one")
    before = cachefiles.identity(str(path))
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 0))
    assert cachefiles.identity(str(path)) != before
    path.unlink()
    assert cachefiles.identity(str(path)) != before


def _entries(path: Path, most: int = 3, limit: int = 1000) -> cachefiles.Entries:
    return cachefiles.Entries(path, most, limit)


def test_entries_come_back_by_key(tmp_path: Path) -> None:
    _entries(tmp_path / "name").keep({"aa": "1", "bb": '["text"]'})
    assert _entries(tmp_path / "name").get(["bb", "cc", "aa"]) == {"bb": ["text"], "aa": 1}
    _entries(tmp_path / "name").keep({"aa": "2"})
    assert _entries(tmp_path / "name").get(["aa", "bb"]) == {"aa": 2, "bb": ["text"]}


def test_the_entries_kept_longest_ago_go_first(tmp_path: Path) -> None:
    for key in ("aa", "bb", "cc", "aa", "dd"):
        _entries(tmp_path / "name").keep({key: "1"})
    assert set(_entries(tmp_path / "name").get(["aa", "bb", "cc", "dd"])) == {"cc", "aa", "dd"}


def test_entries_stay_within_the_limit_of_the_file(tmp_path: Path) -> None:
    for key in ("aa", "bb", "cc"):
        _entries(tmp_path / "name").keep({key: f'"{"x" * 400}"'})
    assert (tmp_path / "name").stat().st_size <= 1000
    assert set(_entries(tmp_path / "name").get(["aa", "bb", "cc"])) == {"bb", "cc"}


@pytest.mark.parametrize("at", [0, 5, -1, -9])
def test_damaged_entries_are_as_good_as_none(tmp_path: Path, at: int) -> None:
    path = tmp_path / "name"
    _entries(path).keep({"aa": "12345", "bb": "2"})
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert _entries(path).get(["aa", "bb"]) == {}


def test_entries_that_are_no_json_are_as_good_as_none(tmp_path: Path) -> None:
    _entries(tmp_path / "name").keep({"aa": "1", "bb": "["})
    _entries(tmp_path / "more", limit=20_000).keep({"aa": "[" * 10_000})
    _entries(tmp_path / "two").keep({"aa": "1,2"})
    assert _entries(tmp_path / "name").get(["aa", "bb"]) == {}
    assert _entries(tmp_path / "more", limit=20_000).get(["aa"]) == {}
    assert _entries(tmp_path / "two").get(["aa"]) == {}


def test_own_identity_has_the_compiled_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cachefiles, "__file__", str(tmp_path / "cachefiles.py"))
    (tmp_path / "_quick.so").write_bytes(b"one")
    before = cachefiles.own_identity.__wrapped__()
    (tmp_path / "_quick.so").write_bytes(b"other")
    assert cachefiles.own_identity.__wrapped__() != before
