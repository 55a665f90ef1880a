# SPDX-License-Identifier: Apache-2.0
"""`preflight core`: one object against a bare Typer program, a matrix against bpftool.

The matrix is every installed libbpf-tools object on ten kernels of the catalogue
(`preflight kernels fetch debian ...` fills it). Where the catalogue has fewer, the kernels kept
under fixtures/ take their place, and the heading says so. PREFLIGHT_BENCH_ROUNDS sets the rounds.

What is kept between runs, and so what a line measures:

* cold: the cache directory is empty, so no index and no answer. Python's compiled files are there, as
  after an installation, and the page cache holds the files, for bpftool as for us.
* warm: the cache directory is as the run before left it: an index of every kernel's BTF, found by its
  content, and answers, found by object and kernel. Next to nothing is computed, so this is no measure of
  the engine; the lines below it are, each with a part of the index missing.
* one object of N is new, one kernel of N is new: a run before asked about all the others.
* BTF indexes alone: the index of every kernel's BTF is there with its digest, and nothing else. Objects are
  opened, every relocation is resolved and every question of reachability answered in the run that is
  measured.

All is CPU (user and system) of one whole process, children included; bpftool's is the sum over the kernels.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.check_host import _BARE_TYPER
from benchmarks.cpu import alternate, run_once

_KERNELS = 10
#: Relocation without findings: objects and kernels read, every question answered, nothing printed.
_ENGINE = """
import sys
from preflight.btf import Btf
from preflight.core import Target, relocate_object
from preflight.objects.sources import open_all
objects = open_all(sys.argv[1].split())
for file in sys.argv[2:]:
    with open(file, "rb") as stream:
        target = Target(Btf.parse(stream.read()))
    for obj in objects:
        relocate_object(obj, target)
"""
_FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "btf" / "debian"


def main() -> None:
    """Print CPU, ratios and peak memory."""
    rounds = int(os.environ.get("PREFLIGHT_BENCH_ROUNDS", "5"))
    preflight = str(Path(sys.executable).parent / "preflight")
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        # an installed package has its .pyc files
        env["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "pyc")
        _one_object(preflight, Path(folder), env, rounds)
        _matrix(preflight, Path(folder), env, rounds)


def _one_object(preflight: str, folder: Path, env: dict[str, str], rounds: int) -> None:
    kernel, tool = Path("/sys/kernel/btf/vmlinux"), shutil.which("opensnoop", path="/usr/sbin:/usr/bin")
    if not kernel.exists() or tool is None:
        print("core: one object needs this host's BTF and libbpf-tools; skipped")
        return
    bare = folder / "bare.py"
    bare.write_text(_BARE_TYPER, encoding="utf-8")
    cold = env | {"XDG_CACHE_HOME": "/dev/null"}
    command = [preflight, "core", tool, "--kernel", str(kernel)]
    samples = alternate(
        {
            "bare typer": [sys.executable, str(bare), "one"],
            "core opensnoop, text": command,
            "core opensnoop, json": [*command, "--format", "json"],
        },
        rounds,
        cold,
    )
    print("## core: one object on one kernel, cold")
    base = samples["bare typer"].median
    for name, sample in samples.items():
        more = (
            f", {(sample.median - base) * 1000:+.0f} ms (goal: at most +100)" if name != "bare typer" else ""
        )
        print(f"  {name:<34} {sample}{more}")
    print()


def _matrix(preflight: str, folder: Path, env: dict[str, str], rounds: int) -> None:
    bpftool = shutil.which("bpftool", path="/usr/sbin:/usr/bin:/sbin:/bin")
    kernels, whence = _kernels(folder)
    tools = _tools()
    if bpftool is None or not kernels or not tools:
        print("core: the matrix needs bpftool, kernels and libbpf-tools; skipped")
        return
    files = [file for _, file in kernels]
    arguments = [word for ref, _ in kernels for word in ("--kernel", ref)]
    command = [preflight, "core", *tools, *arguments]
    cold, warm, other = folder / "cold", folder / "warm", folder / "other"

    def ours(cache: Path, *options: str) -> tuple[float, float]:
        return run_once([*command, *options], env | {"XDG_CACHE_HOME": str(cache)})

    def emptied(*options: str) -> tuple[float, float]:
        shutil.rmtree(cold, ignore_errors=True)
        return ours(cold, *options)

    def forgetful(*options: str) -> tuple[float, float]:
        shutil.rmtree(warm / "preflight/core", ignore_errors=True)
        return ours(warm, *options)

    def one_object_new() -> tuple[float, float]:
        shutil.rmtree(warm / "preflight/core")
        run_once([preflight, "core", *tools[1:], *arguments], env | {"XDG_CACHE_HOME": str(warm)})
        return ours(warm)

    def one_kernel_new() -> tuple[float, float]:
        shutil.rmtree(other, ignore_errors=True)
        for _ in range(2):
            run_once([preflight, "core", *tools, *arguments[2:]], env | {"XDG_CACHE_HOME": str(other)})
        return ours(other)

    def engine() -> tuple[float, float]:
        return run_once([sys.executable, "-c", _ENGINE, " ".join(tools), *files], env)

    def peer() -> tuple[float, float]:
        runs = [run_once([bpftool, "btf", "dump", "file", file, "format", "raw"]) for file in files]
        return sum(seconds for seconds, _ in runs), max(peak for _, peak in runs)

    for _ in range(2):  # the index is built when a kernel comes up for the second time
        forgetful()
    indexes = len(list((warm / "preflight/btf").glob("*.index")))
    if indexes != len(kernels):
        print(f"core: {indexes} indexes of {len(kernels)} kernels were kept: those lines tell nothing")
    # process-wide figures of what is printed; the listing of every relocation is the most there is
    questions: dict[str, Callable[[], tuple[float, float]]] = {
        "bpftool dump raw, summed": peer,
        "findings, cold": emptied,
        "findings, BTF indexes alone": forgetful,
        "findings, warm": lambda: ours(warm),
        f"findings, one object of {len(tools)} is new": one_object_new,
        f"findings, one kernel of {len(kernels)} is new": one_kernel_new,
        "every relocation as JSON, cold": lambda: emptied("--format", "json"),
        "every relocation, JSON, BTF indexes": lambda: forgetful("--format", "json"),
        "relocation alone, cold": engine,
    }
    goals = {"findings, cold": 0.6, "findings, warm": 0.25}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in questions}
    for _ in range(rounds):
        for name, ask in questions.items():
            runs[name].append(ask())
    print(f"## core: {len(tools)} objects on {len(kernels)} kernels ({whence})")
    print(f"  preflight core {Path(tools[0]).name} ... --kernel {kernels[0][0]} ... [--format json]")
    print("  cold: empty cache; warm: as the run before left it, indexes of BTF and answers")
    from preflight.btf import quick

    print(f"  BTF is read by {'compiled loops' if quick.native else 'Python alone: native/ is not compiled'}")
    base = statistics.median(seconds for seconds, _ in runs["bpftool dump raw, summed"])
    for name, values in runs.items():
        median = statistics.median(seconds for seconds, _ in values)
        goal = f" (goal: {goals[name]})" if name in goals else ""
        peak = max(size for _, size in values)
        print(f"  {name:<34} {median * 1000:.0f} ms, {median / base:.2f} of bpftool{goal}, {peak:.0f} MiB")
    print()


def _tools() -> list[str]:
    """Installed libbpf-tools, each object once."""
    from preflight.host.samples import Samples

    return [shutil.which(obj.name, path="/usr/sbin:/usr/bin") or obj.name for obj in Samples().objects()]


def _kernels(folder: Path) -> tuple[list[tuple[str, str]], str]:
    """At most ten amd64 kernels, spread over what is there: (how `--kernel` names it, its BTF file)."""
    from preflight.kernels.store import default_root

    found = sorted((default_root() / "debian").glob("*-amd64/vmlinux.btf"))
    plain = [path for path in found if not any(word in str(path) for word in ("cloud", "-rt-"))]
    if len(plain) >= _KERNELS:
        step = len(plain) / _KERNELS
        chosen = [plain[int(n * step)] for n in range(_KERNELS)]
        return [(f"debian/{path.parent.name}", str(path)) for path in chosen], "catalogue"
    import lzma

    unpacked = []
    for path in sorted(_FIXTURES.glob("*/vmlinux.btf.xz")):
        target = folder / f"{path.parent.name}.btf"
        target.write_bytes(lzma.decompress(path.read_bytes()))
        unpacked.append((str(target), str(target)))
    return unpacked, f"only {len(unpacked)} kernels, from fixtures: the catalogue has fewer than {_KERNELS}"


if __name__ == "__main__":
    main()
