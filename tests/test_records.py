# SPDX-License-Identifier: Apache-2.0
"""Quickly defined records behave as frozen slotted dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

import pytest

from preflight.records import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Quick(Generic[T]):
    """One."""

    a: int
    b: T
    c: tuple[int, ...] = ()
    d: dict[str, int] = field(default_factory=dict)

    @property
    def twice(self) -> int:
        """Two times a."""
        return 2 * self.a


@dataclasses.dataclass(frozen=True, slots=True)
class Usual(Generic[T]):
    """The other."""

    a: int
    b: T
    c: tuple[int, ...] = ()
    d: dict[str, int] = field(default_factory=dict)


BOTH = pytest.mark.parametrize("kind", [Quick, Usual])


@BOTH
def test_values_by_place_and_by_name(kind: Any) -> None:
    made = kind(1, b="x", d={"k": 2})
    assert (made.a, made.b, made.c, made.d) == (1, "x", (), {"k": 2})
    assert kind(1, "x").d is not kind(1, "x").d


@BOTH
@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1,), {}), ((1, 2, (), {}, 5), {}), ((1, 2), {"a": 1}), ((1, 2), {"z": 1})],
)
def test_other_values_are_refused(kind: Any, values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(*values, **named)


@BOTH
def test_nothing_can_be_changed(kind: Any) -> None:
    made = kind(1, "x")
    with pytest.raises(FrozenInstanceError):
        made.a = 2
    with pytest.raises(FrozenInstanceError):
        del made.a
    with pytest.raises((FrozenInstanceError, TypeError)):
        made.other = 2
    assert not hasattr(made, "__dict__")


@BOTH
def test_equal_values_are_equal(kind: Any) -> None:
    assert kind(1, "x") == kind(1, "x")
    assert kind(1, "x") != kind(2, "x")
    assert kind(1, "x") != (1, "x", (), {})
    with pytest.raises(TypeError):
        hash(kind(1, "x"))  # its dictionary has no hash
    assert hash(kind(1, "x", (), 0)) == hash(kind(1, "x", (), 0))


def test_the_two_kinds_differ() -> None:
    quick: object = Quick(1, "x")
    assert quick != Usual(1, "x")


@BOTH
def test_the_tools_of_dataclasses_work(kind: Any) -> None:
    made: Any = kind(1, "x")
    assert is_dataclass(type(made))
    assert [f.name for f in fields(made)] == ["a", "b", "c", "d"]
    assert replace(made, a=5) == kind(5, "x")
    assert copy.deepcopy(made) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert repr(made) == f"{kind.__name__}(a=1, b='x', c=(), d={{}})"


def test_methods_and_generics_stay() -> None:
    assert Quick[str](2, "x").twice == 4
    assert Quick.__doc__ == "One."


def test_a_class_may_look_at_its_values_when_made() -> None:
    @dataclass(frozen=True, slots=True)
    class Positive:
        """A number above zero."""

        number: int

        def __post_init__(self) -> None:
            if self.number <= 0:
                raise ValueError(self.number)

    assert Positive(1).number == 1
    with pytest.raises(ValueError, match="0"):
        Positive(0)


def test_other_kinds_of_dataclasses_are_not_made_here() -> None:
    make: Any = dataclass
    with pytest.raises(TypeError):
        make(frozen=False, slots=True)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plain:
    """Neither equality nor a form to show; its base has an instance of its own first."""

    a: int


@dataclass(frozen=True, slots=True)
class Checked(Plain):
    """Inherits, has a default and looks at itself."""

    b: int = 3

    def __post_init__(self) -> None:
        if self.b < 0:
            raise ValueError


class Unslotted(Checked):
    """A subclass that is no record: it takes the values of its base."""


def test_left_out_functions_are_those_of_every_object() -> None:
    assert Plain(1) != Plain(1)
    assert hash(Plain(1)) != hash(Plain(1)) or Plain.__hash__ is object.__hash__
    assert repr(Plain(1)).startswith("<")


def test_a_subclass_may_come_before_its_base() -> None:
    assert (Unslotted(1).a, Unslotted(1, 2).b, Checked(4).b, Plain(5).a) == (1, 2, 3, 5)
    with pytest.raises(ValueError):
        Checked(1, b=-1)
