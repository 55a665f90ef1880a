# SPDX-License-Identifier: Apache-2.0
"""Records what the kernels of `matrices/lab.toml` do with the installed libbpf-tools, probes and tracers.

    python tools/record_truth.py [--only PATTERN] [--missing] [--jobs N] [--matrix]

Boots each kernel once under QEMU and writes `fixtures/truth/RELEASE.json.xz`; then writes the surface table
`matrices/surfaces.md` and `.json` from all recorded files. `--matrix` does only the latter, `--missing`
measures only the objects that a kernel's file does not have. A kernel that cannot be measured completely is
named and its file left as it was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from preflight.errors import PreflightError
from preflight.kernels import Kernel, resolve_all
from preflight.lab import truth
from preflight.lab.qemu import Limits
from preflight.lab.results import KernelRun, ObjectMeasurement
from preflight.lab.run import Plan, Subject, run
from preflight.lab.subjects import subjects
from preflight.lab.truth import Truth

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "fixtures" / "truth"
SURFACES = ROOT / "matrices" / "surfaces"
#: An emulated machine panics now and then where a real one does not; one panic is no truth.
ATTEMPTS = 3
AGAIN = ("panic", "hang", "lost-data")
#: A machine that shares its processors with others may take long.
LIMITS = Limits(boot=300, idle=600, total=3600)


def installed_tools() -> list[str]:
    """The commands of the installed libbpf-tools, by dpkg's list."""
    listed = Path("/var/lib/dpkg/info/libbpf-tools.list").read_text(encoding="utf-8").splitlines()
    found = [
        line for line in listed if "/sbin/" in line and Path(line).is_file() and not Path(line).is_symlink()
    ]
    return sorted(found)


@cache
def versions() -> dict[str, str]:
    """Package -> version of what decides a measurement besides the kernel."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "libbpf-tools", "libbpf-dev", "bpftool"],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def record(kernels: Sequence[Kernel], wanted: tuple[Subject, ...], jobs: int, *, missing: bool) -> int:
    """Measure kernels and keep each complete result as it comes; how many stayed incomplete.

    With `missing` a kernel is asked only for what its file does not have, and not at all when it has all.
    """
    groups: dict[tuple[Subject, ...], list[Kernel]] = {}
    for kernel in kernels:
        known = recorded(kernel) if missing else {}
        asked = tuple(s for s in wanted if s.arch in (None, kernel.arch) and s.sha256 not in known)
        if asked:
            groups.setdefault(asked, []).append(kernel)
        elif known.keys() != {s.sha256 for s in wanted if s.arch in (None, kernel.arch)}:
            keep(kernel, KernelRun(kernel.name, "booted"), wanted)
    return sum(_record(group, asked, wanted, jobs) for asked, group in groups.items())


def _record(
    kernels: Sequence[Kernel], asked: tuple[Subject, ...], wanted: tuple[Subject, ...], jobs: int
) -> int:
    """The same objects on several kernels, again where one panicked."""
    by_name = {kernel.name: kernel for kernel in kernels}
    found: dict[str, KernelRun] = {}

    def done(result: KernelRun) -> None:
        found[result.kernel] = result
        say(result.kernel, f"{result.outcome} after {result.seconds:.0f} s {result.detail}".strip())
        if result.complete:
            keep(by_name[result.kernel], result, wanted)
            say(result.kernel, f"bpftool disagrees on: {', '.join(differing(result)) or 'nothing'}")

    for _ in range(ATTEMPTS):
        again = [k for k in kernels if k.name not in found or found[k.name].outcome in AGAIN]
        if again:
            run(again, Plan(subjects=asked, bpftool=True, limits=LIMITS), jobs=jobs, say=say, done=done)
    return sum(not result.complete for result in found.values())


def keep(kernel: Kernel, result: KernelRun, wanted: tuple[Subject, ...]) -> None:
    """Write a kernel's file: what was measured now, and of what was there before what is still wanted."""
    objects = {**recorded(kernel), **{one.sha256: one for one in result.objects}}
    order = [s for s in wanted if s.arch in (None, kernel.arch)]
    whole = replace(
        result,
        release=kernel.release,
        btf_sha256=kernel.btf_sha256,
        objects=tuple(replace(objects[s.sha256], object=s.name) for s in order if s.sha256 in objects),
    )
    truth.write(file_of(kernel), truth.compact(whole, kernel, versions()))


def recorded(kernel: Kernel) -> dict[str, ObjectMeasurement]:
    """What its file has, by digest; nothing when another loader's libbpf or other packages measured it."""
    path = file_of(kernel)
    if not path.is_file():
        return {}
    found = truth.read(path)
    if found.btf_sha256 != kernel.btf_sha256 or dict(found.sources) != versions():
        return {}
    return {one.sha256: one for one in found.objects if one.bpftool is not None}


def file_of(kernel: Kernel) -> Path:
    """Where the truth of a kernel is kept."""
    return TRUTH / f"{kernel.release}.json.xz"


def say(kernel: str, text: str) -> None:
    """A line of progress."""
    print(f"record_truth: {kernel}: {text}", file=sys.stderr, flush=True)


def differing(result: KernelRun) -> list[str]:
    """Objects on which bpftool and the loader disagree in the same guest."""
    return [
        measured.object
        for measured in result.objects
        if measured.bpftool and (measured.verdict == "loads") != (measured.bpftool.exit_code == 0)
    ]


def surface_cell(measured: ObjectMeasurement) -> tuple[str, str]:
    """(loads, attaches) of a probe: `yes`, `no`, `unknown`, `-` where nothing was tried."""
    loads = {p.verdict for p in measured.programs} or {measured.verdict}
    loaded = "yes" if loads == {"loads"} else "no" if "fails" in loads else "unknown"
    states = {p.attach.state for p in measured.programs} | {a.state for a in measured.maps.values()}
    states.discard("not-tried")
    if not states:
        return loaded, "-"
    return loaded, "no" if "fails" in states else "unknown" if "unknown" in states else "yes"


def surfaces(found: Sequence[Truth]) -> dict[str, Any]:
    """Probe by kernel: what loads and what attaches, with the errno of a refusal."""
    kinds = tomllib.loads((ROOT / "bpf" / "probes" / "probes.toml").read_text(encoding="utf-8"))
    rows = []
    for name, about in kinds.items():
        cells = {}
        for one in found:
            measured = next((o for o in one.objects if o.object == f"probes:{name}"), None)
            if measured is None:
                continue
            loads, attaches = surface_cell(measured)
            why = next((f.title for f in _findings(measured)), "") if "no" in (loads, attaches) else ""
            cells[one.release or one.kernel] = {"loads": loads, "attaches": attaches, "why": why}
        rows.append({"probe": name, "kind": about["kind"], "asks": about["asks"], "kernels": cells})
    return {"kernels": [one.release for one in found], "rows": rows}


def _findings(measured: ObjectMeasurement) -> Any:
    from preflight.lab.findings import findings_of

    return findings_of(measured)


_MARKS = {
    ("yes", "yes"): "attaches",
    ("yes", "-"): "loads",
    ("yes", "no"): "loads, attach refused",
    ("yes", "unknown"): "loads, attach undecided",
}


def markdown(table: dict[str, Any]) -> str:
    """The surface table as a page."""
    lines = [
        "# Which surface works where",
        "",
        "Measured, not predicted: the project's own probes, loaded and attached on packaged Debian kernels",
        "(amd64, booted in an emulator, as root, without modules). Made by `make truth`.",
        "`attaches`: it loads and attaches. `loads`: it loads, and attaching was not tried.",
        "Attached is not yet run: an LSM program runs only where `bpf` is among the active LSMs.",
        "`tc` stays undecided because its scheduler (sch_ingress) is a module. Reasons of refusals are in",
        "[surfaces.json](surfaces.json).",
    ]
    for kind, title in (("surface", "Surfaces"), ("feature", "Maps and helpers")):
        kernels = table["kernels"]
        lines += ["", f"## {title}", "", "| probe | " + " | ".join(map(_short, kernels)) + " |"]
        lines.append("|---" * (len(kernels) + 1) + "|")
        for row in table["rows"]:
            if row["kind"] != kind:
                continue
            cells = [_cell(row["kernels"].get(kernel)) for kernel in kernels]
            lines.append(f"| {row['probe']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _short(release: str) -> str:
    return release.removesuffix("-amd64").replace("+deb13", "")


def _cell(cell: dict[str, str] | None) -> str:
    if cell is None:
        return "not measured"
    return _MARKS.get(
        (cell["loads"], cell["attaches"]), {"no": "refused", "unknown": "undecided"}.get(cell["loads"], "?")
    )


def write_matrix() -> None:
    """`matrices/surfaces.md` and `.json` from the recorded files, oldest kernel first."""
    from preflight.kernels.store import natural

    found = sorted((truth.read(path) for path in TRUTH.glob("*.json.xz")), key=lambda t: natural(t.kernel))
    table = surfaces(found)
    SURFACES.with_suffix(".md").write_text(markdown(table), encoding="utf-8")
    text = json.dumps(table, sort_keys=True, indent=1) + "\n"
    SURFACES.with_suffix(".json").write_text(text, encoding="utf-8")


def main() -> int:
    """Command line; 1 when a kernel could not be measured completely."""
    parser = argparse.ArgumentParser(description="record what real kernels do")
    parser.add_argument("--only", default="*", help="only kernels whose name matches this pattern")
    parser.add_argument("--missing", action="store_true", help="measure only what is not recorded")
    parser.add_argument("--jobs", type=int, default=1, help="machines at a time")
    parser.add_argument("--matrix", action="store_true", help="only write the surface table again")
    options = parser.parse_args()
    bad = 0
    try:
        if not options.matrix:
            names = tomllib.loads((ROOT / "matrices" / "lab.toml").read_text(encoding="utf-8"))["kernels"]
            kernels = resolve_all(name for name in names if fnmatchcase(name, options.only))
            wanted = subjects([*installed_tools(), "probes:", "tracers:"])
            bad = record(kernels, wanted, options.jobs, missing=options.missing)
        write_matrix()
    except PreflightError as error:
        print(f"record_truth: {error}", file=sys.stderr)
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
