# SPDX-License-Identifier: Apache-2.0
"""What a section name says about a program: type, attach type, target.

The table follows `section_defs[]`, `find_sec_def()` and the `attach_*()` functions of libbpf 1.7.0's
`libbpf.c`. A name that is not in it is no error: the program's type is
then unknown until user space sets one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from preflight.records import dataclass


class SectionDef(NamedTuple):
    """One row. `pattern` ending in `+` also takes `/target`; `flags` are separated by spaces.

    Flags: `sleepable`, `frags` (XDP with fragments), `btf` (the target is found in kernel BTF
    before loading), `optional` (libbpf drops the attach type on kernels that do not know the field), `usdt`.
    `target` says what the part after the slash names, "" when there is none.
    """

    pattern: str
    program_type: str
    attach_type: str = ""
    flags: str = ""
    target: str = ""


#: The first row that matches wins, as in libbpf.
SECTION_DEFS: Final = (
    SectionDef("socket", "socket_filter"),
    SectionDef("sk_reuseport/migrate", "sk_reuseport", "sk_reuseport_select_or_migrate"),
    SectionDef("sk_reuseport", "sk_reuseport", "sk_reuseport_select"),
    SectionDef("kprobe+", "kprobe", target="function"),
    SectionDef("uprobe+", "kprobe", target="user-function"),
    SectionDef("uprobe.s+", "kprobe", flags="sleepable", target="user-function"),
    SectionDef("kretprobe+", "kprobe", target="function"),
    SectionDef("uretprobe+", "kprobe", target="user-function"),
    SectionDef("uretprobe.s+", "kprobe", flags="sleepable", target="user-function"),
    SectionDef("kprobe.multi+", "kprobe", "trace_kprobe_multi", target="function-pattern"),
    SectionDef("kretprobe.multi+", "kprobe", "trace_kprobe_multi", target="function-pattern"),
    SectionDef("kprobe.session+", "kprobe", "trace_kprobe_session", target="function-pattern"),
    SectionDef("uprobe.multi+", "kprobe", "trace_uprobe_multi", target="user-function-pattern"),
    SectionDef("uretprobe.multi+", "kprobe", "trace_uprobe_multi", target="user-function-pattern"),
    SectionDef("uprobe.session+", "kprobe", "trace_uprobe_session", target="user-function-pattern"),
    SectionDef(
        "uprobe.multi.s+", "kprobe", "trace_uprobe_multi", flags="sleepable", target="user-function-pattern"
    ),
    SectionDef(
        "uretprobe.multi.s+",
        "kprobe",
        "trace_uprobe_multi",
        flags="sleepable",
        target="user-function-pattern",
    ),
    SectionDef(
        "uprobe.session.s+",
        "kprobe",
        "trace_uprobe_session",
        flags="sleepable",
        target="user-function-pattern",
    ),
    SectionDef("ksyscall+", "kprobe", target="syscall"),
    SectionDef("kretsyscall+", "kprobe", target="syscall"),
    SectionDef("usdt+", "kprobe", flags="usdt", target="usdt"),
    SectionDef("usdt.s+", "kprobe", flags="sleepable usdt", target="usdt"),
    SectionDef("tc/ingress", "sched_cls", "tcx_ingress"),
    SectionDef("tc/egress", "sched_cls", "tcx_egress"),
    SectionDef("tcx/ingress", "sched_cls", "tcx_ingress"),
    SectionDef("tcx/egress", "sched_cls", "tcx_egress"),
    SectionDef("tc", "sched_cls"),
    SectionDef("classifier", "sched_cls"),
    SectionDef("action", "sched_act"),
    SectionDef("netkit/primary", "sched_cls", "netkit_primary"),
    SectionDef("netkit/peer", "sched_cls", "netkit_peer"),
    SectionDef("tracepoint+", "tracepoint", target="tracepoint"),
    SectionDef("tp+", "tracepoint", target="tracepoint"),
    SectionDef("raw_tracepoint+", "raw_tracepoint", target="raw-tracepoint"),
    SectionDef("raw_tp+", "raw_tracepoint", target="raw-tracepoint"),
    SectionDef("raw_tracepoint.w+", "raw_tracepoint_writable", target="raw-tracepoint"),
    SectionDef("raw_tp.w+", "raw_tracepoint_writable", target="raw-tracepoint"),
    SectionDef("tp_btf+", "tracing", "trace_raw_tp", flags="btf", target="raw-tracepoint"),
    SectionDef("fentry+", "tracing", "trace_fentry", flags="btf", target="function"),
    SectionDef("fmod_ret+", "tracing", "modify_return", flags="btf", target="function"),
    SectionDef("fexit+", "tracing", "trace_fexit", flags="btf", target="function"),
    SectionDef("fentry.s+", "tracing", "trace_fentry", flags="sleepable btf", target="function"),
    SectionDef("fmod_ret.s+", "tracing", "modify_return", flags="sleepable btf", target="function"),
    SectionDef("fexit.s+", "tracing", "trace_fexit", flags="sleepable btf", target="function"),
    SectionDef("fsession+", "tracing", "trace_fsession", flags="btf", target="function"),
    SectionDef("fsession.s+", "tracing", "trace_fsession", flags="sleepable btf", target="function"),
    SectionDef("freplace+", "ext", flags="btf", target="program-function"),
    SectionDef("lsm+", "lsm", "lsm_mac", flags="btf", target="lsm-hook"),
    SectionDef("lsm.s+", "lsm", "lsm_mac", flags="sleepable btf", target="lsm-hook"),
    SectionDef("lsm_cgroup+", "lsm", "lsm_cgroup", flags="btf", target="lsm-hook"),
    SectionDef("iter+", "tracing", "trace_iter", flags="btf", target="iterator"),
    SectionDef("iter.s+", "tracing", "trace_iter", flags="sleepable btf", target="iterator"),
    SectionDef("syscall", "syscall", flags="sleepable"),
    SectionDef("xdp.frags/devmap", "xdp", "xdp_devmap", flags="frags"),
    SectionDef("xdp/devmap", "xdp", "xdp_devmap"),
    SectionDef("xdp.frags/cpumap", "xdp", "xdp_cpumap", flags="frags"),
    SectionDef("xdp/cpumap", "xdp", "xdp_cpumap"),
    SectionDef("xdp.frags", "xdp", "xdp", flags="frags"),
    SectionDef("xdp", "xdp", "xdp", flags="optional"),
    SectionDef("perf_event", "perf_event"),
    SectionDef("lwt_in", "lwt_in"),
    SectionDef("lwt_out", "lwt_out"),
    SectionDef("lwt_xmit", "lwt_xmit"),
    SectionDef("lwt_seg6local", "lwt_seg6local"),
    SectionDef("sockops", "sock_ops", "cgroup_sock_ops", flags="optional"),
    SectionDef("sk_skb/stream_parser", "sk_skb", "sk_skb_stream_parser", flags="optional"),
    SectionDef("sk_skb/stream_verdict", "sk_skb", "sk_skb_stream_verdict", flags="optional"),
    SectionDef("sk_skb/verdict", "sk_skb", "sk_skb_verdict", flags="optional"),
    SectionDef("sk_skb", "sk_skb"),
    SectionDef("sk_msg", "sk_msg", "sk_msg_verdict", flags="optional"),
    SectionDef("lirc_mode2", "lirc_mode2", "lirc_mode2", flags="optional"),
    SectionDef("flow_dissector", "flow_dissector", "flow_dissector", flags="optional"),
    SectionDef("cgroup_skb/ingress", "cgroup_skb", "cgroup_inet_ingress", flags="optional"),
    SectionDef("cgroup_skb/egress", "cgroup_skb", "cgroup_inet_egress", flags="optional"),
    SectionDef("cgroup/skb", "cgroup_skb"),
    SectionDef("cgroup/sock_create", "cgroup_sock", "cgroup_inet_sock_create"),
    SectionDef("cgroup/sock_release", "cgroup_sock", "cgroup_inet_sock_release"),
    SectionDef("cgroup/sock", "cgroup_sock", "cgroup_inet_sock_create", flags="optional"),
    SectionDef("cgroup/post_bind4", "cgroup_sock", "cgroup_inet4_post_bind"),
    SectionDef("cgroup/post_bind6", "cgroup_sock", "cgroup_inet6_post_bind"),
    SectionDef("cgroup/bind4", "cgroup_sock_addr", "cgroup_inet4_bind"),
    SectionDef("cgroup/bind6", "cgroup_sock_addr", "cgroup_inet6_bind"),
    SectionDef("cgroup/connect4", "cgroup_sock_addr", "cgroup_inet4_connect"),
    SectionDef("cgroup/connect6", "cgroup_sock_addr", "cgroup_inet6_connect"),
    SectionDef("cgroup/connect_unix", "cgroup_sock_addr", "cgroup_unix_connect"),
    SectionDef("cgroup/sendmsg4", "cgroup_sock_addr", "cgroup_udp4_sendmsg"),
    SectionDef("cgroup/sendmsg6", "cgroup_sock_addr", "cgroup_udp6_sendmsg"),
    SectionDef("cgroup/sendmsg_unix", "cgroup_sock_addr", "cgroup_unix_sendmsg"),
    SectionDef("cgroup/recvmsg4", "cgroup_sock_addr", "cgroup_udp4_recvmsg"),
    SectionDef("cgroup/recvmsg6", "cgroup_sock_addr", "cgroup_udp6_recvmsg"),
    SectionDef("cgroup/recvmsg_unix", "cgroup_sock_addr", "cgroup_unix_recvmsg"),
    SectionDef("cgroup/getpeername4", "cgroup_sock_addr", "cgroup_inet4_getpeername"),
    SectionDef("cgroup/getpeername6", "cgroup_sock_addr", "cgroup_inet6_getpeername"),
    SectionDef("cgroup/getpeername_unix", "cgroup_sock_addr", "cgroup_unix_getpeername"),
    SectionDef("cgroup/getsockname4", "cgroup_sock_addr", "cgroup_inet4_getsockname"),
    SectionDef("cgroup/getsockname6", "cgroup_sock_addr", "cgroup_inet6_getsockname"),
    SectionDef("cgroup/getsockname_unix", "cgroup_sock_addr", "cgroup_unix_getsockname"),
    SectionDef("cgroup/sysctl", "cgroup_sysctl", "cgroup_sysctl"),
    SectionDef("cgroup/getsockopt", "cgroup_sockopt", "cgroup_getsockopt"),
    SectionDef("cgroup/setsockopt", "cgroup_sockopt", "cgroup_setsockopt"),
    SectionDef("cgroup/dev", "cgroup_device", "cgroup_device", flags="optional"),
    SectionDef("struct_ops+", "struct_ops", target="struct-ops-member"),
    SectionDef("struct_ops.s+", "struct_ops", flags="sleepable", target="struct-ops-member"),
    SectionDef("sk_lookup", "sk_lookup", "sk_lookup"),
    SectionDef("netfilter", "netfilter", "netfilter"),
)


@dataclass(frozen=True, slots=True)
class AttachTarget:
    """What a program wants to attach to, taken apart as libbpf takes it apart.

    `kind`: `function`, `function-pattern`, `user-function`, `user-function-pattern`, `syscall`, `usdt`,
    `tracepoint`, `raw-tracepoint`, `lsm-hook`, `iterator`, `struct-ops-member`, `program-function`.
    `text` is everything after the section's prefix. `name` is the function, event, hook, member or pattern;
    `category` a tracepoint's; `path` and `provider` those of uprobes and USDT; `offset` in bytes.
    `name` is "" when libbpf could make nothing of the text, or when user space has to name the target.
    """

    kind: str
    text: str = ""
    name: str = ""
    category: str = ""
    path: str = ""
    provider: str = ""
    offset: int = 0

    @property
    def is_open(self) -> bool:
        """No usable target in the section name: user space has to give one."""
        return not self.name

    def to_dict(self) -> dict[str, Any]:
        """JSON form; parts that do not apply are left out."""
        parts = {
            "category": self.category,
            "path": self.path,
            "provider": self.provider,
            "offset": self.offset,
        }
        shown = {key: value for key, value in parts.items() if value}
        return {"kind": self.kind, "text": self.text, "name": self.name, **shown}


@dataclass(frozen=True, slots=True)
class Hook:
    """What a section name means. `program_type` is "unknown" when libbpf does not know the name.

    `prefix` is the part that was recognised (`kprobe`, `tp_btf`, `cgroup/connect4`). `attach_type` is ""
    when libbpf sets none. `returns`: attaches to the return (kretprobe, uretprobe, fexit, kretsyscall).
    """

    prefix: str
    program_type: str
    attach_type: str = ""
    attach_type_optional: bool = False
    sleepable: bool = False
    xdp_frags: bool = False
    needs_kernel_btf: bool = False
    is_usdt: bool = False
    target: AttachTarget | None = None

    @property
    def returns(self) -> bool:
        """Whether it runs when the target returns."""
        return self.prefix.startswith(("kret", "uret", "fexit"))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "prefix": self.prefix,
            "program_type": self.program_type,
            "attach_type": self.attach_type or None,
            "sleepable": self.sleepable,
            "xdp_frags": self.xdp_frags,
            "needs_kernel_btf": self.needs_kernel_btf,
            "target": self.target.to_dict() if self.target else None,
        }


UNKNOWN: Final = "unknown"


#: (start of the section name, whether `/target` may follow, row), in the order of the table.
_STARTS: Final = tuple((d.pattern.removesuffix("+"), d.pattern.endswith("+"), d) for d in SECTION_DEFS)


@lru_cache(maxsize=512)
def hook(section: str) -> Hook:
    """What a section name (without the `?` of autoload off) says."""
    for base, open_ended, definition in _STARTS:
        if not section.startswith(base):
            continue
        rest = section[len(base) :]
        if rest and not (open_ended and rest.startswith("/")):
            continue
        flags = definition.flags.split()
        return Hook(
            prefix=base,
            program_type=definition.program_type,
            attach_type=definition.attach_type,
            attach_type_optional="optional" in flags,
            sleepable="sleepable" in flags,
            xdp_frags="frags" in flags,
            needs_kernel_btf="btf" in flags,
            is_usdt="usdt" in flags,
            target=_target(definition.target, rest[1:]) if definition.target else None,
        )
    return Hook(prefix="", program_type=UNKNOWN)


_FUNCTION: Final = re.compile(r"([a-zA-Z0-9_.]+)(?:\+(0[xX][0-9a-fA-F]{1,16}|\d{1,19}))?")
_PATTERN: Final = re.compile(r"[a-zA-Z0-9_.*?]+")
_USER_FUNCTION: Final = re.compile(r"([^:]+):([^\n]+)")
_USER_OFFSET: Final = re.compile(r"(.*)\+(0[xX][0-9a-fA-F]{1,16}|\d{1,19})\Z", re.DOTALL)
_USDT: Final = re.compile(r"([^:]+):([^:]+):([^:]+)")


def _target(kind: str, text: str) -> AttachTarget:
    parse = _PARSERS.get(kind)
    return parse(kind, text) if parse else AttachTarget(kind, text, name=text)


def _number(digits: str | None) -> int:
    # C's %li: 0x is hexadecimal, a leading zero octal.
    if not digits:
        return 0
    if digits[:2] in ("0x", "0X"):
        return int(digits, 16)
    octal = digits.startswith("0") and all(digit in "01234567" for digit in digits)
    return int(digits, 8 if octal else 10)


def _function(kind: str, text: str) -> AttachTarget:
    match = _FUNCTION.match(text)
    if match is None:
        return AttachTarget(kind, text)
    return AttachTarget(kind, text, name=match[1], offset=_number(match[2]))


def _pattern(kind: str, text: str) -> AttachTarget:
    match = _PATTERN.match(text)
    return AttachTarget(kind, text, name=match[0] if match else "")


def _user_function(kind: str, text: str) -> AttachTarget:
    match = _USER_FUNCTION.match(text)
    if match is None:
        return AttachTarget(kind, text)
    path, name = match[1], match[2]
    at = _USER_OFFSET.match(name) if kind == "user-function" else None
    if at is None:
        return AttachTarget(kind, text, name=name, path=path)
    return AttachTarget(kind, text, name=at[1], path=path, offset=_number(at[2]))


def _usdt(kind: str, text: str) -> AttachTarget:
    match = _USDT.match(text)
    if match is None:
        return AttachTarget(kind, text)
    return AttachTarget(kind, text, path=match[1], provider=match[2], name=match[3])


def _tracepoint(kind: str, text: str) -> AttachTarget:
    category, slash, name = text.partition("/")
    return AttachTarget(kind, text, category=category, name=name) if slash else AttachTarget(kind, text)


_PARSERS: Final = {
    "function": _function,
    "function-pattern": _pattern,
    "user-function": _user_function,
    "user-function-pattern": _user_function,
    "usdt": _usdt,
    "tracepoint": _tracepoint,
}
