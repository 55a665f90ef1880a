# SPDX-License-Identifier: Apache-2.0
"""What `preflight matrix` does between its options and its output."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from preflight.cli.exits import Exit, worst
from preflight.errors import InputError, PreflightError, UsageError
from preflight.matrix.measured import Measurement
from preflight.matrix.plan import Wanted
from preflight.matrix.run import MakeOpener, Outcome
from preflight.matrix.subjects import Subject

#: Prefixes of an OBJECT that comes with preflight (preflight.cli.targets).
_PACKAGED = ("tracers", "probes")
#: Work shorter than this shows no progress bar.
_BAR_AFTER = 1.0
_BAR = 30


class Request(NamedTuple):
    """The options, checked."""

    wanted: Wanted
    store: str
    workers: int
    fail_on: str
    undecided: str


class Progress:
    """A bar on a terminal's standard error, once the work has taken a second; nothing anywhere else."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begun = time.monotonic()
        self._shown = False
        self._wanted = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Show how many of `total` are done."""
        if not self._wanted or time.monotonic() - self._begun < _BAR_AFTER:
            return
        filled = _BAR * done // max(total, 1)
        bar = "#" * filled + "-" * (_BAR - filled)
        print(f"\r[{bar}] {done}/{total} {self._what}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = False


def asked(
    objects: Sequence[str],
    *,
    kernel: Sequence[str] = (),
    set_: str = "",
    measured: Sequence[str] = (),
    judge: str = "",
    module: Sequence[str] = (),
    store: str = "",
    workers: int = 0,
    dask: str = "",
    dask_tls: str = "",
    format_: Sequence[str] = (),
    html_dir: str = "",
    no_embed: bool = False,
    fail_on: str = "required",
    undecided: str = "exit3",
    color: str = "auto",
    verbose: int = 0,
) -> int:
    """Judge, write the result, and give the exit code. The parameters are the options of `matrix`."""
    from contextlib import ExitStack

    from preflight.cli.options import choose, judges
    from preflight.cli.output import emit, split_format
    from preflight.matrix.plan import JUDGES, join, read_set
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "never"))
    choose("--undecided", undecided, ("exit3", "ok", "fail"))
    forms = renderers("matrix")
    if sum(split_format(wanted, list(forms))[1] is None for wanted in format_) > 1:
        raise UsageError("only one format can go to standard output; give the others a file: csv=matrix.csv")
    named = Wanted(tuple(objects), tuple(kernel), tuple(measured), tuple(module))
    wanted = join(read_set(set_), named) if set_ else named
    if judge:
        wanted = wanted.with_judge(choose("--judge", judge, JUDGES))
    result, code = run(Request(wanted, store, workers, fail_on, undecided), judges(workers, dask, dask_tls))
    if no_embed or html_dir:
        from preflight.render import matrix_html
    if no_embed:
        forms["html"] = lambda given, style: matrix_html.render(given, style, embed=False)
    with ExitStack() as outputs:  # the last one first, and each whatever becomes of the others
        if format_ or not html_dir:
            outputs.callback(emit, result, format_, forms, color=color, verbose=verbose)
        if html_dir:
            outputs.callback(
                lambda: write_folder(Path(html_dir), matrix_html.folder(result, embed=not no_embed))
            )
    if code and code != Exit.INTERRUPTED:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code


def run(request: Request, make_opener: MakeOpener) -> tuple[dict[str, Any], int]:
    """The result object and the exit code. UsageError for what is not there, with what the set says of it."""
    try:
        return _run(request, make_opener)
    except (UsageError, InputError) as error:
        if not request.wanted.needs:
            raise
        raise UsageError(f"{error}. The set {request.wanted.name} needs {request.wanted.needs}") from error


def _run(request: Request, make_opener: MakeOpener) -> tuple[dict[str, Any], int]:
    from preflight.kernels.store import Store
    from preflight.matrix.run import run as judge
    from preflight.render.envelope import envelope

    wanted = request.wanted
    if not wanted.objects and not wanted.measured:
        raise UsageError("name objects (or --set, or --measured results of `preflight lab run`)")
    measured = [one for file in wanted.measured for one in _measured(Path(file))]
    progress = Progress("kernels")
    outcome = judge(
        wanted,
        subjects_of(wanted.objects, wanted.builds),
        measured,
        Store(Path(request.store)) if request.store else Store(),
        make_opener,
        progress,
    )
    progress.clear()
    code = _exit(outcome, request)
    members = outcome.members
    summary = members.pop("summary") | {"exit_code": code, "judge": wanted.judge, "set": _set(wanted)}
    return envelope("matrix", summary, members.pop("results"), **members), code


def _measured(file: Path) -> list[Measurement]:
    """The measurements in a result of `lab run`, or in a file of recorded truth (`.json.xz`)."""
    from preflight.matrix.measured import measurements

    if file.name.endswith(".json.xz"):
        from preflight.lab import truth

        recorded = truth.read(file)
        return [
            Measurement(recorded.kernel, recorded.btf_sha256, one.to_dict(recorded.kernel))
            for one in recorded.objects
        ]
    from preflight.render.load import read_result

    return measurements(read_result(file))


def subjects_of(specs: Sequence[str], builds: Mapping[str, str] | None = None) -> list[Subject]:
    """What the user named as OBJECT. One that comes with preflight is one column, in its builds.

    `builds` has folders with the same objects for other machines; UsageError for one that is not there.
    """
    from preflight.matrix.subjects import subject_of
    from preflight.matrix.work import already_open
    from preflight.objects.sources import open_all

    builds = builds or {}
    for machine, folder in builds.items():
        if not Path(folder).is_dir():
            raise UsageError(f"builds for {machine}: there is no folder {folder}")

    packaged = [spec for spec in specs if spec.partition(":")[0] in _PACKAGED and ":" in spec]
    found = [one for spec in packaged for one in _packaged(*spec.split(":", 1))]
    others = [spec for spec in specs if spec not in packaged]
    opened = list(open_all(others))
    already_open(opened)
    found += [subject_of(obj) for obj in opened]
    return [_with_builds(one, builds) for one in found] if builds else found


def _with_builds(one: Subject, builds: Mapping[str, str]) -> Subject:
    """The object with its builds for other machines, found by its name; the given one is this machine's."""
    import os

    from preflight.matrix.subjects import Build, Subject
    from preflight.objects.sources import open_objects

    if len(one.builds) > 1:
        return one
    known = [one.builds[0]._replace(machine=os.uname().machine)]
    for machine, folder in builds.items():
        path = Path(folder) / one.name
        if path.is_file():
            known += [Build(machine, obj.byteorder, bytes(obj.data)) for obj in open_objects(path)]
    return Subject(one.name, one.aliases, tuple(known))


def _packaged(group: str, name: str) -> list[Subject]:
    """The packaged objects of one folder that a name stands for, each with its builds for all machines."""
    from preflight import bpf_objects
    from preflight.cli.targets import object_paths
    from preflight.matrix.subjects import Build

    object_paths([f"{group}:{name}"])  # says what there is instead
    machines = {libbpf: machine for machine, libbpf in bpf_objects.ARCHES.items()}
    builds: dict[str, list[Build]] = {}
    for file in bpf_objects.objects(group):
        if name in ("", file.name, file.name.partition("_")[0]):
            order = "little" if file.target == "bpfel" else "big"
            machine = machines.get(file.arch, file.arch) if file.arch else None
            builds.setdefault(file.name, []).append(Build(machine, order, file.path.read_bytes()))
    return [Subject(known, (), tuple(given)) for known, given in builds.items()]


def _set(wanted: Wanted) -> dict[str, str] | None:
    return {"name": wanted.name, "sha256": wanted.digest} if wanted.digest else None


def _exit(outcome: Outcome, request: Request) -> int:
    if outcome.partial:
        return int(Exit.INTERNAL if outcome.trouble else Exit.INTERRUPTED)
    counts: Mapping[str, int] = outcome.members["summary"]["counts"]
    found: list[Exit] = []
    if "input" in outcome.faults:
        found.append(Exit.USAGE)
    if "internal" in outcome.faults:
        found.append(Exit.INTERNAL)
    if counts["fail"] and request.fail_on != "never":
        found.append(Exit.FINDINGS)
    if counts["undecided"] or counts["not_tested"]:
        found.append({"ok": Exit.FINE, "fail": Exit.FINDINGS}.get(request.undecided, Exit.UNDECIDED))
    return int(worst(found))


def write_folder(folder: Path, files: Sequence[tuple[str, str]]) -> None:
    """Write the files of `--html-dir`, each whole or not at all; a folder made for them goes with them."""
    from preflight.cli.output import write_file

    made = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from error
    written = []
    try:
        for name, text in files:
            write_file(folder / name, text)
            written.append(folder / name)
    except PreflightError:
        if made:
            for file in written:
                file.unlink(missing_ok=True)
            folder.rmdir()
        raise
