# SPDX-License-Identifier: Apache-2.0
"""PH8xx: bpffs, the JIT, kernel headers."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.facts import Evidence
from preflight.findings.model import Finding, Verdict
from preflight.host.areas.resources import ResourceFacts
from preflight.host.checks.common import area_check, finding, listed, undecided
from preflight.host.facts import HostFacts


@area_check("PH801", "resources")
def bpffs(_: HostFacts, facts: ResourceFacts) -> Iterable[Finding]:
    """A place to pin maps and programs, which is also where BPF tokens come from."""
    state = facts.bpffs.value
    if not facts.bpffs.is_known or state is None:
        yield undecided("PH801", "cannot tell whether a BPF file system is mounted", facts.bpffs)
    elif not state.mounted and state.elsewhere:
        yield finding(
            "PH801",
            Verdict.DEGRADED,
            f"no BPF file system at /sys/fs/bpf, {state.elsewhere} mounted elsewhere",
            facts.bpffs,
            cause="most tools pin below /sys/fs/bpf and would have to be told another path",
        )
    elif not state.mounted:
        yield finding(
            "PH801",
            Verdict.MISSING,
            "no BPF file system at /sys/fs/bpf: nothing can be pinned",
            facts.bpffs,
            cause="the directory is an ordinary sysfs directory; nobody mounted a BPF file system on it",
        )
    elif not state.writable:
        state_words = "mounted read-only" if state.readonly else "not writable for this caller"
        yield finding(
            "PH801",
            Verdict.BLOCKED,
            f"the BPF file system is {state_words}",
            facts.bpffs,
            cause="bind mounts into containers are often read-only; else its root belongs to root, mode 0700",
            fix="mount -o remount,rw /sys/fs/bpf, or mount it with -o mode=0770,gid=GROUP"
            if state.readonly
            else "run as root, or mount with -o mode=0770,gid=GROUP",
        )
    else:
        yield finding("PH801", Verdict.OK, "BPF file system mounted and writable", facts.bpffs)


@area_check("PH802", "resources")
def jit(host: HostFacts, facts: ResourceFacts) -> Iterable[Finding]:
    """Native code or interpreter. With BPF_JIT_ALWAYS_ON the interpreter is not even built in."""
    config = host.context.config.value if host.context is not None else None
    always = config is not None and config.get("BPF_JIT_ALWAYS_ON") == "y"
    if not facts.jit_enable.is_known:
        if always:
            evidence = [Evidence("config", "CONFIG_BPF_JIT_ALWAYS_ON=y", "zgrep BPF_JIT /proc/config.gz")]
            yield finding("PH802", Verdict.OK, "JIT always on", facts.jit_enable, evidence=evidence)
        else:
            yield undecided("PH802", "cannot read whether the JIT is on", facts.jit_enable)
        return
    value = facts.jit_enable.value
    if value == 0:
        yield finding(
            "PH802",
            Verdict.DEGRADED,
            "the JIT is off: programs run in the interpreter",
            facts.jit_enable,
            cause="net.core.bpf_jit_enable is 0; kfuncs, trampolines (fentry, LSM), struct_ops need the JIT",
            data={"jit": value},
        )
    elif value == 2:
        yield finding(
            "PH802",
            Verdict.DEGRADED,
            "the JIT is on and dumps every program into the kernel log",
            facts.jit_enable,
            cause="net.core.bpf_jit_enable is 2, a setting for developers of the JIT",
            data={"jit": value},
        )
    else:
        title = "JIT on, interpreter not built in" if always else "JIT on"
        yield finding("PH802", Verdict.OK, title, facts.jit_enable, data={"jit": value})


@area_check("PH803", "resources")
def kernel_headers(host: HostFacts, facts: ResourceFacts) -> Iterable[Finding]:
    """Only tools that compile on the host (BCC, parts of bpftrace) look for headers."""
    if not facts.headers.is_known:
        yield undecided("PH803", "cannot look for kernel headers", facts.headers)
    elif facts.headers.value:
        yield finding("PH803", Verdict.OK, f"headers in {listed(facts.headers.value)}", facts.headers)
    elif _headers_as_module(host):
        yield finding(
            "PH803",
            Verdict.DEGRADED,
            "headers are in the kernel's module kheaders, which is not loaded",
            facts.headers,
            evidence=[Evidence("config", "CONFIG_IKHEADERS=m", "zgrep IKHEADERS /proc/config.gz")],
            fix="modprobe kheaders",
        )
    else:
        yield finding("PH803", Verdict.MISSING, "no kernel headers where this process looks", facts.headers)


def _headers_as_module(host: HostFacts) -> bool:
    config = host.context.config.value if host.context is not None else None
    return config is not None and config.get("IKHEADERS") == "m"
