// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
// mcpu=v3
/* A load balancer: services, backends by a consistent ring, encapsulation. */
#include "kit.h"
struct vip { __u32 addr; __u16 port; __u8 proto; __u8 pad; };
struct meta { __u32 flags; __u32 number; };
struct backend { __u32 addr; __u8 mac[6]; __u16 weight; };
struct conn { __u32 backend; __u64 seen; };
struct five { __u32 saddr, daddr; __u32 ports; __u32 proto; };
#define RING 64
MAP(vips, BPF_MAP_TYPE_HASH, struct vip, struct meta, 64);
MAP(ring, BPF_MAP_TYPE_ARRAY, __u32, __u32, RING * 64);
MAP(backends, BPF_MAP_TYPE_ARRAY, __u32, struct backend, 64);
MAP(conns, BPF_MAP_TYPE_LRU_HASH, struct five, struct conn, 8192);
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 16); __type(key, __u32); __type(value, __u32); } ports SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } cpus SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } stages SEC(".maps");
INLINE __u32 mix(__u32 h, __u32 v) { h ^= v; h *= 0x01000193; h ^= h >> 13; return h; }
NOINLINE __u32 hash5(const struct five *f) { __u32 h = 0x811c9dc5; h = mix(h, f->saddr); h = mix(h, f->daddr); h = mix(h, f->ports); return mix(h, f->proto); }
INLINE int read_five(struct xdp_md *ctx, struct five *f) {
	struct ethhdr *eth = DATA(ctx); struct iphdr *ip = (void *)(eth + 1); struct udphdr *u = (void *)(ip + 1);
	if ((void *)(u + 1) > END(ctx) || eth->h_proto != ETH_IP || ip->ihl != 5) return -1;
	f->saddr = ip->saddr; f->daddr = ip->daddr; f->proto = ip->protocol; f->ports = u->source | (__u32)u->dest << 16;
	return 0;
}
INLINE struct backend *pick(struct five *f, struct meta *m) {
	__u32 at = (m->number & 63) * RING + (hash5(f) & (RING - 1)), *index;
	index = bpf_map_lookup_elem(&ring, &at);
	return index ? bpf_map_lookup_elem(&backends, index) : 0;
}
INLINE struct meta *service(struct five *f) { struct vip v = { .addr = f->daddr, .port = f->ports >> 16, .proto = f->proto }; return bpf_map_lookup_elem(&vips, &v); }
SEC("xdp") int lb_tunnel(struct xdp_md *ctx) {
	struct five f = {}; struct meta *m; struct backend *b; struct ethhdr *neu, *old; struct iphdr *outer; __u32 sum = 0; __u16 *w;
	if (read_five(ctx, &f) || !(m = service(&f)) || !(b = pick(&f, m))) return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr))) return XDP_DROP;
	neu = DATA(ctx); outer = (void *)(neu + 1); old = DATA(ctx) + sizeof(*outer);
	if ((void *)(neu + 1) > END(ctx) || (void *)(outer + 1) > END(ctx) || (void *)(old + 1) > END(ctx)) return XDP_DROP;
	__builtin_memcpy(neu->h_source, old->h_dest, 6); __builtin_memcpy(neu->h_dest, b->mac, 6); neu->h_proto = ETH_IP;
	__builtin_memset(outer, 0, sizeof(*outer));
	outer->version = 4; outer->ihl = 5; outer->ttl = 64; outer->protocol = 4; outer->saddr = f.daddr; outer->daddr = b->addr;
	w = (void *)outer;
#pragma unroll
	for (int i = 0; i < 10; i++) sum += w[i];
	outer->check = ~((sum & 0xffff) + (sum >> 16));
	return XDP_TX;
}
/* Checks before the head was moved hold no longer. */
SEC("xdp") int lb_tunnel_stale(struct xdp_md *ctx) {
	struct five f = {}; struct meta *m; struct backend *b; struct ethhdr *eth = DATA(ctx);
	if (read_five(ctx, &f) || !(m = service(&f)) || !(b = pick(&f, m))) return XDP_PASS;
	if ((void *)(eth + 1) > END(ctx)) return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, -20)) return XDP_DROP;
	__builtin_memcpy(eth->h_dest, b->mac, 6);
	return XDP_TX;
}
SEC("xdp") int lb_conn(struct xdp_md *ctx) {
	struct five f = {}; struct conn *c, neu = {}; struct meta *m; __u32 at = 0, *i;
	if (read_five(ctx, &f)) return XDP_PASS;
	c = bpf_map_lookup_elem(&conns, &f);
	if (c) { c->seen = bpf_ktime_get_ns(); return bpf_redirect_map(&ports, c->backend & 15, 0); }
	m = service(&f);
	if (!m) return XDP_PASS;
	at = (m->number & 63) * RING + hash5(&f) % RING;
	i = bpf_map_lookup_elem(&ring, &at);
	if (!i) return XDP_ABORTED;
	neu.backend = *i; neu.seen = bpf_ktime_get_ns();
	bpf_map_update_elem(&conns, &f, &neu, BPF_ANY);
	return bpf_redirect_map(&ports, neu.backend & 15, 0);
}
/* The ring's answer is not looked at. */
SEC("xdp") int lb_conn_hasty(struct xdp_md *ctx) {
	struct five f = {}; struct meta *m; __u32 at, *i; struct backend *b;
	if (read_five(ctx, &f) || !(m = service(&f))) return XDP_PASS;
	at = m->number * RING + hash5(&f) % RING;
	i = bpf_map_lookup_elem(&ring, &at);
	b = bpf_map_lookup_elem(&backends, i);
	return b ? XDP_TX : XDP_PASS;
}
SEC("xdp") int lb_backend_hasty(struct xdp_md *ctx) {
	struct five f = {}; struct meta *m; struct backend *b;
	if (read_five(ctx, &f) || !(m = service(&f))) return XDP_PASS;
	b = pick(&f, m);
	return b->weight ? XDP_TX : XDP_DROP;
}
/* The key on the stack has eight bytes, the map's sixteen. */
SEC("xdp") int lb_conn_short(struct xdp_md *ctx) { __u64 key = ctx->ingress_ifindex; struct conn *c = bpf_map_lookup_elem(&conns, &key); return c ? XDP_TX : XDP_PASS; }
SEC("xdp") int lb_conn_gap(struct xdp_md *ctx) { struct five f = {}; struct conn neu; if (read_five(ctx, &f)) return XDP_PASS; neu.backend = 1; neu.seen = 2; bpf_map_update_elem(&conns, &f, &neu, 0); return XDP_PASS; }
SEC("xdp") int lb_cpu(struct xdp_md *ctx) { struct five f = {}; if (read_five(ctx, &f)) return XDP_PASS; return bpf_redirect_map(&cpus, hash5(&f) & 7, XDP_PASS); }
SEC("xdp") int lb_cpu_wrong(struct xdp_md *ctx) { return bpf_redirect_map(&conns, 0, XDP_PASS); }
SEC("xdp") int lb_stage(struct xdp_md *ctx) { bpf_tail_call(ctx, &stages, 1); return XDP_DROP; }
SEC("xdp") int lb_stage_number(struct xdp_md *ctx) { __u32 p = ctx->rx_queue_index; bpf_tail_call(ctx, &stages, p); return XDP_PASS; }
SEC("xdp") int lb_stage_sub(struct xdp_md *ctx) { struct five f = {}; if (read_five(ctx, &f)) return XDP_PASS; if (hash5(&f) & 1) bpf_tail_call(ctx, &stages, 2); return XDP_PASS; }
SEC("xdp") int lb_devmap_read(struct xdp_md *ctx) { __u32 k = 0; __u32 *v = bpf_map_lookup_elem(&ports, &k); return v && *v ? XDP_TX : XDP_PASS; }
SEC("xdp") int lb_devmap_update(struct xdp_md *ctx) { __u32 k = 0, v = 2; return bpf_map_update_elem(&ports, &k, &v, 0) ? XDP_TX : XDP_PASS; }
SEC("xdp") int lb_ring_past(struct xdp_md *ctx) { __u32 k = 1; struct backend *b = bpf_map_lookup_elem(&backends, &k); return b && ((struct backend *)(b + 1))->weight ? XDP_TX : XDP_PASS; }
SEC("xdp") int lb_mac_index(struct xdp_md *ctx) { __u32 k = 1, i = ctx->rx_queue_index; struct backend *b = bpf_map_lookup_elem(&backends, &k); if (!b || i > 6) return XDP_PASS; return b->mac[i] ? XDP_TX : XDP_PASS; }
SEC("xdp") int lb_mac_loose(struct xdp_md *ctx) { __u32 k = 1, i = ctx->rx_queue_index; struct backend *b = bpf_map_lookup_elem(&backends, &k); if (!b || i > 16) return XDP_PASS; return b->mac[i] ? XDP_TX : XDP_PASS; }
