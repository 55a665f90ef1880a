// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A data plane by a newer compiler: DNS names, IPv6 extension headers, ICMP replies, sums, rate limits, cookies. */
#include "kit.h"
struct cursor { void *at, *end; };
struct name { __u8 b[64]; };
struct lim { __u64 at; __u32 tokens, pad; };
struct icmphdr { __u8 type, code; __u16 sum; __u32 rest; };
MAP(names, LRU_HASH, struct name, __u64, 1024);
MAP(limits, LRU_PERCPU_HASH, __u32, struct lim, 1024);
MAP(work, PERCPU_ARRAY, __u32, struct name, 1);
static __u64 drops[8];

INLINE void *take(struct cursor *c, __u64 n) { void *p = c->at; if (p + n > c->end) return 0; c->at = p + n; return p; }
INLINE int ether(struct cursor *c) { struct ethhdr *e = take(c, sizeof(*e)); if (!e) return -1; int p = e->h_proto; for (int i = 0; i < 2; i++) { if (p != ETH_VLAN) break; struct vlan_hdr *v = take(c, sizeof(*v)); if (!v) return -1; p = v->proto; } return p; }
#define CURSOR(c, x) struct cursor c = { (void *)(long)(x)->data, (void *)(long)(x)->data_end }

SEC("xdp") int vlans(struct xdp_md *x) { CURSOR(c, x); int p = ether(&c); if (p < 0) return XDP_DROP; struct iphdr *ip; if (p != ETH_IP || !(ip = take(&c, sizeof(*ip)))) return XDP_PASS; return ip->ttl == 1 ? XDP_DROP : XDP_PASS; }
/* What the cursor gave is not looked at. */
SEC("xdp") int vlans_unlooked(struct xdp_md *x) { CURSOR(c, x); int p = ether(&c); if (p != ETH_IP) return XDP_DROP; struct iphdr *ip = c.at; return ip->ttl == 1 ? XDP_DROP : XDP_PASS; }
SEC("xdp") int dns_name(struct xdp_md *x) {
	CURSOR(c, x);
	struct name n = {};
	if (ether(&c) != ETH_IP) return XDP_PASS;
	struct iphdr *ip = take(&c, sizeof(*ip));
	struct udphdr *u = ip ? take(&c, sizeof(*u)) : 0;
	struct dnshdr *d = u ? take(&c, sizeof(*d)) : 0;
	if (!d || u->dest != bpf_htons(53)) return XDP_PASS;
	__u8 *q = c.at;
	for (int i = 0; i < 63; i++) {
		if ((void *)(q + i + 1) > c.end || !q[i]) break;
		n.b[i] = q[i];
	}
	__u64 *seen = bpf_map_lookup_elem(&names, &n);
	return seen ? XDP_DROP : XDP_PASS;
}
/* One more than the name has room for. */
SEC("xdp") int dns_name_over(struct xdp_md *x) {
	CURSOR(c, x);
	__u32 z = 0;
	struct name *n = bpf_map_lookup_elem(&work, &z);
	__u8 *q = c.at;
	if (!n) return XDP_PASS;
	for (int i = 0; i <= 64; i++) {
		if ((void *)(q + i + 1) > c.end || !q[i]) break;
		n->b[i] = q[i];
	}
	return XDP_PASS;
}
SEC("xdp") int dns_labels(struct xdp_md *x) {
	CURSOR(c, x);
	__u8 *q = take(&c, 54);
	int labels = 0;
	if (!q) return XDP_PASS;
	for (int i = 0; i < 10; i++) {
		__u8 *len = take(&c, 1);
		if (!len || !*len) break;
		if (*len > 63) return XDP_DROP;
		if (!take(&c, *len)) return XDP_DROP;
		labels++;
	}
	return labels > 5 ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int dns_by_index(struct xdp_md *x) {
	void *data = (void *)(long)x->data, *end = (void *)(long)x->data_end;
	__u32 off = 54;
	for (int i = 0; i < 8; i++) {
		__u8 *len = data + off;
		if (off > 255 || (void *)(len + 1) > end) return XDP_DROP;
		if (!*len) break;
		off += *len + 1;
	}
	return off > 100 ? XDP_DROP : XDP_PASS;
}
/* The offset is bounded, the end is not compared. */
SEC("xdp") int dns_by_index_bare(struct xdp_md *x) {
	void *data = (void *)(long)x->data, *end = (void *)(long)x->data_end;
	__u32 off = 54;
	if (data + 256 < end) return XDP_PASS;
	for (int i = 0; i < 8; i++) {
		__u8 *len = data + off;
		if (off > 255) return XDP_DROP;
		if (!*len) break;
		off += *len + 1;
	}
	return XDP_PASS;
}
SEC("xdp") int v6_ext(struct xdp_md *x) {
	CURSOR(c, x);
	if (ether(&c) != ETH_IP6) return XDP_PASS;
	struct ipv6hdr *h = take(&c, sizeof(*h));
	if (!h) return XDP_DROP;
	__u8 next = h->nexthdr;
	for (int i = 0; i < 4; i++) {
		if (next != 0 && next != 43 && next != 60) break;
		__u8 *e = take(&c, 8);
		if (!e) return XDP_DROP;
		next = e[0];
		if (!take(&c, e[1] * 8)) return XDP_DROP;
	}
	return next == PROTO_ICMP ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int icmp_reply(struct xdp_md *x) {
	CURSOR(c, x);
	struct ethhdr *e = take(&c, sizeof(*e));
	struct iphdr *ip = e ? take(&c, sizeof(*ip)) : 0;
	struct icmphdr *ic = ip ? take(&c, sizeof(*ic)) : 0;
	__u8 m[6];
	__u32 a;
	if (!ic || e->h_proto != ETH_IP || ip->protocol != PROTO_ICMP || ic->type != 8) return XDP_PASS;
	__builtin_memcpy(m, e->h_dest, 6); __builtin_memcpy(e->h_dest, e->h_source, 6); __builtin_memcpy(e->h_source, m, 6);
	a = ip->saddr; ip->saddr = ip->daddr; ip->daddr = a;
	ic->type = 0;
	ic->sum += bpf_htons(0x0800);
	return XDP_TX;
}
SEC("xdp") int ip_sum(struct xdp_md *x) {
	CURSOR(c, x);
	struct ethhdr *e = take(&c, sizeof(*e));
	struct iphdr *ip = e ? take(&c, sizeof(*ip)) : 0;
	__u32 s = 0;
	if (!ip) return XDP_PASS;
	__u16 *w = (void *)ip;
	for (int i = 0; i < 10; i++) s += w[i];
	s = (s & 0xffff) + (s >> 16);
	return (__u16)~s ? XDP_DROP : XDP_PASS;
}
/* Eleven words of ten. */
SEC("xdp") int ip_sum_over(struct xdp_md *x) {
	CURSOR(c, x);
	struct ethhdr *e = take(&c, sizeof(*e));
	struct iphdr *ip = e ? take(&c, sizeof(*ip)) : 0;
	__u32 s = 0;
	if (!ip) return XDP_PASS;
	__u16 *w = (void *)ip;
	for (int i = 0; i <= 10; i++) s += w[i];
	return (__u16)~s ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int payload_sum(struct xdp_md *x) {
	CURSOR(c, x);
	__u32 s = 0;
	__u16 *w = c.at;
	for (int i = 0; i < 200; i++) { if ((void *)(w + 1) > c.end) break; s += *w++; }
	return (s & 0xffff) == 7 ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int limit(struct xdp_md *x) {
	CURSOR(c, x);
	__u32 k;
	struct lim first = {}, *l;
	__u64 now = bpf_ktime_get_ns();
	if (ether(&c) != ETH_IP) return XDP_PASS;
	struct iphdr *ip = take(&c, sizeof(*ip));
	if (!ip) return XDP_PASS;
	k = ip->saddr;
	l = bpf_map_lookup_elem(&limits, &k);
	if (!l) { first.at = now; first.tokens = 10; bpf_map_update_elem(&limits, &k, &first, 0); return XDP_PASS; }
	if (now - l->at > 1000000000) { l->tokens = 10; l->at = now; }
	if (!l->tokens) return XDP_DROP;
	l->tokens--;
	return XDP_PASS;
}
SEC("xdp") int limit_inserted(struct xdp_md *x) {
	__u32 k = x->rx_queue_index;
	struct lim first = {}, *l = bpf_map_lookup_elem(&limits, &k);
	if (!l) { bpf_map_update_elem(&limits, &k, &first, 0); l = bpf_map_lookup_elem(&limits, &k); }
	l->tokens--;
	return XDP_PASS;
}
SEC("xdp") int limit_padding(struct xdp_md *x) {
	__u32 k = x->rx_queue_index;
	struct lim first;
	first.at = 1; first.tokens = 2;
	bpf_map_update_elem(&limits, &k, &first, 0);
	return XDP_PASS;
}
SEC("xdp") int syn_cookie(struct xdp_md *x) {
	CURSOR(c, x);
	struct ethhdr *e = take(&c, sizeof(*e));
	struct iphdr *ip = e ? take(&c, sizeof(*ip)) : 0;
	struct tcphdr *th = ip ? take(&c, sizeof(*th)) : 0;
	__s64 v;
	if (!th) return XDP_PASS;
	v = bpf_tcp_raw_gen_syncookie_ipv4((void *)ip, (void *)th, sizeof(*th));
	return v < 0 ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int syn_cookie_length(struct xdp_md *x) {
	CURSOR(c, x);
	struct ethhdr *e = take(&c, sizeof(*e));
	struct iphdr *ip = e ? take(&c, sizeof(*ip)) : 0;
	struct tcphdr *th = ip ? take(&c, sizeof(*th)) : 0;
	if (!th) return XDP_PASS;
	return bpf_tcp_raw_gen_syncookie_ipv4((void *)ip, (void *)th, th->doff * 4) < 0 ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int xdp_bytes(struct xdp_md *x) { __u8 b[20]; if (bpf_xdp_load_bytes(x, 14, b, sizeof(b))) return XDP_DROP; return b[9] == PROTO_TCP ? XDP_PASS : XDP_DROP; }
SEC("xdp") int xdp_bytes_over(struct xdp_md *x) { __u8 b[20]; if (bpf_xdp_load_bytes(x, 14, b, 24)) return XDP_DROP; return b[9] == PROTO_TCP ? XDP_PASS : XDP_DROP; }
SEC("xdp.frags") int frags(struct xdp_md *x) { return bpf_xdp_get_buff_len(x) > 4096 ? XDP_DROP : XDP_PASS; }
SEC("xdp") int drop_reason(struct xdp_md *x) { __u32 r = (x->data_end - x->data) >> 8; if (r > 7) r = 7; drops[r]++; return XDP_DROP; }
SEC("xdp") int drop_reason_over(struct xdp_md *x) { __u32 r = (x->data_end - x->data) >> 8; if (r > 8) r = 8; drops[r]++; return XDP_DROP; }
SEC("xdp/devmap") int egress_if(struct xdp_md *x) { return x->egress_ifindex ? XDP_PASS : XDP_DROP; }
SEC("xdp") int plain_egress_if(struct xdp_md *x) { return x->egress_ifindex ? XDP_PASS : XDP_DROP; }
SEC("xdp/cpumap") int on_cpu(struct xdp_md *x) { return x->ingress_ifindex == 3 ? XDP_DROP : XDP_PASS; }
SEC("tc") int as_tc(struct __sk_buff *s) { CURSOR(c, s); int p = ether(&c); return p == ETH_IP ? 0 : 2; }
SEC("tc") int by_end(struct __sk_buff *s) { void *data = (void *)(long)s->data, *end = (void *)(long)s->data_end; if (end - data < 34) return 0; struct iphdr *ip = data + 14; return ip->ttl; }
SEC("tc") int by_len(struct __sk_buff *s) { void *data = (void *)(long)s->data; if (s->len < 34) return 0; struct iphdr *ip = data + 14; return ip->ttl; }
SEC("tc") int backwards(struct __sk_buff *s) { void *data = (void *)(long)s->data, *end = (void *)(long)s->data_end; if (end < data + 34) return 0; struct iphdr *ip = data + 14; return ip->ttl & 2; }
SEC("tc") int inverted(struct __sk_buff *s) { void *data = (void *)(long)s->data, *end = (void *)(long)s->data_end; if (data + 34 < end) return 0; struct iphdr *ip = data + 14; return ip->ttl & 2; }
SEC("tc") int equal(struct __sk_buff *s) { void *data = (void *)(long)s->data, *end = (void *)(long)s->data_end; if (data + 34 >= end) return 0; return *(__u8 *)(data + 34) & 2; }
SEC("tc") int equal_but_one(struct __sk_buff *s) { void *data = (void *)(long)s->data, *end = (void *)(long)s->data_end; if (data + 34 >= end) return 0; return *(__u8 *)(data + 35) & 2; }
SEC("tc") int before_start(struct __sk_buff *s) { void *data = (void *)(long)s->data, *end = (void *)(long)s->data_end; if (data + 34 > end) return 0; return *(__u8 *)(data - 1) & 2; }
SEC("tc") int beyond_end(struct __sk_buff *s) { void *end = (void *)(long)s->data_end; return *(__u8 *)(end - 1) & 2; }
SEC("tc") int end_math(struct __sk_buff *s) { void *data = (void *)(long)s->data, *end = (void *)(long)s->data_end; barrier_var(end); end -= 4; barrier_var(end); if (data > end) return 0; return *(__u32 *)data & 2; }
