# SPDX-License-Identifier: Apache-2.0
"""Frozen slotted dataclasses that are quick to define.

`dataclasses` writes and compiles six functions for each frozen class, half a millisecond every time
a program starts; a check of this host imports a hundred of them. Here the same classes share their
functions, and a class gets its own `__init__` when it makes its first instance. For type checkers,
and for `fields`, `replace` and `is_dataclass`, they are dataclasses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414
else:

    def dataclass(*, frozen: bool, slots: bool, eq: bool = True, repr: bool = True):
        """Stands for `@dataclass(frozen=True, slots=True)` where starting is often."""
        if not (frozen and slots):
            raise TypeError("for frozen slotted classes only")
        left_out = (() if eq else ("__eq__", "__hash__")) + (() if repr else ("__repr__",))
        return lambda cls: _made(cls, left_out)


def _made(cls: type, left_out: tuple[str, ...] = ()) -> type:
    """The class again, with slots and with the functions below except those left out."""
    plain: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    own = [name for name in plain.__match_args__ if name in plain.__annotations__]
    namespace = {k: v for k, v in plain.__dict__.items() if k not in (*own, "__dict__", "__weakref__")}
    namespace |= {"__slots__": tuple(own), "__qualname__": cls.__qualname__}
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
    known: dict[str, Any] = {"_MISSING": MISSING}
    parameters, body = ["self"], []
    for number, name in enumerate(cls.__match_args__):
        field = cls.__dataclass_fields__[name]
        known[f"_set{number}"] = getattr(cls, name).__set__
        value = name
        if field.default is not MISSING:
            known[f"_default{number}"] = field.default
            parameters.append(f"{name}=_default{number}")
        elif field.default_factory is not MISSING:
            known[f"_default{number}"] = field.default_factory
            parameters.append(f"{name}=_MISSING")
            value = f"_default{number}() if {name} is _MISSING else {name}"
        else:
            parameters.append(name)
        body.append(f" _set{number}(self, {value})")
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
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({shown})"


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _reduce(self: Any) -> tuple[type, tuple[Any, ...]]:
    return type(self), _values(self)


_SHARED = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__reduce__": _reduce,
}
