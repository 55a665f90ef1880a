# SPDX-License-Identifier: Apache-2.0
"""Finding the running kernel's configuration in the four places it can be.

Only options that matter to eBPF are kept: the whole would be large, and its strings can hold
paths and names of the machine it was built on.
"""

from __future__ import annotations

import re
from pathlib import Path

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.context import ConfigTried, KernelConfig
from preflight.host.procfs import CONFIG_LIMIT, inflate_config, parse_config
from preflight.host.system import Reading, System

#: Options kept, as full matches. Values other than y, m, n and numbers are kept for CONFIG_LSM alone.
KEPT = re.compile(
    r"BPF.*|.*_BPF|.*_BPF_.*|DEBUG_INFO.*|PAHOLE.*|KPROBE.*|UPROBE.*|HAVE_KPROBE.*|KRETPROBE.*|FPROBE.*|RETHOOK"
    r"|FTRACE.*|HAVE_.*FTRACE.*|DYNAMIC_FTRACE.*|FUNCTION_.*TRACER|FUNCTION_ERROR_INJECTION|TRACEPOINTS"
    r"|TRACING.*|EVENT_TRACING|STACKTRACE|PERF_EVENTS|HW_PERF_EVENTS|PROBE_EVENTS.*|KALLSYMS.*|MODULES"
    r"|CGROUPS|CGROUP_.*|MEMCG.*|SOCK_CGROUP_DATA|NET_CLS_.*|NET_ACT_.*|NET_SCH_.*|NET_INGRESS|NET_EGRESS"
    r"|NET_XGRESS|NET_SOCK_MSG|NETKIT|XDP_.*|NETFILTER|NETFILTER_BPF_LINK|NETFILTER_INGRESS|NETFILTER_EGRESS|NF_.*BPF.*|LWTUNNEL.*|STREAM_PARSER|SECURITY|SECURITYFS"
    r"|SECURITY_.*|LOCK_DOWN_.*|LSM|LSM_.*|IKCONFIG.*|IKHEADERS|USER_NS|PID_NS|NAMESPACES|SECCOMP.*|SCHED_CLASS_EXT"
    r"|HID_BPF|TCP_CONG_ADVANCED|CRYPTO_USER_API_HASH|CRYPTO_SHA.*|FS_VERITY|INET|XFRM|DEFAULT_SECURITY.*"
    r"|HZ|SMP|PREEMPT.*|CFI_CLANG|X86_KERNEL_IBT|MODULE_SIG.*|EFI|TRACEFS_.*|GCOV_KERNEL|LTO.*|64BIT|JUMP_LABEL"
)
PLAIN = re.compile(r"[ymn]|-?[0-9]{1,20}|0x[0-9a-fA-F]{1,16}")


def find_config(
    system: System, given: Path | None = None
) -> tuple[Fact[KernelConfig], tuple[ConfigTried, ...]]:
    """The configuration from the first place that has a readable one, and what was seen in every place tried.

    `given` is the file named with --kernel-config; it is read first and from the real root.
    """
    release = system.release
    places = [
        ("/proc/config.gz", system, "/proc/config.gz"),
        ("/boot/config-RELEASE", system, f"/boot/config-{release}"),
        ("/lib/modules/RELEASE/config", system, f"/lib/modules/{release}/config"),
    ]
    if given is not None:
        places.insert(0, ("--kernel-config", System("/"), str(given.resolve())))
    tried: list[ConfigTried] = []
    for place, where, path in places:
        reading = where.read(path, CONFIG_LIMIT)
        options = parse_config(inflate_config(reading.data) or b"") if reading.is_present else {}
        if options:
            tried.append(ConfigTried(place, "read"))
            config = KernelConfig(place, _kept(options), len(options))
            evidence = Evidence("config", f"{place}: {len(options)} options", _command(place))
            return known(config, evidence), tuple(tried)
        tried.append(ConfigTried(place, _note(reading)))
    evidence = Evidence("config", "; ".join(f"{one.place}: {one.seen}" for one in tried))
    return (
        unknown(
            "no kernel configuration could be read",
            evidence,
            decided_by="mount /boot or /lib/modules read-only, or pass --kernel-config FILE",
        ),
        tuple(tried),
    )


def _note(reading: Reading) -> str:
    if reading.is_present:
        return "is not a kernel configuration" if not reading.truncated else "is too large"
    return (
        reading.seen.value if reading.errno in (None, "ENOENT") else f"{reading.seen.value} ({reading.errno})"
    )


def _command(place: str) -> str:
    return {
        "/proc/config.gz": "zcat /proc/config.gz | grep BPF",
        "/boot/config-RELEASE": "grep BPF /boot/config-$(uname -r)",
        "/lib/modules/RELEASE/config": "grep BPF /lib/modules/$(uname -r)/config",
    }.get(place, "grep BPF FILE")


def _kept(options: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in options.items()
        if KEPT.fullmatch(name) and (PLAIN.fullmatch(value) or _is_lsm_list(name, value))
    }


def _is_lsm_list(name: str, value: str) -> bool:
    return name == "LSM" and re.fullmatch(r"[a-z0-9_,]{0,256}", value) is not None
