# SPDX-License-Identifier: Apache-2.0
"""What was measured, from files: results of `preflight lab run` and recorded truth."""

from __future__ import annotations

import errno as errnos
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.lab import truth
from preflight.lab.results import Attachment, ObjectMeasurement, ProgramMeasurement

_RESULT_LIMIT = 256 << 20
_MAX_FILES = 4096


@dataclass(frozen=True, slots=True)
class Measured:
    """What one kernel did. `name` is the catalogue's; `btf_sha256` None when the guest showed no BTF."""

    name: str
    release: str | None
    btf_sha256: str | None
    objects: tuple[ObjectMeasurement, ...]


def read_all(paths: Iterable[Path]) -> list[Measured]:
    """The kernels in several files; a directory stands for its `.json` and `.json.xz` files, in name order.

    InputError for a file that is neither a result of `lab run` nor recorded truth, and for a directory
    without any.
    """
    found: list[Measured] = []
    for path in _files(paths):
        found += _truth(path) if path.name.endswith(".xz") else _result(path)
    return found


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(p for p in path.iterdir() if p.name.endswith((".json", ".json.xz")) and p.is_file())
        if not inside:
            raise InputError("holds no measurements (.json, .json.xz)", subject=str(path))
        if len(inside) > _MAX_FILES:
            raise InputError(f"holds more than {_MAX_FILES} files", subject=str(path))
        yield from inside


def _truth(path: Path) -> list[Measured]:
    recorded = truth.read(path)
    return [Measured(recorded.kernel, recorded.release, recorded.btf_sha256, recorded.objects)]


def _result(path: Path) -> list[Measured]:
    """The kernels of a `lab run` result; those that were not booted measured nothing and are left out."""
    import json

    from preflight.kernels.blob import read_bounded

    try:
        raw = json.loads(read_bounded(path, _RESULT_LIMIT))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not valid JSON: {error}", subject=str(path)) from error
    try:
        if raw["command"] != "lab run" or str(raw["schema_version"]).partition(".")[0] != "1":
            raise ValueError("it is of another command or version")
        by_kernel: dict[str, list[ObjectMeasurement]] = {}
        for one in raw["results"]:
            by_kernel.setdefault(_text(one["kernel"]), []).append(object_from_dict(one))
        return [
            Measured(
                _text(one["kernel"]),
                one["release"],
                one["btf_sha256"],
                tuple(by_kernel.get(one["kernel"], ())),
            )
            for one in raw["kernels"]
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"is no result of preflight lab run: {error}", subject=str(path)) from error


def object_from_dict(raw: Mapping[str, Any]) -> ObjectMeasurement:
    """A measurement from its JSON form; KeyError, TypeError or ValueError for anything else."""
    return ObjectMeasurement(
        object=_text(raw["object"]),
        sha256=_text(raw["sha256"]),
        verdict=_text(raw["verdict"]),
        errno=_number(raw["errno"]),
        failed_program=raw["failed_program"],
        messages=_text(raw.get("messages", "")),
        log=_text(raw.get("log_tail", "")),
        programs=tuple(_program(one) for one in raw["programs"]),
        problem=raw["problem"],
    )


def _program(raw: Mapping[str, Any]) -> ProgramMeasurement:
    attached = raw["attachment"]
    return ProgramMeasurement(
        name=_text(raw["name"]),
        section=_text(raw["section"]),
        verdict=_text(raw["verdict"]),
        errno=_number(raw["errno"]),
        attach=Attachment(
            _text(raw["attach"]),
            attached["how"],
            _number(attached["errno"]),
            attached["reason"],
            _text(attached["messages"]),
        ),
        log=_text(raw["log_tail"]),
        messages=_text(raw["messages"]),
        newer_section=raw.get("newer_section") is True,
        insns_processed=raw["insns_processed"],
    )


def _number(name: object) -> int:
    """The errno behind a name of the contract (`ENOENT`, `ENOTSUPP`, `77`); 0 for null."""
    if name is None:
        return 0
    text = _text(name)
    if text.isdigit() and len(text) < 6:
        return int(text)
    found = {"ENOTSUPP": 524}.get(text) or getattr(errnos, text if text[:1] == "E" else "", None)
    if not isinstance(found, int):
        raise ValueError(f"{text[:20]!r} is no errno")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is not a text")
    return value
