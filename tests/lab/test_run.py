# SPDX-License-Identifier: Apache-2.0
"""Several kernels in one run: each result stands for itself."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.errors import InputError, InstrumentError
from preflight.kernels.blob import Blob
from preflight.kernels.files import kernel_from_path
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.lab import guest, material, qemu, tools
from preflight.lab.bare import kernel_without_btf
from preflight.lab.guest import Tools
from preflight.lab.material import BootFiles, NotBootableError
from preflight.lab.qemu import Ended
from preflight.lab.results import KernelRun
from preflight.lab.run import Plan, Subject, interruptible, run
from tests.kernels.builders import PACK, RELEASE, bzimage, deb, old_layout, tiny_btf, vmlinux
from tests.lab.serial import ended, loaded, whole

PLAN = Plan(subjects=(Subject("tool", "1" * 64, b"object"),))


def kernel(name: str, arch: str = "x86_64") -> Kernel:
    return Kernel(Identity(name, "little", release=name, arch=arch), Contents(Blob(data=tiny_btf())))


Boot = Callable[[str], Ended]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Boot], None]:
    """Replaces the machine: what it ends with, by the name of the image it boots."""
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"")

    def emulator(arch: str | None) -> str:
        qemu.machine_for(arch)
        return "/qemu"

    def files(_self: object, asked: Kernel, _modules: object = ()) -> BootFiles:
        if asked.name == "lost":
            raise NotBootableError("the suite no longer has it")
        return BootFiles(Path(asked.name))

    def install(boot: Boot) -> None:
        monkeypatch.setattr(qemu, "boot", lambda _program, image, _initrd, **_: boot(str(image)))

    monkeypatch.setattr(tools, "emulator", emulator)
    monkeypatch.setattr(tools, "guest_tools", lambda **_: Tools(busybox))
    monkeypatch.setattr(material.Supply, "files", files)
    monkeypatch.setattr(guest, "build", lambda _job, _tools: b"initrd")
    return install


def good(_image: str) -> Ended:
    return ended(whole(loaded(), btf=kernel("x").btf_sha256))


def test_results_come_in_the_order_asked_for(machine: Callable[[Boot], None]) -> None:
    first_may_end = threading.Event()

    def boot(image: str) -> Ended:
        if image == "slow":
            first_may_end.wait(10)
        else:
            first_may_end.set()
        return good(image)

    machine(boot)
    heard: list[str] = []
    found = run([kernel("slow"), kernel("quick")], PLAN, jobs=2, done=lambda one: heard.append(one.kernel))
    assert [(one.kernel, one.outcome) for one in found] == [("slow", "booted"), ("quick", "booted")]
    assert sorted(heard) == ["quick", "slow"]


def test_a_kernel_that_cannot_be_booted_leaves_the_others(machine: Callable[[Boot], None]) -> None:
    machine(good)
    heard: list[KernelRun] = []
    found = run([kernel("lost"), kernel("big", "s390x"), kernel("fine")], PLAN, done=heard.append)
    assert [one.outcome for one in found] == ["not-bootable", "not-bootable", "booted"]
    assert "s390x" in found[1].detail
    assert [one.objects[0].verdict for one in found] == ["unknown", "unknown", "loads"]
    assert len(heard) == 3


def test_kernels_of_other_machines_alone_are_refused(machine: Callable[[Boot], None]) -> None:
    machine(good)
    with pytest.raises(InstrumentError, match="not s390x"):
        run([kernel("big", "s390x")], PLAN)


def test_a_panic_leaves_the_others(machine: Callable[[Boot], None]) -> None:
    panic = b"Kernel panic - not syncing: Attempted to kill init!"
    machine(lambda image: ended(b"", console=panic) if image == "bad" else good(image))
    found = run([kernel("bad"), kernel("fine")], PLAN)
    assert [one.outcome for one in found] == ["panic", "booted"]


def test_kvm_that_runs_no_guest_gives_way_to_the_emulator(
    machine: Callable[[Boot], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(good)
    used: list[str] = []

    def boot(_program: str, image: Path, _initrd: bytes, *, accel: str, **_: object) -> Ended:
        used.append(accel)
        return (
            ended(b"", reason="broken", stderr="KVM internal error") if accel == "kvm" else good(str(image))
        )

    monkeypatch.setattr(qemu, "boot", boot)
    monkeypatch.setattr(qemu, "kvm_offered", lambda _arch: True)
    found = run([kernel("one"), kernel("two")], PLAN)
    assert [one.outcome for one in found] == ["booted", "booted"]
    assert used == ["kvm", "tcg", "tcg"]


def test_an_interruption_stops_every_machine(
    machine: Callable[[Boot], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(good)
    end = threading.Event()

    def boot(
        _program: str, _image: Path, _initrd: bytes, *, stopped: Callable[[], bool], **_: object
    ) -> Ended:
        os.kill(os.getpid(), 15)
        while not stopped():
            threading.Event().wait(0.01)
        end.set()
        return ended(b"", reason="stopped")

    monkeypatch.setattr(qemu, "boot", boot)
    with pytest.raises(KeyboardInterrupt):
        run([kernel("one"), kernel("two")], PLAN, jobs=1)
    assert end.wait(10)


@pytest.mark.parametrize("packed", [False, True])
def test_a_kernel_without_btf_is_booted_and_called_that(
    machine: Callable[[Boot], None], tmp_path: Path, packed: bool
) -> None:
    machine(lambda image: ended(whole(loaded(), btf="")) if "bare" in image else good(image))
    path = tmp_path / "bare"
    path.write_bytes(
        deb(f"linux-image-{RELEASE}", old_layout(None)) if packed else bzimage(PACK["gz"](vmlinux(None)))
    )
    with pytest.raises(InputError, match="no BTF"):
        kernel_from_path(path)
    bare = kernel_without_btf(path, "holds no BTF")
    assert (bare.release, bare.arch) == (RELEASE, "x86_64")
    found = run([bare, kernel("fine")], PLAN)
    assert [(one.outcome, one.btf_identical) for one in found] == [("no-btf", None), ("booted", True)]
    assert [one.objects[0].verdict for one in found] == ["loads", "loads"]


def test_what_is_no_kernel_at_all_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="x"):
        kernel_without_btf(path, "holds no BTF")


def test_each_machine_gets_its_own_build_of_an_object(machine: Callable[[Boot], None]) -> None:
    machine(good)
    builds = (
        Subject("probes:kprobe", "1" * 64, b"x86", "x86_64"),
        Subject("probes:kprobe", "2" * 64, b"arm", "aarch64"),
        Subject("probes:xdp", "3" * 64, b"any"),
    )
    found = run([kernel("one"), kernel("two", "aarch64")], Plan(subjects=builds))
    assert [[o.sha256[0] for o in one.objects] for one in found] == [["1", "3"], ["2", "3"]]


def test_a_second_sigterm_does_not_end_what_the_first_began() -> None:
    before = signal.getsignal(signal.SIGTERM)
    kept = False
    with interruptible():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGTERM)  # as timeout(1) does
            kept = True
    assert kept
    assert signal.getsignal(signal.SIGTERM) == before
