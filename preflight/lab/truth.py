# SPDX-License-Identifier: Apache-2.0
"""Recorded truth: what one real kernel did with many objects, small enough to keep in a repository.

One file per kernel, JSON in xz. Kept are verdicts, errnos, the ends of logs and messages, the digest of each
object and of each relocated program; not the objects themselves. Times are not kept: they are the machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.kernels.model import Kernel
from preflight.lab.results import Attachment, BpftoolAnswer, KernelRun, ObjectMeasurement, ProgramMeasurement

SCHEMA_VERSION = "1.0"
_TAIL = 500
_FILE_LIMIT = 16 << 20
_UNPACKED_LIMIT = 128 << 20


@dataclass(frozen=True, slots=True)
class Truth:
    """One file of recorded truth. `sources` says where the objects came from: package -> version."""

    kernel: str
    release: str | None
    arch: str | None
    version: str | None
    btf_sha256: str
    outcome: str
    objects: tuple[ObjectMeasurement, ...]
    sources: Mapping[str, str]
    modules: tuple[str, ...] = ()


def compact(run: KernelRun, kernel: Kernel, sources: Mapping[str, str]) -> dict[str, Any]:
    """A run as the document of a truth file."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kernel": run.kernel,
        "release": run.release,
        "arch": kernel.arch,
        "version": kernel.identity.version,
        "btf_sha256": run.btf_sha256,
        "outcome": run.outcome,
        "modules": sorted(name for name, state in run.modules.items() if state == "ok"),
        "sources": dict(sources),
        "objects": [_object(measured) for measured in run.objects],
    }


def _object(measured: ObjectMeasurement) -> dict[str, Any]:
    return {
        "object": measured.object,
        "sha256": measured.sha256,
        "verdict": measured.verdict,
        "errno": measured.errno,
        "failed_program": measured.failed_program,
        "log": measured.log[-_TAIL:],
        "messages": measured.messages[-_TAIL:],
        "problem": measured.problem,
        "bpftool": measured.bpftool.exit_code if measured.bpftool else None,
        "programs": [_program(program) for program in measured.programs],
        "maps": {name: _attachment(attached) for name, attached in measured.maps.items()},
    }


def _program(program: ProgramMeasurement) -> dict[str, Any]:
    return {
        "name": program.name,
        "section": program.section,
        "verdict": program.verdict,
        "errno": program.errno,
        "log": program.log[-_TAIL:],
        "messages": program.messages[-_TAIL:],
        "type": program.type,
        "expected_attach_type": program.expected_attach_type,
        "newer_section": program.newer_section,
        "insns": program.insns,
        "insns_sha256": program.insns_sha256,
        "insns_processed": program.insns_processed,
        "stack": program.stack,
        "attach": _attachment(program.attach),
    }


def _attachment(attached: Attachment) -> dict[str, Any]:
    return {
        "state": attached.state,
        "how": attached.how,
        "errno": attached.errno,
        "reason": attached.reason,
        "messages": attached.messages[-_TAIL:],
    }


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a truth file; the same document gives the same bytes."""
    import json
    import lzma

    text = json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def read(path: Path) -> Truth:
    """A truth file, read back. InputError when it is damaged or of another major version."""
    import json

    from preflight.kernels.blob import read_bounded
    from preflight.kernels.decompress import decompress

    try:
        data = decompress("xz", read_bounded(path, _FILE_LIMIT), limit=_UNPACKED_LIMIT, subject=str(path))
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not valid JSON: {error}", subject=str(path)) from error
    try:
        if str(raw["schema_version"]).partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise ValueError(f"schema version {raw['schema_version']} is not known here")
        return Truth(
            kernel=raw["kernel"],
            release=raw["release"],
            arch=raw["arch"],
            version=raw["version"],
            btf_sha256=raw["btf_sha256"],
            outcome=raw["outcome"],
            objects=tuple(_read_object(item) for item in raw["objects"]),
            sources=dict(raw["sources"]),
            modules=tuple(raw["modules"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"is no recorded truth: {error}", subject=str(path)) from error


def _read_object(raw: Mapping[str, Any]) -> ObjectMeasurement:
    return ObjectMeasurement(
        object=raw["object"],
        sha256=raw["sha256"],
        verdict=raw["verdict"],
        errno=raw["errno"],
        failed_program=raw["failed_program"],
        log=raw["log"],
        messages=raw["messages"],
        problem=raw["problem"],
        bpftool=None if raw["bpftool"] is None else BpftoolAnswer(raw["bpftool"], ""),
        programs=tuple(_read_program(item) for item in raw["programs"]),
        maps={name: Attachment(**attached) for name, attached in raw["maps"].items()},
    )


def _read_program(raw: Mapping[str, Any]) -> ProgramMeasurement:
    return ProgramMeasurement(**{**raw, "attach": Attachment(**raw["attach"])})
