// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
static int body(__u32 i, void *c) { return 0; }
SEC("raw_tp/sched_wakeup") int lp(void *c) { return bpf_loop(10, body, 0, 0); }
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, int, 4);
static long each(void *m, void *k, void *v, void *c) { return 0; }
SEC("raw_tp/sched_wakeup") int fe(void *c) { return bpf_for_each_map_elem(&m, each, 0, 0); }
SEC("raw_tp/sched_wakeup") int lv(void *c) { int s = 0; for (int i = 0; i < 100; i++) s += bpf_get_prandom_u32() & 1; return s; }
