# SPDX-License-Identifier: Apache-2.0
"""`preflight matrix`: packaged kernels against bpftool, and a thousand made kernels in bounded memory.

The first part judges the installed libbpf-tools, then the tracers with them, on fourteen kernels of the
catalogue, cold. The second makes kernels from the reduced BTF under fixtures/core, no two alike,
and judges 60 objects on each. Memory is that of all processes together (PSS).
PREFLIGHT_BENCH_ROUNDS sets the rounds, PREFLIGHT_BENCH_KERNELS the number of made kernels.
"""

from __future__ import annotations

import lzma
import os
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cpu import run_once

_ROOT = Path(__file__).resolve().parent.parent
#: One of each series, of the standard flavour where the catalogue has it.
_KERNELS = (
    "5.10.0-32-amd64", "5.10.0-46-amd64", "6.1.0-50-amd64", "6.12.107+deb13-amd64", "6.12.117+deb13-amd64",
    "6.16.12+deb13-amd64", "6.17.13+deb13-amd64", "6.18.15+deb13-amd64", "6.19.14+deb13-amd64",
    "7.0.13+deb13-amd64", "7.1.13+deb13-amd64", "7.2.12+deb13-amd64", "7.3-amd64", "7.3.4+deb13-amd64",
)  # fmt: skip
_OBJECTS = 60
#: Most memory of all processes together, MiB.
_BOUND = 600


def main() -> None:
    """Print CPU against bpftool, then CPU per kernel and peak memory for a growing number of kernels."""
    preflight = str(Path(sys.executable).parent / "preflight")
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "pyc")
        _packaged(preflight, Path(folder), env)
        _made(preflight, Path(folder), env)


def _packaged(preflight: str, folder: Path, env: dict[str, str]) -> None:
    from preflight.kernels.store import default_root

    bpftool = shutil.which("bpftool", path="/usr/sbin:/usr/bin:/sbin:/bin")
    found = [name for name in _KERNELS if (default_root() / "debian" / name / "vmlinux.btf").exists()]
    tools = _tools()
    if bpftool is None or not found or not tools:
        print("matrix: needs bpftool, kernels in the catalogue and libbpf-tools; skipped")
        return
    files = [str(default_root() / "debian" / name / "vmlinux.btf") for name in found]
    kernels = [word for name in found for word in ("--kernel", f"debian/{name}")]
    rounds = int(os.environ.get("PREFLIGHT_BENCH_ROUNDS", "3"))

    def cold(*objects: str, workers: str) -> tuple[float, float]:
        cache = folder / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        command = [preflight, "matrix", *objects, *kernels, "--workers", workers, "--format", "json"]
        return run_once(command, env | {"XDG_CACHE_HOME": str(cache)})

    def peer() -> tuple[float, float]:
        runs = [run_once([bpftool, "btf", "dump", "file", file, "format", "raw"]) for file in files]
        return sum(seconds for seconds, _ in runs), max(peak for _, peak in runs)

    questions = {
        "bpftool dump raw, summed": peer,
        f"{len(tools)} tools, one process": lambda: cold(*tools, workers="1"),
        f"{len(tools)} tools, two processes": lambda: cold(*tools, workers="2"),
        "tools and tracers, one process": lambda: cold(*tools, "tracers:", workers="1"),
    }
    cold(*tools, workers="1")  # an installed package has its .pyc files
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in questions}
    for _ in range(rounds):
        for name, ask in questions.items():
            runs[name].append(ask())
    base = statistics.median(seconds for seconds, _ in runs["bpftool dump raw, summed"])
    print(f"## matrix: objects on {len(found)} packaged kernels, cold ({time.strftime('%Y-%m-%d')})")
    for name, values in runs.items():
        median = statistics.median(seconds for seconds, _ in values)
        goal = "" if name.startswith("bpftool") else " (goal: 0.8)"
        print(f"  {name:<34} {median:.2f} s CPU, {median / base:.2f} of bpftool{goal}")
    print()


def _tools() -> list[str]:
    from preflight.host.samples import Samples

    return [shutil.which(obj.name, path="/usr/sbin:/usr/bin") or obj.name for obj in Samples().objects()]


def _made(preflight: str, folder: Path, env: dict[str, str]) -> None:
    tools = _tools()
    probes = sorted((_ROOT / "preflight/_bpf/probes/bpfel").glob("*.bpf.o"))
    objects = [*tools, *(str(path) for path in probes if path.name.count(".") == 2)][:_OBJECTS]
    total = int(os.environ.get("PREFLIGHT_BENCH_KERNELS", "1000"))
    kernels = _make_kernels(folder / "kernels", total)
    print(f"## matrix: {len(objects)} objects on made kernels, no two alike")
    for count in sorted({max(total // 4, 1), max(total // 2, 1), total}):
        words = [word for path in kernels[:count] for word in ("--kernel", path)]
        report = str(folder / "result.json")
        command = [preflight, "matrix", *objects, *words, "--format", f"json={report}"]
        seconds, peak = _run_all(command, env | {"XDG_CACHE_HOME": "/dev/null"})
        print(
            f"  {count:>5} kernels: {seconds:.1f} s CPU, {seconds / count * 1000:.0f} ms a kernel, "
            f"{peak:.0f} MiB (bound: {_BOUND}), result of {Path(report).stat().st_size >> 20} MiB"
        )
    print()


def _make_kernels(folder: Path, count: int) -> list[str]:
    """Kernels from the reduced BTF of real ones: each with a string of its own, some with a member less."""
    folder.mkdir()
    found = sorted((_ROOT / "fixtures/core/kernels").glob("amd64-*.btf.xz"))
    bases = [lzma.decompress(path.read_bytes()) for path in found]
    made = []
    for number in range(count):
        data = bases[number % len(bases)]
        if number % 3 == 0:
            data = data.replace(b"\0nr_running\0", b"\0nr_renamed\0")
        own = f"made_{number}".encode() + b"\0"
        # struct btf_header: the strings are last, str_len is at 20
        (length,) = struct.unpack_from("<I", data, 20)
        path = folder / f"{number}.btf"
        path.write_bytes(data[:20] + struct.pack("<I", length + len(own)) + data[24:] + own)
        made.append(str(path))
    return made


def _run_all(command: Sequence[str], env: dict[str, str]) -> tuple[float, float]:
    """CPU seconds of a command and its children, and the most memory they had together, MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    ended = threading.Event()
    peak = [0.0]

    def watch() -> None:
        while not ended.wait(0.2):
            peak[0] = max(peak[0], sum(_pss(pid) for pid in _family(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    ended.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak[0]


def _family(pid: int) -> list[int]:
    found = [pid]
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return found
    for child in text.split():
        found += _family(int(child))
    return found


def _pss(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    main()
