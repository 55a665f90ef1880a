# SPDX-License-Identifier: Apache-2.0
"""What the shipped tracers cost the verifier, held against the recorded baseline on a booted kernel.

One run asks three kernels: a booted one, the running one, and one that cannot boot.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight import bpf_objects
from preflight.errors import PreflightError
from preflight.gate.baseline import Baseline, parse
from preflight.gate.measured import LOADS, METRICS, Key
from preflight.kernels import Store
from preflight.lab import tools
from preflight.lab.material import Supply
from preflight.objects.sources import open_objects
from tests.cli.run import preflight
from tests.lab.boots import bootable_kernels, fetched

ROOT = Path(__file__).parent.parent.parent
BASELINE = ROOT / "fixtures" / "gate" / "tracers.toml"
#: The kernel of the baseline that is booted here; `make gate` boots all of them.
BOOTED = "debian/6.12.117+deb13-cloud-amd64"


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return parse(BASELINE.read_text(encoding="utf-8"), BASELINE.name)


def shipped() -> Iterator[tuple[str, str]]:
    """(object, program) of every tracer of this machine's kind."""
    for file in bpf_objects.chosen("tracers", ""):
        for obj in open_objects(str(file.path)):
            yield from ((f"tracers:{file.name}", program.name) for program in obj.programs)


def test_every_shipped_program_is_recorded_on_every_kernel(baseline: Baseline) -> None:
    kernels = {key.kernel for key in baseline.rows}
    wanted = {Key(kernel, *program) for kernel in kernels for program in shipped()}
    assert len(kernels) == 3
    assert (wanted - baseline.rows.keys(), baseline.rows.keys() - wanted) == (set(), set())


def test_every_program_that_loads_has_its_numbers(baseline: Baseline) -> None:
    for row in baseline.rows.values():
        if row.verdict == LOADS:
            assert [name for name in METRICS if row.metric(name) is None] == [], row.key


def test_no_tracer_is_near_a_limit_of_the_kernel(baseline: Baseline) -> None:
    for row in baseline.rows.values():
        assert (row.insns or 0) * 10 <= 1_000_000, row.key


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """Exit code and result of one gate over three kernels."""
    store = Store()
    if BOOTED not in store:
        bootable_kernels(tmp_path_factory)
        store = Store(fetched())
    if BOOTED not in store:
        pytest.skip(f"Debian has another build by now than the recorded {BOOTED}: `make gate-baseline`")
    try:
        tools.emulator("x86_64")
        tools.guest_tools(objects=True, bpftool=False)
        Supply().files(store.get(BOOTED))
    except PreflightError as error:
        pytest.skip(f"no lab here: {error}")
    unbootable = tmp_path_factory.mktemp("kernel") / "vmlinux.btf"
    shutil.copy("/sys/kernel/btf/vmlinux", unbootable)
    held = unbootable.with_name("gate.toml")
    shutil.copy(BASELINE, held)
    words = [
        "gate",
        "tracers:",
        "--attach",
        "--store",
        str(store.root),
        "--baseline",
        str(held),
        "--format",
        "json",
    ]
    # what the running kernel does is not recorded: it is another one everywhere
    preflight(*words, "--kernel", "host", "--yes-load-here", "--update")
    kernels = ["--kernel", BOOTED, "--kernel", "host", "--yes-load-here", "--kernel", str(unbootable)]
    done = preflight(*words, *kernels, timeout=600)
    result = json.loads(done.stdout)
    if any(row["kernel"] == BOOTED and not row["program"] for row in result["results"]):
        # an emulated machine panics now and then where a real one does not
        done = preflight(*words, *kernels, timeout=600)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


@pytest.mark.lab
@pytest.mark.kernel
class TestThreeKernels:
    def test_no_tracer_became_worse(self, run: tuple[int, dict[str, Any]]) -> None:
        rows = [row for row in run[1]["results"] if row["kernel"] == BOOTED]
        worse = [(row["program"], f) for row in rows for f in row["findings"] if f["severity"] == "required"]
        assert len(rows) > 100
        assert worse == []
        assert {row["outcome"] for row in rows} == {"pass"}

    def test_a_kernel_that_does_not_boot_is_undecided_and_takes_no_other_with_it(
        self, run: tuple[int, dict[str, Any]]
    ) -> None:
        code, result = run
        assert code == 3
        rows = [row for row in result["results"] if row["kernel"].endswith("vmlinux.btf")]
        assert {(row["outcome"], row["program"]) for row in rows} == {("undecided", "")}
        (kernel,) = [row for row in rows if not row["object"]]
        assert "not-bootable" in kernel["findings"][0]["evidence"][0]["detail"]
        assert result["summary"]["kernels"] == [BOOTED, "host"]

    def test_the_running_kernel_is_judged_in_the_same_run(self, run: tuple[int, dict[str, Any]]) -> None:
        rows = [row for row in run[1]["results"] if row["kernel"] == "host"]
        assert "loads" in {row["verdict"] for row in rows}
        assert {row["outcome"] for row in rows} <= {"pass", "undecided"}
