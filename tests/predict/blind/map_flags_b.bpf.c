// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, __u32); __type(value, int); __uint(max_entries, 16); } a SEC(".maps");
SEC("xdp") int p(struct xdp_md *c) { __u32 k = 1; return bpf_map_lookup_elem(&a, &k) ? 1 : 2; }
