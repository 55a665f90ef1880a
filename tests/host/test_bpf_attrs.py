# SPDX-License-Identifier: Apache-2.0
"""The layout of `union bpf_attr` against the offsets of include/uapi/linux/bpf.h."""

from __future__ import annotations

from ctypes import sizeof

import pytest

from preflight.host.bpf import attrs

OFFSETS = [
    (attrs.ProgLoadAttr, "insns", 8),
    (attrs.ProgLoadAttr, "license", 16),
    (attrs.ProgLoadAttr, "log_level", 24),
    (attrs.ProgLoadAttr, "log_buf", 32),
    (attrs.ProgLoadAttr, "kern_version", 40),
    (attrs.ProgLoadAttr, "prog_flags", 44),
    (attrs.ProgLoadAttr, "prog_name", 48),
    (attrs.ProgLoadAttr, "prog_ifindex", 64),
    (attrs.ProgLoadAttr, "expected_attach_type", 68),
    (attrs.ProgLoadAttr, "prog_btf_fd", 72),
    (attrs.ProgLoadAttr, "func_info", 80),
    (attrs.ProgLoadAttr, "line_info", 96),
    (attrs.ProgLoadAttr, "attach_btf_id", 108),
    (attrs.ProgLoadAttr, "attach_btf_obj_fd", 112),
    (attrs.ProgLoadAttr, "fd_array", 120),
    (attrs.ProgLoadAttr, "core_relos", 128),
    (attrs.ProgLoadAttr, "log_true_size", 140),
    (attrs.ProgLoadAttr, "prog_token_fd", 144),
    (attrs.ProgLoadAttr, "fd_array_cnt", 148),
    (attrs.MapCreateAttr, "map_flags", 16),
    (attrs.MapCreateAttr, "inner_map_fd", 20),
    (attrs.MapCreateAttr, "numa_node", 24),
    (attrs.MapCreateAttr, "map_name", 28),
    (attrs.MapCreateAttr, "map_ifindex", 44),
    (attrs.MapCreateAttr, "btf_fd", 48),
    (attrs.MapCreateAttr, "btf_vmlinux_value_type_id", 60),
    (attrs.MapCreateAttr, "map_extra", 64),
    (attrs.MapCreateAttr, "value_type_btf_obj_fd", 72),
    (attrs.MapElemAttr, "key", 8),
    (attrs.MapElemAttr, "flags", 24),
    (attrs.MapBatchAttr, "count", 32),
    (attrs.MapBatchAttr, "flags", 48),
    (attrs.BtfLoadAttr, "btf_size", 16),
    (attrs.BtfLoadAttr, "btf_log_true_size", 28),
    (attrs.TestRunAttr, "data_in", 16),
    (attrs.TestRunAttr, "ctx_in", 48),
    (attrs.TestRunAttr, "batch_size", 72),
    (attrs.ObjInfoAttr, "info", 8),
    (attrs.RawTracepointAttr, "cookie", 16),
    (attrs.ProgAttachAttr, "expected_revision", 24),
    (attrs.LinkCreateAttr, "target", 16),
    (attrs.LinkTracing, "cookie", 8),
    (attrs.LinkKprobeMulti, "syms", 8),
    (attrs.LinkUprobeMulti, "pid", 40),
    (attrs.LinkNetfilter, "priority", 8),
    (attrs.LinkTcx, "expected_revision", 8),
]


@pytest.mark.parametrize(("layout", "member", "offset"), OFFSETS)
def test_member_offset(layout: type, member: str, offset: int) -> None:
    assert getattr(layout, member).offset == offset


@pytest.mark.parametrize(
    "layout",
    [value for name, value in vars(attrs).items() if name.endswith("Attr")],
    ids=lambda layout: layout.__name__,
)
def test_attributes_are_at_least_as_long_as_a_kernel_reads_and_shorter_than_a_page(layout: type) -> None:
    assert 120 <= sizeof(layout) <= 4096


def test_link_targets_fit_behind_the_common_part() -> None:
    for name, target in vars(attrs).items():
        if name.startswith("Link") and name != "LinkCreateAttr":
            assert sizeof(target) <= attrs.LinkCreateAttr.target.size, name
