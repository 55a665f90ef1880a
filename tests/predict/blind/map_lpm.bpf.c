// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __type(key, __u64); __type(value, int); __uint(max_entries, 16); } lpm SEC(".maps");
SEC("xdp") int p(struct xdp_md *c) { __u64 k = 1; return bpf_map_lookup_elem(&lpm, &k) ? 1 : 2; }
