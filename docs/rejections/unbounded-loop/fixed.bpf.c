// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} ready SEC(".maps");

SEC("tc")
int wait_until_ready(struct __sk_buff *skb)
{
	volatile __u32 *state;
	__u32 zero = 0;

	state = bpf_map_lookup_elem(&ready, &zero);
	if (!state)
		return 0;
	for (int tries = 0; tries < 100; tries++) {
		if (*state)
			break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
