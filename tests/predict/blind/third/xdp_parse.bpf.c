// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a packet filter at the driver does, right and wrong. */
#include "net.h"
MAP(blocked, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 1024);
ALWAYS int address(struct xdp_md *ctx, __u32 *from, int room) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	if (data + room > end || eth->proto != bpf_htons(0x800)) return 0;
	*from = ip->saddr;
	return 1;
}
SEC("xdp") int drop(struct xdp_md *ctx) {
	__u32 from;
	if (!address(ctx, &from, 34)) return XDP_PASS;
	__u64 *n = bpf_map_lookup_elem(&blocked, &from);
	if (!n) return XDP_PASS;
	__sync_fetch_and_add(n, 1);
	return XDP_DROP;
}
SEC("xdp") int drop_short(struct xdp_md *ctx) {
	__u32 from;
	if (!address(ctx, &from, 14)) return XDP_PASS;
	return bpf_map_lookup_elem(&blocked, &from) ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int options(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + 14;
	if (data + 34 > end) return XDP_PASS;
	struct tcphdr *tcp = (void *)ip + (ip->ihl_version & 15) * 4;
	if ((void *)(tcp + 1) > end) return XDP_PASS;
	return tcp->dest == bpf_htons(22) ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int options_unchecked(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + 14;
	if (data + 34 > end) return XDP_PASS;
	struct tcphdr *tcp = (void *)ip + (ip->ihl_version & 15) * 4;
	return tcp->dest == bpf_htons(22) ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int pop(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	if (data + 18 > end) return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, 4)) return XDP_ABORTED;
	eth->proto = 8;
	return XDP_PASS;
}
