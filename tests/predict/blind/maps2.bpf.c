// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
MAP(a, BPF_MAP_TYPE_PERCPU_HASH, char[100], char[30000], 16);
SEC("xdp") int p(struct xdp_md *c) { static char k[100]; return bpf_map_lookup_elem(&a, k) ? 1 : 2; }
