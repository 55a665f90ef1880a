# SPDX-License-Identifier: Apache-2.0
"""Whatever strangers write: a document is read, or named with a reason; nothing else happens."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import UsageError
from preflight.fleet import reading
from preflight.fleet.census import SKIPS
from preflight.fleet.reading import Document, Unread, read
from preflight.fleet.record import RefusedError, record_of
from tests.fleet.hosts import Maker

BASE = Maker().document(number=1, labels={"zone": "a"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def of_stream(data: bytes) -> list[Document | Unread]:
    return list(read(["-"], io.BytesIO(data)))


@given(st.binary(max_size=200))
def test_any_bytes_are_documents_or_reasons(data: bytes) -> None:
    for one in of_stream(data):
        assert isinstance(one, Document) or one.kind in SKIPS


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_a_cut_document_is_truncated_and_never_read(at: int) -> None:
    text = json.dumps(BASE).encode()
    (one,) = of_stream(text[: at % (len(text) - 1) + 1])
    assert isinstance(one, Unread)


@given(st.lists(st.sampled_from(sorted(BASE)), min_size=1, max_size=2), VALUES)
@settings(deadline=None, max_examples=200)
def test_a_member_of_any_shape_is_accepted_or_refused(keys: list[str], value: Any) -> None:
    document: Any = copy.copy(BASE)
    for key in keys:
        document = {**document, key: value}
    try:
        record = record_of(document)
    except RefusedError as refused:
        assert refused.kind in SKIPS and refused.reason
    else:
        assert len(record.policy_digest) == 12


@given(st.sampled_from(["btf_sha256", "contents", "release", "arch", "distribution"]), VALUES)
@settings(deadline=None, max_examples=100)
def test_a_kernel_of_any_shape_is_accepted_or_refused(key: str, value: Any) -> None:
    with contextlib.suppress(RefusedError):
        record_of({**BASE, "kernel": {**BASE["kernel"], key: value}})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "truncated"),
        (b'{"a": NaN}', "malformed"),
        (b"[" * 200_000, "malformed"),
        (b"{" + b"9" * 10_000 + b"}", "malformed"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "malformed"),
        (b'{"a": "\xff"}', "malformed"),
        (b"nonsense", "malformed"),
    ],
)
def test_what_is_no_document_has_a_reason(data: bytes, kind: str) -> None:
    (one,) = of_stream(data)
    assert isinstance(one, Unread) and one.kind == kind


def test_a_line_that_is_too_long_is_skipped_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_DOCUMENT", 100)
    first, second = of_stream(b'{"a": "' + b"x" * 5000 + b'"}\n{"b": 1}\n')
    assert isinstance(first, Unread) and first.kind == "too-large"
    assert isinstance(second, Document) and second.value == {"b": 1}


def test_a_document_over_many_lines_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_DOCUMENT", 100)
    (one,) = of_stream(b"{\n" + b" " * 200 + b"\n}")
    assert isinstance(one, Unread) and one.kind == "too-large"


def test_hidden_files_and_other_names_are_not_facts(tmp_path: Path) -> None:
    for name in (".half.json", "notes.txt", "a.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "b.facts").write_text("{}")
    assert [one.source for one in read([str(tmp_path)], io.BytesIO())] == ["a.json", "deeper/b.facts"]


def test_a_folder_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a.json").write_text("{}")
    assert len(list(read([str(tmp_path)], io.BytesIO()))) == 1


@pytest.mark.parametrize("name", ["", "/none/at/all", "a\0b"])
def test_a_name_of_nothing_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError):
        list(read([name], io.BytesIO()))
