// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __type(key, int); __type(value, int); __uint(max_entries, 4); } pa SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __type(key, int); __uint(value_size, 127*8); __uint(max_entries, 64); } st SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } pe SEC(".maps");
SEC("kprobe/vfs_open") int p(void *c) { bpf_tail_call(c, &pa, 1); return 0; }
SEC("kprobe/vfs_open") int p2(void *c) { return bpf_get_stackid(c, &st, 0) == 3; }
SEC("kprobe/vfs_open") int p3(void *c) { int v = 1; return bpf_perf_event_output(c, &pe, 0xffffffffULL, &v, 4); }
SEC("kprobe/vfs_open") int p4(void *c) { int k = 0; return bpf_map_lookup_elem(&st, &k) == 0; }
SEC("fentry/vfs_open") int BPF_PROG(p5) { bpf_tail_call(ctx, &pa, 1); return 0; }
SEC("raw_tp/sched_wakeup") int p6(void *c) { int k = 0; bpf_map_delete_elem(&pa, &k); return 0; }
