# SPDX-License-Identifier: Apache-2.0
"""Facts survive a trip through JSON; facts files from strangers are bounded and end in one clear error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.facts import Evidence, Fact, known, unknown
from preflight.host import codec
from preflight.host.areas.btf import BtfPlace
from preflight.host.checks import runner
from preflight.host.codec import decode, encode, facts_from_dict, facts_to_dict, loads
from tests.host.areas_builder import DENIED, feature, helpers, host, programs


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Sample:
    """One field of each shape the areas use."""

    text: str
    number: int
    fact: Fact[tuple[int, ...]]
    colour: Colour = Colour.RED
    maybe: BtfPlace | None = None
    names: frozenset[str] = frozenset()
    table: dict[int, str] | None = None
    pair: tuple[str, int] = ("a", 1)
    choice: Literal["x", "y"] = "x"
    ratio: float = 0.5
    free: Any = None


def round_trip(value: Any, hint: Any) -> Any:
    return decode(hint, json.loads(json.dumps(encode(value))))


def test_every_shape_survives() -> None:
    sample = Sample(
        "text",
        -3,
        known((1, 2), Evidence("btf", "seen", "cmd")),
        Colour.RED,
        BtfPlace("/boot/vmlinux", "absent", "absent"),
        frozenset(("b", "a")),
        {7: "seven"},
        ("b", 2),
        "y",
        2.0,
        {"deep": [1, None]},
    )
    assert round_trip(sample, Sample) == sample


def test_unknown_facts_keep_reason_and_remedy() -> None:
    fact: Fact[bool] = unknown("not mounted", Evidence("sysfs", "gone"), decided_by="mount it")
    assert round_trip(fact, Fact[bool]) == fact


def test_a_healthy_host_survives() -> None:
    facts = host(
        programs=programs(feature("fentry", "tracing", programs().types[0].load)), helpers=helpers("u", "u")
    )
    assert loads(json.dumps(facts_to_dict(facts))) == facts


def test_areas_nobody_collected_are_none_and_keep_the_error() -> None:
    facts = facts_from_dict({"failures": {"btf": "KeyError in x, line 3"}})
    assert facts.btf is None
    assert facts.context is None
    assert facts.failures == {"btf": "KeyError in x, line 3"}


def test_keys_of_a_later_version_are_ignored() -> None:
    document = facts_to_dict(host())
    document["weather"] = {"sunny": True}
    document["policy"]["mood"] = "fine"
    assert facts_from_dict(document) == host()


def test_facts_of_an_earlier_version_lack_fields() -> None:
    document = facts_to_dict(host())
    del document["policy"]["panic_on_warn"]
    policy = facts_from_dict(document).policy
    assert policy is not None
    assert not policy.panic_on_warn.is_known
    assert "not recorded" in (policy.panic_on_warn.reason or "")


def test_a_field_that_cannot_be_left_out_is_named() -> None:
    document = facts_to_dict(host())
    del document["context"]["release"]
    with pytest.raises(InputError, match=r"context\.release is missing"):
        facts_from_dict(document)


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (int, True, "whole number"),
        (int, "1", "whole number"),
        (int, 1 << 70, "out of range"),
        (float, float("nan"), "a number"),
        (str, 5, "text"),
        (str, "x" * (codec.MAX_TEXT + 1), "longer than"),
        (bool, 1, "true or false"),
        (tuple[int, ...], {"a": 1}, "a list"),
        (tuple[str, int], ["a"], "a list of 2"),
        (dict[str, int], [1], "a list of pairs"),
        (Colour, "blue", "one of red"),
        (Colour, [], "one of red"),
        (Literal["x"], "z", "one of x"),
        (Fact[int], [], "an object"),
        (BtfPlace, None, "an object"),
        (list[int], [0] * (codec.MAX_ITEMS + 1), "more than"),
    ],
)
def test_a_value_of_the_wrong_type_is_one_clear_error(hint: Any, value: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        decode(hint, value)


def test_the_error_says_where() -> None:
    document = facts_to_dict(host())
    document["btf"]["vmlinux"]["value"]["size"] = "large"
    with pytest.raises(InputError, match=r"^h1\.json: btf\.vmlinux\.value\.size: expected a whole number"):
        loads(json.dumps(document), "h1.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        "[" * 100_000,
        '{"btf":' * 100_000,
        '{"failures": 5}',
        b"\xff\xfe\x00",
        '{"context": ' + "9" * 5000 + "}",
        '{"failures": {"a": NaN}}',
        " " * (codec.MAX_BYTES + 1),
    ],
    ids=range(10),
)
def test_what_is_no_facts_file_is_one_clear_error(text: str | bytes) -> None:
    with pytest.raises(InputError) as caught:
        loads(text, "h.json")
    assert caught.value.subject == "h.json"
    assert "\n" not in str(caught.value)


def test_hostile_keys_stay_on_one_line() -> None:
    with pytest.raises(InputError) as caught:
        decode(dict[str, int], {"a\n::error::\x1b[2J": "x"})
    assert str(caught.value).isprintable()


def test_free_values_have_a_depth() -> None:
    value: Any = None
    for _ in range(codec.MAX_DEPTH + 2):
        value = [value]
    with pytest.raises(InputError, match="nested deeper"):
        decode(Any, value)


CODES = [code for code in runner.checks() if code.startswith(("PH0", "PH1", "PH2", "PH3", "PH8"))]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)


@given(st.data())
def test_one_changed_value_is_an_error_or_harmless(data: st.DataObject) -> None:
    """Put any JSON in the place of any value of a sound document; then no check may crash on it."""
    refused = programs(feature("fentry", "tracing", DENIED))
    document = facts_to_dict(host(programs=refused, helpers=helpers("u", "n")))
    place: Any = document
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return
        key = data.draw(st.sampled_from(list(keys)))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(JSON)
        break
    try:
        facts = facts_from_dict(document)
    except InputError as error:
        assert str(error).isprintable()
        return
    for finding in runner.run_checks(facts, CODES):
        assert not finding.title.startswith("the check itself failed"), finding.evidence
