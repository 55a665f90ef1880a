# SPDX-License-Identifier: Apache-2.0
"""Quickly defined records behave as frozen dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from preflight.records import dataclass, field, replace

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
    d: dict[str, int] = dataclasses.field(default_factory=dict)


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
    assert replace(made, a=5) == dataclasses.replace(made, a=5) == kind(5, "x")
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


def test_a_field_of_the_other_kind_is_not_taken_for_a_default() -> None:
    with pytest.raises(TypeError, match=r"Mixed\.a"):

        @dataclass(frozen=True, slots=True)
        class Mixed:
            """Of both."""

            a: dict[str, int] = dataclasses.field(default_factory=dict)


@BOTH
def test_what_is_told_of_fields(kind: Any) -> None:
    made = fields(kind)
    assert [one.default for one in made][:3] == [dataclasses.MISSING, dataclasses.MISSING, ()]
    assert [one.default_factory for one in made] == [*[dataclasses.MISSING] * 3, dict]
    assert [one.type for one in made] == ["int", "T", "tuple[int, ...]", "dict[str, int]"]


@dataclass(frozen=True, eq=False)
class Unequal:
    """Has a dictionary, where what is computed once is kept."""

    a: int
    b: str = field(default_factory=str, repr=False)
    shared: ClassVar[int] = 3

    @cached_property
    def twice(self) -> int:
        return 2 * self.a


def test_records_without_slots() -> None:
    made = Unequal(2)
    assert (made.twice, made.__dict__) == (4, {"a": 2, "b": "", "twice": 4})
    assert made != Unequal(2)
    assert (repr(made), made.shared) == ("Unequal(a=2)", 3)
    assert replace(made, a=3).twice == 6
    assert pickle.loads(pickle.dumps(made)).__dict__ == made.__dict__
    with pytest.raises(FrozenInstanceError):
        made.a = 1  # type: ignore[misc]


def test_dataclasses_are_loaded_only_for_what_they_alone_can_tell() -> None:
    code = "from preflight.kernels.model import Identity; Identity('x', 'little')"
    told = "import sys; print('dataclasses' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {told}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


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
