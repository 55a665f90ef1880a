# SPDX-License-Identifier: Apache-2.0
"""What `preflight gate` does between its options and its output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from preflight.cli.exits import Exit
from preflight.errors import InputError, UsageError
from preflight.gate import lab, logs, veristat
from preflight.gate.baseline import LIMIT_BYTES, Baseline, parse, text, updated
from preflight.gate.compare import compare
from preflight.gate.limits import with_options
from preflight.gate.measured import Row, by_key
from preflight.gate.report import FAIL, UNDECIDED, results, summarise
from preflight.records import replace

#: Bytes of one file that was made elsewhere.
_LIMIT = 256 << 20
_DAY = "%Y-%m-%d"
_MAX_FOLDERS = 20_000
#: Groups of objects that come with preflight.
_SHIPPED = ("probes", "tracers")


class Request(NamedTuple):
    """The options, checked."""

    objects: tuple[str, ...]
    kernels: tuple[str, ...]
    measured: tuple[str, ...]
    logs: tuple[str, ...]
    veristat: tuple[str, ...]
    kernel_name: str
    baseline: Path
    update: bool
    attach: bool
    compiler: str
    max_growth: tuple[str, ...]
    max_share: tuple[str, ...]
    undecided: str
    modules: tuple[str, ...]
    jobs: int
    timeout: int
    store: Path | None
    source_root: Path | None = None
    one_kernel: bool = False


def run(request: Request) -> tuple[dict[str, Any], int]:
    """The result object and the exit code; with `update` the baseline is written, after everything else.

    `one_kernel`: a format was asked for that can hold only one. UsageError when there are more.
    """
    from preflight.render.envelope import envelope

    _sources(request)
    baseline = _baseline(request)
    limited = replace(baseline, limits=with_options(baseline.limits, request.max_growth, request.max_share))
    told = _objects(request)
    rows = list(by_key(_rows(request, told)).values())
    if request.one_kernel:
        _one_kernel(rows)
    found = compare(rows, limited, _today())
    notes = []
    if request.update:
        news = updated(baseline, rows)
        notes.append(_written(baseline, news))
        found = compare(rows, replace(news, limits=limited.limits), _today())
        _write(request.baseline, text(news))
    # as it stands in the repository; of a path from elsewhere only the name
    place = request.baseline.name if request.baseline.is_absolute() else request.baseline.as_posix()
    listed = results(found, told.sources, place)
    code = _exit(listed, request.undecided)
    summary = summarise(
        listed,
        found,
        limited.limits,
        place,
        code,
        undecided_fails=request.undecided == "fail",
    )
    return envelope("gate", {**summary, "notes": notes}, listed), code


def _sources(request: Request) -> None:
    given = (request.kernels, request.measured, request.logs, request.veristat)
    if not any(given):
        raise UsageError(
            "nothing was measured: name a --kernel to load the objects on, "
            "or what was made elsewhere with --measured, --log or --veristat"
        )
    if request.kernels and not request.objects:
        raise UsageError("--kernel needs objects to load there")
    if request.objects and not (request.kernels or request.measured):
        raise UsageError("OBJECT is loaded by --kernel REF, or tells the compiler of what --measured holds")
    if (request.logs or request.veristat) and not request.kernel_name:
        raise UsageError("--kernel-name is empty: a baseline needs a name for the kernel")


def _one_kernel(rows: Sequence[Row]) -> None:
    kernels = sorted({row.key.kernel for row in rows if row.key.program})
    if len(kernels) > 1:
        named = ", ".join(kernels)[:300]
        raise UsageError(f"veristat's CSV is of one kernel; these are {len(kernels)}: {named}")


def _write(path: Path, content: str) -> None:
    """The baseline, readable like any file of a repository."""
    import os

    from preflight.cli.output import write_file

    mask = os.umask(0)
    os.umask(mask)
    mode = path.stat().st_mode & 0o777 if path.is_file() else 0o666 & ~mask
    write_file(path, content)
    if path.is_file():
        path.chmod(mode)


def _baseline(request: Request) -> Baseline:
    try:
        data = _bytes(request.baseline, LIMIT_BYTES)
    except FileNotFoundError:
        if request.update:
            return Baseline()
        raise UsageError(f"{str(request.baseline)[:200]} does not exist: make it with --update") from None
    return parse(_decoded(data, str(request.baseline)), str(request.baseline))


def _rows(request: Request, told: Told) -> Iterator[Row]:
    compilers = told.compilers
    if request.kernels:
        yield from lab.rows(_in_the_lab(request), "the lab", compilers, request.compiler)
    for name in request.measured:
        try:
            document = json.loads(_read(name))
        except (ValueError, RecursionError):
            raise InputError("is not JSON", subject=name) from None
        if not isinstance(document, dict):
            raise InputError("is not a JSON object", subject=name)
        yield from lab.rows(document, name, compilers, request.compiler)
    made_elsewhere = [
        *(
            row
            for name in request.logs
            for row in logs.rows(_read(name), request.kernel_name, name, _stem(name))
        ),
        *(
            row
            for name in request.veristat
            for row in veristat.rows(_decoded(_read(name), name), request.kernel_name, name)
        ),
    ]
    for row in made_elsewhere:
        yield replace(row, compiler=request.compiler)


def _stem(name: str) -> str:
    """The object a log is of: the log's name without its last ending (`exec.bpf.o.log` -> `exec.bpf.o`)."""
    path = Path(name)
    return path.stem if path.suffix in (".log", ".txt") else path.name


class Told(NamedTuple):
    """What the objects say themselves: compilers by digest, and where a program begins in its source."""

    compilers: dict[str, str]
    sources: dict[tuple[str, str], dict[str, Any]]


def _objects(request: Request) -> Told:
    """--compiler stands for what an object does not say; the shipped ones have it in their manifest."""
    from preflight.cli.targets import object_paths
    from preflight.objects.producer import producer
    from preflight.objects.sources import open_objects

    def shipped() -> str:
        from preflight.bpf_objects import manifest

        return str(manifest().get("compiler") or "")

    told = Told({}, {})
    places = _source_files(request.source_root) if request.source_root else {}
    for path, spec in _paths(request.objects, object_paths):
        for obj in open_objects(path):
            told.compilers[obj.sha256] = producer(obj.data) or (shipped() if spec else "") or request.compiler
            name = f"{spec}:{obj.name.split('.')[0]}" if spec else obj.name
            for program in obj.programs:
                source = obj.source_at(program.section, program.section_insn)
                if source is not None:
                    file = places.get(Path(source.file).name) or source.file
                    told.sources[name, program.name] = {"file": file, "line": source.line}
    return told


def _source_files(root: Path) -> dict[str, str]:
    """Name -> path below `root` of C files with a name of their own: line info keeps names, not folders."""
    import os

    if not root.is_dir():
        raise UsageError(f"--source-root {str(root)[:200]!r} is no folder")
    found: dict[str, str] = {}
    twice: set[str] = set()
    for number, (folder, folders, files) in enumerate(os.walk(root)):
        if number > _MAX_FOLDERS:
            raise UsageError(
                f"--source-root has more than {_MAX_FOLDERS} folders: name the one of the programs"
            )
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if name.endswith((".c", ".h")):
                if name in found:
                    twice.add(name)
                found[name] = Path(folder, name).relative_to(root).as_posix()
    return {name: path for name, path in found.items() if name not in twice}


def _paths(
    objects: Sequence[str], resolved: Callable[[Sequence[str]], Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """Each path with the group it came from: the lab calls shipped objects `tracers:NAME`."""
    for spec in objects:
        group, colon, _ = spec.partition(":")
        for path in resolved([spec]):
            yield path, group if colon and group in _SHIPPED and path != spec else ""


def _in_the_lab(request: Request) -> Mapping[str, Any]:
    """A `lab run` result of the objects on the kernels."""
    from preflight.cli.lab import measured_on

    runs = measured_on(
        request.objects,
        request.kernels,
        attach=request.attach,
        modules=request.modules,
        jobs=request.jobs,
        timeout=request.timeout,
        store=request.store,
    )
    return {
        "command": "lab run",
        "results": [one.to_dict(run.kernel) for run in runs for one in run.objects],
        "kernels": [run.to_dict() for run in runs],
    }


def _written(old: Baseline, new: Baseline) -> str:
    added = len(new.rows.keys() - old.rows.keys())
    gone = len(old.rows.keys() - new.rows.keys())
    changed = sum(new.rows[key] != old.rows[key] for key in new.rows.keys() & old.rows.keys())
    return f"baseline written: {added} added, {changed} changed, {gone} removed"


def _exit(listed: Sequence[Mapping[str, Any]], undecided: str) -> int:
    outcomes = {row["outcome"] for row in listed}
    if FAIL in outcomes or (UNDECIDED in outcomes and undecided == "fail"):
        return int(Exit.FINDINGS)
    return int(Exit.UNDECIDED if UNDECIDED in outcomes else Exit.FINE)


def _today() -> Any:
    """The day in UTC; SOURCE_DATE_EPOCH makes it reproducible."""
    from datetime import datetime

    from preflight.render.envelope import now

    return datetime.strptime(now()[:10], _DAY).date()


def _read(name: str) -> bytes:
    try:
        return _bytes(Path(name), _LIMIT)
    except FileNotFoundError:
        raise InputError("does not exist", subject=name) from None


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", subject=str(path)) from None
    if len(data) > limit:
        raise InputError(f"has more than {limit} bytes", subject=str(path))
    return data


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", subject=name, offset=error.start) from None
