// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Waiting for something. */
#include "kit.h"
MAP(flags, BPF_MAP_TYPE_ARRAY, __u32, __u32, 1);
SEC("tc") int wait_few(struct __sk_buff *s) { __u32 z = 0, *f = bpf_map_lookup_elem(&flags, &z); if (!f) return 0; for (int i = 0; i < 50; i++) if (*(volatile __u32 *)f) break; return 0; }
