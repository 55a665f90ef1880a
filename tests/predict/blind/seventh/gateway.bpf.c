// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* An XDP gateway: variable headers, options, tunnels, rewritten headers. */
#include "kit.h"
struct hdr_cursor { void *pos, *end; };
struct v4_flow { __u32 saddr, daddr; __u16 sport, dport; __u8 proto, pad[3]; };
struct counters { __u64 packets, bytes; };
struct real { __u32 addr; __u8 mac[6]; __u16 flags; };
MAP(flow_table, LRU_HASH, struct v4_flow, struct counters, 8192);
MAP(totals, PERCPU_ARRAY, __u32, struct counters, 256);
MAP(reals, ARRAY, __u32, struct real, 64);
MAP(ports, HASH, __u16, __u32, 128);
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 32); } tx SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_XSKMAP); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 32); } xsks SEC(".maps");
PERF(samples);

INLINE struct iphdr *ip4(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	if ((void *)(eth + 1) > end || eth->h_proto != ETH_IP) return 0;
	struct iphdr *ip = (void *)(eth + 1);
	return (void *)(ip + 1) > end ? 0 : ip;
}
INLINE void count(__u32 slot, __u64 bytes) {
	struct counters *c = bpf_map_lookup_elem(&totals, &slot);
	if (c) { c->packets++; c->bytes += bytes; }
}

SEC("xdp") int by_protocol(struct xdp_md *ctx) {
	struct iphdr *ip = ip4(ctx);
	if (!ip) return XDP_PASS;
	count(ip->protocol, bpf_ntohs(ip->tot_len));
	return XDP_PASS;
}
/* The header's length is what the packet says, and is bounded again. */
SEC("xdp") int variable_ihl(struct xdp_md *ctx) {
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip4(ctx);
	if (!ip || ip->protocol != PROTO_TCP) return XDP_PASS;
	struct tcphdr *th = (void *)ip + ip->ihl * 4;
	if ((void *)(th + 1) > end) return XDP_DROP;
	return th->dest == bpf_htons(22) ? XDP_DROP : XDP_PASS;
}
/* It is not. */
SEC("xdp") int variable_ihl_trusted(struct xdp_md *ctx) {
	struct iphdr *ip = ip4(ctx);
	if (!ip || ip->protocol != PROTO_TCP) return XDP_PASS;
	struct tcphdr *th = (void *)ip + ip->ihl * 4;
	return th->dest == bpf_htons(22) ? XDP_DROP : XDP_PASS;
}
/* A total length has too many bits to be added to a packet pointer and used. */
SEC("xdp") int by_total_length(struct xdp_md *ctx) {
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip4(ctx);
	if (!ip) return XDP_PASS;
	__u8 *last = (void *)ip + bpf_ntohs(ip->tot_len);
	if ((void *)(last + 1) > end) return XDP_DROP;
	return *last ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int by_total_length_masked(struct xdp_md *ctx) {
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip4(ctx);
	if (!ip) return XDP_PASS;
	__u64 at = bpf_ntohs(ip->tot_len) & 0x3fff;
	barrier_var(at);
	__u8 *last = (void *)ip + at;
	if ((void *)(last + 1) > end) return XDP_DROP;
	return *last ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int options_walk(struct xdp_md *ctx) {
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip4(ctx);
	if (!ip || ip->protocol != PROTO_TCP) return XDP_PASS;
	struct tcphdr *th = (void *)(ip + 1);
	if ((void *)(th + 1) > end) return XDP_DROP;
	__u8 *opt = (void *)(th + 1);
	#pragma unroll
	for (int i = 0; i < 6; i++) {
		if ((void *)(opt + 2) > end) return XDP_PASS;
		if (opt[0] == 0) return XDP_PASS;
		if (opt[0] == 1) { opt++; continue; }
		if (opt[0] == 2) {
			if ((void *)(opt + 4) > end) return XDP_PASS;
			return opt[2] > 5 ? XDP_PASS : XDP_DROP;
		}
		opt += opt[1];
	}
	return XDP_PASS;
}
/* The last option's body is read behind what was compared. */
SEC("xdp") int options_walk_short(struct xdp_md *ctx) {
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip4(ctx);
	if (!ip || ip->protocol != PROTO_TCP) return XDP_PASS;
	struct tcphdr *th = (void *)(ip + 1);
	if ((void *)(th + 1) > end) return XDP_DROP;
	__u8 *opt = (void *)(th + 1);
	#pragma unroll
	for (int i = 0; i < 6; i++) {
		if ((void *)(opt + 2) > end) return XDP_PASS;
		if (opt[0] == 2) return opt[2] > 5 ? XDP_PASS : XDP_DROP;
		opt += opt[1];
	}
	return XDP_PASS;
}
SEC("xdp") int vlan_strip(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data, saved;
	struct vlan_hdr *v = (void *)(eth + 1);
	if ((void *)(v + 1) > end || eth->h_proto != ETH_VLAN) return XDP_PASS;
	__builtin_memcpy(&saved, eth, sizeof(saved));
	saved.h_proto = v->proto;
	if (bpf_xdp_adjust_head(ctx, (int)sizeof(*v))) return XDP_ABORTED;
	data = (void *)(long)ctx->data; end = (void *)(long)ctx->data_end;
	eth = data;
	if ((void *)(eth + 1) > end) return XDP_ABORTED;
	__builtin_memcpy(eth, &saved, sizeof(saved));
	return XDP_TX;
}
/* The end is fetched anew, the start is not. */
SEC("xdp") int vlan_strip_stale(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct vlan_hdr *v = (void *)(eth + 1);
	if ((void *)(v + 1) > end || eth->h_proto != ETH_VLAN) return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, (int)sizeof(*v))) return XDP_ABORTED;
	end = (void *)(long)ctx->data_end;
	if ((void *)(eth + 1) > end) return XDP_ABORTED;
	eth->h_proto = ETH_IP;
	return XDP_TX;
}
SEC("xdp") int encap(struct xdp_md *ctx) {
	__u32 slot = bpf_get_prandom_u32() % 64;
	struct real *r = bpf_map_lookup_elem(&reals, &slot);
	if (!r) return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr))) return XDP_DROP;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data, *old = data + sizeof(struct iphdr);
	struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > end || (void *)(old + 1) > end) return XDP_DROP;
	__builtin_memcpy(eth->h_source, old->h_dest, 6);
	__builtin_memcpy(eth->h_dest, r->mac, 6);
	eth->h_proto = ETH_IP;
	ip->daddr = r->addr; ip->protocol = 4; ip->ttl = 64; ip->check = 0;
	__u64 sum = bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0);
	ip->check = ~((sum & 0xffff) + (sum >> 16));
	return XDP_TX;
}
/* Which server is not looked at before it is used. */
SEC("xdp") int encap_no_server(struct xdp_md *ctx) {
	__u32 slot = bpf_get_prandom_u32() % 64;
	struct real *r = bpf_map_lookup_elem(&reals, &slot);
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr))) return XDP_DROP;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > end) return XDP_DROP;
	ip->daddr = r->addr;
	return XDP_TX;
}
SEC("xdp") int flows_seen(struct xdp_md *ctx) {
	void *end = (void *)(long)ctx->data_end;
	struct v4_flow f = {};
	struct counters first = { 1, 0 }, *c;
	struct iphdr *ip = ip4(ctx);
	if (!ip) return XDP_PASS;
	f.saddr = ip->saddr; f.daddr = ip->daddr; f.proto = ip->protocol;
	if (ip->protocol == PROTO_TCP || ip->protocol == PROTO_UDP) {
		__u16 *p = (void *)(ip + 1);
		if ((void *)(p + 2) > end) return XDP_DROP;
		f.sport = p[0]; f.dport = p[1];
	}
	c = bpf_map_lookup_elem(&flow_table, &f);
	if (c) __sync_fetch_and_add(&c->packets, 1);
	else bpf_map_update_elem(&flow_table, &f, &first, BPF_NOEXIST);
	return XDP_PASS;
}
/* The key's padding and ports are left as they were. */
SEC("xdp") int flows_unset_ports(struct xdp_md *ctx) {
	struct v4_flow f;
	struct counters *c;
	struct iphdr *ip = ip4(ctx);
	if (!ip) return XDP_PASS;
	f.saddr = ip->saddr; f.daddr = ip->daddr; f.proto = ip->protocol;
	c = bpf_map_lookup_elem(&flow_table, &f);
	if (c) __sync_fetch_and_add(&c->packets, 1);
	return XDP_PASS;
}
SEC("xdp") int to_socket(struct xdp_md *ctx) {
	int queue = ctx->rx_queue_index;
	if (bpf_map_lookup_elem(&xsks, &queue)) return bpf_redirect_map(&xsks, queue, 0);
	return XDP_PASS;
}
SEC("xdp") int to_device(struct xdp_md *ctx) { return bpf_redirect_map(&tx, ctx->ingress_ifindex & 31, 0); }
/* Redirection goes through a hash of ports. */
SEC("xdp") int to_hash(struct xdp_md *ctx) { return bpf_redirect_map(&ports, ctx->ingress_ifindex & 31, 0); }
SEC("xdp") int sampled(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct { __u32 len, queue; } head = {};
	if (data + 64 > end) return XDP_PASS;
	head.len = end - data; head.queue = ctx->rx_queue_index;
	__u64 flags = BPF_F_CURRENT_CPU | ((__u64)64 << 32);
	bpf_perf_event_output(ctx, &samples, flags, &head, sizeof(head));
	return XDP_PASS;
}
/* The packet itself is handed out, longer than was compared. */
SEC("xdp") int sampled_packet(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	if (data + 48 > end) return XDP_PASS;
	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, data, 64);
	return XDP_PASS;
}
SEC("xdp") int sampled_packet_fits(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	if (data + 64 > end) return XDP_PASS;
	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, data, 64);
	return XDP_PASS;
}
SEC("xdp") int trim(struct xdp_md *ctx) {
	long over = (long)(ctx->data_end - ctx->data) - 1500;
	if (over > 0) bpf_xdp_adjust_tail(ctx, -(int)over);
	return XDP_PASS;
}
SEC("xdp") int meta_set(struct xdp_md *ctx) {
	if (bpf_xdp_adjust_meta(ctx, -8)) return XDP_ABORTED;
	void *data = (void *)(long)ctx->data, *meta = (void *)(long)ctx->data_meta;
	if (meta + 8 > data) return XDP_ABORTED;
	*(__u32 *)meta = 7; *(__u32 *)(meta + 4) = 9;
	return XDP_PASS;
}
/* Metadata compared with the packet's end. */
SEC("xdp") int meta_wrong_end(struct xdp_md *ctx) {
	if (bpf_xdp_adjust_meta(ctx, -8)) return XDP_ABORTED;
	void *end = (void *)(long)ctx->data_end, *meta = (void *)(long)ctx->data_meta;
	if (meta + 8 > end) return XDP_ABORTED;
	*(__u32 *)meta = 7;
	return XDP_PASS;
}
SEC("xdp") int fib_forward(struct xdp_md *ctx) {
	struct bpf_fib_lookup fib = {};
	struct iphdr *ip = ip4(ctx);
	if (!ip || ip->ttl <= 1) return XDP_PASS;
	fib.family = AF_INET; fib.tos = ip->tos; fib.l4_protocol = ip->protocol; fib.tot_len = bpf_ntohs(ip->tot_len);
	fib.ipv4_src = ip->saddr; fib.ipv4_dst = ip->daddr; fib.ifindex = ctx->ingress_ifindex;
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) return XDP_PASS;
	struct ethhdr *eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end) return XDP_DROP;
	ip->ttl--;
	__builtin_memcpy(eth->h_dest, fib.dmac, 6); __builtin_memcpy(eth->h_source, fib.smac, 6);
	return bpf_redirect_map(&tx, fib.ifindex, 0);
}
/* The record of the route is too short for its size. */
SEC("xdp") int fib_short(struct xdp_md *ctx) {
	struct { __u8 family, proto; __u16 sport, dport, len; __u32 ifindex; } fib = { .family = AF_INET };
	fib.ifindex = ctx->ingress_ifindex;
	return bpf_fib_lookup(ctx, (void *)&fib, sizeof(struct bpf_fib_lookup), 0) ? XDP_PASS : XDP_TX;
}
/* A field that XDP has not got. */
SEC("xdp") int marks(struct xdp_md *ctx) { return *(__u32 *)((void *)ctx + 24) ? XDP_DROP : XDP_PASS; }
SEC("xdp") int write_queue(struct xdp_md *ctx) { ctx->rx_queue_index = 0; return XDP_PASS; }
SEC("xdp") int out_of_range_return(struct xdp_md *ctx) { return ctx->data_end - ctx->data; }
/* A queue number indexes a table in the program's data. */
static __u32 by_queue[16];
SEC("xdp") int queues(struct xdp_md *ctx) {
	__u32 q = ctx->rx_queue_index;
	if (q < 16) by_queue[q]++;
	return XDP_PASS;
}
SEC("xdp") int queues_off_by_one(struct xdp_md *ctx) {
	__u32 q = ctx->rx_queue_index;
	if (q <= 16) by_queue[q]++;
	return XDP_PASS;
}
SEC("xdp") int l2_swap(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u8 tmp[6];
	if (data + 13 > end) return XDP_PASS;
	__builtin_memcpy(tmp, eth->h_dest, 6); __builtin_memcpy(eth->h_dest, eth->h_source, 6); __builtin_memcpy(eth->h_source, tmp, 6);
	return XDP_TX;
}
/* Thirteen bytes were compared, fourteen are used. */
SEC("xdp") int l2_proto(struct xdp_md *ctx) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	if (data + 13 > end) return XDP_PASS;
	return eth->h_proto == ETH_IP ? XDP_PASS : XDP_DROP;
}
