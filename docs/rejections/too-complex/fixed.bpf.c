// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int toss_until_heads(struct __sk_buff *skb)
{
	__u32 tosses = 0;

	for (int i = 0; i < 256; i++) {
		if (bpf_get_prandom_u32() & 1)
			break;
		tosses += i;
	}
	return tosses & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
