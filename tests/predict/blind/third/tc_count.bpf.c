// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes and packets of an interface, by protocol. */
#include "net.h"
struct sum { __u64 packets, bytes; };
MAP(sums, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct sum, 256);
MAP(marks, BPF_MAP_TYPE_HASH, __u32, __u32, 64);
SEC("tc") int count(struct __sk_buff *skb) {
	__u32 key = skb->protocol & 255;
	struct sum *s = bpf_map_lookup_elem(&sums, &key);
	if (s) { s->packets++; s->bytes += skb->len; }
	return 0;
}
SEC("tc") int count_unchecked(struct __sk_buff *skb) {
	__u32 key = skb->protocol & 255;
	struct sum *s = bpf_map_lookup_elem(&sums, &key);
	s->packets++;
	return 0;
}
SEC("tc") int read_unbounded(struct __sk_buff *skb) {
	struct ethhdr *eth = (void *)(long)skb->data;
	return eth->proto == bpf_htons(0x86dd) ? 2 : 0;
}
SEC("tc") int read_after_store(struct __sk_buff *skb) {
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	__u8 zero = 0;
	if (data + sizeof(*eth) + sizeof(struct iphdr) > end) return 0;
	bpf_skb_store_bytes(skb, 15, &zero, 1, 0);
	return eth->proto == 8 ? 2 : 0;
}
SEC("tc") int mark(struct __sk_buff *skb) {
	__u32 key = skb->mark, *to = bpf_map_lookup_elem(&marks, &key);
	skb->mark = to ? *to : 1;
	skb->tc_classid = 5;
	return 0;
}
SEC("tc") int bad_write(struct __sk_buff *skb) { skb->len = 40; return 0; }
