# SPDX-License-Identifier: Apache-2.0
"""Rows from a result of `lab run`, as the JSON contract has it: fresh, or written by another job."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preflight.errors import InputError
from preflight.gate.measured import FAILS, UNKNOWN, Key, Row

#: What the lab can only say of a kernel as a whole, and then nothing was tested there.
_BOOTED = "booted"
_DIGEST_DIGITS = 16


def rows(result: Mapping[str, Any], name: str, compilers: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a `lab run` result called `name`; `compilers` by digest of the object's file.

    InputError when it is no such result.
    """
    if result.get("command") != "lab run" or not isinstance(result.get("results"), list):
        raise InputError("is not a result of `preflight lab run --format json`", subject=name)
    try:
        known = compilers or {}
        found = [row for record in result["results"] for row in _of_object(record, known)]
        return [*found, *_of_kernels(result.get("kernels", ()), {row.key.kernel for row in found})]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"lacks or mistypes {error}", subject=name) from None


def _of_object(record: Mapping[str, Any], compilers: Mapping[str, str]) -> Iterator[Row]:
    kernel, obj = str(record["kernel"]), str(record["object"])
    if not record["programs"]:
        reason = str(record.get("problem") or "none of its programs was tested")
        yield Row(Key(kernel, obj, ""), UNKNOWN, reason=reason)
    for program in record["programs"]:
        log = str(program.get("log_tail") or "")
        yield Row(
            Key(kernel, obj, str(program["name"])),
            str(program["verdict"]) if program["verdict"] in ("loads", "fails") else UNKNOWN,
            attach=str(program["attach"]),
            insns=_number(program.get("insns_processed")),
            states=_number(program.get("states_total")),
            peak_states=_number(program.get("states_peak")),
            stack=stack_bytes(program.get("stack")),
            family=_family(log, program.get("errno")) if program["verdict"] == FAILS else "",
            bytecode=str(program.get("insns_sha256") or "")[:_DIGEST_DIGITS],
            compiler=compilers.get(str(record["sha256"]), ""),
            reason=str(record.get("problem") or "the lab could not tell")
            if program["verdict"] not in ("loads", "fails")
            else "",
        )


def _of_kernels(kernels: Sequence[Mapping[str, Any]], tested: set[str]) -> Iterator[Row]:
    """A row without object or program for each kernel on which nothing was tested."""
    for kernel in kernels:
        if kernel["outcome"] != _BOOTED and kernel["kernel"] not in tested:
            detail = f": {kernel['detail']}" if kernel.get("detail") else ""
            yield Row(Key(str(kernel["kernel"]), "", ""), UNKNOWN, reason=f"{kernel['outcome']}{detail}")


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def stack_bytes(text: object) -> int | None:
    """`32+8` (one number per function, print_verification_stats() in kernel/bpf/verifier.c) as their sum."""
    parts = str(text).split("+") if text not in (None, "") else []
    return sum(map(int, parts)) if parts and all(part.isdecimal() for part in parts) else None


def _family(log: str, errno: object) -> str:
    """The family of a refusal; `errno NAME` when the log's end does not name one."""
    from preflight.verifier.decode import decode

    found = decode(io.BytesIO(log.encode("utf-8", "surrogateescape")), "log") if log else None
    named = [one.family for one in found.rejections] if found else []
    return named[-1] if named and named[-1] != "V-UNKNOWN" else f"errno {errno}" if errno else "V-UNKNOWN"
