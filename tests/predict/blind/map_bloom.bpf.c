// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, 30); __type(value, __u32); __uint(max_entries, 64); } bl SEC(".maps");
SEC("xdp") int p_bl(struct xdp_md *c) { __u32 v = 1; return bpf_map_peek_elem(&bl, &v) ? XDP_DROP : XDP_PASS; }
