# SPDX-License-Identifier: Apache-2.0
"""Runs the container of a Kubernetes manifest, by podman, with what the manifest gives it.

The image is not pulled: its root is this machine's, read through an overlay, and `preflight` is that of
the environment that runs the tests. Capabilities, user, seccomp filter, mounts, memory limit and the
read-only root are the manifest's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.fleet.routes import PREFLIGHT

#: runc, because crun refuses hybrid control groups; the limits, because raising them needs CAP_SYS_RESOURCE.
_PODMAN = ("podman", "--runtime", "runc", "run", "--rm", "--network", "none")
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
ROOT = ("--read-only-tmpfs=false", "--rootfs", "/:O")
#: The profile of containers-common, which podman comes with.
_DEFAULT_PROFILE = Path("/usr/share/containers/seccomp.json")


def as_containerd(profile: Mapping[str, Any]) -> dict[str, Any]:
    """A default profile with the two rules that containerd and Docker have had since 2022.

    containerd pull request 7301 and moby 43987: bpf(2) with CAP_BPF, perf_event_open(2) with CAP_PERFMON,
    besides CAP_SYS_ADMIN.
    """
    rules = [dict(rule) for rule in profile["syscalls"]]
    for call in ("bpf", "perf_event_open"):
        for rule in rules:
            rule["names"] = [name for name in rule["names"] if name != call]
    rules.append({"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}})
    rules.append(
        {"names": ["perf_event_open"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_PERFMON"]}}
    )
    return {**profile, "syscalls": [rule for rule in rules if rule["names"]]}


def runtime_default(folder: Path, *, old: bool = False) -> Path:
    """A file with what `RuntimeDefault` means: to containerd, or (`old`) to what asks for CAP_SYS_ADMIN."""
    profile = json.loads(_DEFAULT_PROFILE.read_text())
    path = folder / f"seccomp-{'old' if old else 'new'}.json"
    path.write_text(json.dumps(profile if old else as_containerd(profile)))
    return path


def flags(container: Mapping[str, Any], volumes: Mapping[str, Path], seccomp: Path) -> list[str]:
    """podman's words for the container's security context, mounts, limits and environment.

    `volumes` says where a volume's folder is here; one that is not in it is left out.
    """
    context = container["securityContext"]
    words = ["--user", str(context["runAsUser"]), "--security-opt", f"seccomp={seccomp}"]
    words += [f"--cap-drop={name.lower()}" for name in context["capabilities"]["drop"]]
    words += [f"--cap-add={name}" for name in context["capabilities"].get("add", ())]
    if context["readOnlyRootFilesystem"]:
        words.append("--read-only")
    if context["allowPrivilegeEscalation"] is False:
        words += ["--security-opt", "no-new-privileges"]
    for mount in container.get("volumeMounts", ()):
        if mount["name"] in volumes:
            kind = "ro" if mount.get("readOnly") else "rw"
            words += ["--volume", f"{volumes[mount['name']]}:{mount['mountPath']}:{kind}"]
    for one in container.get("env", ()):
        words += ["--env", f"{one['name']}={one['value']}"]
    limit = container["resources"]["limits"]["memory"].lower().rstrip("i")
    return [*words, f"--memory={limit}", f"--memory-swap={limit}"]


def words_of(container: Mapping[str, Any]) -> list[str]:
    """The container's command; the image's entry point is preflight, and the kubelet fills in `$(NAME)`."""
    words = [*container.get("command", ["preflight"]), *container.get("args", ())]
    for one in container.get("env", ()):
        words = [word.replace(f"$({one['name']})", one["value"]) for word in words]
    return words


def run(
    container: Mapping[str, Any],
    volumes: Mapping[str, Path],
    seccomp: Path,
    *,
    words: Sequence[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the container's command (or other `words`) to its end."""
    path = f"{PREFLIGHT.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    given = list(words if words is not None else words_of(container))
    command = [
        *_PODMAN,
        *LIMITS,
        *flags(container, volumes, seccomp),
        "--env",
        f"PATH={path}",
        *ROOT,
        *given,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@cache
def why_not() -> str:
    """Why podman cannot run such a container here; empty when it can."""
    import tempfile

    if os.geteuid() != 0:
        return "needs root: capabilities are given to a container that has user 0"
    for tool in ("podman", "runc"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if not _DEFAULT_PROFILE.is_file():
        return f"{_DEFAULT_PROFILE} is missing"
    plain = {
        "securityContext": {
            "runAsUser": 0,
            "capabilities": {"drop": ["ALL"], "add": ["BPF"]},
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
        },
        "resources": {"limits": {"memory": "64Mi"}},
    }
    with tempfile.TemporaryDirectory() as folder:
        done = run(plain, {}, runtime_default(Path(folder)), words=["true"])
    return f"podman cannot run a container here: {done.stderr.strip()[:200]}" if done.returncode else ""
