# SPDX-License-Identifier: Apache-2.0
"""CO-RE, hook and extern findings of the installed libbpf-tools against recorded truth (fixtures/truth)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from preflight.kernels import Kernel, Store
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Provenance
from preflight.lab import truth
from preflight.objects import BpfObject, load
from preflight.objects.sources import open_objects
from preflight.predict.core_findings import core_findings
from preflight.predict.relocated import relocated
from preflight.predict.target import KernelTarget
from tests.differential import frozen
from tests.predict import measured
from tests.predict.measured import Compared

TRUTH = measured.ROOT / "fixtures" / "truth"
#: Kernels whose facts are kept under fixtures/btf.
KERNELS = ("6.1.0-50-amd64", "7.3.4+deb13-amd64")


@cache
def tool(name: str) -> BpfObject:
    path = Path("/usr/sbin") / name
    if not path.exists():
        pytest.skip("libbpf-tools are not installed")
    (found,) = open_objects(str(path))
    return load(found.data, name)


@cache
def compared(release: str) -> tuple[Compared, ...]:
    path = TRUTH / f"{release}.json.xz"
    if not path.exists():
        pytest.skip(f"nothing is recorded of {release}")
    recorded = truth.read(path)
    target = KernelTarget(Store(measured.KERNELS).get(f"debian/{release}"))
    assert target.kernel.btf_sha256 == recorded.btf_sha256
    rows: list[Compared] = []
    for one in recorded.objects:
        if ":" not in one.object and tool(one.object).sha256 == one.sha256:
            rows += measured.compare_tool(one.object, tool(one.object), target, one)
    if not rows:
        pytest.skip("the recorded objects are of another version of libbpf-tools")
    return tuple(rows)


@pytest.mark.parametrize("release", KERNELS)
def test_no_program_that_loads_has_a_fatal_finding(release: str) -> None:
    assert [row for row in compared(release) if row.agreement == "false yes"] == []


@pytest.mark.parametrize("release", KERNELS)
def test_every_refusal_of_these_causes_was_predicted(release: str) -> None:
    assert [row for row in compared(release) if row.agreement == "false no"] == []


@pytest.mark.parametrize("release", KERNELS)
def test_unknown_are_only_targets_that_user_space_replaces(release: str) -> None:
    unknown = [row for row in compared(release) if row.agreement == "unknown"]
    assert {row.predicted for row in unknown} <= {"open target"}
    assert sum(row.agreement == "agree" for row in compared(release)) >= 200


def reduced(name: str, release: str) -> KernelTarget:
    """A kernel of fixtures/core: only the types that the tools ask for."""
    import lzma

    data = lzma.decompress((frozen.KERNELS / f"{name}.btf.xz").read_bytes())
    return KernelTarget(
        Kernel(
            Identity(name, "little", release=release, arch="x86_64"),
            Contents(Blob(data=data)),
            Provenance("btf"),
        )
    )


@pytest.mark.parametrize(
    ("name", "kernel", "gone"),
    [
        ("bindsnoop", "amd64-6.1.0", set()),
        ("bindsnoop", "amd64-6.12.107", {"freebind", "transparent", "bind_address_no_port"}),
        ("runqlen", "amd64-6.12.107", set()),
        ("runqlen", "host-6.18.44", {"nr_running"}),
    ],
)
def test_the_known_misses_for_the_right_reason(name: str, kernel: str, gone: set[str]) -> None:
    """bindsnoop's fields became bits of `inet_flags`, runqlen's was renamed; both were refused there."""
    on_kernel = relocated(tool(name), reduced(kernel, kernel.rpartition("-")[2]))
    found = {f.data["access"].rpartition(".")[2] for f in core_findings(on_kernel) if f.code == "PC201"}
    assert found == gone
