// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A firewall at the driver: addresses, ports, tunnels. */
#include "net.h"
struct cidr { __u32 bits; __u32 addr; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct cidr); __type(value, __u32); __uint(max_entries, 1024); } blocked SEC(".maps");
MAP(seen, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 4096);
MAP(counts, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 4);
ALWAYS void count(__u32 at) { __u64 *n = bpf_map_lookup_elem(&counts, &at); if (n) ++*n; }
ALWAYS struct iphdr *ipv4(struct xdp_md *ctx) {
	struct ethhdr *eth = DATA(ctx); struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > END(ctx) || eth->proto != bpf_htons(0x0800)) return 0;
	return ip;
}
SEC("xdp") int addresses(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); struct cidr key = { .bits = 32 };
	if (!ip) return XDP_PASS;
	key.addr = ip->saddr;
	if (bpf_map_lookup_elem(&blocked, &key)) { count(1); return XDP_DROP; }
	count(0);
	return XDP_PASS;
}
SEC("xdp") int ports(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); struct tcphdr *tcp; __u32 length;
	if (!ip || ip->protocol != 6) return XDP_PASS;
	length = (ip->ihl_version & 15) * 4;
	if (length < sizeof(*ip)) return XDP_PASS;
	tcp = (void *)ip + length;
	if ((void *)(tcp + 1) > END(ctx)) return XDP_PASS;
	return tcp->dest == bpf_htons(23) ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int ports_trusting(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); struct tcphdr *tcp;
	if (!ip || ip->protocol != 6) return XDP_PASS;
	tcp = (void *)ip + (ip->ihl_version & 15) * 4;
	return tcp->dest == bpf_htons(23) ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int vlans(struct xdp_md *ctx) {
	struct ethhdr *eth = DATA(ctx); void *at = eth + 1; __u16 proto;
	if (at > END(ctx)) return XDP_PASS;
	proto = eth->proto;
	for (int i = 0; i < 4 && proto == bpf_htons(0x8100); i++) {
		struct vlanhdr *vlan = at;
		if ((void *)(vlan + 1) > END(ctx)) return XDP_PASS;
		proto = vlan->proto; at = vlan + 1;
	}
	count(proto == bpf_htons(0x86dd));
	return XDP_PASS;
}
SEC("xdp") int vlans_once(struct xdp_md *ctx) {
	struct ethhdr *eth = DATA(ctx); struct vlanhdr *vlan = (void *)(eth + 1);
	if ((void *)vlan > END(ctx)) return XDP_PASS;
	if (eth->proto == bpf_htons(0x8100)) return vlan->tci ? XDP_DROP : XDP_PASS;
	return XDP_PASS;
}
SEC("xdp") int swap(struct xdp_md *ctx) {
	struct ethhdr *eth = DATA(ctx); __u8 hold[6];
	if ((void *)(eth + 1) > END(ctx)) return XDP_ABORTED;
	__builtin_memcpy(hold, eth->to, 6); __builtin_memcpy(eth->to, eth->from, 6); __builtin_memcpy(eth->from, hold, 6);
	return XDP_TX;
}
SEC("xdp") int unwrap(struct xdp_md *ctx) {
	struct ethhdr *eth;
	if (bpf_xdp_adjust_head(ctx, 20)) return XDP_DROP;
	eth = DATA(ctx);
	if ((void *)(eth + 1) > END(ctx)) return XDP_DROP;
	eth->proto = bpf_htons(0x0800);
	return XDP_PASS;
}
SEC("xdp") int unwrap_stale(struct xdp_md *ctx) {
	struct ethhdr *eth = DATA(ctx);
	if ((void *)(eth + 1) > END(ctx)) return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, 20)) return XDP_DROP;
	eth->proto = bpf_htons(0x0800);
	return XDP_PASS;
}
SEC("xdp") int last_byte(struct xdp_md *ctx) {
	__u8 *at = END(ctx);
	return at[-1] == 0 ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int trailer(struct xdp_md *ctx) {
	__u8 *at = DATA(ctx); __u32 size = END(ctx) - DATA(ctx);
	if (size < 60 || size > 1500) return XDP_PASS;
	if (at + size - 4 > (__u8 *)END(ctx)) return XDP_PASS;
	return at[size - 4] ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int rate(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); __u32 who; __u64 now = bpf_ktime_get_ns(), *last;
	if (!ip) return XDP_PASS;
	who = ip->saddr;
	last = bpf_map_lookup_elem(&seen, &who);
	if (!last) { bpf_map_update_elem(&seen, &who, &now, BPF_ANY); return XDP_PASS; }
	if (now - *last < 1000) return XDP_DROP;
	*last = now;
	return XDP_PASS;
}
SEC("xdp") int rate_hasty(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); __u32 who; __u64 *last;
	if (!ip) return XDP_PASS;
	who = ip->saddr;
	last = bpf_map_lookup_elem(&seen, &who);
	if (bpf_ktime_get_ns() - *last < 1000) return XDP_DROP;
	return XDP_PASS;
}
SEC("xdp") int by_packet_key(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx);
	if (!ip) return XDP_PASS;
	return bpf_map_lookup_elem(&seen, &ip->saddr) ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int sum(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); __s64 made;
	if (!ip) return XDP_PASS;
	ip->check = 0;
	made = bpf_csum_diff(0, 0, (void *)ip, sizeof(*ip), 0);
	ip->check = ~((made & 0xffff) + (made >> 16));
	return XDP_TX;
}
SEC("xdp") int payload(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); __u8 *p, all = 0;
	if (!ip) return XDP_PASS;
	p = (void *)(ip + 1);
	for (int i = 0; i < 64; i++) { if (p + i + 1 > (__u8 *)END(ctx)) break; all ^= p[i]; }
	return all == 0x5a ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int payload_unasked(struct xdp_md *ctx) {
	struct iphdr *ip = ipv4(ctx); __u8 *p, all = 0;
	if (!ip) return XDP_PASS;
	p = (void *)(ip + 1);
	for (int i = 0; i < 64; i++) all ^= p[i];
	return all == 0x5a ? XDP_DROP : XDP_PASS;
}
