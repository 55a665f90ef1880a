// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
MAP(hh, BPF_MAP_TYPE_PERCPU_HASH, __u32, int, 8);
SEC("lsm.s/file_open") int BPF_PROG(ls, struct file *f) { int v = 1; bpf_ringbuf_output(&rb, &v, 4, 0); return 0; }
SEC("lsm.s/bprm_committed_creds") int BPF_PROG(ls2, void *b) { return 0; }
SEC("lsm.s/task_alloc") int BPF_PROG(ls3) { return 0; }
SEC("fentry.s/tcp_set_state") int BPF_PROG(fs_no) { return 0; }
SEC("fentry.s/__x64_sys_getpid") int BPF_PROG(fs_sys, struct pt_regs *r) { char b[8]; bpf_copy_from_user(b, 8, 0); return 0; }
SEC("fentry.s/__x64_sys_getpid") int BPF_PROG(fs_pcpu, struct pt_regs *r) { __u32 k = 1; return bpf_map_lookup_elem(&hh, &k) == 0; }
SEC("fentry/__x64_sys_getpid") int BPF_PROG(fs_notsleep, struct pt_regs *r) { char b[8]; bpf_copy_from_user(b, 8, 0); return 0; }
SEC("uprobe.s") int us(struct pt_regs *r) { return 0; }
SEC("syscall") int sc(void *c) { return 0; }
SEC("fmod_ret.s/__x64_sys_getpid") int BPF_PROG(fm_s) { return 0; }
