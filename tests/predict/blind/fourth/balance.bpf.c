// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A load balancer at the driver. */
#include "net.h"
struct vip { __u32 addr; __u16 port; __u16 proto; };
struct real { __u8 mac[6]; __u16 flags; __u32 addr; };
MAP(vips, BPF_MAP_TYPE_HASH, struct vip, __u32, 128);
MAP(reals, BPF_MAP_TYPE_ARRAY, __u32, struct real, 64);
MAP(hits, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 64);
ALWAYS struct iphdr *ip_of(struct xdp_md *ctx, struct tcphdr **tcp) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + 14;
	if ((void *)(ip + 1) > end || eth->proto != bpf_htons(0x800) || ip->protocol != 6) return 0;
	*tcp = (void *)(ip + 1);
	return (void *)(*tcp + 1) > end ? 0 : ip;
}
SEC("xdp") int forward(struct xdp_md *ctx) {
	struct tcphdr *tcp;
	struct iphdr *ip = ip_of(ctx, &tcp);
	if (!ip) return XDP_PASS;
	struct vip key = { ip->daddr, tcp->dest, 6 };
	__u32 *n = bpf_map_lookup_elem(&vips, &key);
	if (!n) return XDP_PASS;
	__u32 at = (*n + ip->saddr) & 63;
	struct real *r = bpf_map_lookup_elem(&reals, &at);
	__u64 *c = bpf_map_lookup_elem(&hits, &at);
	if (!r || !c) return XDP_DROP;
	*c += 1;
	ip->daddr = r->addr;
	return XDP_TX;
}
SEC("xdp") int forward_one_check(struct xdp_md *ctx) {
	struct tcphdr *tcp;
	struct iphdr *ip = ip_of(ctx, &tcp);
	if (!ip) return XDP_PASS;
	__u32 at = ip->saddr & 63;
	struct real *r = bpf_map_lookup_elem(&reals, &at);
	__u64 *c = bpf_map_lookup_elem(&hits, &at);
	if (!r) return XDP_DROP;
	*c += 1;
	ip->daddr = r->addr;
	return XDP_TX;
}
SEC("xdp") int tail(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	if (data + 60 > end) return XDP_PASS;
	if (bpf_xdp_adjust_tail(ctx, -20)) return XDP_DROP;
	data = (void *)(long)ctx->data; end = (void *)(long)ctx->data_end;
	if (data + 14 > end) return XDP_PASS;
	*(__u8 *)data = 0;
	return XDP_TX;
}
SEC("xdp") int padded(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 sum = 0, *p = data;
	for (int i = 0; i < 16; i++) { if ((void *)(p + i + 1) > end) return XDP_PASS; sum += p[i]; }
	return sum ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int backwards(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	if (end - data < 14) return XDP_PASS;
	return *(__u8 *)data ? XDP_DROP : XDP_PASS;
}
