# SPDX-License-Identifier: Apache-2.0
"""What an object asks of the loader, not of the kernel: newer section names (PC430), BTF kinds (PC431). Pure.

Neither stops an object on a kernel: a section name is the loader's to know, and BTF kinds that a kernel does
not know are replaced by libbpf before it loads the BTF. What the tags said is lost then: a field that
should become a kptr or a list stays a plain one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.predict.kernel_facts import KernelFacts


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "libbpf_level.toml")


def loader_level_findings(obj: BpfObject, facts: KernelFacts) -> list[Finding]:
    """PC430 once per object, PC431 once per kind; both are information and decide nothing."""
    return [*_sections(obj), *_arenas(obj), *_kinds(obj, facts)]


def _sections(obj: BpfObject) -> Iterator[Finding]:
    row = _table()["sections"]
    newer = sorted({program.section for program in obj.programs if program.hook.prefix in row["names"]})
    if newer:
        yield _information(
            "PC430",
            obj,
            f"libbpf {row['newer_than']} does not know {', '.join(newer[:5])}: the loader has to be newer",
            Evidence("inferred", f"libbpf_prog_type_by_name() of libbpf {row['newer_than']} answers ESRCH"),
            cause="an older one says: missing BPF prog type, check ELF section name",
            fix="load with a newer libbpf or bpftool, or set the program's type before loading",
        )


def _arenas(obj: BpfObject) -> Iterator[Finding]:
    row = _table()["arenas"]
    arenas = sorted(one.name for one in obj.all_maps if one.type == "arena" and not one.map_extra)
    if arenas:
        yield _information(
            "PC430",
            obj,
            f"libbpf {row['newer_than']} does not map an arena ({arenas[0]}): the loader has to be newer",
            Evidence("inferred", f"libbpf maps arenas since {row['since']}"),
            cause="without it the verifier says: arena's user address must be set via map_extra or mmap()",
            fix="load with a newer libbpf or bpftool, or give the map an address (map_extra)",
        )


def _kinds(obj: BpfObject, facts: KernelFacts) -> Iterator[Finding]:
    if obj.btf is None:
        return
    for row in _table()["kinds"]:
        if (
            row["kind"] not in obj.memo("kinds-used", lambda: _used(obj))
            or facts.data_symbol(row["witness"]) is not False
        ):
            continue
        yield _information(
            "PC431",
            obj,
            f"this kernel does not know BTF_KIND_{row['name']}: libbpf puts {row['instead']} in its place",
            Evidence("procfs", f"{row['witness']} is not among this kernel's symbols"),
            cause="bpf_object__sanitize_btf() of libbpf; a loader without it is refused (EINVAL at BTF_LOAD)",
            fix="nothing has to be done with libbpf; a loader of your own has to replace the kind",
        )


def _used(obj: BpfObject) -> frozenset[int]:
    btf = obj.btf
    numbers = [row["kind"] for row in _table()["kinds"]]
    return frozenset(n for n in numbers if btf is not None and any(True for _ in btf.ids_of_kind(n)))


def _information(code: str, obj: BpfObject, title: str, *evidence: Evidence, cause: str, fix: str) -> Finding:
    return Finding(
        code=code,
        verdict=Verdict.OK,
        severity=Severity.INFO,
        title=title,
        subject=obj.name,
        evidence=evidence,
        cause=cause,
        fix=fix,
        location=Location(obj.name),
    )
