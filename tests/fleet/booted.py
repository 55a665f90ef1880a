# SPDX-License-Identifier: Apache-2.0
"""systemd as process 1 of a container on this machine's files, with a handful of units and nothing else.

The units of the machine are out of reach (SYSTEMD_UNIT_PATH names one folder): none of them is started.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.fleet import containers

SYSTEMD = Path("/lib/systemd/systemd")
#: What services order themselves after; here they want nothing.
_TARGETS = ("sysinit", "basic", "shutdown", "timers", "default")

#: What systemd needs to confine services. Not `--privileged`: with a writable /proc/sys it would raise limits
#: of the whole machine.
_RIGHTS = ("--cap-add=all", "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined")
#: Control groups of version 1 or of both: its own hierarchy, and version 2, which it would else mount anew,
#: with options that then hold for the whole machine.
_HIERARCHIES = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")


@dataclass(frozen=True)
class Booted:
    """A running systemd; `close` ends it."""

    name: str
    units: Path

    def put(self, name: str, text: str) -> None:
        """Write a unit, or a drop-in as `NAME.d/FILE`."""
        path = self.units / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def systemctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["podman", "exec", self.name, "systemctl", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def settled(self) -> str:
        """What became of the boot; asked again while systemd does not listen yet."""
        until = time.monotonic() + 30
        state = ""
        while time.monotonic() < until and state not in ("running", "degraded"):
            state = self.systemctl("is-system-running", "--wait").stdout.strip()
            if not state:
                time.sleep(0.05)
        return state

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        text = self.systemctl("show", unit, *(f"--property={name}" for name in properties)).stdout
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def close(self) -> None:
        subprocess.run(
            ["podman", "rm", "--force", "--time", "1", self.name], capture_output=True, check=False
        )


def boot(folder: Path, volumes: Mapping[str, Path]) -> Booted:
    """Boot; `volumes` are folders or files by where units see them. OSError if systemd does not come up."""
    units = folder / "units"
    units.mkdir()
    made = Booted(f"preflight-test-{os.getpid()}-{folder.name}", units)
    for target in _TARGETS:
        made.put(f"{target}.target", f"[Unit]\nDescription={target}\nDefaultDependencies=no\n")
    mounts = {"/preflight-units": units, **volumes}
    legacy = Path(
        "/sys/fs/cgroup/systemd"
    )  # where systemd has its own hierarchy of control groups, version 1
    if legacy.is_dir():
        mounts[str(legacy)] = legacy
    started = subprocess.run(
        [
            *("podman", "--runtime", "runc", "run", "--detach", "--name", made.name, "--systemd=false"),
            *("--network", "none", *containers.LIMITS, *_RIGHTS),
            *("--env", "container=podman", "--env", "SYSTEMD_UNIT_PATH=/preflight-units"),
            *("--tmpfs", "/run:notmpcopyup,mode=755"),
            *(f"--volume={here}:{there}" for there, here in mounts.items()),
            *("--rootfs", "/:O", str(SYSTEMD), "--log-target=console"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    state = made.settled() if not started.returncode else ""
    if state != "running":
        log = subprocess.run(["podman", "logs", made.name], capture_output=True, text=True, check=False)
        made.close()
        raise OSError(f"{state} {started.stderr} {log.stdout} {log.stderr}".strip()[:300])
    return made
