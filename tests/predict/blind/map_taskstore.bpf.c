// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } ts SEC(".maps");
SEC("tp_btf/sched_wakeup") int BPF_PROG(p_ts, struct task_struct *p) { return bpf_task_storage_get(&ts, p, 0, 1) == 0; }
SEC("kprobe/tcp_sendmsg") int k_ts(struct pt_regs *r) { struct task_struct *t = bpf_get_current_task_btf(); return bpf_task_storage_get(&ts, t, 0, 1) == 0; }
