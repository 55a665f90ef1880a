# SPDX-License-Identifier: Apache-2.0
"""How a fleet report grows with hosts: processor time and memory beside those of its matrix alone.

    python benchmarks/fleet_scale.py [--hosts 10000] [--kernels 60] [--objects 60] [--stream 100000]

Kernels are those of the catalogue; one with fewer lends some again as other builds, with one type more in
their BTF. Facts were recorded on a real host and stand under the identity of these kernels, in four policies
and with what else tells hosts apart (tests/fleet/generator.py). Facts are files in a folder, and with
`--stream` lines on standard input. Every run is cold: it has a cache of its own that is empty.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

PREFLIGHT = [sys.executable, "-m", "preflight"]
#: What the report may take: MB in one process, times the matrix alone, MB of the page.
BOUNDS = {"memory": 600, "ratio": 3.0, "page": 5.0}


class Used(NamedTuple):
    """CPU seconds, largest resident set in MB, seconds on the clock."""

    cpu: float
    memory: float
    clock: float

    def __str__(self) -> str:
        return f"{self.cpu:.1f} s CPU, {self.memory:.0f} MB, {self.clock:.0f} s on the clock"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--kernels", type=int, default=60)
    parser.add_argument("--objects", type=int, default=60)
    parser.add_argument(
        "--stream", type=int, default=0, metavar="HOSTS", help="and so many hosts as a stream"
    )
    parser.add_argument("--write", default="", metavar="STORE", help=argparse.SUPPRESS)
    given = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
    if given.write:
        sys.stdout.buffer.writelines(_lines(Path(given.write), given.hosts))
        return
    with tempfile.TemporaryDirectory(prefix="preflight-bench-") as name:
        folder = Path(name)
        print(f"## fleet of {given.hosts} hosts  ({time.strftime('%Y-%m-%d')})")
        _kernels(given.kernels, folder / "store")
        named = _objects(given.objects)
        print(f"  {given.kernels} kernels, {len(named)} objects", flush=True)
        alone = _matrix(folder, named)
        print(f"  matrix alone: {alone}", flush=True)
        facts = _facts(folder, given.hosts)
        used, page = _fleet(folder, named, str(facts))
        print(f"  fleet:        {used}, page {page:.1f} MB")
        ratio = used.cpu / alone.cpu
        more = 1000 * (used.cpu - alone.cpu) / given.hosts
        print(
            f"  ratio {ratio:.2f} (goal: at most {BOUNDS['ratio']}), {more:.2f} ms more per host", flush=True
        )
        if given.stream:
            with _writer(folder, given.stream) as lines:
                used, page = _fleet(folder, named, "-", lines.stdout)
            more = 1000 * (used.cpu - alone.cpu) / given.stream
            print(f"  {given.stream} hosts as a stream: {used}, page {page:.1f} MB, {more:.2f} ms per host")


def _kernels(count: int, folder: Path) -> None:
    from preflight.kernels.store import Store
    from tests.fleet.generator import variants

    variants(Store(), count, folder)


def _objects(count: int) -> list[str]:
    """Installed libbpf-tools, then shipped tracers."""
    from preflight import bpf_objects
    from preflight.host.samples import commands

    named = [str(path) for path in commands()]
    tracers = dict.fromkeys(file.name for file in bpf_objects.chosen("tracers", ""))
    return [*named, *(f"tracers:{name}" for name in tracers)][:count]


def _matrix(folder: Path, objects: Sequence[str]) -> Used:
    words = [*objects, "--kernel", "fleet/*", "--format", f"json={folder / 'matrix.json'}"]
    return _run(["matrix", *words], folder)


def _fleet(
    folder: Path, objects: Sequence[str], facts: str, lines: IO[bytes] | None = None
) -> tuple[Used, float]:
    page, result = folder / "fleet.html", folder / "fleet.json"
    named = [word for one in objects for word in ("--object", one)]
    words = ["fleet", facts, *named, "--format", f"json={result}", "--format", f"html={page}"]
    used = _run(words, folder, lines)
    summary: dict[str, Any] = json.loads(result.read_text())["summary"]
    print(f"  {summary['sentence']} {summary['groups']} groups; JSON {result.stat().st_size / 1e6:.1f} MB")
    return used, page.stat().st_size / 1e6


def _facts(folder: Path, count: int) -> Path:
    target = folder / "facts"
    target.mkdir()
    with _writer(folder, count) as lines:
        assert lines.stdout is not None
        for number, line in enumerate(lines.stdout):
            (target / f"{number:06d}.json").write_bytes(line)
    return target


def _writer(folder: Path, count: int) -> subprocess.Popen[bytes]:
    """Another process makes the facts: what it holds must not count as memory of those it would start."""
    words = ["--write", str(folder / "store"), "--hosts", str(count)]
    return subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE)


def _lines(store: Path, count: int) -> Iterator[bytes]:
    """One document per line. What hosts share is put into JSON once."""
    from preflight.kernels.store import Store
    from tests.fleet.generator import hosts

    catalogue = Store(store)
    kernels = [catalogue.get(name) for name in catalogue.names()]
    texts: dict[int, tuple[Any, bytes]] = {}
    for host in hosts(kernels, count):
        shared = host.document["checks"]
        if id(shared) not in texts:
            plain = {**host.document, "collected_at": "@AT@", "labels": "@LABELS@", "host_key": "@KEY@"}
            texts[id(shared)] = shared, _json(plain) + b"\n"
        line = texts[id(shared)][1]
        for mark, key in ((b"@AT@", "collected_at"), (b"@LABELS@", "labels"), (b"@KEY@", "host_key")):
            line = line.replace(b'"' + mark + b'"', _json(host.document[key]), 1)
        yield line


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _run(words: Sequence[str], folder: Path, lines: IO[bytes] | None = None) -> Used:
    """One run, cold, in one process; what it writes to standard error is shown when it fails."""
    with tempfile.TemporaryDirectory(dir=folder) as cache, tempfile.TemporaryFile(dir=folder) as err:
        begun = time.monotonic()
        process = subprocess.Popen(
            [*PREFLIGHT, *words, "--store", str(folder / "store"), "--workers", "1"],
            stdin=lines or subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
            env={**os.environ, "XDG_CACHE_HOME": cache},
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1, 3):
            err.seek(0)
            raise SystemExit(f"exit {process.returncode}: {err.read().decode()[-2000:]}")
        return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, time.monotonic() - begun)


if __name__ == "__main__":
    main()
