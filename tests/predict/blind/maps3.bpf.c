// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
MAP(q, BPF_MAP_TYPE_QUEUE, int, int, 16);
SEC("xdp") int p(struct xdp_md *c) { int v; return bpf_map_pop_elem(&q, &v) ? 1 : 2; }
