# SPDX-License-Identifier: Apache-2.0
"""A facts file stands for the kernel it was collected from, or says why not."""

from __future__ import annotations

import base64
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels import resolve
from preflight.kernels.blob import Blob
from preflight.kernels.facts_file import SCHEMA, is_facts, kernel_of, kernel_part
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from tests.kernels.builders import tiny_btf

KERNEL = Kernel(
    Identity("host", "little", release="6.99-test", arch="x86_64", distribution="debian"),
    Contents(
        Blob(data=tiny_btf()),
        config=Blob(data=b"CONFIG_BPF=y\n"),
        modules={"md_mod": Blob(data=tiny_btf())},
        symbols=Blob(data=b"T vfs_read\n"),
        tracepoints=Blob(data=b"sched:sched_switch\n"),
        filter_functions=Blob(data=b"vfs_read\n"),
    ),
    Provenance("lab", notes=("booted",)),
)


def document(kernel: Kernel = KERNEL, **options: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "kernel": kernel_part(kernel, **options), "host": None, "later": [1]}


def test_every_fact_comes_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(document()))
    (found,) = resolve(str(path))
    assert (found.name, found.release, found.arch) == (str(path), "6.99-test", "x86_64")
    assert (found.btf_sha256, found.config) == (KERNEL.btf_sha256, {"CONFIG_BPF": "y"})
    assert found.symbols == {"vfs_read": "T"}
    assert found.tracepoints == frozenset({"sched:sched_switch"})
    assert found.modules == frozenset({"md_mod"})
    assert found.contents.filter_functions is not None
    assert found.provenance.notes == ("booted",)


def test_what_was_not_known_stays_unknown() -> None:
    bare = Kernel(Identity("x", "little"), Contents(Blob(data=tiny_btf())))
    found = kernel_of(document(bare), "x")
    assert (found.config, found.symbols, found.tracepoints, found.modules) == (None, None, None, None)


def test_btf_that_stayed_behind_is_found_by_its_digest() -> None:
    small = document(carried=("config",))
    asked: list[str] = []

    def find(digest: str) -> Blob:
        asked.append(digest)
        return Blob(data=tiny_btf())

    found = kernel_of(small, "x", find)
    assert asked == [KERNEL.btf_sha256]
    assert (found.config, found.symbols) == ({"CONFIG_BPF": "y"}, None)


def test_without_its_btf_it_stands_for_no_kernel() -> None:
    with pytest.raises(InputError, match="its BTF is not in the file"):
        kernel_of(document(carried=()), "x")


def _broken(**changes: Any) -> dict[str, Any]:
    found = document()
    return {**found, "kernel": {**found["kernel"], **changes}}


def _contents(**changes: Any) -> dict[str, Any]:
    contents = document()["kernel"]["contents"]
    return _broken(contents={**contents, "config": {**contents["config"], **changes}})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"schema": "preflight.facts/2"}, "version that is not known"),
        ({"schema": SCHEMA}, "does not describe a kernel"),
        ({"schema": SCHEMA, "kernel": []}, "does not describe a kernel"),
        (_broken(contents=7), "does not describe a kernel"),
        (_broken(release=7), "not a text"),
        (_broken(source=[1]), "does not describe a kernel"),
        (_contents(xz="%%"), "not base64"),
        (_contents(xz=base64.b64encode(b"no xz").decode()), "cut off|damaged"),
        (_contents(sha256="0" * 64), "digest"),
        (_contents(xz=base64.b64encode(lzma.compress(b"x" * 100)[:-20]).decode()), "cut off|damaged"),
    ],
)
def test_a_damaged_file_is_an_input_error(bad: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        kernel_of(bad, "x")


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.kernels.facts_file._WHOLE_LIMIT", 1 << 20)
    with pytest.raises(InputError, match="unpacks to more than"):
        kernel_of(_contents(xz=base64.b64encode(lzma.compress(bytes(8 << 20))).decode()), "x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_anything_in_the_place_of_the_kernel_is_an_input_error(value: object) -> None:
    with pytest.raises(InputError):
        kernel_of({"schema": SCHEMA, "kernel": value}, "x")


@pytest.mark.parametrize("text", ["{", '{"schema": "preflight.facts/1", "ker', "[" * 100_000])
def test_a_facts_file_that_is_cut_off_is_said_to_be(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match="begins like JSON, and is damaged or cut off"):
        resolve(str(path))


@pytest.mark.parametrize("text", ["{}", "[]", '{"schema": 1}'])
def test_other_json_is_no_facts_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match="is JSON, and no facts file"):
        resolve(str(path))
    assert not is_facts(None)
