# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses that are quick to define.

`dataclasses` loads `inspect` and writes and compiles six functions for each frozen class, half a
millisecond every time a program starts; a check of this host imports a hundred of them. Here the same
classes share their functions, a class gets its own `__init__` when it makes its first instance, and
`dataclasses` is loaded when somebody asks for what only it can tell. For type checkers, and for `fields`,
`replace` and `is_dataclass`, they are dataclasses.
"""

from __future__ import annotations

from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414
    from dataclasses import field as field  # noqa: PLC0414
    from dataclasses import replace as replace  # noqa: PLC0414
else:

    def dataclass(*, frozen: bool, slots: bool = False, eq: bool = True, repr: bool = True):
        """Stands for `@dataclass(frozen=True)` where starting is often."""
        if not frozen:
            raise TypeError("for frozen classes only")
        left_out = (() if eq else ("__eq__", "__hash__")) + (() if repr else ("__repr__",))
        return lambda cls: _made(cls, slots, left_out)

    def field(*, default_factory=None, repr: bool = True):
        """A value that every instance gets from a function of its own, or that `repr` does not show."""
        return _Field(default_factory, repr)

    def replace(record, /, **changes):
        """The record with other values; it may be any dataclass."""
        if not hasattr(type(record), _KNOWN):
            from dataclasses import replace as of_any

            return of_any(record, **changes)
        kept = {name: getattr(record, name) for name in record.__match_args__ if name not in changes}
        return type(record)(**kept, **changes)


class _Field:
    """What `field` says of a value; without it, a value has neither a factory nor a default."""

    __slots__ = ("default_factory", "repr")

    def __init__(self, default_factory: Any = None, repr: bool = True) -> None:
        self.default_factory = default_factory
        self.repr = repr


#: Where a class keeps what is known of its values by name: a `_Field`, `_REQUIRED`, or the default itself.
_KNOWN: Final = "__record_values__"
_REQUIRED: Final = _Field()


class _Fields:
    """`__dataclass_fields__` of every record: made by `dataclasses` once somebody asks."""

    def __get__(self, instance: object, cls: Any) -> Any:
        from dataclasses import MISSING, make_dataclass
        from dataclasses import field as of_dataclasses

        described = []
        for name, value in getattr(cls, _KNOWN).items():
            if isinstance(value, _Field):
                factory: Any = value.default_factory or MISSING
                made: Any = of_dataclasses(default_factory=factory, repr=value.repr)
            else:
                made = of_dataclasses(default=value)
            hints = (base.__annotations__ for base in cls.__mro__[:-1])
            described.append((name, next(hint[name] for hint in hints if name in hint), made))
        found = getattr(make_dataclass(cls.__name__, described), "__dataclass_fields__")  # noqa: B009
        cls.__dataclass_fields__ = found
        return found


def _made(cls: type, slots: bool, left_out: tuple[str, ...]) -> type:
    """The class again, with slots if wanted and with the functions below except those left out."""
    known = dict(getattr(cls, _KNOWN, {}))
    own = []
    namespace: dict[str, Any] = {
        name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")
    }
    for name, hint in cls.__annotations__.items():
        if not str(hint).startswith("ClassVar"):
            known[name] = value = namespace.pop(name, _REQUIRED)
            own.append(name)
            if type(value).__module__ == "dataclasses":
                raise TypeError(f"{cls.__name__}.{name} takes the field of preflight.records")
    if slots:
        namespace["__slots__"] = tuple(own)
    else:  # what lies in a dictionary is sent to other processes as it is
        left_out = (*left_out, "__reduce__")
    namespace |= {
        "__qualname__": cls.__qualname__,
        "__match_args__": tuple(known),
        "__dataclass_fields__": _FIELDS,
        _KNOWN: known,
    }
    for name, function in _SHARED.items():
        if name not in left_out:
            namespace.setdefault(name, function)
    return type(cls)(cls.__name__, cls.__bases__, namespace)


def _init(self: Any, *values: Any, **named: Any) -> None:
    """The first instance of a class: its own `__init__` is written, and takes over."""
    cls = next(cls for cls in type(self).__mro__ if cls.__dict__.get("__init__") is _init)
    written = _written_init(cls)
    setattr(cls, "__init__", written)  # noqa: B010
    written(self, *values, **named)


def _written_init(cls: Any) -> Any:
    """`__init__` as `dataclasses` would write it; fields are set through their slots."""
    known: dict[str, Any] = {"_MISSING": _REQUIRED, "_set": object.__setattr__}
    parameters, body = ["self"], []
    for number, (name, given) in enumerate(getattr(cls, _KNOWN).items()):
        value = name
        if not isinstance(given, _Field):
            known[f"_default{number}"] = given
            parameters.append(f"{name}=_default{number}")
        elif given.default_factory is not None:
            known[f"_default{number}"] = given.default_factory
            parameters.append(f"{name}=_MISSING")
            value = f"_default{number}() if {name} is _MISSING else {name}"
        else:
            parameters.append(name)
        slot = getattr(cls, name, None)
        if isinstance(slot, MemberDescriptorType):
            known[f"_set{number}"] = slot.__set__
            body.append(f" _set{number}(self, {value})")
        else:
            body.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    exec("\n".join([f"def __init__({', '.join(parameters)}):", *(body or [" pass"])]), known)  # noqa: S102
    return known["__init__"]


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self.__match_args__)


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    known = getattr(self, _KNOWN)
    named = [name for name, value in known.items() if not isinstance(value, _Field) or value.repr]
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in named)
    return f"{type(self).__qualname__}({shown})"


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change field {name!r}")


def _reduce(self: Any) -> tuple[type, tuple[Any, ...]]:
    return type(self), _values(self)


_FIELDS: Final = _Fields()
_SHARED: Final = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__reduce__": _reduce,
}
