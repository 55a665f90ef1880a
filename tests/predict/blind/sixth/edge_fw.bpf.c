// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An edge firewall: cursor parsing, allow lists, counters per CPU, a deny log. */
#include "kit.h"
struct v4key { __u32 len; __u32 addr; };
struct flow { __u32 saddr, daddr; __u16 sport, dport; __u8 proto; __u8 pad[3]; };
struct stat { __u64 packets, bytes; };
struct event { __u32 saddr; __u16 dport; __u16 why; __u64 at; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct v4key); __type(value, __u8); __uint(max_entries, 1024); } deny SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } denied SEC(".maps");
MAP(flows, BPF_MAP_TYPE_LRU_PERCPU_HASH, struct flow, struct stat, 4096);
MAP(verdicts, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct stat, 5);
INLINE int parse_eth(struct cursor *c, __u16 *proto) {
	struct ethhdr *eth = c->pos;
	if ((void *)(eth + 1) > c->end) return -1;
	c->pos = eth + 1; *proto = eth->h_proto;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		struct vlanhdr *v = c->pos;
		if (*proto != bpf_htons(0x8100) && *proto != bpf_htons(0x88a8)) break;
		if ((void *)(v + 1) > c->end) return -1;
		*proto = v->proto; c->pos = v + 1;
	}
	return 0;
}
INLINE struct iphdr *parse_ip(struct cursor *c) {
	struct iphdr *ip = c->pos; __u32 len;
	if ((void *)(ip + 1) > c->end) return 0;
	len = ip->ihl * 4;
	if (len < sizeof(*ip)) return 0;
	if (c->pos + len > c->end) return 0;
	c->pos += len;
	return ip;
}
INLINE int account(__u32 verdict, __u64 bytes) {
	struct stat *s = bpf_map_lookup_elem(&verdicts, &verdict);
	if (s) { s->packets++; s->bytes += bytes; }
	return verdict;
}
SEC("xdp") int fw_main(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; __u16 proto; struct iphdr *ip; struct v4key key = { .len = 32 };
	__u64 len = END(ctx) - DATA(ctx);
	if (parse_eth(&c, &proto)) return account(XDP_ABORTED, len);
	if (proto != ETH_IP) return account(XDP_PASS, len);
	ip = parse_ip(&c);
	if (!ip) return account(XDP_DROP, len);
	key.addr = ip->saddr;
	if (bpf_map_lookup_elem(&deny, &key)) {
		struct event e = { .saddr = ip->saddr, .why = 1, .at = bpf_ktime_get_ns() };
		bpf_perf_event_output(ctx, &denied, BPF_F_CURRENT_CPU | (len << 32), &e, sizeof(e));
		return account(XDP_DROP, len);
	}
	return account(XDP_PASS, len);
}
SEC("xdp") int fw_flow(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; __u16 proto; struct iphdr *ip; struct udphdr *u; struct flow f = {}; struct stat first = { 1, 0 }, *s;
	if (parse_eth(&c, &proto) || proto != ETH_IP || !(ip = parse_ip(&c))) return XDP_PASS;
	u = c.pos;
	if ((void *)(u + 1) > c.end) return XDP_PASS;
	f.saddr = ip->saddr; f.daddr = ip->daddr; f.sport = u->source; f.dport = u->dest; f.proto = ip->protocol;
	s = bpf_map_lookup_elem(&flows, &f);
	if (s) { s->packets++; s->bytes += bpf_ntohs(ip->tot_len); }
	else { first.bytes = bpf_ntohs(ip->tot_len); bpf_map_update_elem(&flows, &f, &first, BPF_NOEXIST); }
	return XDP_PASS;
}
/* Padding of the key was never cleared. */
SEC("xdp") int fw_flow_padding(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; __u16 proto; struct iphdr *ip; struct udphdr *u; struct flow f; struct stat *s;
	if (parse_eth(&c, &proto) || proto != ETH_IP || !(ip = parse_ip(&c))) return XDP_PASS;
	u = c.pos;
	if ((void *)(u + 1) > c.end) return XDP_PASS;
	f.saddr = ip->saddr; f.daddr = ip->daddr; f.sport = u->source; f.dport = u->dest; f.proto = ip->protocol;
	s = bpf_map_lookup_elem(&flows, &f);
	if (s) s->packets++;
	return XDP_PASS;
}
/* The transport header is read where the length of the IP header says, unchecked again. */
SEC("xdp") int fw_options(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; __u16 proto; struct iphdr *ip; struct tcphdr *t;
	if (parse_eth(&c, &proto) || proto != ETH_IP) return XDP_PASS;
	ip = c.pos;
	if ((void *)(ip + 1) + sizeof(*t) > c.end) return XDP_PASS;
	t = (void *)ip + ip->ihl * 4;
	return t->dest == bpf_htons(22) ? XDP_DROP : XDP_PASS;
}
/* The same, where the header has no options: a constant offset that was checked. */
SEC("xdp") int fw_no_options(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; __u16 proto; struct iphdr *ip; struct tcphdr *t;
	if (parse_eth(&c, &proto) || proto != ETH_IP) return XDP_PASS;
	ip = c.pos;
	if ((void *)(ip + 1) + sizeof(*t) > c.end || ip->ihl != 5) return XDP_PASS;
	t = (void *)(ip + 1);
	return t->dest == bpf_htons(22) ? XDP_DROP : XDP_PASS;
}
/* Compared with the beginning instead of the end. */
SEC("xdp") int fw_wrong_end(struct xdp_md *ctx) {
	struct ethhdr *eth = DATA(ctx); struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) < DATA(ctx)) return XDP_PASS;
	return ip->ttl < 2 ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int fw_off_by_one(struct xdp_md *ctx) {
	__u8 *p = DATA(ctx);
	if (p + 14 > (__u8 *)END(ctx)) return XDP_PASS;
	return p[14] == 0x45 ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int fw_event_data(struct xdp_md *ctx) {
	struct event e; e.at = bpf_ktime_get_ns(); e.why = 3; e.saddr = 0;
	bpf_perf_event_output(ctx, &denied, BPF_F_CURRENT_CPU, &e, sizeof(e));
	return XDP_PASS;
}
SEC("xdp") int fw_ip6_ext(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; __u16 proto; struct ip6hdr *ip; __u8 next;
	if (parse_eth(&c, &proto) || proto != ETH_IP6) return XDP_PASS;
	ip = c.pos;
	if ((void *)(ip + 1) > c.end) return XDP_PASS;
	next = ip->next; c.pos = ip + 1;
	for (int i = 0; i < 6; i++) {
		__u8 *ext = c.pos;
		if (next != 0 && next != 43 && next != 60) break;
		if ((void *)(ext + 8) > c.end) return XDP_DROP;
		next = ext[0]; c.pos = ext + (ext[1] + 1) * 8;
	}
	return next == 6 ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int fw_ip6_ext_peek(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; __u16 proto; struct ip6hdr *ip; __u8 next, *at;
	if (parse_eth(&c, &proto) || proto != ETH_IP6) return XDP_PASS;
	ip = c.pos;
	if ((void *)(ip + 1) > c.end) return XDP_PASS;
	next = ip->next; at = (void *)(ip + 1);
	if (next == 0) { if (at + 8 > (__u8 *)c.end) return XDP_DROP; next = at[0]; at += (at[1] + 1) * 8; }
	return at[0] + next ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int fw_mark(struct xdp_md *ctx) {
	ctx->rx_queue_index = 0;
	return XDP_PASS;
}
SEC("xdp") int fw_negative(struct xdp_md *ctx) { return -1; }
SEC("xdp") int fw_icmp_reply(struct xdp_md *ctx) {
	struct cursor c = { DATA(ctx), END(ctx) }; struct ethhdr *eth = DATA(ctx); __u16 proto; struct iphdr *ip; __u8 *icmp, mac[6]; __u32 a;
	if (parse_eth(&c, &proto) || proto != ETH_IP || !(ip = parse_ip(&c)) || ip->protocol != 1) return XDP_PASS;
	icmp = c.pos;
	if ((void *)(icmp + 8) > c.end || icmp[0] != 8) return XDP_PASS;
	icmp[0] = 0;
	a = ip->saddr; ip->saddr = ip->daddr; ip->daddr = a;
	__builtin_memcpy(mac, eth->h_source, 6); __builtin_memcpy(eth->h_source, eth->h_dest, 6); __builtin_memcpy(eth->h_dest, mac, 6);
	return bpf_redirect(ctx->ingress_ifindex, 0);
}
