# SPDX-License-Identifier: Apache-2.0
"""Real kernels that panic, hang, lose data or show no BTF: each to its own outcome, keeping what it had."""

from __future__ import annotations

import os

import pytest

from preflight.kernels import Kernel
from preflight.lab import guest
from preflight.lab.qemu import Limits
from preflight.lab.results import KernelRun
from preflight.lab.run import Plan, run
from preflight.lab.subjects import subjects
from tests.lab.boots import bootable_kernels

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the guest's programs come from this host"),
]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """The newest of the kernels that the other boots use, too."""
    return bootable_kernels(tmp_path_factory)[-1]


def measure(kernel: Kernel, *, append: str = "", limits: Limits | None = None) -> KernelRun:
    wanted = subjects(("probes:tracepoint", "probes:socket_filter"))
    (found,) = run([kernel], Plan(subjects=wanted, append=append, limits=limits or Limits()))
    return found


def trouble(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Let the guest do this when it comes to its second object."""
    begun = "\nmark object @NUMBER@\n"
    assert begun in guest._OBJECT
    monkeypatch.setattr(
        guest, "_OBJECT", guest._OBJECT.replace(begun, f"{begun}if test @NUMBER@ = 1; then {what}; fi\n")
    )


def test_a_panic_while_measuring(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    trouble(monkeypatch, "sleep 1; echo c > /proc/sysrq-trigger")
    found = measure(kernel)
    assert found.outcome == "panic"
    assert found.detail.endswith("while measuring probes:socket_filter"), found.detail
    assert [one.verdict for one in found.objects] == ["loads", "unknown"]
    assert found.btf_identical is True


def test_a_panic_before_the_first_process(kernel: Kernel) -> None:
    found = measure(kernel, append="rdinit=/nonexistent")
    assert found.outcome == "panic"
    assert "root" in found.detail, found.detail
    assert {one.verdict for one in found.objects} == {"unknown"}


def test_a_guest_that_falls_silent(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    trouble(monkeypatch, "sleep 1; sleep 900")
    found = measure(kernel, limits=Limits(boot=120, idle=20, total=300))
    assert (found.outcome, found.detail.strip()) == ("hang", "while measuring probes:socket_filter")
    assert [one.verdict for one in found.objects] == ["loads", "unknown"]


def test_a_kernel_that_never_comes_to_its_first_words(kernel: Kernel) -> None:
    found = measure(kernel, append="rdinit=/bin/cat", limits=Limits(boot=10, idle=60, total=60))
    assert found.outcome == "boot-hang"


def test_a_guest_that_ends_in_the_middle_of_its_output(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = "0" * 64
    trouble(monkeypatch, f"printf '\\n#frame object.1 5000 {digest}\\nhalf' >&3; sync; sleep 1; poweroff -f")
    found = measure(kernel)
    assert found.outcome == "lost-data"
    assert any("object.1" in note for note in found.notes)
    assert [one.verdict for one in found.objects] == ["loads", "unknown"]


def test_a_kernel_that_shows_no_btf(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = "mount -t sysfs sysfs /sys\n"
    assert hidden in guest._HEAD
    monkeypatch.setattr(
        guest, "_HEAD", guest._HEAD.replace(hidden, f"{hidden}mount -t tmpfs tmpfs /sys/kernel/btf\n")
    )
    found = measure(kernel)
    assert (found.outcome, found.btf_identical) == ("no-btf", None)
    assert [one.verdict for one in found.objects] == ["loads", "loads"]
