# SPDX-License-Identifier: Apache-2.0
"""What section names mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.objects import kinds
from preflight.objects.hooks import SECTION_DEFS, AttachTarget, hook


@pytest.mark.parametrize("definition", SECTION_DEFS, ids=lambda d: d.pattern)
def test_every_row_speaks_of_known_types_and_is_not_hidden_by_another(definition: object) -> None:
    kinds.program_type_number(definition.program_type)
    if definition.attach_type:
        kinds.attach_type_number(definition.attach_type)
    base = definition.pattern.removesuffix("+")
    found = hook(base)
    assert (found.prefix, found.program_type, found.attach_type) == (
        base,
        definition.program_type,
        definition.attach_type,
    )


@pytest.mark.parametrize(
    ("section", "program_type", "attach_type"),
    [
        ("kprobe/do_unlinkat", "kprobe", ""),
        ("kprobe.multi/tcp_*", "kprobe", "trace_kprobe_multi"),
        ("tp_btf/sched_switch", "tracing", "trace_raw_tp"),
        ("fentry/vfs_read", "tracing", "trace_fentry"),
        ("fmod_ret/bpf_modify_return_test", "tracing", "modify_return"),
        ("freplace/handler", "ext", ""),
        ("lsm/file_open", "lsm", "lsm_mac"),
        ("lsm_cgroup/socket_post_create", "lsm", "lsm_cgroup"),
        ("iter/task", "tracing", "trace_iter"),
        ("raw_tp.w/foo", "raw_tracepoint_writable", ""),
        ("cgroup/connect4", "cgroup_sock_addr", "cgroup_inet4_connect"),
        ("cgroup_skb/egress", "cgroup_skb", "cgroup_inet_egress"),
        ("sk_reuseport/migrate", "sk_reuseport", "sk_reuseport_select_or_migrate"),
        ("xdp.frags/devmap", "xdp", "xdp_devmap"),
        ("tcx/ingress", "sched_cls", "tcx_ingress"),
        ("netkit/peer", "sched_cls", "netkit_peer"),
        ("struct_ops/init", "struct_ops", ""),
        ("syscall", "syscall", ""),
        ("netfilter", "netfilter", "netfilter"),
        ("perf_event", "perf_event", ""),
    ],
)
def test_types(section: str, program_type: str, attach_type: str) -> None:
    found = hook(section)
    assert (found.program_type, found.attach_type) == (program_type, attach_type)


@pytest.mark.parametrize(
    "section",
    ["", "wat", "xdp_prog", "xdp/other", "kprobes/x", "kprobe.multix", "cgroup/connect4/x", "socket1"],
)
def test_an_unknown_name_is_an_unknown_type_and_no_error(section: str) -> None:
    found = hook(section)
    assert found.program_type == "unknown"
    assert found.target is None


@pytest.mark.parametrize(
    ("section", "target"),
    [
        ("kprobe/vfs_read+0x1f", {"name": "vfs_read", "offset": 31}),
        ("kprobe/vfs_read+010", {"name": "vfs_read", "offset": 8}),
        ("kprobe/vfs_read+10", {"name": "vfs_read", "offset": 10}),
        ("kretprobe/foo.isra.0", {"name": "foo.isra.0"}),
        ("kprobe.multi/tcp_v?_*", {"name": "tcp_v?_*"}),
        ("fentry/tcp_connect", {"name": "tcp_connect"}),
        ("tp/sched/sched_switch", {"category": "sched", "name": "sched_switch"}),
        ("tracepoint/syscalls/sys_enter_open", {"category": "syscalls", "name": "sys_enter_open"}),
        ("raw_tp/sys_enter", {"name": "sys_enter"}),
        ("uprobe//lib/libc.so.6:malloc", {"path": "/lib/libc.so.6", "name": "malloc"}),
        ("uprobe/libc:malloc+0x10", {"path": "libc", "name": "malloc", "offset": 16}),
        ("uprobe.multi/./app:go_*", {"path": "./app", "name": "go_*"}),
        ("usdt/libc.so.6:libc:setjmp", {"path": "libc.so.6", "provider": "libc", "name": "setjmp"}),
        ("ksyscall/unlinkat", {"name": "unlinkat"}),
        ("iter/bpf_map", {"name": "bpf_map"}),
        ("struct_ops/ssthresh", {"name": "ssthresh"}),
    ],
)
def test_targets_are_taken_apart(section: str, target: dict[str, object]) -> None:
    found = hook(section).target
    assert found is not None
    assert {key: getattr(found, key) for key in target} == target
    assert not found.is_open


@pytest.mark.parametrize(
    "section",
    ["kprobe", "tp/sched", "uprobe/readline", "uprobe", "usdt/a:b", "fentry", "tp_btf", "kprobe/+3"],
)
def test_a_target_that_user_space_must_give_is_open(section: str) -> None:
    target = hook(section).target
    assert isinstance(target, AttachTarget)
    assert target.is_open


def test_flags() -> None:
    assert hook("lsm.s/file_open").sleepable
    assert not hook("lsm/file_open").sleepable
    assert hook("xdp.frags").xdp_frags
    assert hook("fentry/x").needs_kernel_btf
    assert not hook("kprobe/x").needs_kernel_btf
    assert hook("xdp").attach_type_optional
    assert not hook("cgroup/bind4").attach_type_optional
    assert hook("usdt").is_usdt
    assert hook("kretprobe/x").returns
    assert not hook("kprobe/x").returns


@given(st.text(max_size=80), st.sampled_from([d.pattern.removesuffix("+") for d in SECTION_DEFS]))
def test_any_text_after_any_prefix_has_an_answer(text: str, prefix: str) -> None:
    assert hook(f"{prefix}/{text}").to_dict()["program_type"]
    hook(text)
