# SPDX-License-Identifier: Apache-2.0
"""What a session found, as it may leave the process: words for numbers, and nothing that is private.

Each field is handled as the catalogue says, unless the user asked for it with `--reveal`. Hashes are keyed
with a key that is made for one run and never shown: equal values stay equal within the run, and say nothing
outside it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from preflight.errors import UsageError
from preflight.records import dataclass
from preflight.tracers import words
from preflight.tracers.layout import Histogram
from preflight.tracers.model import Field, Map, Tracer
from preflight.tracers.namespaces import cgroup_paths
from preflight.tracers.reading import Row
from preflight.tracers.session import Outcome
from preflight.tracers.symbols import NO_NAME, KernelSymbols, UserSymbols

_HASH_BYTES = 6

#: The id that container engines put into the name of a container's cgroup.
_CONTAINER = re.compile(r"(?:^|[/:_.-])([0-9a-f]{64})(?:\.scope)?(?=/|$)")

#: Fields that are added up when rows become one because a private part of their key is gone.
_SUMMED = frozenset({"", "number", "ns", "bytes"})


@dataclass(frozen=True, slots=True)
class _Shown:
    """How one field is to be shown."""

    field: Field
    handling: str


def revealed(tracer: Tracer, names: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """`--reveal` as field labels or paths -> the labels, and the constants that make programs capture them.

    UsageError for a name that no private field has.
    """
    fields = [field for one in tracer.maps if one.shape != "internal" for field in (*one.key, *one.value)]
    private = [field for field in fields if field.handling != "as-is"]
    labels, constants = set(), set()
    for name in names:
        chosen = [field for field in private if name in (field.label, field.path)]
        if not chosen:
            there = ", ".join(sorted({field.label for field in private})) or "none"
            raise UsageError(f"--reveal {name[:40]!r}: the private fields of {tracer.name} are {there}")
        labels |= {field.label for field in chosen}
        constants |= {field.reveal for field in chosen if field.reveal}
    return frozenset(labels), tuple(sorted(constants))


class Presenter:
    """Shows the outcome of one run. `reveal` are labels of fields that are shown as they are."""

    def __init__(
        self,
        outcome: Outcome,
        reveal: frozenset[str] = frozenset(),
        *,
        key: bytes | None = None,
        kernel: KernelSymbols | None = None,
    ) -> None:
        self._outcome = outcome
        self._reveal = reveal
        self._key = key or secrets.token_bytes(32)
        self._kernel = kernel or KernelSymbols()
        self._user = UserSymbols(outcome.processes)
        self._monotonic = time.time_ns() - time.monotonic_ns()
        self._cgroups = cgroup_paths(set(self._cgroup_ids()))

    def results(self) -> list[dict[str, Any]]:
        """One record per map that is shown."""
        found = []
        for one in self._outcome.tracer.maps_of(self._outcome.variant.name):
            if one.shape == "events" and one.name in self._outcome.events:
                found.append(self._events(one))
            elif one.name in self._outcome.rows:
                found.append(self._map(one, self._outcome.rows[one.name]))
        return found

    def privacy(self) -> dict[str, list[str]]:
        """Handling -> labels of the fields it was applied to; what was revealed is named too."""
        found: dict[str, set[str]] = {}
        for one in self._outcome.tracer.maps_of(self._outcome.variant.name):
            if one.shape == "internal":
                continue
            for field in (*one.key, *one.value):
                handling = self._handling(field)
                if field.handling != "as-is":
                    found.setdefault("revealed" if handling == "as-is" else handling, set()).add(field.label)
        return {handling: sorted(labels) for handling, labels in sorted(found.items())}

    def _handling(self, field: Field) -> str:
        return "as-is" if field.label in self._reveal else field.handling

    def _map(self, one: Map, rows: Sequence[Row]) -> dict[str, Any]:
        shown: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            key = self._fields(one.key, row.key, row.key)
            value = self._fields(one.value, row.value, {**row.key, **row.value})
            record: dict[str, Any] = {"key": key, "value": value}
            if one.shape == "stacks":
                record["frames"] = self._frames(one, row)
            identity = (
                *((label, repr(item)) for label, item in key.items()),
                tuple(record.get("frames", ())),
            )
            known = shown.get(identity)
            shown[identity] = record if known is None else _merged(known, record, one.value)
        sort = next((f.label for f in one.value if f.path == one.sort), "")
        ordered = sorted(shown.values(), key=lambda record: _rank(record, sort), reverse=True)
        return {
            **_head(one),
            "units": {f.label: f.unit for f in one.value if f.unit},
            "attributes": {
                f.label: f.attribute or f.label for f in one.key if self._handling(f) != "dropped"
            },
            "rows": [_plain(record) for record in ordered],
            "full": one.name in self._outcome.full,
        }

    def _events(self, one: Map) -> dict[str, Any]:
        rows = [self._fields(one.value, event, event) for event in self._outcome.events[one.name]]
        return {
            **_head(one),
            "units": {f.label: f.unit for f in one.value if f.unit},
            "attributes": {
                f.label: f.attribute or f.label for f in one.value if self._handling(f) != "dropped"
            },
            "rows": rows,
            "left_out": self._outcome.left_out,
        }

    def _fields(
        self, fields: Sequence[Field], raw: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> dict[str, Any]:
        found = {}
        for field in fields:
            handling = self._handling(field)
            if (
                field.path in raw
                and handling != "dropped"
                and field.decode not in ("kernel-stack", "user-stack")
            ):
                word = self._word(field, raw[field.path], beside)
                found[field.label] = self._handled(word, field, handling)
                if field.decode == "cgroup" and handling == "as-is" and (match := _CONTAINER.search(word)):
                    found["container"] = match[1][:12]
        return found

    def _handled(self, value: Any, field: Field, handling: str) -> Any:
        if handling == "as-is" or value in ("", None):
            return value
        text = str(value)
        if handling == "truncated":
            return _cut(text, field.keep)
        if handling == "allow-listed":
            return text if text in field.allow else "(other)"
        digest = hashlib.blake2b(
            text.encode("utf-8", "surrogateescape"), key=self._key, digest_size=_HASH_BYTES
        )
        return f"#{digest.hexdigest()}"

    def _word(self, field: Field, value: Any, beside: Mapping[str, Any]) -> Any:
        """A value by its field's decoder; see DECODERS."""
        if isinstance(value, Histogram):
            return value
        decode = field.decode
        if decode in _WORDS:
            return _WORDS[decode](value)
        if decode == "syscall":
            return words.syscall_name(value, compat=bool(beside.get("compat")))
        if decode == "address":
            return address(value, beside.get("family"))
        if decode == "timestamp":
            return _time(value + self._monotonic) if value else ""
        if decode == "cgroup":
            return self._cgroups.get(value, f"cgroup {value}")
        if decode == "kernel-symbol":
            return self._kernel.name(value)
        if decode == "user-symbol":
            return self._user.name(_pid(beside), value)
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, tuple):
            return list(value)
        return value

    def _frames(self, one: Map, row: Row) -> list[str]:
        """Function names from the outermost caller to the innermost; the kernel's end with `_[k]`.

        Unknown ones in a row are one.
        """
        stacks = self._outcome.stacks.get(one.stacks, {})
        frames: list[str] = []
        for decode in ("user-stack", "kernel-stack"):
            for field in one.key:
                if field.decode != decode or self._handling(field) == "dropped":
                    continue
                number = row.key.get(field.path, -1)
                if number < 0:
                    continue
                addresses = stacks.get(number)
                if addresses is None:
                    frames.append("[stack lost]")
                elif decode == "kernel-stack":
                    frames += [f"{self._kernel.name(address)}_[k]" for address in reversed(addresses)]
                else:
                    pid = _pid(row.key)
                    frames += [self._user.name(pid, address) for address in reversed(addresses)]
        shown = [name for n, name in enumerate(frames) if name != NO_NAME or frames[n - 1 : n] != [NO_NAME]]
        return shown or [NO_NAME]

    def _cgroup_ids(self) -> Iterable[int]:
        for one in self._outcome.tracer.maps:
            paths = [(f.path, True) for f in one.key if f.decode == "cgroup"]
            paths += [(f.path, False) for f in one.value if f.decode == "cgroup"]
            for path, in_key in paths:
                for row in self._outcome.rows.get(one.name, ()):
                    yield (row.key if in_key else row.value).get(path, 0)
                for event in self._outcome.events.get(one.name, ()):
                    yield event.get(path, 0)


def _head(one: Map) -> dict[str, Any]:
    return {
        "map": one.name,
        "title": one.title,
        "shape": one.shape,
        "weight": next((f.label for f in one.value if f.path == one.weight), ""),
        "metrics": [
            {
                "name": metric.name,
                "unit": metric.unit,
                "description": metric.description,
                "value": next((f.label for f in one.value if f.path == (metric.value or "_")), ""),
            }
            for metric in one.metrics
        ],
    }


def _merged(known: dict[str, Any], more: dict[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """Two records whose shown keys are the same, as one."""
    value = dict(known["value"])
    for field in fields:
        if field.label not in value or field.label not in more["value"]:
            continue
        one, other = value[field.label], more["value"][field.label]
        if isinstance(one, Histogram) or (field.decode in _SUMMED and type(one) is int):
            value[field.label] = one + other
    return {**known, "value": value}


def _rank(record: Mapping[str, Any], sort: str) -> int:
    value = record["value"].get(sort) if sort else next(iter(record["value"].values()), 0)
    if isinstance(value, Histogram):
        return value.count
    return value if isinstance(value, int) else 0


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    value = {
        label: histogram(item) if isinstance(item, Histogram) else item
        for label, item in record["value"].items()
    }
    return {**record, "value": value}


def histogram(value: Histogram) -> dict[str, Any]:
    """JSON form: buckets that are not empty, `low` inclusive, `high` exclusive, the last one open (null)."""
    last = len(value.slots) - 1
    buckets = [
        {"low": 1 << slot if slot else 0, "high": None if slot == last else 1 << (slot + 1), "count": count}
        for slot, count in enumerate(value.slots)
        if count
    ]
    return {"count": value.count, "total": value.total, "buckets": buckets}


def _cut(text: str, keep: str) -> str:
    """The part a truncated field keeps: `N` characters, `suffix:N` labels, `basename`."""
    if keep == "basename":
        return text.rstrip("/").rpartition("/")[2]
    if keep.startswith("suffix:"):
        labels = [label for label in text.rstrip(".").split(".") if label]
        return ".".join(labels[-int(keep.removeprefix("suffix:")) :])
    return text[: int(keep)]


def address(value: Any, family: Any = None) -> str:
    """An IP address from a 32-bit number or 4 or 16 bytes in network order; `family` tells of 16 bytes."""
    raw = value.to_bytes(4, sys.byteorder) if isinstance(value, int) else bytes(value)
    is_four = len(raw) == 4 or family in (int(socket.AF_INET), "inet", "ipv4")
    mapped = raw[:12] == bytes(10) + b"\xff\xff"
    if is_four or mapped:
        return socket.inet_ntop(socket.AF_INET, raw[12:16] if mapped and not is_four else raw[:4])
    return socket.inet_ntop(socket.AF_INET6, raw[:16].ljust(16, b"\0"))


def _time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"


def _text(value: Any) -> str:
    raw = value.partition(b"\0")[0] if isinstance(value, bytes) else value
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else str(raw)


def _hex(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else f"{value:#x}"


def _swapped(value: int) -> int:
    return socket.ntohs(value & 0xFFFF)


def _pid(beside: Mapping[str, Any]) -> int:
    """The process a user address belongs to, from the field that names it."""
    return next((int(beside[name]) for name in ("tgid", "pid") if name in beside), 0)


_WORDS: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "errno": words.error,
    "exit-code": words.exit_code,
    "signal": words.signal_name,
    "text": _text,
    "hex": _hex,
    "ipv4": address,
    "ipv6": address,
    "family": words.family,
    "protocol": words.protocol,
    "port-be": _swapped,
    "tcp-state": words.tcp_state,
    "device": words.device,
    "dns-type": lambda number: words.DNS_TYPES.get(number, f"TYPE{number}"),
    "dns-rcode": lambda number: words.DNS_RCODES.get(number, f"RCODE{number}"),
    "futex-op": words.futex_op,
}
