# SPDX-License-Identifier: Apache-2.0
"""Host facts to and from JSON, so that every check can run later and elsewhere.

Generic over the frozen dataclasses of `host/areas`: the type hints are the schema. Reading is
strict about types, because facts files come from strangers, and lenient about age: keys nobody
knows are ignored, areas and facts that are absent become None or unknown.
"""

from __future__ import annotations

import importlib
import json
import math
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

from preflight.errors import InputError
from preflight.facts import Fact
from preflight.host.facts import HostFacts
from preflight.records import dataclass

#: Bytes of one facts file, depth of its nesting, items of one list or object, characters of one string.
MAX_BYTES = 4 << 20
MAX_DEPTH = 32
MAX_ITEMS = 100_000
MAX_TEXT = 16_384
_MAX_INT = 1 << 64

#: What an old facts file says of a fact that was invented later.
_NOT_RECORDED = "not recorded by the version of preflight that collected these facts"

_AREAS = tuple(field.name for field in fields(HostFacts) if field.name != "failures")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document one is, for messages: `btf.vmlinux.value.size`."""

    path: str = ""
    depth: int = 0

    def at(self, key: object) -> _Place:
        name = "".join(letter if letter.isprintable() else "?" for letter in str(key)[:64])
        return _Place(f"{self.path}.{name}" if self.path else name, self.depth + 1)

    def wrong(self, expected: str, value: object) -> InputError:
        return InputError(f"{self.path or 'facts'}: expected {expected}, found {_kind(value)}")


def _kind(value: object) -> str:
    return {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a fraction",
        type(None): "null",
    }.get(type(value), type(value).__name__)


# --- writing

_PLAIN = frozenset((str, int, float, bool, type(None)))


def facts_to_dict(host: HostFacts) -> dict[str, Any]:
    """All areas by name; an area that was not collected is null."""
    return {field.name: encode(getattr(host, field.name)) for field in fields(host)}


def encode(value: Any) -> Any:
    """The JSON form of a fact value: dataclasses as objects, enums by value, sets sorted.

    A dictionary whose keys are not text becomes a list of `[key, value]` pairs.
    """
    if type(value) in _PLAIN:  # most values are
        return value
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        if all(type(key) is str for key in value):
            return {key: encode(item) for key, item in value.items()}
        return [[encode(key), encode(item)] for key, item in value.items()]
    if isinstance(value, frozenset | set):
        return sorted(encode(item) for item in value)
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


# --- reading


def loads(text: bytes | str, subject: str | None = None) -> HostFacts:
    """Read a JSON document of facts; InputError for whatever is wrong with it."""
    if len(text) > MAX_BYTES:
        raise InputError(f"facts are larger than {MAX_BYTES} bytes", subject=subject)
    try:
        document = json.loads(text)
    except RecursionError:
        raise InputError("facts are nested too deeply", subject=subject) from None
    except ValueError as error:
        offset = getattr(error, "pos", None)
        raise InputError("facts are not JSON", subject=subject, offset=offset) from None
    try:
        return facts_from_dict(document)
    except InputError as error:
        error.subject = error.subject or subject
        raise


def facts_from_dict(document: object) -> HostFacts:
    """Facts from their JSON form; InputError names the place of the first value that does not fit."""
    place = _Place()
    if not isinstance(document, dict):
        raise place.wrong("an object", document)
    areas = {name: decode(area_type(name) | None, document.get(name), place.at(name)) for name in _AREAS}
    areas["surfaces"] = _answered(areas["surfaces"], document.get("surfaces"), place.at("surfaces"))
    failures = decode(dict[str, str], document.get("failures", {}), place.at("failures"))
    return HostFacts(**areas, failures=failures)


def _answered(surfaces: Any, raw: Any, place: _Place) -> Any:
    """Surfaces with the answers that follow from what a collector has seen and not said itself."""
    if surfaces is None or raw.get("seen") is None:
        return surfaces
    from preflight.host.collect.surface_answers import Seen, answered

    return answered(surfaces, decode(Seen, raw["seen"], place.at("seen")))


@cache
def area_type(name: str) -> type:
    """The dataclass of an area, from the annotation of its field in `HostFacts`."""
    annotation = str(HostFacts.__annotations__[name]).partition(" ")[0]
    found: type = getattr(importlib.import_module(f"preflight.host.areas.{name}"), annotation)
    return found


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def decode(hint: Any, value: Any, place: _Place | None = None) -> Any:
    """A value of the hinted type from its JSON form; InputError when it does not fit."""
    place = place or _Place()
    if place.depth > MAX_DEPTH:
        raise InputError(f"{place.path}: nested deeper than {MAX_DEPTH} levels")
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(typing.get_args(hint), value, place)
    if origin is not None:
        return _generic(origin, typing.get_args(hint), value, place)
    if hint is Any or hint is object:
        return _anything(value, place)
    if hint in _SCALARS:
        return _SCALARS[hint](value, place)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(hint, value, place)
    if is_dataclass(hint) and isinstance(hint, type):
        return _record(hint, value, place, {})
    raise TypeError(f"no reading of {hint!r}")


def _union(choices: tuple[Any, ...], value: Any, place: _Place) -> Any:
    """None when that is allowed, else the first choice that fits."""
    if value is None and type(None) in choices:
        return None
    error: InputError | None = None
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return decode(choice, value, place)
        except InputError as problem:
            error = error or problem
    raise error or place.wrong("null", value)


def _generic(origin: Any, arguments: tuple[Any, ...], value: Any, place: _Place) -> Any:
    if origin is Fact:
        return _record(Fact, value, place, {"value": arguments[0] | None})
    if origin is typing.Literal:
        if value not in arguments:
            raise place.wrong(f"one of {', '.join(map(str, arguments))}", value)
        return value
    if origin is dict:
        return _mapping(arguments, value, place)
    items = _items(value, place)
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        if len(items) != len(arguments):
            raise place.wrong(f"a list of {len(arguments)}", value)
        pairs = zip(arguments, items, strict=True)
        return tuple(decode(hint, item, place.at(n)) for n, (hint, item) in enumerate(pairs))
    if origin in (tuple, list, frozenset):
        return origin(decode(arguments[0], item, place.at(n)) for n, item in enumerate(items))
    raise TypeError(f"no reading of {origin!r}")


def _items(value: Any, place: _Place) -> list[Any]:
    if not isinstance(value, list):
        raise place.wrong("a list", value)
    if len(value) > MAX_ITEMS:
        raise InputError(f"{place.path}: more than {MAX_ITEMS} items")
    return value


def _mapping(arguments: tuple[Any, ...], value: Any, place: _Place) -> dict[Any, Any]:
    key_hint, item_hint = arguments
    if isinstance(value, dict):
        pairs = list(value.items())
    else:
        pairs = [tuple(pair) for pair in _items(value, place) if isinstance(pair, list) and len(pair) == 2]
        if len(pairs) != len(value):
            raise place.wrong("a list of pairs", value)
    if len(pairs) > MAX_ITEMS:
        raise InputError(f"{place.path}: more than {MAX_ITEMS} items")
    return {
        decode(key_hint, key, place.at(key)): decode(item_hint, item, place.at(key)) for key, item in pairs
    }


def _record(cls: Any, value: Any, place: _Place, override: dict[str, Any]) -> Any:
    if not isinstance(value, dict):
        raise place.wrong("an object", value)
    hints = {**_hints(cls), **override}
    found: dict[str, Any] = {}
    for field in fields(cls):
        hint = hints[field.name]
        if field.name in value:
            found[field.name] = decode(hint, value[field.name], place.at(field.name))
        elif field.default is MISSING and field.default_factory is MISSING:
            found[field.name] = _absent(hint, place.at(field.name))
    return cls(**found)


def _absent(hint: Any, place: _Place) -> Any:
    """What stands for a field that older facts do not have."""
    if typing.get_origin(hint) is Fact:
        return Fact(None, (), _NOT_RECORDED, "collect the facts again")
    if type(None) in typing.get_args(hint):
        return None
    raise InputError(f"{place.path} is missing")


def _member(cls: type[Enum], value: Any, place: _Place) -> Enum:
    try:
        return cls(value)
    except (ValueError, TypeError):
        raise place.wrong(f"one of {', '.join(str(m.value) for m in cls)}"[:200], value) from None


def _text(value: Any, place: _Place) -> str:
    if not isinstance(value, str):
        raise place.wrong("text", value)
    if len(value) > MAX_TEXT:
        raise InputError(f"{place.path}: text longer than {MAX_TEXT} characters")
    return value


def _number(value: Any, place: _Place) -> int:
    if type(value) is not int:
        raise place.wrong("a whole number", value)
    if not -_MAX_INT < value < _MAX_INT:
        raise InputError(f"{place.path}: number out of range")
    return value


def _fraction(value: Any, place: _Place) -> float:
    if type(value) is int:
        return float(_number(value, place))
    if type(value) is not float or not math.isfinite(value):
        raise place.wrong("a number", value)
    return value


def _flag(value: Any, place: _Place) -> bool:
    if type(value) is not bool:
        raise place.wrong("true or false", value)
    return value


def _nothing(value: Any, place: _Place) -> None:
    if value is not None:
        raise place.wrong("null", value)


def _anything(value: Any, place: _Place) -> Any:
    """Any JSON value, still bounded."""
    if place.depth > MAX_DEPTH:
        raise InputError(f"{place.path}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, list):
        return [_anything(item, place.at(n)) for n, item in enumerate(_items(value, place))]
    if isinstance(value, dict):
        return {_text(key, place): _anything(item, place.at(key)) for key, item in value.items()}
    return value


_SCALARS: dict[Any, Any] = {
    str: _text,
    int: _number,
    float: _fraction,
    bool: _flag,
    type(None): _nothing,
}
