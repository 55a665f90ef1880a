// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} limits SEC(".maps");

SEC("tc")
int within_limit(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;
	__u64 *limit;

	limit = bpf_map_lookup_elem(&limits, &mark);
	if (limit && skb->len > *limit)
		return 2; /* TC_ACT_SHOT */
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
