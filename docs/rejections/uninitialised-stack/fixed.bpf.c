// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct flow {
	__u32 address;
	__u8 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow);
	__type(value, __u64);
} packets SEC(".maps");

SEC("socket")
int count_flow(struct __sk_buff *skb)
{
	struct flow flow;
	__u64 *packet_count;

	__builtin_memset(&flow, 0, sizeof(flow));
	flow.address = skb->hash;
	flow.protocol = skb->protocol;
	packet_count = bpf_map_lookup_elem(&packets, &flow);
	if (packet_count)
		__sync_fetch_and_add(packet_count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
