# SPDX-License-Identifier: Apache-2.0
"""The wire format of bpf(2): commands, flags and the members of `union bpf_attr`.

Source: include/uapi/linux/bpf.h (torvalds/linux 6.18). Members are only ever appended
to, and a kernel accepts a longer attribute whose tail is zero (`bpf_check_uarg_tail_zero`,
kernel/bpf/syscall.c), so one layout serves every kernel as long as new members stay zero.
"""

from __future__ import annotations

from ctypes import Structure, c_char, c_int32, c_uint32, c_uint64
from enum import IntEnum, IntFlag


class Cmd(IntEnum):
    """`enum bpf_cmd`, the commands preflight uses."""

    MAP_CREATE = 0
    MAP_LOOKUP_ELEM = 1
    MAP_UPDATE_ELEM = 2
    MAP_DELETE_ELEM = 3
    MAP_GET_NEXT_KEY = 4
    PROG_LOAD = 5
    PROG_ATTACH = 8
    PROG_DETACH = 9
    PROG_TEST_RUN = 10
    PROG_GET_NEXT_ID = 11
    MAP_GET_NEXT_ID = 12
    PROG_GET_FD_BY_ID = 13
    OBJ_GET_INFO_BY_FD = 15
    RAW_TRACEPOINT_OPEN = 17
    BTF_LOAD = 18
    BTF_GET_FD_BY_ID = 19
    MAP_FREEZE = 22
    BTF_GET_NEXT_ID = 23
    MAP_LOOKUP_BATCH = 24
    LINK_CREATE = 28
    LINK_GET_FD_BY_ID = 30
    LINK_GET_NEXT_ID = 31
    ITER_CREATE = 33


class LogLevel(IntFlag):
    """`log_level` bits of BPF_PROG_LOAD (include/linux/bpf_verifier.h, BPF_LOG_*)."""

    NONE = 0
    BRANCH = 1
    STATES = 2
    #: Alone: terminal messages and the statistics block, no trace. The shortest failing log.
    STATS = 4
    #: Keep the head of a log that does not fit instead of its tail (kernels >= 6.4).
    FIXED = 8


class ProgFlag(IntFlag):
    """`prog_flags` of BPF_PROG_LOAD."""

    STRICT_ALIGNMENT = 1 << 0
    ANY_ALIGNMENT = 1 << 1
    TEST_RND_HI32 = 1 << 2
    TEST_STATE_FREQ = 1 << 3
    SLEEPABLE = 1 << 4
    XDP_HAS_FRAGS = 1 << 5
    XDP_DEV_BOUND_ONLY = 1 << 6
    TOKEN_FD = 1 << 16


class MapFlag(IntFlag):
    """`map_flags` of BPF_MAP_CREATE."""

    NO_PREALLOC = 1 << 0
    NO_COMMON_LRU = 1 << 1
    NUMA_NODE = 1 << 2
    RDONLY = 1 << 3
    WRONLY = 1 << 4
    STACK_BUILD_ID = 1 << 5
    ZERO_SEED = 1 << 6
    RDONLY_PROG = 1 << 7
    WRONLY_PROG = 1 << 8
    CLONE = 1 << 9
    MMAPABLE = 1 << 10
    PRESERVE_ELEMS = 1 << 11
    INNER_MAP = 1 << 12
    LINK = 1 << 13
    PATH_FD = 1 << 14
    VTYPE_BTF_OBJ_FD = 1 << 15
    TOKEN_FD = 1 << 16
    SEGV_ON_FAULT = 1 << 17
    NO_USER_CONV = 1 << 18


class ProgLoadAttr(Structure):
    """BPF_PROG_LOAD."""

    _fields_ = [
        ("prog_type", c_uint32),
        ("insn_cnt", c_uint32),
        ("insns", c_uint64),
        ("license", c_uint64),
        ("log_level", c_uint32),
        ("log_size", c_uint32),
        ("log_buf", c_uint64),
        ("kern_version", c_uint32),
        ("prog_flags", c_uint32),
        ("prog_name", c_char * 16),
        ("prog_ifindex", c_uint32),
        ("expected_attach_type", c_uint32),
        ("prog_btf_fd", c_uint32),
        ("func_info_rec_size", c_uint32),
        ("func_info", c_uint64),
        ("func_info_cnt", c_uint32),
        ("line_info_rec_size", c_uint32),
        ("line_info", c_uint64),
        ("line_info_cnt", c_uint32),
        ("attach_btf_id", c_uint32),
        ("attach_btf_obj_fd", c_uint32),  # the same word as attach_prog_fd
        ("core_relo_cnt", c_uint32),
        ("fd_array", c_uint64),
        ("core_relos", c_uint64),
        ("core_relo_rec_size", c_uint32),
        ("log_true_size", c_uint32),
        ("prog_token_fd", c_int32),
        ("fd_array_cnt", c_uint32),
    ]


class MapCreateAttr(Structure):
    """BPF_MAP_CREATE."""

    _fields_ = [
        ("map_type", c_uint32),
        ("key_size", c_uint32),
        ("value_size", c_uint32),
        ("max_entries", c_uint32),
        ("map_flags", c_uint32),
        ("inner_map_fd", c_uint32),
        ("numa_node", c_uint32),
        ("map_name", c_char * 16),
        ("map_ifindex", c_uint32),
        ("btf_fd", c_uint32),
        ("btf_key_type_id", c_uint32),
        ("btf_value_type_id", c_uint32),
        ("btf_vmlinux_value_type_id", c_uint32),
        ("map_extra", c_uint64),
        ("value_type_btf_obj_fd", c_int32),
        ("map_token_fd", c_int32),
        ("_tail", c_uint64 * 6),
    ]


class MapElemAttr(Structure):
    """BPF_MAP_*_ELEM and BPF_MAP_GET_NEXT_KEY; also BPF_MAP_FREEZE, which reads only `map_fd`."""

    _fields_ = [
        ("map_fd", c_uint32),
        ("_pad", c_uint32),
        ("key", c_uint64),
        ("value", c_uint64),
        ("flags", c_uint64),
        ("_tail", c_uint64 * 12),
    ]


class MapBatchAttr(Structure):
    """BPF_MAP_*_BATCH."""

    _fields_ = [
        ("in_batch", c_uint64),
        ("out_batch", c_uint64),
        ("keys", c_uint64),
        ("values", c_uint64),
        ("count", c_uint32),
        ("map_fd", c_uint32),
        ("elem_flags", c_uint64),
        ("flags", c_uint64),
        ("_tail", c_uint64 * 9),
    ]


class BtfLoadAttr(Structure):
    """BPF_BTF_LOAD."""

    _fields_ = [
        ("btf", c_uint64),
        ("btf_log_buf", c_uint64),
        ("btf_size", c_uint32),
        ("btf_log_size", c_uint32),
        ("btf_log_level", c_uint32),
        ("btf_log_true_size", c_uint32),
        ("btf_flags", c_uint32),
        ("btf_token_fd", c_int32),
        ("_tail", c_uint64 * 11),
    ]


class TestRunAttr(Structure):
    """BPF_PROG_TEST_RUN."""

    _fields_ = [
        ("prog_fd", c_uint32),
        ("retval", c_uint32),
        ("data_size_in", c_uint32),
        ("data_size_out", c_uint32),
        ("data_in", c_uint64),
        ("data_out", c_uint64),
        ("repeat", c_uint32),
        ("duration", c_uint32),
        ("ctx_size_in", c_uint32),
        ("ctx_size_out", c_uint32),
        ("ctx_in", c_uint64),
        ("ctx_out", c_uint64),
        ("flags", c_uint32),
        ("cpu", c_uint32),
        ("batch_size", c_uint32),
        ("_pad", c_uint32),
        ("_tail", c_uint64 * 6),
    ]


class IdAttr(Structure):
    """BPF_*_GET_NEXT_ID (`id` is the start) and BPF_*_GET_FD_BY_ID."""

    _fields_ = [
        ("id", c_uint32),
        ("next_id", c_uint32),
        ("open_flags", c_uint32),
        ("token_fd", c_int32),
        ("_tail", c_uint64 * 14),
    ]


class ObjInfoAttr(Structure):
    """BPF_OBJ_GET_INFO_BY_FD."""

    _fields_ = [("bpf_fd", c_uint32), ("info_len", c_uint32), ("info", c_uint64), ("_tail", c_uint64 * 14)]


class RawTracepointAttr(Structure):
    """BPF_RAW_TRACEPOINT_OPEN."""

    _fields_ = [
        ("name", c_uint64),
        ("prog_fd", c_uint32),
        ("_pad", c_uint32),
        ("cookie", c_uint64),
        ("_tail", c_uint64 * 13),
    ]


class ProgAttachAttr(Structure):
    """BPF_PROG_ATTACH and BPF_PROG_DETACH."""

    _fields_ = [
        ("target_fd", c_uint32),
        ("attach_bpf_fd", c_uint32),
        ("attach_type", c_uint32),
        ("attach_flags", c_uint32),
        ("replace_bpf_fd", c_uint32),
        ("relative_fd", c_uint32),
        ("expected_revision", c_uint64),
        ("_tail", c_uint64 * 12),
    ]


class IterCreateAttr(Structure):
    """BPF_ITER_CREATE."""

    _fields_ = [("link_fd", c_uint32), ("flags", c_uint32), ("_tail", c_uint64 * 15)]


class LinkCreateAttr(Structure):
    """BPF_LINK_CREATE; `target` is the attach-type specific part, filled with the classes below."""

    _fields_ = [
        ("prog_fd", c_uint32),
        ("target_fd", c_uint32),  # the same word as target_ifindex
        ("attach_type", c_uint32),
        ("flags", c_uint32),
        ("target", c_uint64 * 14),
    ]


class LinkTracing(Structure):
    """`link_create.tracing`: fentry, fexit, LSM, ext."""

    _fields_ = [("target_btf_id", c_uint32), ("_pad", c_uint32), ("cookie", c_uint64)]


class LinkIter(Structure):
    """`link_create.iter_info`."""

    _fields_ = [("iter_info", c_uint64), ("iter_info_len", c_uint32)]


class LinkPerfEvent(Structure):
    """`link_create.perf_event`: kprobe, uprobe and tracepoint through a perf event as `target_fd`."""

    _fields_ = [("bpf_cookie", c_uint64)]


class LinkKprobeMulti(Structure):
    """`link_create.kprobe_multi`."""

    _fields_ = [
        ("flags", c_uint32),
        ("cnt", c_uint32),
        ("syms", c_uint64),
        ("addrs", c_uint64),
        ("cookies", c_uint64),
    ]


class LinkUprobeMulti(Structure):
    """`link_create.uprobe_multi`."""

    _fields_ = [
        ("path", c_uint64),
        ("offsets", c_uint64),
        ("ref_ctr_offsets", c_uint64),
        ("cookies", c_uint64),
        ("cnt", c_uint32),
        ("flags", c_uint32),
        ("pid", c_uint32),
    ]


class LinkNetfilter(Structure):
    """`link_create.netfilter`."""

    _fields_ = [("pf", c_uint32), ("hooknum", c_uint32), ("priority", c_int32), ("flags", c_uint32)]


class LinkTcx(Structure):
    """`link_create.tcx` and `link_create.netkit`."""

    _fields_ = [("relative_fd", c_uint32), ("_pad", c_uint32), ("expected_revision", c_uint64)]
