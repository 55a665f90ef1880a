# SPDX-License-Identifier: Apache-2.0
"""The loader outlives what happens to one object: a crash and a hang become records, the next one is read.

A pipe that nobody writes to stands for an object on which the loader is stuck. Nothing is loaded into the
kernel: the object beside it is none.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from preflight.lab import records, tools
from tests.elfwriter import ElfWriter, exit_, mov

LOADER = tools.built("loader")
pytestmark = pytest.mark.skipif(
    LOADER is None, reason="built by `make build` where gcc and static libbpf are"
)


@pytest.fixture
def objects(tmp_path: Path) -> list[str]:
    os.mkfifo(tmp_path / "stuck.bpf.o")
    (tmp_path / "other.bpf.o").write_bytes(b"no object")
    return [str(tmp_path / "stuck.bpf.o"), str(tmp_path / "other.bpf.o")]


def events(output: bytes) -> list[tuple[str, object]]:
    found, bad = records.parse(output)
    assert bad == 0
    return [(record["event"], record.get("signal")) for record in found]


def test_a_crash_is_recorded_and_the_next_object_is_read(objects: list[str]) -> None:
    with subprocess.Popen([str(LOADER), *objects], stdout=subprocess.PIPE) as process:
        os.kill(_child_of(process.pid), signal.SIGSEGV)
        output, _ = process.communicate(timeout=60)
    assert events(output) == [("crash", signal.SIGSEGV), ("object", None)]
    assert process.returncode == 0
    assert records.crashed(records.parse(output)[0])


def test_an_object_it_is_stuck_on_is_given_up(objects: list[str]) -> None:
    done = subprocess.run(
        [str(LOADER), "--timeout", "1", *objects], stdout=subprocess.PIPE, timeout=60, check=True
    )
    assert events(done.stdout) == [("timeout", signal.SIGALRM), ("object", None)]
    stuck = records.measurement("stuck", "0" * 64, done.stdout)
    assert stuck.verdict == "unknown" or stuck.problem is not None


def _child_of(pid: int) -> int:
    """The process in which the loader handles an object."""
    place = Path(f"/proc/{pid}/task/{pid}/children")
    for _ in range(3000):
        if children := place.read_text().split():
            return int(children[0])
        threading.Event().wait(0.01)
    raise AssertionError("the loader began no child")


@pytest.mark.parametrize(
    ("section", "type_", "attach_type"),
    [("netfilter", 32, 45), ("netkit/primary", 3, 54), ("kprobe.session/work", 2, 56), ("tc", 3, 0)],
)
def test_sections_newer_than_libbpf_get_their_type(
    tmp_path: Path, section: str, type_: int, attach_type: int
) -> None:
    writer = ElfWriter()
    writer.code(section, [mov(0, 0), exit_()], functions=["made"])
    writer.license()
    (tmp_path / "made.bpf.o").write_bytes(writer.bytes())
    done = subprocess.run(
        [str(LOADER), "--no-attach", str(tmp_path / "made.bpf.o")],
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    (program,) = [one for one in records.parse(done.stdout)[0] if one["event"] == "program"]
    assert (program["type"], program["expected_attach_type"]) == (type_, attach_type)
