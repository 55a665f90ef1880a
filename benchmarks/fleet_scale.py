# SPDX-License-Identifier: Apache-2.0
"""How a fleet report grows with hosts: processor time and memory beside those of its matrix alone.

    python benchmarks/fleet_scale.py [--hosts 10000] [--kernels 60] [--objects 60]

Facts are this host's, as `preflight collect` gives them, under the identity of kernels of the catalogue; a
catalogue with fewer kernels lends some of them twice, under another configuration. One process each.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PREFLIGHT = [sys.executable, "-m", "preflight"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--kernels", type=int, default=60)
    parser.add_argument("--objects", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = kernels(given.kernels)
        named = objects(given.objects)
        lines = folder / "facts.jsonl"
        write(lines, given.hosts, keys)
        print(
            f"{given.hosts} hosts, {len(keys)} kernels, {len(named)} objects, "
            f"{lines.stat().st_size >> 20} MiB"
        )
        result = folder / "result.json"
        words = [word for one in named for word in ("--object", one)]
        alone = folder / "one.jsonl"
        write(alone, len(keys), keys)
        few = run(["fleet", str(alone), *words, "--format", f"json={result}"])
        page = folder / "fleet.html"
        many = run(["fleet", str(lines), *words, "--format", f"json={result}", "--format", f"html={page}"])
        summary: dict[str, Any] = json.loads(result.read_text())["summary"]
        print(summary["sentence"])
        print(f"one host per kernel: {few[0]:.1f} s CPU, {few[1]} MB")
        print(
            f"all hosts:           {many[0]:.1f} s CPU, {many[1]} MB, page {page.stat().st_size / 1e6:.1f} MB"
        )
        print(f"ratio {many[0] / few[0]:.2f}; {1000 * (many[0] - few[0]) / given.hosts:.2f} ms per host")


def kernels(count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """`kernel` and `config` of a facts file for as many distinct kernels."""
    from preflight.fleet.document import config_digest
    from preflight.kernels.store import Store

    store = Store()
    found = []
    for name in store.names():
        kernel = store.get(name)
        described = {
            "release": kernel.release, "arch": kernel.arch, "byteorder": kernel.byteorder,
            "distribution": kernel.identity.distribution, "btf_sha256": kernel.btf_sha256, "contents": {},
        }  # fmt: skip
        found.append((described, {"options": 1, "sha256": config_digest(kernel.config or {})}))
    while len(found) < count:
        described, _ = found[len(found) - len(store.names())]
        found.append((described, {"options": 1, "sha256": f"{len(found):064x}"}))
    return found[:count]


def objects(count: int) -> list[str]:
    from preflight.host.samples import commands

    return [str(path) for path in commands()][:count]


def write(path: Path, hosts: int, keys: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    base = json.loads(subprocess.run([*PREFLIGHT, "collect"], check=True, capture_output=True).stdout)
    with path.open("w") as out:
        for number in range(hosts):
            kernel, config = keys[number % len(keys)]
            labels = {"zone": f"zone-{number % 7}", "rack": f"rack-{number % 300}"}
            own = {"kernel": kernel, "config": config, "host_key": f"host{number:08d}", "labels": labels}
            out.write(json.dumps({**base, **own}, separators=(",", ":")) + "\n")


def run(words: list[str]) -> tuple[float, int]:
    """CPU seconds, and the largest resident set in MB so far."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    done = subprocess.run([*PREFLIGHT, *words, "--workers", "1"], check=False, capture_output=True)
    assert done.returncode in (0, 1, 3), done.stderr.decode()[-2000:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"  {time.monotonic() - begun:.0f} s on the clock", flush=True)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss // 1024


if __name__ == "__main__":
    main()
