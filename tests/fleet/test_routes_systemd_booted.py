# SPDX-License-Identifier: Apache-2.0
"""The units of docs/routes/systemd, started by a real systemd with all that they ask of it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fleet.booted import SYSTEMD, Booted, boot
from tests.fleet.routes import PREFLIGHT, ROUTES
from tests.fleet.test_routes_prometheus import samples
from tests.host.live import needs_loads
from tests.predict.worlds import program

UNITS = ROUTES / "systemd"
READY, NOT_READY = program("socket").data, program("fentry/preflight_has_no_such_function").data
AGENT = "[Unit]\nDescription=agent\n[Service]\nExecStart=/bin/sleep infinity\nTimeoutStopSec=1\n"
pytestmark = [
    needs_loads,
    pytest.mark.usefixtures("podman"),
]


@dataclass
class Machine:
    """A booted systemd with the agent's object and the collector's folder."""

    systemd: Booted
    objects: Path
    textfiles: Path

    def agent(self, data: bytes, *settings: str) -> None:
        """Install the agent with this object, the gate, and more settings for its service."""
        self.systemd.systemctl("stop", "agent.service")
        (self.objects / "agent.bpf.o").write_bytes(data)
        self.systemd.put("agent.service", AGENT + "".join(f"{line}\n" for line in settings))
        gate = (UNITS / "preflight-gate.conf").read_text()
        self.systemd.put("agent.service.d/preflight-gate.conf", gate)
        self.systemd.systemctl("daemon-reload")
        self.systemd.systemctl("reset-failed")


@pytest.fixture(scope="module")
def machine(podman: None) -> Iterator[Machine]:
    if not SYSTEMD.is_file():
        pytest.skip("systemd is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects, textfiles = folder / "objects", folder / "textfiles"
        for path in (objects, textfiles):
            path.mkdir()
        volumes = {
            "/usr/lib/agent": objects,
            "/var/lib/prometheus/node-exporter": textfiles,
            "/usr/bin/preflight": PREFLIGHT,
        }
        try:
            systemd = boot(folder, volumes)
        except OSError as error:
            pytest.skip(f"systemd does not come up in a container here: {error}")
        try:
            yield Machine(systemd, objects, textfiles)
        finally:
            systemd.close()


def test_the_agent_starts_where_its_object_is_ready(machine: Machine) -> None:
    machine.agent(READY)
    done = machine.systemd.systemctl("start", "agent.service")
    assert done.returncode == 0, done.stderr
    assert machine.systemd.show("agent.service", "ActiveState")["ActiveState"] == "active"


def test_the_agent_is_never_started_where_its_object_cannot_run(machine: Machine) -> None:
    machine.agent(NOT_READY)
    assert machine.systemd.systemctl("start", "agent.service").returncode != 0
    found = machine.systemd.show(
        "agent.service", "ActiveState", "Result", "ExecMainStartTimestamp", "ExecStartPre"
    )
    assert (found["ActiveState"], found["Result"]) == ("failed", "exit-code")
    assert found["ExecMainStartTimestamp"] == "", "the agent itself ran"
    assert "status=1 " in found["ExecStartPre"]


@pytest.mark.parametrize(
    ("setting", "starts"),
    [
        ("CapabilityBoundingSet=CAP_BPF CAP_PERFMON CAP_NET_ADMIN", True),
        ("CapabilityBoundingSet=CAP_NET_BIND_SERVICE", False),
        ("SystemCallFilter=~bpf", False),
    ],
)
def test_the_gate_answers_for_the_service_as_it_is_confined(
    machine: Machine, setting: str, starts: bool
) -> None:
    machine.agent(READY, setting, "SystemCallErrorNumber=EPERM")
    done = machine.systemd.systemctl("start", "agent.service")
    assert (done.returncode == 0) is starts, done.stderr


def test_the_report_is_written_within_the_sandbox_of_its_unit(machine: Machine) -> None:
    text = (UNITS / "preflight-report.service").read_text()
    interpreter = Path(sys.executable).resolve()
    if {"root", "home"} & set(interpreter.parts[:2]):  # this environment's Python is in somebody's home
        text = text.replace("ProtectHome=yes", "ProtectHome=read-only")
    if any(
        "tmp" in place.parts[1:3] for place in (PREFLIGHT.resolve(), interpreter)
    ):  # or in a checkout below /tmp
        text = text.replace("PrivateTmp=yes", "PrivateTmp=no")
    machine.systemd.put("preflight-report.service", text)
    machine.systemd.systemctl("daemon-reload")
    done = machine.systemd.systemctl("start", "preflight-report.service")
    assert done.returncode == 0, done.stderr
    path = machine.textfiles / "preflight.prom"
    assert path.stat().st_mode & 0o777 == 0o644
    by_check = {one.labels["check"]: one.value for one in samples(path.read_text())["preflight_check"]}
    assert {code: by_check[code] for code in ("PH101", "PH201", "PH202", "PH204")} == dict.fromkeys(
        ("PH101", "PH201", "PH202", "PH204"), 0
    ), "the sandbox takes something away that the check asks about"


def test_the_timer_waits_for_the_service(machine: Machine) -> None:
    for name in ("preflight-report.service", "preflight-report.timer"):
        machine.systemd.put(name, (UNITS / name).read_text())
    machine.systemd.systemctl("daemon-reload")
    done = machine.systemd.systemctl("start", "preflight-report.timer")
    assert done.returncode == 0, done.stderr
    found = machine.systemd.show("preflight-report.timer", "ActiveState", "SubState", "Unit")
    assert (found["ActiveState"], found["Unit"]) == ("active", "preflight-report.service")
    assert found["SubState"] in ("waiting", "running")
    machine.systemd.systemctl("stop", "preflight-report.timer")
