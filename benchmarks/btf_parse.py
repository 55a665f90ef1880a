# SPDX-License-Identifier: Apache-2.0
"""Reading a kernel's BTF: CPU of whole processes against `bpftool btf dump file K format raw`.

Three questions of different size, each in its own process: all names; the candidates of
60 struct names, as a set of tools asks for them; the same with a warm index. The last
figures are in-process, without the interpreter's start, as a matrix over many kernels pays
them. Another file than this host's BTF can be named in PREFLIGHT_BENCH_BTF.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.cpu import alternate, report

HOST = "/sys/kernel/btf/vmlinux"
PEER = "bpftool dump raw"

_PREPARE = """
import sys
from preflight.btf import Btf, Kind
data = open(sys.argv[1], "rb").read()
"""

_ALL_NAMES = (
    _PREPARE
    + """
btf = Btf.parse(data)
btf.ids_by_name("task_struct")
"""
)

_ASK = """
for name in sys.argv[3].split():
    for type_id in btf.ids_by_essential_name(name, {Kind.STRUCT}):
        btf.type(type_id)
"""

_CANDIDATES = _PREPARE + "btf = Btf.parse(data)\n" + _ASK

_WARM = (
    _PREPARE
    + """
from preflight.btf.index_cache import parse_cached
from pathlib import Path
btf = parse_cached(data, key=sys.argv[4], directory=Path(sys.argv[2]))
"""
    + _ASK
)


def main() -> None:
    """Print the ratios."""
    kernel = os.environ.get("PREFLIGHT_BENCH_BTF", HOST)
    if not Path(kernel).exists() or shutil.which("bpftool") is None:
        print("btf_parse: needs bpftool and a kernel's BTF; skipped")
        return
    from hashlib import sha256

    from preflight.btf import Btf, Kind
    from preflight.btf.index import Index
    from preflight.btf.index_cache import parse_cached

    data = Path(kernel).read_bytes()
    key = sha256(data).hexdigest()
    btf = Btf.parse(data)
    names = sorted({btf.name(type_id) for type_id in btf.ids_of_kind(Kind.STRUCT)} - {""})
    wanted = names[:: max(1, len(names) // 60)][:60]
    with tempfile.TemporaryDirectory() as cache:
        parse_cached(data, key=key, directory=Path(cache))
        # An installed package has its .pyc files; measure that, whatever this environment says.
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = os.path.join(cache, "pyc")
        python = [sys.executable, "-c"]
        rest = [kernel, cache, " ".join(wanted), key]
        samples = alternate(
            {
                PEER: ["bpftool", "btf", "dump", "file", kernel, "format", "raw"],
                "parse and index all names": [*python, _ALL_NAMES, *rest],
                "parse and 60 structs": [*python, _CANDIDATES, *rest],
                "60 structs, warm index": [*python, _WARM, *rest],
                "bare interpreter": [*python, "pass"],
            },
            env=env,
        )
        print(f"# {kernel}: {len(data)} bytes, {btf.type_count - 1} types")
        for name in samples:
            if name not in (PEER, "bare interpreter"):
                report(name, {key: samples[key] for key in (PEER, name)}, name, PEER)
        print(f"  a bare interpreter takes {samples['bare interpreter']}")
        index = Index.build(btf)

    def candidates(opened: Btf) -> None:
        for name in wanted:
            for type_id in opened.ids_by_essential_name(name, {Kind.STRUCT}):
                opened.type(type_id)

    peer = samples[PEER].median
    for title, bound, once in (
        ("cold, in process", 0.6, lambda: candidates(Btf.parse(data))),
        ("warm, in process", 0.25, lambda: candidates(Btf.parse(data, index=Index.load(index)))),
    ):
        used = _median(once)
        print(f"  {title}: {used * 1000:.1f} ms, {used / peer:.2f} of {PEER} (goal with CO-RE: {bound})")


def _median(once: Callable[[], None], rounds: int = 7) -> float:
    seconds = []
    for _ in range(rounds):
        begin = time.process_time()
        once()
        seconds.append(time.process_time() - begin)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
