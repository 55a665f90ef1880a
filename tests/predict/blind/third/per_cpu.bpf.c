// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values of one processor and of others. */
#include "net.h"
struct rq { unsigned int nr_running; } CORE;
extern const struct rq runqueues __ksym;
extern const int bpf_prog_active __ksym __attribute__((weak));
MAP(counts, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 4);
MAP(table, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, 4);
SEC("raw_tp/sched_switch") int mine(void *ctx) { struct rq *r = bpf_this_cpu_ptr(&runqueues); return r->nr_running; }
SEC("raw_tp/sched_switch") int other(void *ctx) { struct rq *r = bpf_per_cpu_ptr(&runqueues, 1); return r ? r->nr_running : 0; }
SEC("raw_tp/sched_switch") int other_unchecked(void *ctx) { struct rq *r = bpf_per_cpu_ptr(&runqueues, 1); return r->nr_running; }
SEC("raw_tp/sched_switch") int theirs(void *ctx) { __u32 key = 0; __u64 *v = bpf_map_lookup_percpu_elem(&counts, &key, 0); return v ? *v : 0; }
SEC("raw_tp/sched_switch") int theirs_unchecked(void *ctx) { __u32 key = 0; __u64 *v = bpf_map_lookup_percpu_elem(&table, &key, 0); return *v; }
SEC("raw_tp/sched_switch") int count(void *ctx) { __u32 key = 9; __u64 *v = bpf_map_lookup_elem(&counts, &key); if (v) *v += 1; return 0; }
SEC("raw_tp/sched_switch") int write(void *ctx) { struct rq *r = bpf_this_cpu_ptr(&runqueues); r->nr_running = 0; return 0; }
