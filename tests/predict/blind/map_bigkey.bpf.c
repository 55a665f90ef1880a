// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
MAP(big, BPF_MAP_TYPE_HASH, char[600], int, 16);
SEC("xdp") int p(struct xdp_md *c) { static char k[600]; return bpf_map_lookup_elem(&big, k) ? 1 : 2; }
