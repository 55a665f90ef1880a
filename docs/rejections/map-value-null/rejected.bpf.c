// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} last_seen SEC(".maps");

SEC("tc")
int note_time(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;
	__u64 *seen;

	seen = bpf_map_lookup_elem(&last_seen, &mark);
	*seen = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
