# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import InputError, UsageError
from preflight.kernels import Store, refs, resolve, resolve_all
from tests.kernels.builders import PACK, RELEASE, arm64_image, bzimage, tar, tiny_btf, vmlinux
from tests.kernels.test_store import make_kernel


@pytest.fixture
def filled(store: Store) -> Store:
    for name in ("debian/6.1.0-50-amd64", "debian/6.12.107-amd64", "debian/6.12.107-rt-amd64"):
        store.add(make_kernel(name))
    return store


def test_a_catalogue_name(filled: Store) -> None:
    assert [k.name for k in resolve("debian/6.1.0-50-amd64", filled)] == ["debian/6.1.0-50-amd64"]


def test_a_pattern_gives_all_that_match(filled: Store) -> None:
    assert [k.name for k in resolve("debian/6.12*", filled)] == [
        "debian/6.12.107-amd64",
        "debian/6.12.107-rt-amd64",
    ]


def test_a_release_alone_is_enough(filled: Store) -> None:
    assert [k.name for k in resolve("6.1.0-50-amd64", filled)] == ["debian/6.1.0-50-amd64"]


def test_near_names_are_offered(filled: Store) -> None:
    with pytest.raises(UsageError, match=r"did you mean debian/6\.1\.0-50-amd64"):
        resolve("debian/6.1.0-51-amd64", filled)


def test_a_pattern_without_match_says_so(filled: Store) -> None:
    with pytest.raises(UsageError, match=r"matches 'debian/7\*'; .* shows all 3"):
        resolve("debian/7*", filled)


def test_an_empty_catalogue_says_how_to_fill_it(store: Store) -> None:
    with pytest.raises(UsageError, match="kernels fetch"):
        resolve("6.1", store)


@pytest.mark.parametrize("ref", ["", "\0", "a\0b", "/no/such", "./no", "[", "../" * 50])
def test_a_ref_that_is_nothing_is_one_line(filled: Store, ref: str, tmp_path: Path) -> None:
    with pytest.raises((UsageError, InputError)) as caught:
        resolve(ref, filled)
    assert "\n" not in str(caught.value)


def test_a_name_wins_over_a_file_unless_the_path_is_explicit(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.add(make_kernel("both"))
    monkeypatch.chdir(tmp_path)
    Path("both").write_bytes(tiny_btf(types=9))
    assert resolve("both", filled)[0].release == "6.1"
    assert resolve("./both", filled)[0].btf_bytes == tiny_btf(types=9)


@pytest.mark.parametrize(
    ("name", "data", "release"),
    [
        ("x.btf", tiny_btf(), None),
        ("x.btf.xz", PACK["xz"](tiny_btf()), None),
        ("x.btf.zst", PACK["zst"](tiny_btf()), None),
        ("vmlinux", vmlinux(tiny_btf()), RELEASE),
        ("vmlinuz", bzimage(PACK["zst"](vmlinux(tiny_btf()))), RELEASE),
        ("Image.gz", PACK["gz"](arm64_image(tiny_btf())), RELEASE),
        ("5.4.0-1.btf.tar.xz", PACK["xz"](tar([("5.4.0-1.btf", tiny_btf())])), "5.4.0-1"),
    ],
)
def test_files_are_recognised_by_content(
    store: Store, tmp_path: Path, name: str, data: bytes, release: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    (kernel,) = resolve(str(path), store)
    assert kernel.btf_bytes == tiny_btf()
    assert (kernel.name, kernel.release) == (str(path), release)


def test_a_package(store: Store, package: Path) -> None:
    (kernel,) = resolve(str(package), store)
    assert (kernel.release, kernel.identity.flavour, kernel.identity.distribution) == (
        RELEASE,
        "amd64",
        "debian",
    )
    assert kernel.config == {"CONFIG_BPF": "y", "CONFIG_BPF_LSM": "n"}


def test_an_entry_directory(filled: Store, store: Store) -> None:
    (kernel,) = resolve(str(filled.root / "debian/6.1.0-50-amd64"), store)
    assert kernel.release == "6.1"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b'{"facts": 1}', "is JSON"),
        (b"#!/bin/sh\n", "is no kernel image"),
        (tiny_btf()[:20], "cut off"),
        (PACK["xz"](tar([("readme", b"x")])), "without a .btf file"),
        (PACK["gz"](b"hello" * 100), "is no kernel image"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(
    store: Store, tmp_path: Path, data: bytes, problem: str
) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        resolve(str(path), store)
    assert str(caught.value).startswith(str(path))
    assert problem in str(caught.value)


def test_the_host(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr(refs, "running", lambda: make_kernel("host"))
    assert resolve("host", store)[0].name == "host"


def test_several_refs_give_each_kernel_once(filled: Store) -> None:
    names = [k.name for k in resolve_all(["debian/6.12.107-rt-amd64", "debian/6.12*"], filled)]
    assert names == ["debian/6.12.107-rt-amd64", "debian/6.12.107-amd64"]
