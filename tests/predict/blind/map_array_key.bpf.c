// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
MAP(arr, BPF_MAP_TYPE_ARRAY, __u64, int, 16);
SEC("xdp") int p(struct xdp_md *c) { __u64 k = 1; return bpf_map_lookup_elem(&arr, &k) ? 1 : 2; }
