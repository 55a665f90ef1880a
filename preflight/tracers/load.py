# SPDX-License-Identifier: Apache-2.0
"""Reads catalogue/*.toml. A mistake in one is a defect of preflight: CatalogueError names file and key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from preflight import tables
from preflight.errors import PreflightError, UsageError
from preflight.tracers.model import (
    DECODERS,
    DOMAINS,
    FILTERS,
    HANDLINGS,
    NEEDS,
    OVERHEADS,
    PRIVACY,
    SHAPES,
    STABILITIES,
    SURFACES,
    Alternative,
    Attach,
    Constant,
    Field,
    Map,
    Metric,
    Runbook,
    Table,
    Tracer,
    Variant,
)

T = TypeVar("T")

_FOLDER = Path(__file__).parent / "catalogue"

_CONSTANT_TYPES = ("number", "bool", "errno", "syscall", "duration", "text", "run-key", "switch", "fixed")


class CatalogueError(PreflightError):
    """An entry of the catalogue is not what its schema asks for."""


class _Reader:
    """One TOML table being read: each key is taken once, and what is left over is a mistake."""

    def __init__(self, table: object, where: str) -> None:
        if not isinstance(table, dict):
            raise CatalogueError(f"{where}: a table is expected")
        self._table: dict[str, Any] = dict(table)
        self._where = where

    def at(self, key: str) -> str:
        return f"{self._where}.{key}"

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self._table.pop(key, default)
        if value is None:
            raise CatalogueError(f"{self.at(key)} is missing")
        if not isinstance(value, kind):
            raise CatalogueError(f"{self.at(key)} must be a {kind.__name__}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        found = self.take(key, str, default)
        if default is None and not found.strip():
            raise CatalogueError(f"{self.at(key)} is empty")
        return found

    def one_of(self, key: str, known: Collection[str], default: str | None = None) -> str:
        found = self.take(key, str, default)
        if found not in known and found != default:
            raise CatalogueError(f"{self.at(key)} is {found!r}; there are {', '.join(known)}")
        return found

    def texts(self, key: str, known: Collection[str] | None = None, *, least: int = 0) -> tuple[str, ...]:
        found = self.take(key, list, None if least else [])
        if len(found) < least or not all(isinstance(item, str) and item for item in found):
            raise CatalogueError(f"{self.at(key)} must be a list of at least {least} texts")
        for item in found:
            if known is not None and item not in known:
                raise CatalogueError(f"{self.at(key)} has {item!r}; there are {', '.join(known)}")
        return tuple(found)

    def tables(self, key: str, read: Callable[[_Reader], T], *, least: int = 0) -> tuple[T, ...]:
        found = self.take(key, list, None if least else [])
        if len(found) < least:
            raise CatalogueError(f"{self.at(key)} needs at least {least}")
        return tuple(self._all(read, ((f"{key}[{n}]", item) for n, item in enumerate(found))))

    def named(self, key: str, read: Callable[[str, _Reader], T]) -> tuple[T, ...]:
        found = self.take(key, dict, {})
        return tuple(
            self._one(f"{key}.{name}", item, lambda reader, name=name: read(name, reader))  # type: ignore[misc]
            for name, item in found.items()
        )

    def _all(self, read: Callable[[_Reader], T], items: Iterable[tuple[str, object]]) -> list[T]:
        return [self._one(key, item, read) for key, item in items]

    def _one(self, key: str, item: object, read: Callable[[_Reader], T]) -> T:
        inner = _Reader(item, self.at(key))
        found = read(inner)
        inner.finish()
        return found

    def finish(self) -> None:
        if self._table:
            raise CatalogueError(f"{self._where}: unknown key {', '.join(sorted(self._table))}")


def _field(path: str, row: _Reader) -> Field:
    privacy = row.one_of("class", PRIVACY)
    handling = row.one_of("handling", HANDLINGS, "as-is" if privacy in ("public", "internal") else None)
    found = Field(
        path=path,
        privacy=privacy,
        handling=handling,
        label=row.text("label", path.rpartition(".")[2].strip("_") or "value"),
        decode=row.one_of("decode", DECODERS, ""),
        unit=row.text("unit", ""),
        keep=row.text("keep", ""),
        allow=row.texts("allow"),
        reveal=row.text("reveal", ""),
        attribute=row.text("attribute", ""),
    )
    if privacy == "secret" and handling not in ("dropped", "hashed"):
        raise CatalogueError(f"{row.at('handling')}: what is secret is dropped or hashed")
    if privacy == "sensitive" and handling == "as-is":
        raise CatalogueError(f"{row.at('handling')}: what is sensitive is not shown as it is by default")
    if (handling == "truncated") != bool(found.keep) or (handling == "allow-listed") != bool(found.allow):
        raise CatalogueError(
            f"{row.at('handling')}: `truncated` comes with `keep`, `allow-listed` with `allow`"
        )
    return found


def _metric(row: _Reader) -> Metric:
    return Metric(row.text("name"), row.text("unit"), row.text("description"), row.text("value", ""))


def _map(name: str, row: _Reader) -> Map:
    shape = row.one_of("shape", SHAPES)
    found = Map(
        name=name,
        title=row.text("title", "" if shape == "internal" else None),
        shape=shape,
        cardinality=row.text("cardinality"),
        event=row.text("event", ""),
        sort=row.text("sort", ""),
        weight=row.text("weight", ""),
        kept=row.text("kept", ""),
        stacks=row.text("stacks", ""),
        key=row.named("key", _field),
        value=row.named("value", _field),
        metrics=row.tables("metrics", _metric),
        variants=row.texts("variants"),
    )
    if (shape == "events") != bool(found.event):
        raise CatalogueError(f"{row.at('event')}: shape `events` names its struct, no other does")
    if found.kept and found.kept not in {field.path for field in found.value}:
        raise CatalogueError(f"{row.at('kept')}: {found.kept} is no field of the value")
    if shape == "stacks" and not (found.stacks and found.weight):
        raise CatalogueError(f"{row.at('stacks')}: shape `stacks` names its stack map and its weight")
    return found


def _constant(name: str, row: _Reader) -> Constant:
    return Constant(name, row.one_of("type", _CONSTANT_TYPES), row.text("help"))


def _attach(row: _Reader) -> Attach:
    return Attach(
        program=row.text("program"),
        point=row.text("point"),
        stability=row.one_of("stability", STABILITIES),
        function=row.text("function", ""),
        library=row.text("library", "libc"),
        optional=row.take("optional", bool, False),
        group=row.text("group", ""),
    )


def _variant(row: _Reader) -> Variant:
    return Variant(
        name=row.text("name"),
        surfaces=row.texts("surfaces", SURFACES, least=1),
        object=row.text("object"),
        attach=row.tables("attach", _attach, least=1),
        needs=row.texts("needs", NEEDS),
        note=row.text("note", ""),
    )


def _alternative(row: _Reader) -> Alternative:
    return Alternative(row.text("when"), row.text("tool"))


def _runbook(row: _Reader) -> Runbook:
    return Runbook(
        duration=row.text("duration"),
        who=row.text("who", ""),
        watch=row.texts("watch"),
        record=row.texts("record"),
        retention=row.text("retention", ""),
    )


def parse(table: Table, where: str) -> Tracer:
    """One entry from its TOML table; `where` names it in errors."""
    row = _Reader(table, where)
    runbook = _Reader(row.take("runbook", dict), row.at("runbook"))
    found = Tracer(
        name=row.text("name"),
        domain=row.one_of("domain", DOMAINS),
        question=row.text("question"),
        overhead=row.one_of("overhead", OVERHEADS),
        overhead_because=row.text("overhead_because"),
        requires=row.texts("requires"),
        filters=row.texts("filters"),
        variants=row.tables("variants", _variant, least=1),
        maps=row.named("maps", _map),
        constants=row.named("constants", _constant),
        better=row.tables("better", _alternative),
        runbook=_runbook(runbook),
    )
    runbook.finish()
    row.finish()
    _agree(found, where)
    return found


def _agree(tracer: Tracer, where: str) -> None:
    """What one part says of another must hold."""
    names = [variant.name for variant in tracer.variants]
    if len(set(names)) != len(names):
        raise CatalogueError(f"{where}.variants: a name stands twice")
    constants = {constant.name for constant in tracer.constants}
    for wanted in tracer.filters:
        if wanted not in FILTERS and wanted not in constants:
            raise CatalogueError(f"{where}.filters has {wanted!r}, which is no filter and no constant")
    for one in tracer.maps:
        if unknown := set(one.variants) - set(names):
            raise CatalogueError(f"{where}.maps.{one.name}.variants: unknown {', '.join(sorted(unknown))}")
        if one.stacks and tracer.map(one.stacks) is None:
            raise CatalogueError(f"{where}.maps.{one.name}.stacks: there is no map {one.stacks}")
        for field in (*one.key, *one.value):
            if field.reveal and field.reveal not in constants:
                raise CatalogueError(f"{where}.maps.{one.name}: {field.path} is revealed by no constant")


@cache
def catalogue() -> tuple[Tracer, ...]:
    """Every shipped tracer, by name."""
    found = []
    for path in sorted(_FOLDER.glob("*.toml")):
        one = parse(tables.load(path), path.stem)
        if one.name != path.stem:
            raise CatalogueError(f"{path.name} describes {one.name}")
        found.append(one)
    return tuple(found)


def tracer(name: str) -> Tracer:
    """The tracer with this name; UsageError names what there is."""
    for one in catalogue():
        if one.name == name:
            return one
    raise UsageError(f"no tracer {name[:40]!r}; there are {', '.join(one.name for one in catalogue())}")
