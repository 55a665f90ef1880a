# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels import deb
from tests.kernels.builders import PACK, ar, tar, tiny_btf
from tests.kernels.builders import deb as build_deb

FILES = [("./boot/one", b"first"), ("./boot/two", b"second" * 1000), ("./empty", b"")]


def _save(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "x.deb"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["gz", "xz", "zst", "bz2"])
def test_files_stream_by_in_order(tmp_path: Path, kind: str) -> None:
    path = _save(tmp_path, build_deb("linux-image-x", FILES, kind=kind))
    assert [(file.name, file.read()) for file in deb.files(path)] == [
        ("boot/one", b"first"),
        ("boot/two", b"second" * 1000),
        ("empty", b""),
    ]


def test_an_uncompressed_tar_is_read(tmp_path: Path) -> None:
    data = ar([("debian-binary", b"2.0\n"), ("data.tar", tar(FILES))])
    assert [file.name for file in deb.files(_save(tmp_path, data))] == ["boot/one", "boot/two", "empty"]


def test_control_fields_are_read_and_long_descriptions_are_not(tmp_path: Path) -> None:
    fields = deb.control(_save(tmp_path, build_deb("linux-image-x", FILES, version="1:6.1-1")))
    assert (fields["Package"], fields["Version"]) == ("linux-image-x", "1:6.1-1")
    assert "with" not in fields


def test_names_that_climb_out_stay_names(tmp_path: Path) -> None:
    """Nothing is written anywhere, whatever a package calls its files."""
    link = tarfile.TarInfo("./boot/vmlinuz-1")
    link.type = tarfile.SYMTYPE
    link.linkname = "/etc/shadow"
    hard = tarfile.TarInfo("./boot/config-1")
    hard.type = tarfile.LNKTYPE
    hard.linkname = "../../etc/passwd"
    device = tarfile.TarInfo("./boot/vmlinuz-2")
    device.type = tarfile.CHRTYPE
    files = [("../../../tmp/evil", b"1"), ("/etc/evil", b"2"), ("a/\x1b[31m", b"3"), link, hard, device]
    path = _save(tmp_path, build_deb("linux-image-x", files))
    assert [file.name for file in deb.files(path)] == ["../../../tmp/evil", "etc/evil", "a/\x1b[31m"]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["x.deb"]


def test_an_oversized_member_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deb, "MEMBER_LIMIT", 100)
    path = _save(tmp_path, build_deb("linux-image-x", FILES))
    with pytest.raises(InputError, match="boot/two is larger"):
        [file.read() for file in deb.files(path)]


@pytest.mark.parametrize(
    "data", [b"", b"!<arch>", b"!<arch>\n", b"PK\x03\x04", ar([("debian-binary", b"2.0\n")])]
)
def test_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError):
        list(deb.files(_save(tmp_path, data)))


def test_a_tar_packed_in_an_unknown_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.tar\.what is packed in an unknown way"):
        list(deb.files(_save(tmp_path, ar([("data.tar.what", b"1234" * 10)]))))


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
@given(share=st.floats(0, 0.999))
@settings(max_examples=40, deadline=None)
def test_a_truncated_package_is_an_input_error_or_lost_nothing(
    tmp_path_factory: pytest.TempPathFactory, kind: str, share: float
) -> None:
    contents = [b"CONFIG_X=y\n" * 5000, tiny_btf()]
    whole = build_deb("linux-image-x", [("./boot/config-1", contents[0]), ("./b", contents[1])], kind=kind)
    path = _save(tmp_path_factory.mktemp("deb"), whole[: int(len(whole) * share)])
    read = []
    try:
        read += [file.read() for file in deb.files(path)]
    except InputError:
        return
    # Only the padding behind the last file was lost.
    assert read == contents


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_damage_never_ends_in_another_exception(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    inner = bytearray(tar(FILES))
    for _ in range(data.draw(st.integers(0, 3))):
        inner[data.draw(st.integers(0, 700))] = data.draw(st.integers(0, 255))
    whole = bytearray(ar([("debian-binary", b"2.0\n"), ("data.tar.gz", PACK["gz"](bytes(inner)))]))
    for _ in range(data.draw(st.integers(0, 2))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = _save(tmp_path_factory.mktemp("deb"), bytes(whole))
    try:
        for file in deb.files(path):
            file.read()
    except InputError as error:
        assert str(error)
