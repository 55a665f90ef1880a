// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Accounting of a cgroup's packets. */
#include "net.h"
MAP(bytes, BPF_MAP_TYPE_HASH, __u64, __u64, 512);
SEC("cgroup_skb/egress") int out(struct __sk_buff *skb) {
	__u64 id = bpf_skb_cgroup_id(skb), one = skb->len, *sum = bpf_map_lookup_elem(&bytes, &id);
	if (sum) __sync_fetch_and_add(sum, skb->len);
	else bpf_map_update_elem(&bytes, &id, &one, BPF_ANY);
	return 1;
}
SEC("cgroup_skb/ingress") int in_class(struct __sk_buff *skb) { skb->tc_classid = 1; return 1; }
SEC("cgroup_skb/ingress") int in_mark(struct __sk_buff *skb) { skb->mark = 7; skb->priority = 1; return 1; }
SEC("cgroup_skb/ingress") int in_redirect(struct __sk_buff *skb) { return bpf_redirect(1, 0) == 0; }
SEC("cgroup_skb/ingress") int in_verdict(struct __sk_buff *skb) { return skb->len > 1500 ? 2 : 1; }
SEC("cgroup_skb/egress") int out_len(struct __sk_buff *skb) { return skb->len; }
