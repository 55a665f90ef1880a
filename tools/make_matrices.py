#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the published matrices from their sets: matrices/NAME.{md,json} and reports/NAME.html.

    python tools/make_matrices.py [NAME...]    all of SETS; needs the kernels in the catalogue
    python tools/make_matrices.py --check      judges kernels of fixtures/btf again, writes nothing

The time in a result is that of its last change: a matrix that says the same as before stays the same file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from preflight.errors import InputError, InstrumentError  # noqa: E402

#: Set -> on how many kernels `--check` judges it again.
CHECKED = {"libbpf-tools": 2, "tracers": 1}
SETS = tuple(CHECKED)
MATRICES, REPORTS, FIXTURES = ROOT / "matrices", ROOT / "reports", ROOT / "fixtures" / "btf"
#: The package whose commands are judged, by Debian's name of a machine.
PACKAGE, SUITE, MACHINES = "libbpf-tools", "bookworm", ("arm64", "ppc64el")
#: Raised where the objects of a set are not here at all: not installed, not built.
MISSING = (InputError, InstrumentError)
#: What of a cell must not change by itself.
COMPARED = (
    "state",
    "verdict",
    "adjusted_verdict",
    "attach",
    "adjusted_attach",
    "causes",
    "warnings",
    "build",
)


def fetch_builds() -> None:
    """The commands of the package for other machines, into build/libbpf-tools/MACHINE; once."""
    from preflight.kernels import deb
    from preflight.kernels.fetch_debian import open_suite

    for machine in MACHINES:
        folder = ROOT / "build" / PACKAGE / machine
        if folder.is_dir():
            continue
        root = open_suite(SUITE, machine, cache=ROOT / ".cache/debian", say=print)
        (package,) = [p for p in root.packages(PACKAGE) if p.name == PACKAGE]
        downloads = ROOT / ".cache/debian/packages"
        downloads.mkdir(parents=True, exist_ok=True)
        file = root.download(package, downloads)
        made = folder.with_name(f".{machine}")
        made.mkdir(parents=True, exist_ok=True)
        for member in deb.files(file):
            if member.name.startswith("usr/sbin/"):
                (made / Path(member.name).name).write_bytes(member.read())
        file.unlink()
        made.rename(folder)


def judge(name: str, *, store: str = "", kernels: tuple[str, ...] = ()) -> dict[str, Any]:
    """The result of a set; with `kernels` of those only, without builds for other machines."""
    from preflight.cli.matrix_run import Request, run
    from preflight.matrix.plan import read_set
    from preflight.matrix.run import on_this_machine

    wanted = read_set(str(MATRICES / f"{name}.toml"))
    if kernels:
        wanted = replace(wanted, kernels=kernels, builds={}, measured=())
    result, _ = run(Request(wanted, store, 0, "never", "ok"), on_this_machine(0))
    return result


def write(name: str, result: dict[str, Any]) -> None:
    """All files of one matrix."""
    from preflight.render import matrix_html
    from preflight.render.console import Style
    from preflight.render.registry import renderers

    path = MATRICES / f"{name}.json"
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if {**before, "generated_at": ""} == {**json.loads(json.dumps(result)), "generated_at": ""}:
            result["generated_at"] = before["generated_at"]
    forms = renderers("matrix")
    for form in ("json", "markdown"):
        file = path if form == "json" else path.with_suffix(".md")
        file.write_text(forms[form](result, Style()), encoding="utf-8")
    page = matrix_html.render(result, Style(), embed=False)
    (REPORTS / f"{name}.html").write_text(page, encoding="utf-8")
    print(f"{name}: {result['summary']['sentence']}")


def differences(published: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[str], int]:
    """Cells that came out otherwise with the same object, and how many were compared.

    An object of another version or compiler is not compared: its cells may differ by right.
    """
    known = {(c["object"], c["kernel"]): c for c in published["results"] if c["evidence"] == "predicted"}
    found, compared = [], 0
    for cell in now["results"]:
        before = known.get((cell["object"], cell["kernel"]))
        if before is None or before["build"] != cell["build"]:
            continue
        compared += 1
        where = f"{cell['object']} on {cell['kernel']}"
        found += [f"{where}: {k} was {before[k]}, is {cell[k]}" for k in COMPARED if before[k] != cell[k]]
    return found, compared


def check(name: str) -> tuple[list[str], int]:
    """Differences on the kernels that are kept here, and how many cells were compared."""
    published = json.loads((MATRICES / f"{name}.json").read_text(encoding="utf-8"))
    listed = {kernel["kernel"] for kernel in published["kernels"]}
    there = {f"debian/{folder.name}" for folder in (FIXTURES / "debian").glob("*-amd64")}
    kernels = tuple(sorted(listed & there)[-CHECKED[name] :])
    return differences(published, judge(name, store=str(FIXTURES), kernels=kernels))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SETS)}")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    stale = 0
    for name in arguments.names or SETS:
        if arguments.check:
            found, compared = check(name)
            stale += len(found)
            print("\n".join([f"{name}: {compared} cells compared, {len(found)} differ", *found[:20]]))
            continue
        if name == PACKAGE:
            fetch_builds()
        write(name, judge(name))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
