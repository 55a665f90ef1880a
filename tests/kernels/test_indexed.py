# SPDX-License-Identifier: Apache-2.0
"""The index of a kernel's BTF, kept by its content; and its digest, as long as the file is the one it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from preflight.btf.index_cache import cache_directory
from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.kernels.indexed import btf_digest, use_index
from preflight.kernels.model import Contents, Identity, Kernel
from tests.btfwriter import one_of_every_kind


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "vmlinux.btf"
    path.write_bytes(one_of_every_kind().bytes())
    return path


def _asked(path: Path) -> tuple[str, bool]:
    """The digest of the kernel in a file, and whether its bytes were hashed for it."""
    kernel = Kernel(Identity("made", "little"), Contents(Blob(path=path)))
    use_index(kernel)
    kernel.__dict__["btf_bytes"] = b"what was read is not looked at again"
    digest = btf_digest(kernel)
    return digest, digest == hashlib.sha256(kernel.btf_bytes).hexdigest()


def _first(path: Path) -> str:
    kernel = Kernel(Identity("made", "little"), Contents(Blob(path=path)))
    use_index(kernel)
    return btf_digest(kernel)


def test_a_digest_is_remembered_while_the_file_stays_as_it_is(file: Path) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert _first(file) == digest
    assert _asked(file) == (digest, False)


def test_another_file_in_its_place_is_hashed(file: Path) -> None:
    _first(file)
    new = file.with_name("new")
    new.write_bytes(file.read_bytes() + bytes(4))
    new.replace(file)
    assert _first(file) == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", ["", "0" * 63, "0" * 65, "G" * 64, "\xff" * 64])
def test_what_no_run_of_ours_wrote_is_not_believed(file: Path, content: str) -> None:
    digest = _first(file)
    (kept,) = cache_directory().glob("*.sha256")
    kept.write_bytes(content.encode("latin-1"))
    assert _first(file) == digest


def test_a_kernel_that_came_without_an_index_is_hashed(file: Path) -> None:
    kernel = Kernel(Identity("made", "little"), Contents(Blob(path=file)))
    assert btf_digest(kernel) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert not list(cache_directory().glob("*.sha256"))


def _indexes() -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in cache_directory().glob("*.index")}


def test_an_index_is_kept_by_content_once_a_file_comes_up_again(file: Path) -> None:
    _first(file)
    assert not _indexes()
    _first(file)
    assert list(_indexes()) == [f"{hashlib.sha256(file.read_bytes()).hexdigest()}.index"]


def test_a_copy_finds_the_index_of_the_first_file(file: Path) -> None:
    copy = file.with_name("copy.btf")
    copy.write_bytes(file.read_bytes())
    _first(file)
    _first(file)
    before = _indexes()
    for _ in range(2):
        _first(copy)
    assert _indexes() == before


def test_other_content_in_a_file_gets_an_index_of_its_own(file: Path) -> None:
    for content in (file.read_bytes(), one_of_every_kind(byteorder="big").bytes()):
        file.write_bytes(content)
        _first(file)
        _first(file)
    assert len(_indexes()) == 2


def test_a_corrupt_file_is_told_by_the_kernels_name_every_time(file: Path) -> None:
    file.write_bytes(b"nonsense" * 10)
    for _ in range(3):
        with pytest.raises(InputError, match="magic"):
            _first(file)
