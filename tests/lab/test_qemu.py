# SPDX-License-Identifier: Apache-2.0
"""The machine's command line, when KVM is tried, and that nothing is left behind."""

from __future__ import annotations

import stat
import tempfile
import threading
from pathlib import Path

import pytest

from preflight.errors import InstrumentError
from preflight.lab import qemu
from preflight.lab.qemu import Limits
from preflight.lab.run import Acceleration

LIMITS = Limits(boot=30, idle=30, total=30)


def test_the_machine_has_no_network_display_or_disk() -> None:
    line = qemu.command(
        "/q", "tcg", Path("/k"), Path("/i"), Path("/c"), Path("/o,x"), Path("/s"), append="lsm=bpf"
    )
    assert line[:3] == ["/q", "-accel", "tcg"]
    assert line[line.index("-nic") + 1] == "none"
    assert {"-nodefaults", "-no-user-config", "-no-reboot"} <= set(line)
    assert line[line.index("-append") + 1].endswith(" lsm=bpf")
    assert "file,id=output,path=/o,,x" in line
    assert not [word for word in line if word.startswith(("-drive", "-hda", "-netdev"))]
    assert [line[at + 1] for at, word in enumerate(line) if word == "-device"] == [
        "ivshmem-plain,memdev=shared"
    ]


@pytest.mark.parametrize(("accel", "processor"), [("kvm", "host"), ("tcg", "max,-cx16,-erms,-fsrm")])
def test_the_emulator_does_without_the_instruction_it_gets_wrong(accel: str, processor: str) -> None:
    line = qemu.command("/q", accel, Path("/k"), Path("/i"), Path("/c"), Path("/o"), Path("/s"))
    assert line[line.index("-cpu") + 1] == processor


@pytest.mark.parametrize(
    ("flags", "offered"), [("fpu vmx sse", True), ("svm", True), ("fpu sse", False), ("", False)]
)
def test_a_device_alone_is_no_kvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, offered: bool
) -> None:
    (tmp_path / "kvm").touch()
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr("os.uname", lambda: type("U", (), {"machine": "x86_64"}))
    assert qemu.kvm_offered("x86_64", tmp_path / "cpuinfo", tmp_path / "kvm") is offered


def test_no_device_is_no_kvm(tmp_path: Path) -> None:
    assert qemu.kvm_offered("x86_64", tmp_path / "cpuinfo", tmp_path / "kvm") is False


def test_kvm_is_given_up_once_for_all_unless_it_was_demanded() -> None:
    chosen = Acceleration("tcg", "x86_64")
    assert (chosen.current(), chosen.failed()) == ("tcg", False)
    demanded = Acceleration("kvm", "x86_64")
    assert (demanded.current(), demanded.failed(), demanded.current()) == ("kvm", False, "kvm")


def test_kernels_of_another_machine_are_refused() -> None:
    with pytest.raises(InstrumentError, match="x86_64, aarch64 kernels only, not s390x"):
        qemu.machine_for("s390x")


_INTO_MEMORY = "printf '@' | dd of=\"$shared\" conv=notrunc 2>/dev/null\n"


def _fake(folder: Path, body: str) -> str:
    """A program in QEMU's place; $OUTPUT and $CONSOLE are the files of its two ports."""
    path = folder / "qemu"
    ports = (
        'for word in "$@"; do case $word in file,id=*)\n'
        'name=${word#file,id=}; eval "${name%%,*}=${word##*,path=}";;\n'
        "*,mem-path=*) shared=${word##*,mem-path=};;\n"
        "esac; done\n"
    )
    path.write_text("#!/bin/sh\n" + ports + body)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_output_and_console_are_taken_and_the_files_are_gone(tmp_path: Path, scratch: Path) -> None:
    program = _fake(tmp_path, 'echo spoke > "$output"; echo booted > "$console"\n')
    done = qemu.boot(program, Path("/k"), b"initrd", limits=LIMITS)
    assert (done.reason, done.output, done.console) == ("exit", b"spoke\n", b"booted\n")
    assert list(scratch.iterdir()) == []


def test_what_came_through_shared_memory_follows_the_serial_port(tmp_path: Path, scratch: Path) -> None:
    body = 'echo spoke > "$output"\n' + _INTO_MEMORY.replace("@", r"\005\0\0\0\0\0\0\0hello, not this")
    done = qemu.boot(_fake(tmp_path, body), Path("/k"), b"", limits=LIMITS)
    assert (done.reason, done.output) == ("exit", b"spoke\nhello")


def test_a_guest_that_says_more_than_the_memory_holds_is_cut(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu, "SHARED_BYTES", 4096)
    body = _INTO_MEMORY.replace("@", r"\377" * 8)
    done = qemu.boot(_fake(tmp_path, body), Path("/k"), b"", limits=LIMITS)
    assert done.output == bytes(4096 - 8)


def test_qemus_own_failure_is_told(tmp_path: Path, scratch: Path) -> None:
    done = qemu.boot(_fake(tmp_path, "echo broken qemu >&2; exit 1\n"), Path("/k"), b"", limits=LIMITS)
    assert (done.reason, done.stderr) == ("broken", "broken qemu")


def test_a_program_that_is_not_there_is_told(scratch: Path) -> None:
    done = qemu.boot("/nonexistent/qemu", Path("/k"), b"", limits=LIMITS)
    assert done.reason == "broken"
    assert "No such file" in done.stderr


def test_a_guest_that_dies_under_kvm_without_ending_is_broken(tmp_path: Path, scratch: Path) -> None:
    program = _fake(tmp_path, "echo 'KVM internal error. Suberror: 1' >&2; exec sleep 60\n")
    assert qemu.boot(program, Path("/k"), b"", accel="kvm", limits=LIMITS).reason == "broken"


def test_stopped_from_outside_it_ends_with_its_children(tmp_path: Path, scratch: Path) -> None:
    program = _fake(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; wait\n")
    told = tmp_path / "child"
    done = qemu.boot(
        program,
        Path("/k"),
        b"",
        limits=LIMITS,
        stopped=lambda: told.exists() and told.read_text().endswith("\n"),
    )
    assert done.reason == "stopped"
    assert list(scratch.iterdir()) == []
    state = Path(f"/proc/{told.read_text().strip()}/stat")
    assert any(_gone(state) for _ in range(500))  # a killed process dies when it is scheduled next


def _gone(state: Path) -> bool:
    threading.Event().wait(0.01)
    try:
        return state.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("limits", "body", "reason"),
    [
        (Limits(boot=0.0, idle=30, total=30), "exec sleep 60\n", "boot-limit"),
        (Limits(boot=30, idle=0.0, total=30), 'echo x > "$output"; exec sleep 60\n', "idle-limit"),
        (Limits(boot=30, idle=30, total=0.1), "exec sleep 60\n", "total-limit"),
    ],
)
def test_every_limit_ends_the_machine(
    tmp_path: Path, scratch: Path, limits: Limits, body: str, reason: str
) -> None:
    assert qemu.boot(_fake(tmp_path, body), Path("/k"), b"", limits=limits).reason == reason


def test_arm64_has_a_machine_of_its_own() -> None:
    line = qemu.command(
        "/q", "tcg", Path("/k"), Path("/i"), Path("/c"), Path("/o"), Path("/s"), arch="aarch64"
    )
    assert line[line.index("-machine") + 1] == "virt"
    assert "pci-serial,chardev=output" in line
    assert line[line.index("-append") + 1].startswith("console=ttyAMA0 ")
