// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 5000); } rb SEC(".maps");
SEC("xdp") int p(struct xdp_md *c) { int v = 1; return bpf_ringbuf_output(&rb, &v, 4, 0) ? 1 : 2; }
