// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, 31); __uint(max_entries, 4096); } urb SEC(".maps");
static long cb(struct bpf_dynptr *d, void *x) { return 0; }
SEC("tp_btf/sched_wakeup") int BPF_PROG(p_urb) { return bpf_user_ringbuf_drain(&urb, cb, 0, 0) == 0; }
