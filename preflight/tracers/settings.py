# SPDX-License-Identifier: Apache-2.0
"""From what the user asks for to the constants of an object: filters, the tracer's own constants, run keys.

The constants lie in `.rodata` and are written before load; the kernel then knows them and removes what they
switch off. A filter that an object has no constant for is refused, never ignored.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from preflight.errors import UsageError
from preflight.records import dataclass
from preflight.tracers.model import FILTERS, READ_ONLY, Constant, Tracer

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject, Variable

_COMM = 16
_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"(?P<number>\d{1,12}(?:\.\d{1,9})?)(?P<unit>ns|us|ms|s|m|h)\Z")


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look at; None and 0 are everything.

    `cgroup` is a folder of the cgroup v2 hierarchy. `pidns` is a process whose PID namespace is meant;
    `pid` and `tid` then count in it, else in that of preflight. `minimum` and `maximum` are nanoseconds.
    `sample` keeps 1 of so many.
    """

    cgroup: str | None = None
    pidns: int | None = None
    pid: int | None = None
    tid: int | None = None
    uid: int | None = None
    comm: str | None = None
    sample: int = 0
    minimum: int = 0
    maximum: int = 0

    def given(self) -> tuple[str, ...]:
        """The names of the filters that are set, as in the catalogue."""
        values = (
            ("cgroup", self.cgroup is not None),
            ("pidns", self.pidns is not None),
            ("pid", self.pid is not None),
            ("tid", self.tid is not None),
            ("uid", self.uid is not None),
            ("comm", self.comm is not None),
            ("sample", self.sample > 1),
            ("min", self.minimum > 0),
            ("max", self.maximum > 0),
        )
        return tuple(name for name, is_set in values if is_set)


def duration(text: str, option: str) -> int:
    """`10s`, `500ms`, `1.5m` as nanoseconds; UsageError for anything else, and for 0."""
    match = _DURATION.match(text.strip())
    if match is None:
        raise UsageError(
            f"{option} {text[:40]!r}: a duration is a number with ns, us, ms, s, m or h, as in 10s"
        )
    found = round(float(match["number"]) * _UNITS[match["unit"]])
    if found <= 0:
        raise UsageError(f"{option} {text[:40]!r}: a duration is longer than nothing")
    return found


def missing(tracer: Tracer, filters: Filters, constants: Iterable[str]) -> tuple[str, ...]:
    """The filters of which a production run sets at least one, when none is set; else empty."""
    given = {*filters.given(), *constants}
    return () if not tracer.filters or given & set(tracer.filters) else tracer.filters


def values(
    tracer: Tracer,
    obj: BpfObject,
    filters: Filters,
    constants: Mapping[str, str | int | bool],
    reveal: Iterable[str] = (),
) -> dict[str, bytes]:
    """Constant -> its bytes, for those to be written. UsageError for a filter or constant it has not."""
    section = obj.data_section(".rodata")
    there = {variable.name: variable for variable in section.variables} if section else {}
    found = _filters(there, filters)
    for name, value in constants.items():
        found[name] = _own(tracer, there, name, value)
    known = {constant.name: constant for constant in tracer.constants}
    for name in reveal:
        if known[name].type == "switch" and name in there:
            found[name] = _number(there[name], 1, name)
    for constant in tracer.constants:
        if constant.type == "run-key" and constant.name in there:
            found[constant.name] = secrets.token_bytes(there[constant.name].size)
    return found


def unexplained(tracer: Tracer, obj: BpfObject) -> tuple[str, ...]:
    """Settable constants of an object that neither the shared filters nor the catalogue name."""
    section = obj.data_section(".rodata")
    known = {name for names in FILTERS.values() for name in names} | set(READ_ONLY)
    known |= {constant.name for constant in tracer.constants}
    return tuple(
        variable.name
        for variable in (section.variables if section else ())
        if variable.settable and variable.binding == "global" and variable.name not in known
    )


def _filters(there: Mapping[str, Variable], filters: Filters) -> dict[str, bytes]:
    from preflight.tracers import namespaces

    found: dict[str, bytes] = {}

    def put(option: str, name: str, value: int | bytes) -> None:
        if name not in there:
            raise UsageError(f"--{option} cannot be honoured: these programs run where it says nothing")
        found[name] = value if isinstance(value, bytes) else _number(there[name], value, f"--{option}")

    if filters.cgroup is not None:
        group = namespaces.cgroup(filters.cgroup)
        put("cgroup", "filter_cgroup", group.id)
        if "filter_cgroup_level" in there:
            put("cgroup", "filter_cgroup_level", group.level)
    wants_ids = filters.pid is not None or filters.tid is not None
    if filters.pidns is not None or (wants_ids and not namespaces.in_first_pid_namespace()):
        option = "pidns" if filters.pidns is not None else "pid"
        space = namespaces.pid_namespace(filters.pidns)
        put(option, "filter_pidns_dev", space.device)
        put(option, "filter_pidns_ino", space.inode)
    for option, name, value in (
        ("pid", "filter_tgid", filters.pid),
        ("tid", "filter_tid", filters.tid),
        ("uid", "filter_uid", filters.uid),
    ):
        if value is not None:
            put(option, name, value)
    if filters.uid is not None:
        put("uid", "filter_by_uid", 1)
    if filters.comm is not None:
        put("comm", "filter_comm", _comm(filters.comm))
    for option, name, number in (
        ("sample", "sample_every", filters.sample),
        ("min", "min_ns", filters.minimum),
        ("max", "max_ns", filters.maximum),
    ):
        if number:
            put(option, name, number)
    return found


def _comm(text: str) -> bytes:
    raw = os.fsencode(text)
    if not raw or len(raw) >= _COMM or b"\0" in raw:
        raise UsageError(f"--comm {text[:40]!r}: a command name has 1 to {_COMM - 1} bytes")
    return raw.ljust(_COMM, b"\0")


def _number(variable: Variable, value: int, what: str) -> bytes:
    bits = variable.size * 8
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise UsageError(f"{what}: {value} does not fit {bits} bits")
    return (value & (1 << bits) - 1).to_bytes(variable.size, sys.byteorder)


def _own(tracer: Tracer, there: Mapping[str, Variable], name: str, value: str | int | bool) -> bytes:
    constant = next((one for one in tracer.constants if one.name == name), None)
    if constant is None or constant.type in ("run-key", "switch", "fixed"):
        settable = [one.name for one in tracer.constants if one.type not in ("run-key", "switch", "fixed")]
        offered = f"there are {', '.join(settable)}" if settable else f"{tracer.name} has none"
        raise UsageError(f"--set {name[:40]!r}: {offered}")
    if name not in there:
        raise UsageError(f"--set {name}: this variant has no such constant")
    if constant.type == "text":
        raw = os.fsencode(str(value))
        if len(raw) >= there[name].size or b"\0" in raw:
            raise UsageError(f"--set {name}: at most {there[name].size - 1} bytes")
        return raw.ljust(there[name].size, b"\0")
    return _number(there[name], _parsed(constant, value), f"--set {name}")


def _parsed(constant: Constant, value: str | int | bool) -> int:
    """The number a constant is to have."""
    if isinstance(value, int):
        return int(value)
    if constant.type == "duration":
        return duration(value, f"--set {constant.name}")
    if constant.type == "bool":
        if value not in ("0", "1", "false", "true"):
            raise UsageError(f"--set {constant.name}: true or false, not {value[:40]!r}")
        return int(value in ("1", "true"))
    if constant.type == "errno":
        import errno

        named = {name: number for number, name in errno.errorcode.items()}
        if value.upper() in named:
            return named[value.upper()]
    if constant.type == "syscall":
        from preflight.tracers.words import syscall_number

        number = syscall_number(value)
        if number is not None:
            return number
    if re.fullmatch(r"-?\d{1,20}|0x[0-9a-fA-F]{1,16}", value) is None:
        raise UsageError(f"--set {constant.name}: {value[:40]!r} is no {constant.type}")
    return int(value, 0) if value.startswith("0x") else int(value)
