// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 f, struct bpf_dynptr *d) __ksym;
SEC("tc") int dy_tc(struct __sk_buff *s) { struct bpf_dynptr d; return bpf_dynptr_from_skb(s, 0, &d); }
SEC("socket") int dy_so(struct __sk_buff *s) { struct bpf_dynptr d; return bpf_dynptr_from_skb(s, 0, &d); }
SEC("cgroup_skb/egress") int dy_cg(struct __sk_buff *s) { struct bpf_dynptr d; bpf_dynptr_from_skb(s, 0, &d); return 1; }
