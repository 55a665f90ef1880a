# SPDX-License-Identifier: Apache-2.0
"""Kernels and objects as bytes: nothing is lost on the way, nothing of this machine goes along."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Kernel, Provenance, SourceFile
from preflight.matrix import there
from preflight.matrix.parcel import pack_batch, pack_kernel, parcel_of, unpack_batch, unpack_kernel
from preflight.matrix.subjects import Build, Subject
from preflight.matrix.work import Found, make_batch
from tests.matrix.scene import ATTACHES, BARE, GOOD, OTHER, TRACEPOINT

KERNELS = [GOOD, OTHER, BARE]


def back(kernel: Kernel) -> Kernel:
    found = unpack_kernel(pack_kernel(Found(kernel))).kernel
    assert found is not None
    return found


@pytest.mark.parametrize("kernel", KERNELS, ids=["good", "other", "bare"])
def test_a_kernel_comes_back_with_all_its_facts(kernel: Kernel) -> None:
    found = back(kernel)
    assert found.identity == kernel.identity
    assert found.btf_bytes == kernel.btf_bytes
    for fact in ("config", "modules", "symbols", "tracepoints", "available_filter_functions"):
        assert getattr(found, fact) == getattr(kernel, fact), fact


def test_modules_come_along_and_no_modules_are_not_unknown_ones() -> None:
    split = {"one": Blob(data=b"1"), "two": Blob(data=b"22")}
    for known, names in ((split, {"one", "two"}), ({}, set()), (None, None)):
        kernel = Kernel(GOOD.identity, Contents(GOOD.contents.btf, modules=known))
        assert back(kernel).modules == (None if names is None else frozenset(names))


def test_every_file_of_an_entry_comes_along() -> None:
    from dataclasses import fields

    parts = {
        one.name: Blob(data=one.name.encode())
        for one in fields(Contents)
        if one.name not in ("btf", "modules")
    }
    contents = back(Kernel(GOOD.identity, Contents(GOOD.contents.btf, **parts))).contents
    assert {name: getattr(contents, name).read() for name in parts} == {n: n.encode() for n in parts}


def test_why_there_is_no_kernel_comes_along() -> None:
    why = "image: holds no BTF"
    assert unpack_kernel(pack_kernel(Found(None, why))) == Found(None, why)


def test_names_of_any_bytes_come_back() -> None:
    odd = "a\udcff\nb\0"
    kernel = Kernel(replace(GOOD.identity, name=odd), GOOD.contents)
    assert back(kernel).name == odd


def test_addresses_of_a_hosts_symbols_stay() -> None:
    symbols = Blob(data=b"ffffffff81000000 T work\nffffffffc0000000 t other\t[module]\n")
    kernel = Kernel(GOOD.identity, Contents(GOOD.contents.btf, symbols=symbols), Provenance("host"))
    packed = pack_kernel(Found(kernel))
    assert b"ffffffff" not in packed
    assert back(kernel).symbols == kernel.symbols


def test_files_a_kernel_was_made_from_stay(tmp_path: Path) -> None:
    source = Provenance("deb", (SourceFile("/secret/place/linux.deb", 1, "0" * 64),), ("a note",))
    (tmp_path / "btf").write_bytes(GOOD.btf_bytes)
    kernel = Kernel(GOOD.identity, Contents(Blob(path=tmp_path / "btf")), source)
    packed = pack_kernel(Found(kernel))
    assert b"secret" not in packed
    assert str(tmp_path).encode() not in packed


def test_what_cannot_be_read_here_fails_there_in_the_same_words(tmp_path: Path) -> None:
    damaged = tmp_path / "symbols.xz"
    damaged.write_bytes(b"no xz")
    contents = replace(GOOD.contents, symbols=Blob(path=damaged))
    kernel = Kernel(GOOD.identity, contents)
    found = back(kernel)
    assert found.tracepoints == kernel.tracepoints
    with pytest.raises(InputError) as here:
        _ = kernel.symbols
    with pytest.raises(InputError) as away:
        _ = found.symbols
    assert str(away.value) == str(here.value)


def test_a_batch_comes_back_without_the_place_of_its_catalogue() -> None:
    builds = (Build("x86_64", "little", ATTACHES.data), Build("s390x", "big", b"other"))
    subjects = [
        Subject("one", ("alias",), builds),
        Subject("two", (), (Build(None, "little", TRACEPOINT.data),)),
    ]
    batch = make_batch(subjects, "/secret/place", ("nfs",), "as-is")
    packed = pack_batch(batch)
    assert b"secret" not in packed
    assert unpack_batch(packed, batch.key) == batch._replace(store="")


PACKED = pack_kernel(Found(GOOD))


@given(st.integers(0, len(PACKED) - 1))
def test_a_parcel_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(InputError):
        unpack_kernel(PACKED[:length])


def test_a_parcel_with_more_than_it_says_is_refused() -> None:
    with pytest.raises(InputError, match="longer than it says"):
        unpack_kernel(PACKED + b"x")


WORDS = (
    "kind",
    "contents",
    "identity",
    "modules",
    "source",
    "name",
    "size",
    "error",
    "why",
    "subjects",
    "builds",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)


@given(
    VALUES,
    st.sampled_from([unpack_kernel, lambda data: unpack_batch(data, "key")]),
    st.sampled_from(["preflight.kernel/1", "preflight.batch/1"]),
)
def test_headers_of_any_shape_are_read_or_refused(
    header: object, unpack: Callable[[bytes], object], kind: str
) -> None:
    if isinstance(header, dict):
        header = {"contents": [], **header, "kind": kind}
    try:
        unpack(json.dumps(header).encode() + b"\nabc")
    except InputError as error:
        assert error.subject == "parcel"


ECHO = "preflight.matrix.there:hold"


def work(function: str, sender: str, *parcels: bytes, digests: list[str] | None = None) -> tuple[str, str]:
    known = digests or [parcel_of(data).digest for data in parcels]
    return there.work(function, sender, "text", known, *parcels)


def test_a_parcel_that_changed_on_the_way_is_refused() -> None:
    told, why = work(ECHO, there.fingerprint(), b"changed", digests=[sha256(b"sent").hexdigest()])
    assert (told, why) == ("refused", "a parcel arrived damaged: its digest is not the one it was sent by")


def test_another_preflight_is_refused_by_each_worker() -> None:
    told, why = work(ECHO, "preflight 0")
    assert told == "refused"
    assert why.endswith("here it is preflight 0")


def test_only_functions_of_preflight_are_run() -> None:
    assert work("os:system", there.fingerprint()) == ("refused", "'os' is not a module of preflight")


def test_an_exception_comes_back_in_words() -> None:
    told, why = work("preflight.matrix.there:judge", there.fingerprint())
    assert told == "failed"
    assert why.startswith("TypeError: ")
