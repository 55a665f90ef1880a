# SPDX-License-Identifier: Apache-2.0
"""Two real kernels, the oldest and newest cloud builds at hand: loaded into, and compared with bpftool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.errors import PreflightError
from preflight.kernels import Kernel, Store
from preflight.lab.results import KernelRun
from preflight.lab.run import Plan, run
from preflight.lab.subjects import subjects
from tests.lab.boots import bootable_kernels

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the guest's programs come from this host"),
]
OBJECTS = (
    "probes:tracepoint",
    "probes:fentry",
    "probes:uprobe",
    "probes:usdt",
    "probes:uprobe_multi",
    "probes:xdp",
    "probes:d_path",
    "tracers:syscalls_raw_tp",
    "tracers:opens_tracepoint",
)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[Kernel]:
    return bootable_kernels(tmp_path_factory)


@pytest.fixture(scope="module")
def runs(kernels: list[Kernel]) -> Iterator[list[KernelRun]]:
    yield run(kernels, Plan(subjects=subjects(OBJECTS), bpftool=True))


def test_both_kernels_boot_and_do_all(runs: list[KernelRun]) -> None:
    assert [(one.outcome, one.detail) for one in runs] == [("booted", "")] * 2


def test_their_btf_is_the_one_extracted_from_the_image(runs: list[KernelRun]) -> None:
    assert [one.btf_identical for one in runs] == [True, True]


def test_bpftool_says_the_same_of_every_object(runs: list[KernelRun]) -> None:
    for one in runs:
        for measured in one.objects:
            assert measured.bpftool is not None
            assert (measured.verdict == "loads") == (measured.bpftool.exit_code == 0), measured


def test_surfaces_that_every_packaged_kernel_has_attach(runs: list[KernelRun]) -> None:
    for one in runs:
        by_name = {measured.object: measured for measured in one.objects}
        for name in ("tracepoint", "fentry", "uprobe", "usdt", "xdp"):
            (program,) = by_name[f"probes:{name}"].programs
            assert (program.verdict, program.attach.state) == ("loads", "ok"), (one.kernel, program)


def test_an_arm64_kernel_boots_here_too() -> None:
    store = Store()
    names = store.match("debian/*-arm64")
    if not names:
        pytest.skip("the catalogue has no arm64 kernel (`preflight kernels fetch --arch arm64`)")
    try:
        (one,) = run([store.get(names[-1])], Plan(subjects=subjects(("probes:kprobe", "probes:fentry"))))
    except PreflightError as error:
        pytest.skip(f"no arm64 machines here: {error}")
    if one.outcome == "not-bootable":
        pytest.skip(f"{one.kernel}: {one.detail}")
    assert (one.outcome, one.btf_identical) == ("booted", True)
    assert {o.object: o.verdict for o in one.objects} == {"probes:kprobe": "loads", "probes:fentry": "loads"}
    assert {program.attach.state for o in one.objects for program in o.programs} == {"ok"}


def test_interrupted_it_leaves_no_machine_and_no_file(kernels: list[Kernel], tmp_path: Path) -> None:
    code = (
        "import sys; from preflight.kernels import Store; from preflight.lab.run import Plan, run\n"
        "from pathlib import Path\n"
        f"kernel = Store(Path(sys.argv[1])).get({kernels[0].name!r})\n"
        "run([kernel], Plan(), say=lambda _k, text: print(text, flush=True))\n"
    )
    store = Store()
    if kernels[0].name not in store:
        store = Store(tmp_path / "catalogue")
        store.add(kernels[0])
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(store.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(b"booting"):
            break
    while not list(tmp_path.glob("preflight-lab-*/output")):
        assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) != 0
    child.stdout.close()
    assert list(tmp_path.glob("preflight-lab-*")) == []
    assert not _running(str(tmp_path))


def _running(words: str) -> list[str]:
    """Processes with these words in their command line."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if words in text and "qemu" in text:
            found.append(text)
    return found
