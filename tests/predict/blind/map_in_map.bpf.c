// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, int); __uint(max_entries, 4); } i1 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32); __array(values, struct inner); } o SEC(".maps") = { .values = { &i1 } };
SEC("xdp") int p(struct xdp_md *c) { __u32 k = 0; void *m = bpf_map_lookup_elem(&o, &k); if (!m) return 2; return bpf_map_lookup_elem(m, &k) ? 1 : 2; }
SEC("fentry.s/vfs_fsync") int BPF_PROG(sl) { __u32 k = 0; return bpf_map_lookup_elem(&o, &k) == 0; }
