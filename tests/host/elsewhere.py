# SPDX-License-Identifier: Apache-2.0
"""Collects the facts of the real host as somebody else: another user, without mounts, in a namespace."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable
from pathlib import Path

from preflight.findings.model import Finding
from preflight.host import codec
from preflight.host.checks import runner
from preflight.host.collect.run import collect_host
from preflight.host.facts import HostFacts

AREAS = ("context", "btf", "privilege", "policy", "resources")
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNS = 0x00020000


def facts_after(change: Callable[[], None]) -> HostFacts:
    """The host's facts as a child process collects them after `change`, which may give up what it likes."""
    collect_host()  # imports everything while the interpreter's files can still be read
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            change()
            text = json.dumps(codec.facts_to_dict(collect_host())).encode()
            with os.fdopen(writer, "wb") as stream:
                stream.write(text)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, "the child failed to collect"
    return codec.loads(text)


def findings_of(facts: HostFacts) -> dict[str, Finding]:
    """The findings of the five areas that do not rest on trial loads alone, by code."""
    digits = ("PH0", "PH1", "PH2", "PH3", "PH8")
    wanted = [code for code in runner.checks() if code.startswith(digits)]
    return {finding.code: finding for finding in runner.run_checks(facts, wanted)}


def become_nobody() -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def enter(path: Path) -> Callable[[], None]:
    """Make an empty folder the root: no /proc, no /sys, no /boot."""

    def change() -> None:
        os.chroot(path)
        os.chdir("/")

    return change


def why_no_user_namespace() -> str:
    """Why this process cannot make a user namespace (a chroot, a policy); empty when it can."""
    child = os.fork()
    if child == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(_CLONE_NEWUSER) == 0 else 1)
    return "user namespaces cannot be made here" if os.waitpid(child, 0)[1] else ""


def why_no_private_mounts() -> str:
    """Why mounts cannot be kept from the host's: a chroot's root is no mount to cut off."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    whole = any(line.split(" ")[4] == "/" for line in mounts)
    return "" if whole else "the root directory is not a mount point, so mounts would reach the host"


def own_user_namespace() -> None:
    """What `unshare -Ur` does: root in a user namespace of its own."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
