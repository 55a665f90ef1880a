// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, int); __uint(max_entries, 16); } q SEC(".maps");
SEC("xdp") int p(struct xdp_md *c) { int v = 0; return bpf_map_pop_elem(&q, &v) ? 1 : 2; }
SEC("xdp") int p2(struct xdp_md *c) { int v = 0; return bpf_map_update_elem(&q, &v, &v, 0) ? 1 : 2; }
