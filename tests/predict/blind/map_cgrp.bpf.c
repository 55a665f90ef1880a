// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, 32); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } cg SEC(".maps");
SEC("tp_btf/sched_wakeup") int BPF_PROG(p_cg) { return 0; }
SEC("raw_tp/sched_wakeup") int p_cg_used(void *c) { return bpf_map_delete_elem(&cg, &(int){0}); }
