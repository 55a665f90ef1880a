// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
// mcpu=v3
/* A balancer for many customers: maps of maps, chains of programs, devices, CPUs, queues, filters. */
#include "kit.h"
struct vip { __u32 ip; __u16 port; __u8 proto, pad; };
struct real { __u32 ip; __u32 weight; __u64 conns; };
struct cust { __u32 id, first, count, flags; };
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct real); __uint(max_entries, 64); } a SEC(".maps"), b SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 64); __type(key, struct vip); __array(values, struct inner); } by_vip SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner); } by_zone SEC(".maps") = { .values = { &a, &b } };
struct trie { __u32 bits; __u32 ip; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct trie); __type(value, struct cust); __uint(max_entries, 64); } nets SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_DEVMAP_HASH); __type(key, __u32); __type(value, struct bpf_devmap_val); __uint(max_entries, 16); } devs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __type(key, __u32); __type(value, struct bpf_cpumap_val); __uint(max_entries, 8); } cpus SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_XSKMAP); __type(key, __u32); __type(value, __u32); __uint(max_entries, 8); } xsks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 16); __type(value, struct vip); } todo SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK); __uint(max_entries, 16); __type(value, __u64); } lifo SEC(".maps");
TAILS(chain, 8);
MAP(ring, ARRAY, __u32, __u32, 65537);
MAP(one, ARRAY, __u32, struct cust, 1);
const volatile __u32 zone = 1, ring_size = 65537;
static __u32 weights[16];

INLINE int header(struct xdp_md *x, struct vip *v, __u32 *src) {
	void *d = (void *)(long)x->data, *e = (void *)(long)x->data_end;
	struct iphdr *ip = d + 14;
	struct udphdr *u = (void *)(ip + 1);
	if ((void *)(u + 1) > e) return -1;
	v->ip = ip->daddr; v->port = u->dest; v->proto = ip->protocol; v->pad = 0; *src = ip->saddr;
	return 0;
}
enum { N_OK, N_OUTER_NULL, N_INNER_NULL, N_OUTER_VALUE, N_INNER_KEY, N_ZONE, N_UPDATE, N_UPDATE_OUTER, N_DELETE, N_RING, N_RING_KEY8, N_WEIGHT, N_WEIGHT_OVER, N_LPM, N_LPM_KEY, N_LPM_VALUE, N_DEV, N_DEV_LOOKUP, N_DEV_WRITE, N_DEV_FLAGS, N_CPU, N_CPU_LOOKUP, N_CPU_UPDATE, N_XSK, N_XSK_LOOKUP, N_XSK_DEREF, N_QUEUE, N_QUEUE_KEY, N_QUEUE_SHORT, N_POP_UNSET, N_PEEK, N_TAIL, N_TAIL_VAR, N_TAIL_DEEP, N_TAIL_LOOKUP, N_CHOICE, N_CHOICE_MIXED, N_CONST, N_CONST_OVER, N_MAPPTR, N_FIB, N_FIB_SHORT, N_TAILADJ };
INLINE int balance(struct xdp_md *x, const int way) {
	struct vip v;
	struct real *r;
	struct cust *c;
	__u32 src, key, *slot, z = 0;
	void *m;
	if (header(x, &v, &src)) return XDP_PASS;
	if (way == N_LPM || way == N_LPM_KEY || way == N_LPM_VALUE) {
		struct trie t = { 32, src };
		c = bpf_map_lookup_elem(&nets, way == N_LPM_KEY ? (void *)&t.ip : (void *)&t);
		if (!c) return XDP_PASS;
		if (way == N_LPM_VALUE) return ((__u64 *)c)[2] & 3;
		return c->flags & 3;
	}
	if (way == N_DEV) return bpf_redirect_map(&devs, x->ingress_ifindex, 0);
	if (way == N_DEV_FLAGS) return bpf_redirect_map(&devs, 1, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	if (way == N_DEV_LOOKUP || way == N_DEV_WRITE) { struct bpf_devmap_val *dv = bpf_map_lookup_elem(&devs, &src); if (!dv) return 2; if (way == N_DEV_WRITE) dv->ifindex = 3; return dv->ifindex & 3; }
	if (way == N_CPU) return bpf_redirect_map(&cpus, src & 7, 0);
	if (way == N_CPU_LOOKUP) { struct bpf_cpumap_val *cv = bpf_map_lookup_elem(&cpus, &z); return cv ? cv->qsize & 3 : 2; }
	if (way == N_CPU_UPDATE) { struct bpf_cpumap_val cv = {}; bpf_map_update_elem(&cpus, &z, &cv, 0); return 2; }
	if (way == N_XSK) { key = x->rx_queue_index; return bpf_map_lookup_elem(&xsks, &key) ? bpf_redirect_map(&xsks, key, 2) : 2; }
	if (way == N_XSK_DEREF) { struct bpf_xdp_sock *xs; key = 1; xs = bpf_map_lookup_elem(&xsks, &key); return xs ? xs->queue_id & 3 : 2; }
	if (way == N_XSK_LOOKUP) { struct bpf_xdp_sock *xs; key = 1; xs = bpf_map_lookup_elem(&xsks, &key); return xs->queue_id & 3; }
	if (way == N_QUEUE) { bpf_map_push_elem(&todo, &v, BPF_EXIST); return 2; }
	if (way == N_QUEUE_KEY) { bpf_map_update_elem(&todo, &z, &v, 0); return 2; }
	if (way == N_QUEUE_SHORT) { bpf_map_push_elem(&todo, &src, 0); return 2; }
	if (way == N_POP_UNSET) { __u64 got; bpf_map_pop_elem(&lifo, &got); return got & 3; }
	if (way == N_PEEK) { struct vip got; if (bpf_map_peek_elem(&todo, &got)) return 2; return got.proto & 3; }
	if (way == N_TAIL) { bpf_tail_call(x, &chain, 3); return 2; }
	if (way == N_TAIL_VAR) { bpf_tail_call(x, &chain, v.proto); return 2; }
	if (way == N_TAIL_LOOKUP) { m = bpf_map_lookup_elem(&chain, &z); return m ? 1 : 2; }
	if (way == N_TAILADJ) { void *d = (void *)(long)x->data; if (d + 4 > (void *)(long)x->data_end) return 1; bpf_tail_call(x, &chain, 3); return *(__u32 *)d & 3; }
	if (way == N_FIB || way == N_FIB_SHORT) { struct bpf_fib_lookup f = {}; f.family = 2; f.ifindex = x->ingress_ifindex; f.ipv4_src = src; f.ipv4_dst = v.ip; if (bpf_fib_lookup(x, &f, way == N_FIB ? sizeof(f) : 128, 0)) return 2; return bpf_redirect(f.ifindex, 0); }
	if (way == N_MAPPTR) { return *(__u32 *)&by_zone & 3; }
	if (way == N_CHOICE || way == N_CHOICE_MIXED) { m = src & 1 ? (void *)&a : way == N_CHOICE ? (void *)&b : (void *)&nets; r = bpf_map_lookup_elem(m, &z); return r ? r->weight & 3 : 2; }
	if (way == N_CONST || way == N_CONST_OVER) { c = bpf_map_lookup_elem(&one, &z); if (!c) return 2; key = c->first; if (way == N_CONST) { if (key >= 16) return 2; } else if (key > 16) return 2; return weights[key] & 3; }
	if (way == N_ZONE) { key = zone; m = bpf_map_lookup_elem(&by_zone, &key); } else m = bpf_map_lookup_elem(&by_vip, &v);
	if (way != N_OUTER_NULL && !m) return XDP_PASS;
	if (way == N_OUTER_VALUE) return ((struct real *)m)->weight & 3;
	key = src % ring_size;
	if (way == N_RING_KEY8) { slot = bpf_map_lookup_elem(&ring, (__u8 *)&v + 5); }
	else slot = bpf_map_lookup_elem(&ring, &key);
	if (!slot) return XDP_ABORTED;
	if (way == N_INNER_KEY) { __u16 k; r = bpf_map_lookup_elem(m, &k); }
	else r = bpf_map_lookup_elem(m, slot);
	if (way == N_UPDATE) { struct real n = { 1, 2, 3 }; bpf_map_update_elem(m, &z, &n, 0); }
	if (way == N_UPDATE_OUTER) { bpf_map_update_elem(&by_vip, &v, m, 0); }
	if (way == N_DELETE) bpf_map_delete_elem(&by_vip, &v);
	if (way != N_INNER_NULL && !r) return XDP_DROP;
	__sync_fetch_and_add(&r->conns, 1);
	if (way == N_WEIGHT) { if (r->weight < 16) weights[r->weight]++; }
	if (way == N_WEIGHT_OVER) { __u32 w = r->weight; if (w <= 16) weights[w]++; }
	return r->weight ? XDP_TX : XDP_DROP;
}
#define N(name, n) WAY("xdp", name, struct xdp_md, balance, n)
N(n_ok, N_OK) N(n_outer_null, N_OUTER_NULL) N(n_inner_null, N_INNER_NULL) N(n_outer_value, N_OUTER_VALUE) N(n_inner_key, N_INNER_KEY) N(n_zone, N_ZONE) N(n_update, N_UPDATE) N(n_update_outer, N_UPDATE_OUTER) N(n_delete, N_DELETE)
N(n_ring_key8, N_RING_KEY8) N(n_weight, N_WEIGHT) N(n_weight_over, N_WEIGHT_OVER) N(n_lpm, N_LPM) N(n_lpm_key, N_LPM_KEY) N(n_lpm_value, N_LPM_VALUE) N(n_dev, N_DEV) N(n_dev_lookup, N_DEV_LOOKUP) N(n_dev_write, N_DEV_WRITE) N(n_dev_flags, N_DEV_FLAGS)
N(n_cpu, N_CPU) N(n_cpu_lookup, N_CPU_LOOKUP) N(n_cpu_update, N_CPU_UPDATE) N(n_xsk, N_XSK) N(n_xsk_lookup, N_XSK_LOOKUP) N(n_xsk_deref, N_XSK_DEREF) N(n_queue, N_QUEUE) N(n_queue_key, N_QUEUE_KEY) N(n_queue_short, N_QUEUE_SHORT)
N(n_pop_unset, N_POP_UNSET) N(n_peek, N_PEEK) N(n_tail, N_TAIL) N(n_tail_var, N_TAIL_VAR) N(n_tail_lookup, N_TAIL_LOOKUP) N(n_choice, N_CHOICE) N(n_choice_mixed, N_CHOICE_MIXED) N(n_const, N_CONST) N(n_const_over, N_CONST_OVER) N(n_mapptr, N_MAPPTR) N(n_fib, N_FIB) N(n_fib_short, N_FIB_SHORT) N(n_tailadj, N_TAILADJ)
