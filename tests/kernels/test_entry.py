# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels import entry
from tests.kernels.builders import PACK, tiny_btf


def _entry(folder: Path, **files: bytes) -> Path:
    (folder / "vmlinux.btf").write_bytes(tiny_btf())
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_btf_alone_is_an_entry(tmp_path: Path) -> None:
    kernel = entry.read(_entry(tmp_path), "x")
    assert (kernel.name, kernel.byteorder, kernel.release) == ("x", "little", None)


def test_byte_order_is_read_from_the_btf(tmp_path: Path) -> None:
    (tmp_path / "vmlinux.btf.xz").write_bytes(PACK["xz"](tiny_btf("big")))
    assert entry.read(tmp_path, "x").byteorder == "big"


def test_a_directory_without_btf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not laid out like a catalogue entry"):
        entry.read(tmp_path, "x")


def test_something_else_called_btf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vmlinux.btf").write_bytes(b"not BTF")
    with pytest.raises(InputError, match="is not BTF"):
        entry.read(tmp_path, "x")


def test_only_module_files_are_modules(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    for name in ("nf_x.btf", "README", "two.btf.xz", ".hidden", "a b.btf"):
        (tmp_path / "modules" / name).write_bytes(b"")
    assert entry.read(_entry(tmp_path), "x").modules == {"nf_x", "two"}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b'{"release": 5}',
        b'{"schema_version": "2.0"}',
        b'{"source": []}',
        b'{"source": {"files": [{"name": "x"}]}}',
        b'{"source": {"files": 3}}',
        b'{"files": {"vmlinux.btf": {"size": "many", "sha256": ""}}}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_damaged_facts_are_an_input_error(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(InputError, match=r"kernel\.json"):
        entry.read(_entry(tmp_path, **{"kernel.json": text}), "x")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(["schema_version", "release", "arch", "suite", "source", "files", "version"])


@given(st.dictionaries(_KEYS, _JSON | st.fixed_dictionaries({"files": _JSON, "notes": _JSON, "kind": _JSON})))
@settings(max_examples=150, deadline=None)
def test_any_facts_read_or_are_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, facts: dict[str, object]
) -> None:
    folder = _entry(tmp_path_factory.mktemp("entry"), **{"kernel.json": json.dumps(facts).encode()})
    try:
        kernel = entry.read(folder, "x")
    except InputError:
        return
    json.dumps(kernel.to_dict())
