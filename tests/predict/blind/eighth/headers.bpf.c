// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* A packet filter with a cursor that every header is taken from; each program goes one way through the same body. */
#include "kit.h"
struct cursor { void *at, *end; };
struct flow { __u32 from, to; __u16 sport, dport; __u8 proto; };
struct rule { __u32 verdict, limit; __u64 packets, bytes; };
MAP(rules, LRU_HASH, struct flow, struct rule, 1024);
MAP(stats, PERCPU_ARRAY, __u32, struct rule, 8);
MAP(names, HASH, char[32], __u32, 64);
MAP(ports, DEVMAP, __u32, __u32, 16);
INLINE void *take(struct cursor *c, __u64 n) { void *p = c->at; if (p + n > c->end) return 0; c->at = p + n; return p; }
INLINE void count(__u32 which, __u64 bytes, int trusting) {
	struct rule *r = bpf_map_lookup_elem(&stats, &which);
	if (!trusting && !r) return;
	r->packets++; r->bytes += bytes;
}
enum { FINE, ETH_BARE, VLAN_LITTLE, NO_L4_CHECK, PADDED, TRUST, PAY, PAY_OFF, ADJUSTED, ADJUSTED_AGAIN, UDP_LEN, UDP_LEN_MASK, OPTIONS, OPTIONS_BAD, WRITE, PAST_END, TO_END, BACK, REDIRECT, REDIRECT_WRONG, META, META_SHORT, IHL_ONLY };
INLINE int filter(struct xdp_md *ctx, const int way) {
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct flow f;
	struct rule *r;
	struct ethhdr *eth;
	struct iphdr *ip;
	struct tcphdr *tcp = 0;
	struct udphdr *udp = 0;
	__u16 proto;
	if (way != PADDED) __builtin_memset(&f, 0, sizeof(f));
	if (way == META || way == META_SHORT) {
		__u32 *mark = (void *)(long)ctx->data_meta;
		if ((void *)mark + (way == META ? 4 : 2) > c.at) return XDP_PASS;
		if (*mark == 7) return XDP_DROP;
	}
	eth = way == ETH_BARE ? c.at : take(&c, sizeof(*eth));
	if (!eth) return XDP_DROP;
	if (way == ETH_BARE) c.at += sizeof(*eth);
	proto = eth->h_proto;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		struct vlan_hdr *v;
		if (proto != ETH_VLAN) break;
		v = take(&c, way == VLAN_LITTLE ? 3 : sizeof(*v));
		if (!v) return XDP_DROP;
		proto = v->proto;
	}
	if (proto != ETH_IP) return XDP_PASS;
	ip = take(&c, sizeof(*ip));
	if (!ip) return XDP_DROP;
	if (ip->ihl > 5 && way != IHL_ONLY) { if (!take(&c, (ip->ihl - 5) * 4)) return XDP_DROP; }
	if (way == IHL_ONLY) c.at = (void *)ip + ip->ihl * 4;
	f.from = ip->saddr; f.to = ip->daddr; f.proto = ip->protocol;
	if (ip->protocol == PROTO_TCP) {
		tcp = way == NO_L4_CHECK ? c.at : take(&c, sizeof(*tcp));
		if (!tcp) return XDP_DROP;
		f.sport = tcp->source; f.dport = tcp->dest;
	} else if (ip->protocol == PROTO_UDP) {
		udp = take(&c, sizeof(*udp));
		if (!udp) return XDP_DROP;
		f.sport = udp->source; f.dport = udp->dest;
	} else return XDP_PASS;
	if ((way == UDP_LEN || way == UDP_LEN_MASK) && udp) {
		__u32 n = bpf_ntohs(udp->len);
		__u8 *last;
		if (way == UDP_LEN_MASK) n &= 0x3ff;
		if (n < sizeof(*udp)) return XDP_DROP;
		last = (void *)udp + n;
		if ((void *)last > c.end) return XDP_DROP;
		if (last[-1] == 0) return XDP_DROP;
	}
	if ((way == PAY || way == PAY_OFF) && udp) {
		__u8 *p = c.at;
		__u32 sum = 0;
#pragma unroll
		for (int i = 0; i < 12; i++) {
			if ((void *)(p + i + (way == PAY)) > c.end) break;
			sum = sum * 31 + p[i];
		}
		if (sum == 0x1234) return XDP_DROP;
	}
	if ((way == OPTIONS || way == OPTIONS_BAD) && tcp) {
		__u8 *o = c.at;
		for (int i = 0; i < 6; i++) {
			__u8 kind, n;
			if ((void *)(o + 2) > c.end) break;
			kind = o[0];
			if (kind == 0) break;
			if (kind == 1) { o++; continue; }
			n = o[1];
			if (n < 2) break;
			if (kind == 2 && n == 4) {
				if (way == OPTIONS && (void *)(o + 4) > c.end) break;
				count(*(__u16 *)(o + 2) & 7, 0, 0);
			}
			o += n;
		}
	}
	if (way == WRITE) { __u32 t = ip->saddr; ip->saddr = ip->daddr; ip->daddr = t; ip->ttl--; eth->h_dest[0] ^= 2; }
	if (way == PAST_END) { if (*(__u8 *)c.end == 1) return XDP_DROP; }
	if (way == TO_END) { __u64 left = c.end - c.at; if (left > 64 && *(__u8 *)(c.at + 63) == 1) return XDP_DROP; }
	if (way == BACK) { if (*(__u16 *)((void *)ip - 2) != ETH_IP) return XDP_DROP; }
	r = bpf_map_lookup_elem(&rules, &f);
	if (way == ADJUSTED || way == ADJUSTED_AGAIN) {
		if (bpf_xdp_adjust_head(ctx, 4)) return XDP_ABORTED;
		if (way == ADJUSTED_AGAIN) { eth = (void *)(long)ctx->data; if ((void *)(eth + 1) > (void *)(long)ctx->data_end) return XDP_DROP; }
		eth->h_proto = ETH_IP;
		return XDP_TX;
	}
	if (r) {
		r->packets++; r->bytes += c.end - (void *)eth;
		if (way == REDIRECT) return bpf_redirect_map(&ports, r->verdict, 0);
		if (way == REDIRECT_WRONG) return bpf_redirect_map(&rules, r->verdict, 0);
		return r->verdict & 3;
	}
	count(1, c.end - (void *)eth, way == TRUST);
	return XDP_PASS;
}
WAY("xdp", fine, struct xdp_md, filter, FINE)
WAY("xdp", eth_bare, struct xdp_md, filter, ETH_BARE)
WAY("xdp", vlan_little, struct xdp_md, filter, VLAN_LITTLE)
WAY("xdp", no_l4_check, struct xdp_md, filter, NO_L4_CHECK)
WAY("xdp", padded, struct xdp_md, filter, PADDED)
WAY("xdp", trust, struct xdp_md, filter, TRUST)
WAY("xdp", pay, struct xdp_md, filter, PAY)
WAY("xdp", pay_off, struct xdp_md, filter, PAY_OFF)
WAY("xdp", adjusted, struct xdp_md, filter, ADJUSTED)
WAY("xdp", adjusted_again, struct xdp_md, filter, ADJUSTED_AGAIN)
WAY("xdp", udp_len, struct xdp_md, filter, UDP_LEN)
WAY("xdp", udp_len_mask, struct xdp_md, filter, UDP_LEN_MASK)
WAY("xdp", options, struct xdp_md, filter, OPTIONS)
WAY("xdp", options_bad, struct xdp_md, filter, OPTIONS_BAD)
WAY("xdp", write, struct xdp_md, filter, WRITE)
WAY("xdp", past_end, struct xdp_md, filter, PAST_END)
WAY("xdp", to_end, struct xdp_md, filter, TO_END)
WAY("xdp", back, struct xdp_md, filter, BACK)
WAY("xdp", redirect, struct xdp_md, filter, REDIRECT)
WAY("xdp", redirect_wrong, struct xdp_md, filter, REDIRECT_WRONG)
WAY("xdp", meta, struct xdp_md, filter, META)
WAY("xdp", meta_short, struct xdp_md, filter, META_SHORT)
WAY("xdp", ihl_only, struct xdp_md, filter, IHL_ONLY)

/* Names in questions: a label's length leads to the next label. */
enum { Q_FINE, Q_NO_BOUND, Q_KEY_OVER, Q_LATE, Q_SIGNED, Q_SKIPPED };
INLINE int question(struct xdp_md *ctx, const int way) {
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	char name[32] = {};
	__u32 *hit, n = 0;
	struct dnshdr *d;
	if (!take(&c, 14 + 20 + 8)) return XDP_PASS;
	d = take(&c, sizeof(*d));
	if (!d || d->qd != bpf_htons(1)) return XDP_PASS;
	for (int i = 0; i < 31; i++) {
		char *p = c.at;
		if (way != Q_LATE && (void *)(p + 1) > c.end) return XDP_PASS;
		if (way == Q_SKIPPED && *p == '.') continue;
		if (*p == 0) break;
		if (way == Q_SIGNED) { name[(*p) & 31] = 1; }
		else if (way == Q_NO_BOUND) name[n] = *p | 0x20;
		else if (way == Q_KEY_OVER) { if (n <= 32) name[n] = *p | 0x20; }
		else if (n < 32) name[n] = *p | 0x20;
		n += 1 + (way == Q_NO_BOUND ? *p & 1 : 0);
		c.at = p + 1;
	}
	hit = bpf_map_lookup_elem(&names, name);
	return hit ? *hit & 3 : XDP_PASS;
}
WAY("xdp", q_fine, struct xdp_md, question, Q_FINE)
WAY("xdp", q_no_bound, struct xdp_md, question, Q_NO_BOUND)
WAY("xdp", q_key_over, struct xdp_md, question, Q_KEY_OVER)
WAY("xdp", q_late, struct xdp_md, question, Q_LATE)
WAY("xdp", q_signed, struct xdp_md, question, Q_SIGNED)
WAY("xdp", q_skipped, struct xdp_md, question, Q_SKIPPED)

/* Extension headers of the sixth version, by an offset that grows. */
enum { X_FINE, X_GROWS, X_UNMASKED, X_SUB };
INLINE int extended(struct xdp_md *ctx, const int way) {
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ipv6hdr *ip = data + 14;
	__u32 at = 14 + sizeof(*ip);
	__u8 next;
	if ((void *)(ip + 1) > end) return XDP_PASS;
	next = ip->nexthdr;
	for (int i = 0; i < 4; i++) {
		struct { __u8 next, len; } *h = data + at;
		if (next != 0 && next != 43 && next != 60) break;
		if (way != X_GROWS && way != X_UNMASKED && at > 1200) return XDP_DROP;
		if ((void *)(h + 1) > end) return XDP_DROP;
		next = h->next;
		at += way == X_UNMASKED ? h->len * 4096 : (h->len + 1) * 8;
		if (way == X_SUB) at -= 8;
	}
	if (next == PROTO_TCP) {
		struct tcphdr *t = data + at;
		if ((void *)(t + 1) > end) return XDP_DROP;
		if (t->syn && t->fin) return XDP_DROP;
	}
	return XDP_PASS;
}
WAY("xdp", x_fine, struct xdp_md, extended, X_FINE)
WAY("xdp", x_grows, struct xdp_md, extended, X_GROWS)
WAY("xdp", x_unmasked, struct xdp_md, extended, X_UNMASKED)
WAY("xdp", x_sub, struct xdp_md, extended, X_SUB)
