// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that is not free, and what it may call. */
#define LIC "Proprietary"
#include "net.h"
MAP(seen, BPF_MAP_TYPE_HASH, __u32, __u64, 8);
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
SEC("xdp") int count(struct xdp_md *c) { __u32 k = 1; __u64 *n = bpf_map_lookup_elem(&seen, &k); if (n) ++*n; return 2; }
SEC("xdp") int clock(struct xdp_md *c) { return bpf_ktime_get_ns() & 1 ? 1 : 2; }
SEC("xdp") int cpu(struct xdp_md *c) { return bpf_get_smp_processor_id() & 1 ? 1 : 2; }
SEC("xdp") int say(struct xdp_md *c) { char f[] = "x"; bpf_trace_printk(f, sizeof(f)); return 2; }
SEC("xdp") int record(struct xdp_md *c) { __u64 v = 1; bpf_ringbuf_output(&ring, &v, sizeof(v), 0); return 2; }
SEC("kprobe/do_unlinkat") int BPF_KPROBE(probe, int at, void *p) { __u64 v = 0; bpf_probe_read_kernel(&v, 8, p); return v == 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(typed, bool preempt) { return 0; }
