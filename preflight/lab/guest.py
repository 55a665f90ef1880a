# SPDX-License-Identifier: Apache-2.0
"""What the guest does: one shell script for busybox, and the archive that holds all it needs.

The script asks nothing of the distribution but its kernel: file systems are mounted as far as this
kernel has them, and what is not there is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from preflight.lab import collector, initramfs
from preflight.lab.initramfs import Node
from preflight.lab.qemu import machine_for

#: The commands of busybox that the script calls.
COMMANDS = [
    "awk",
    "cat",
    "cut",
    "echo",
    "env",
    "find",
    "grep",
    "gzip",
    "head",
    "insmod",
    "ip",
    "ls",
    "mkdir",
    "mount",
    "poweroff",
    "printf",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "stty",
    "sync",
    "tail",
    "timeout",
    "true",
    "uname",
    "wc",
]

#: Where the test program for uprobes and USDT lies in the guest, and what is in it (bpf/loader/target.c).
TARGET = "/bin/target"
TARGET_FUNCTION = "preflight_target_function"
TARGET_USDT = "preflight:tick"

_HEAD = r"""#!/bin/busybox sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
mount -t tracefs tracefs /sys/kernel/tracing || true
mount -t debugfs debugfs /sys/kernel/debug || true
mount -t securityfs securityfs /sys/kernel/security || true
mount -t bpf bpf /sys/fs/bpf || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup || true
mkdir /sys/fs/cgroup/preflight || true
ip link set lo up || true
echo 0 > /proc/sys/kernel/printk_ratelimit || true
stty -F /dev/@PORT@ raw
exec 3>/dev/@PORT@
mark() { printf '\n#mark %s %s\n' "$1" "$2" >&3; }
if test -x /bin/frame; then
frame() { /bin/frame "$1" "$2" >&3; }
else
frame() {
    gzip -1 -c "$2" > /tmp/frame.gz
    printf '\n#frame %s %s %s\n' "$1" "$(stat -c %s /tmp/frame.gz)" \
        "$(sha256sum < /tmp/frame.gz | cut -d' ' -f1)" >&3
    cat /tmp/frame.gz >&3
    rm -f /tmp/frame.gz
}
fi
(sleep @LIMIT@; poweroff -f) &
mark boot "$(uname -r) $(uname -m)"
mark btf "$(test -e /sys/kernel/btf/vmlinux && sha256sum < /sys/kernel/btf/vmlinux | cut -d' ' -f1)"
mark uptime "$(cut -d' ' -f1 /proc/uptime)"
"""

_MODULE = r"""
if insmod /modules/@MODULE@.ko 2>/tmp/error; then mark module "@MODULE@ ok"
else mark module "@MODULE@ $(head -c 200 /tmp/error | head -n 1)"; fi
"""

_OBJECT = r"""
mark object @NUMBER@
loader @OPTIONS@ /in/@NUMBER@.bpf.o > /tmp/records 2>&1
mark loader "@NUMBER@ $?"
frame object.@NUMBER@ /tmp/records
"""

#: The same question to bpftool: its exit code in a line, and the end of what it says.
_BPFTOOL = r"""
mkdir -p /sys/fs/bpf/lab
timeout @SECONDS@ bpftool -d prog loadall /in/@NUMBER@.bpf.o /sys/fs/bpf/lab > /tmp/bpftool 2>&1
echo "$?" > /tmp/tail
rm -rf /sys/fs/bpf/lab
tail -c 2000 /tmp/bpftool >> /tmp/tail
frame bpftool.@NUMBER@ /tmp/tail
"""

#: Facts for predictions. Addresses stay in the guest: the kernel shows zeros in their place.
_PROBE = r"""
T=/sys/kernel/tracing
test -e $T/available_events || T=/sys/kernel/debug/tracing
mark probe tracefs
if test -e $T/available_events; then
    frame available_events $T/available_events
    test -e $T/available_filter_functions &&
        frame available_filter_functions $T/available_filter_functions
    grep . $T/events/*/*/id > /tmp/fact; frame tracepoint_ids /tmp/fact
    cat $T/events/*/*/format > /tmp/fact; frame tracepoint_formats /tmp/fact
fi
mark probe kallsyms
read restrict < /proc/sys/kernel/kptr_restrict
echo 2 > /proc/sys/kernel/kptr_restrict
frame kallsyms /proc/kallsyms
if test -e /sys/kernel/debug/kprobes/blacklist; then
    cut -f2 /sys/kernel/debug/kprobes/blacklist > /tmp/fact; frame kprobe_blacklist /tmp/fact
fi
echo "$restrict" > /proc/sys/kernel/kptr_restrict
if test -e /proc/config.gz; then gzip -dc /proc/config.gz > /tmp/fact; frame config /tmp/fact; fi
mark probe system
for file in version cmdline filesystems sys/kernel/unprivileged_bpf_disabled sys/net/core/bpf_jit_enable \
    sys/net/core/bpf_jit_harden sys/kernel/bpf_stats_enabled sys/kernel/kptr_restrict \
    sys/kernel/perf_event_paranoid sys/kernel/ftrace_enabled kprobes/blacklist; do
    test -e /proc/$file && sed "s|^|proc/$file: |" /proc/$file
done > /tmp/fact
for file in security/lockdown security/lsm debug/kprobes/enabled debug/error_injection/list; do
    test -e /sys/kernel/$file && sed "s|^|sys/kernel/$file: |" /sys/kernel/$file
done >> /tmp/fact
ls /sys/kernel/btf | sed 's|^|sys/kernel/btf: |' >> /tmp/fact
sed 's|^|cgroup.controllers: |' /sys/fs/cgroup/cgroup.controllers >> /tmp/fact
frame system /tmp/fact
"""

#: The facts of a host, asked by the collection of `preflight check` itself.
_COLLECT = r"""
mark probe host
timeout 240 @COLLECT@ > /tmp/fact 2>/tmp/error; mark host "$? $(tail -n 1 /tmp/error | head -c 300)"
frame host /tmp/fact
"""

#: Where that cannot be taken along (another machine's programs): what bpftool says.
_FEATURES = r"""
mark probe bpftool
bpftool -j feature probe kernel > /tmp/fact 2>/tmp/error; mark features "$?"
frame features /tmp/fact
"""

_TAIL = r"""
mark end "$(cut -d' ' -f1 /proc/uptime)"
sync
exec 3>&-
sleep 0.2
poweroff -f
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What one guest is to do.

    `objects` are the bytes of BPF objects, named by their index; `modules` are inserted in the order
    given. `probe` collects facts, `bpftool` also asks bpftool to load each object. `limit` is the guest's own
    end in seconds, for the case that nobody is there any more to stop it. `config` is the kernel's
    configuration, which loaders read from `/boot/config-RELEASE`: name of that file, contents.
    """

    objects: tuple[bytes, ...] = ()
    modules: tuple[tuple[str, bytes], ...] = ()
    probe: bool = False
    bpftool: bool = False
    attach: bool = True
    log_level: int = 1
    object_seconds: int = 180
    limit: int = 900
    config: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of the guest: static busybox, the loader, its uprobe target, and bpftool when needed.

    `root` is where the libraries of another machine's programs lie, None for this host's own.
    `frame` packs what goes out (bpf/loader/frame.c); without it busybox does the same, more slowly.

    `collector` are the files of preflight's own collection (preflight.lab.collector), by path.
    """

    busybox: Path
    loader: Path | None = None
    target: Path | None = None
    bpftool: Path | None = None
    frame: Path | None = None
    arch: str = "x86_64"
    root: Path | None = None
    collector: Mapping[str, Node] = field(default_factory=dict)


def script(job: Job, *, target: bool, collect: str = "", port: str = "ttyS1") -> str:
    """The guest's first process, as text. Numbers and checked names are all that enters it.

    `collect` is the command that collects host facts; without it bpftool is asked what it knows. `port` is
    the device of the second serial port.
    """
    parts = [_HEAD.replace("@LIMIT@", str(job.limit)).replace("@PORT@", port)]
    parts += [_MODULE.replace("@MODULE@", name) for name, _ in job.modules]
    if job.probe:
        parts += [_PROBE, _COLLECT.replace("@COLLECT@", collect) if collect else _FEATURES]
    options = [f"--level {job.log_level}", f"--timeout {job.object_seconds}"]
    options += ["--cgroup /sys/fs/cgroup/preflight"]
    options += [] if job.attach else ["--no-attach"]
    if target:
        options.append(f"--binary {TARGET} --function {TARGET_FUNCTION} --usdt {TARGET_USDT}")
    for number in range(len(job.objects)):
        one = _OBJECT + (_BPFTOOL if job.bpftool else "")
        one = one.replace("@NUMBER@", str(number)).replace("@OPTIONS@", " ".join(options))
        parts.append(one.replace("@SECONDS@", str(job.object_seconds)))
    return "".join(parts) + _TAIL


def build(job: Job, tools: Tools) -> bytes:
    """The initramfs for a job. InstrumentError when a program of the host cannot be taken along."""
    collect = collector.command() if job.probe and tools.collector else ""
    port = machine_for(tools.arch).port
    text = script(job, target=tools.target is not None, collect=collect, port=port)
    nodes: dict[str, Node] = {
        **{name: initramfs.folder() for name in ("proc", "sys", "dev", "tmp")},
        "dev/console": initramfs.console(),
        "init": initramfs.file(text.encode("ascii"), executable=True),
        "bin/busybox": initramfs.file(tools.busybox.read_bytes(), executable=True),
        **initramfs.busybox_links(COMMANDS),
    }
    for path, name in ((tools.loader, "loader"), (tools.target, "target"), (tools.frame, "frame")):
        if path is not None:
            nodes[f"bin/{name}"] = initramfs.file(path.read_bytes(), executable=True)
    if tools.bpftool is not None and (job.probe or job.bpftool):
        nodes |= initramfs.with_libraries(tools.bpftool, tools.arch, root=tools.root)
    if job.probe:
        nodes |= tools.collector
    nodes |= {f"in/{n}.bpf.o": initramfs.file(data) for n, data in enumerate(job.objects)}
    nodes |= {f"modules/{name}.ko": initramfs.file(data) for name, data in job.modules}
    if job.config is not None:
        nodes[f"boot/{job.config[0]}"] = initramfs.file(job.config[1])
    return initramfs.archive(nodes)


def object_number(name: str, count: int) -> int | None:
    """`object.7` or `7.bpf.o` -> 7 when the job had such an object, else None."""
    digits = name.removeprefix("object.").removeprefix("bpftool.").removesuffix(".bpf.o")
    return int(digits) if digits.isdigit() and len(digits) < 7 and int(digits) < count else None


def describe(job: Job) -> Sequence[str]:
    """What the job is about, in words for a progress line."""
    words = ["boot"]
    words += (
        [f"{count} object" if (count := len(job.objects)) == 1 else f"{count} objects"] if job.objects else []
    )
    words += ["facts"] if job.probe else []
    return words
