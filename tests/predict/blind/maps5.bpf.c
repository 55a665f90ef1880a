// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __type(key, int); __type(value, int); __uint(max_entries, 16); } d SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __type(key, int); __type(value, int); __uint(max_entries, 4); } cm SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_XSKMAP); __type(key, int); __type(value, int); __uint(max_entries, 4); } xs SEC(".maps");
SEC("xdp") int p(struct xdp_md *c) { return bpf_redirect_map(&d, 0, 0); }
SEC("xdp") int p2(struct xdp_md *c) { return bpf_redirect_map(&cm, 0, 0); }
SEC("xdp") int p3(struct xdp_md *c) { int k = 0; if (bpf_map_lookup_elem(&xs, &k)) return bpf_redirect_map(&xs, 0, 0); return 2; }
SEC("tc") int p4(struct __sk_buff *c) { return bpf_redirect_map(&d, 0, 0); }
