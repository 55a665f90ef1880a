# SPDX-License-Identifier: Apache-2.0
"""PH8xx: bpffs, the JIT switch and kernel headers."""

from __future__ import annotations

import os

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.resources import Bpffs, ResourceFacts
from preflight.host.collect.look import sysctl_of, unseen
from preflight.host.collect.session import Session
from preflight.host.system import MAGICS, Seen, System

BPFFS = "/sys/fs/bpf"


def collect(session: Session) -> ResourceFacts:
    """Read the resources of one system."""
    system = session.system
    return ResourceFacts(
        bpffs=_bpffs(system),
        jit_enable=sysctl_of(system.sysctl("net.core.bpf_jit_enable"), "net.core.bpf_jit_enable"),
        headers=_headers(system),
    )


def _bpffs(system: System) -> Fact[Bpffs]:
    command = f"stat -f -c %t {BPFFS}"
    seen = system.filesystem(BPFFS)
    elsewhere = sum(mount.point != BPFFS for mount in system.mounts_of("bpf"))
    if seen is None:
        look = system.look(BPFFS)
        if look.seen in (Seen.ABSENT, Seen.NOT_MOUNTED) and system.is_mounted("sysfs", "/sys"):
            # The kernel makes this directory at boot (kernel/bpf/inode.c, bpf_init).
            return known(
                Bpffs(mounted=False, writable=False, readonly=False, elsewhere=elsewhere),
                Evidence("sysfs", f"{BPFFS} does not exist", f"ls -ld {BPFFS}"),
            )
        return unseen(look)
    mounted = seen.magic == MAGICS["bpf"]
    writable = mounted and not seen.readonly and system.may(BPFFS, os.W_OK | os.X_OK)
    detail = f"{BPFFS} has file system magic {seen.magic:#x}" + (", writable" if writable else "")
    return known(Bpffs(mounted, writable, seen.readonly, elsewhere), Evidence("sysfs", detail, command))


def _headers(system: System) -> Fact[tuple[str, ...]]:
    release = system.release
    build = f"/lib/modules/{release}/build"
    places = ((f"{build}/Makefile", build), ("/sys/kernel/kheaders.tar.xz", "/sys/kernel/kheaders.tar.xz"))
    looks = [(system.look(path), name) for path, name in places]
    found = tuple(name for look, name in looks if look.is_present)
    hidden = [look for look, _ in looks if look.seen not in (Seen.PRESENT, Seen.ABSENT)]
    command = f"ls -d {build} /sys/kernel/kheaders.tar.xz"
    evidence = Evidence("sysfs", "; ".join(look.why for look, _ in looks), command)
    if not found and hidden:
        return unknown(hidden[0].why, evidence, decided_by=command)
    return known(found, evidence)
