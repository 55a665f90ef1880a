# SPDX-License-Identifier: Apache-2.0
"""Rows from a result of `lab run`, as the JSON contract has it: fresh, or written by another job."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preflight.errors import InputError
from preflight.gate.measured import FAILS, UNKNOWN, Key, Row
from preflight.records import replace

#: What the lab can only say of a kernel as a whole, and then nothing was tested there.
_BOOTED = "booted"
#: A loader that crashed on one object has measured the others, and the object tells what it lacks;
#: without BTF everything was tried all the same.
_COMPLETE = (_BOOTED, "loader-crash", "no-btf")
_DIGEST_DIGITS = 16
_MOST = 1 << 62
_STACK = re.compile(
    r"(?P<each>[0-9]{1,9}(?:\+[0-9]{1,9})*)?(?: ?max (?P<max>[0-9]{1,9}))?\s*(?<=\d)", re.ASCII
)
#: Longer than the depths of BPF_MAX_SUBPROGS (256) functions.
_STACK_TEXT = 4000


def rows(
    result: Mapping[str, Any], name: str, compilers: Mapping[str, str] | None = None, compiler: str = ""
) -> list[Row]:
    """The rows of a `lab run` result called `name`. InputError when it is no such result.

    `compilers` by digest of the object's file; `compiler` for objects that are not among them.
    """
    if result.get("command") != "lab run" or not isinstance(result.get("results"), list):
        raise InputError("is not a result of `preflight lab run --format json`", subject=name)
    try:
        known = compilers or {}
        found = [row for record in result["results"] for row in _of_object(record, known, compiler)]
        kernels = result.get("kernels", ())
        found += _of_kernels(kernels, {row.key.kernel for row in found})
        found = _with_releases(found, kernels)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"lacks or mistypes {error}", subject=name) from None
    if not found:
        raise InputError("holds no program and no kernel", subject=name)
    return found


def _with_releases(rows: list[Row], kernels: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows of kernels whose name does not say which they are (`host`) with their release."""
    releases = {str(kernel["kernel"]): str(kernel.get("release") or "") for kernel in kernels}
    said = {name: release for name, release in releases.items() if release and release not in name}
    return [replace(row, release=said.get(row.key.kernel, "")) for row in rows]


def _of_object(record: Mapping[str, Any], compilers: Mapping[str, str], compiler: str) -> Iterator[Row]:
    kernel, obj = _name(record, "kernel"), _name(record, "object")
    if not record["programs"]:
        reason = str(record.get("problem") or "none of its programs was tested")
        yield Row(Key(kernel, obj, ""), UNKNOWN, reason=reason)
    for program in record["programs"]:
        log = str(program.get("log_tail") or "")
        yield Row(
            Key(kernel, obj, _name(program, "name")),
            str(program["verdict"]) if program["verdict"] in ("loads", "fails") else UNKNOWN,
            attach=str(program["attach"]),
            insns=_number(program.get("insns_processed")),
            states=_number(program.get("states_total")),
            peak_states=_number(program.get("states_peak")),
            stack=stack_bytes(program.get("stack")),
            family=_family(log, program.get("errno")) if program["verdict"] == FAILS else "",
            bytecode=str(program.get("insns_sha256") or "")[:_DIGEST_DIGITS],
            compiler=compilers.get(str(record["sha256"]), compiler),
            reason=_why(record, program) if program["verdict"] not in ("loads", "fails") else "",
        )


def _why(record: Mapping[str, Any], program: Mapping[str, Any]) -> str:
    """Why a program's verdict is unknown."""
    if record.get("problem"):
        return str(record["problem"])
    errno = program.get("errno")
    return (
        f"refused with {errno}, which need not be the kernel's answer" if errno else "the lab could not tell"
    )


def _of_kernels(kernels: Sequence[Mapping[str, Any]], tested: set[str]) -> Iterator[Row]:
    """A row without object or program for each kernel that did not do all, or on which nothing was tested."""
    for kernel in kernels:
        name = _name(kernel, "kernel")
        if kernel["outcome"] not in _COMPLETE or name not in tested:
            said = "no object was tested" if kernel["outcome"] == _BOOTED else str(kernel["outcome"])
            detail = f": {kernel['detail']}" if kernel.get("detail") else ""
            yield Row(Key(name, "", ""), UNKNOWN, reason=f"{said}{detail}")


def _name(record: Mapping[str, Any], key: str) -> str:
    value = record[key]
    if not isinstance(value, str) or not value:
        raise TypeError(f"{key!r}")
    return value


def _number(value: object) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    return value if known else None  # type: ignore[return-value]


def stack_bytes(text: object) -> int | None:
    """The deepest chain of calls where the kernel says it (`32+8 max 40`, `max 40`), else the sum of `32+8`.

    One number per function: print_verification_stats() in kernel/bpf/verifier.c; `max` since 7.3.
    """
    found = _STACK.fullmatch(str(text)[:_STACK_TEXT]) if text else None
    if found is None:
        return None
    return int(found["max"]) if found["max"] else sum(map(int, found["each"].split("+")))


def _family(log: str, errno: object) -> str:
    """The family of a refusal; `errno NAME` when the log's end does not name one."""
    from preflight.verifier.decode import decode

    found = decode(io.BytesIO(log.encode("utf-8", "replace")), "log") if log else None
    named = [one.family for one in found.rejections] if found else []
    return named[-1] if named and named[-1] != "V-UNKNOWN" else f"errno {errno}" if errno else "V-UNKNOWN"
