// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, long); } cs SEC(".maps");
SEC("cgroup_skb/egress") int p(struct __sk_buff *c) { long *v = bpf_get_local_storage(&cs, 0); *v += 1; return 1; }
