# SPDX-License-Identifier: Apache-2.0
"""Frozen slotted dataclasses that are quick to define.

`dataclasses` writes and compiles six functions for each frozen class, half a millisecond every time
a program starts; a check of this host imports a hundred of them. Here the same classes share their
functions. For type checkers, and for `fields`, `replace` and `is_dataclass`, they are dataclasses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414
else:

    def dataclass(*, frozen: bool, slots: bool):
        """Stands for `@dataclass(frozen=True, slots=True)` where instances are few and starting is often."""
        if not (frozen and slots):
            raise TypeError("for frozen slotted classes only")
        return _made


_set = object.__setattr__


def _made(cls: type) -> type:
    """The class again, with slots and with the functions below."""
    plain: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    own = [name for name in plain.__dataclass_fields__ if name in plain.__annotations__]
    namespace = {k: v for k, v in plain.__dict__.items() if k not in (*own, "__dict__", "__weakref__")}
    namespace |= {"__slots__": tuple(own), "__qualname__": cls.__qualname__}
    for name, function in _SHARED.items():
        namespace.setdefault(name, function)
    return type(cls)(cls.__name__, cls.__bases__, namespace)


def _init(self: Any, *values: Any, **named: Any) -> None:
    names = self.__match_args__
    if len(values) > len(names):
        raise TypeError(f"{type(self).__name__} has {len(names)} fields, {len(values)} values were given")
    for name, value in zip(names, values, strict=False):
        _set(self, name, value)
    for name in names[len(values) :]:
        _set(self, name, named.pop(name) if name in named else _default(self, name))
    if named:
        raise TypeError(f"{type(self).__name__} has no room for {', '.join(named)}")
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _default(self: Any, name: str) -> Any:
    field = self.__dataclass_fields__[name]
    if field.default is not MISSING:
        return field.default
    if field.default_factory is MISSING:
        raise TypeError(f"{type(self).__name__} needs a value for {name}")
    return field.default_factory()


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
