// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(map_flags, (1U << 20)); __uint(max_entries, 4096); } a SEC(".maps");
SEC("xdp") int p(struct xdp_md *c) { int v = 1; return bpf_ringbuf_output(&a, &v, 4, 0) ? 1 : 2; }
