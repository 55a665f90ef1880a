# SPDX-License-Identifier: Apache-2.0
"""Documents that share members are read as each of them alone: the same values, the same refusals."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.fleet import pieces
from preflight.fleet.kept import Areas
from preflight.fleet.pieces import NotPlainError, Pieces
from preflight.host.codec import facts_from_dict
from tests.fleet.hosts import Maker

BASE = Maker().document(number=1, labels={"zone": "a"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def read(reader: Pieces, text: str) -> Any:
    """As facts are read: quickly, or else in the ordinary way."""
    try:
        return reader.loads(text)
    except NotPlainError:
        return json.loads(text)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "host", "checks"]), VALUES), max_size=6))
def test_any_documents_one_after_the_other_read_as_each_alone(documents: list[dict[str, Any]]) -> None:
    reader = Pieces()
    for _ in range(2):
        for one in documents:
            assert read(reader, plain(one)) == one
            assert read(reader, json.dumps(one, indent=1)) == one


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_document_with_one_place_changed_reads_as_it_is_written(data: st.DataObject) -> None:
    text = plain(BASE)
    reader = Pieces()
    reader.loads(text)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:at] + data.draw(st.sampled_from('{}[],:"0a\\ é')) + text[at + data.draw(st.integers(0, 2)) :]
    )
    try:
        expected = json.loads(changed)
    except ValueError:
        with pytest.raises((ValueError, NotPlainError)):
            reader.loads(changed)
    else:
        assert read(reader, changed) == expected


def test_what_was_read_before_is_shared_and_not_read_again() -> None:
    reader = Pieces()
    first = reader.loads(plain(BASE))
    second = reader.loads(plain({**BASE, "labels": {"zone": "b"}}))
    assert second["checks"] is first["checks"]
    assert second["host"]["privilege"] is first["host"]["privilege"]
    assert second["labels"] == {"zone": "b"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "{}x", '{"a":1', '{"a":1,}', '{"a" :1}', '{"a":NaN}', '{"a\\u0062":1}', '{"a":"\x01"}',
     '{"a":' + "[" * 100_000 + "]" * 100_000 + "}", '{,"a":1}', '{"a"1}'],
)  # fmt: skip
def test_what_is_not_written_plainly_is_left_to_the_ordinary_reader(text: str) -> None:
    with pytest.raises(NotPlainError):
        Pieces().loads(text)


def test_a_member_given_twice_counts_the_last_time() -> None:
    assert Pieces().loads('{"a":1,"a":{"b":2}}') == {"a": {"b": 2}}


def test_memory_is_bounded_however_different_documents_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_TOTAL", 20_000)
    monkeypatch.setattr(pieces, "_PER_MEMBER", 5)
    reader = Pieces()
    for number in range(200):
        value = {"a": [number] * 300, "host": {"x": [number] * 100, "y": list(range(200))}}
        assert reader.loads(plain(value)) == value
    kept = [piece for known in reader._known.values() for piece in known]
    assert sum(map(len, kept)) <= 20_000
    assert all(len(known) <= 5 for known in reader._known.values())


def test_areas_are_kept_once_and_read_as_the_facts_they_were() -> None:
    areas = Areas()
    documents = [Maker().document(kernel, policy) for kernel in ("new", "old") for policy in ("open", "shut")]
    parts = [areas.keep(one["host"]) for one in documents]
    random.Random(1).shuffle(order := list(range(4)))
    for number in order:
        assert areas.facts(parts[number]) == facts_from_dict(documents[number]["host"])
        assert areas.plain(parts[number], "context") == documents[number]["host"]["context"]
    assert dict(parts[0])["resources"] == dict(parts[1])["resources"]
    assert dict(parts[0])["context"] != dict(parts[2])["context"]
