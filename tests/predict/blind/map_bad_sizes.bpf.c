// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
MAP(pcpu_big, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, char[40000], 1);
SEC("xdp") int p(struct xdp_md *c) { __u32 k = 0; return bpf_map_lookup_elem(&pcpu_big, &k) ? 1 : 2; }
