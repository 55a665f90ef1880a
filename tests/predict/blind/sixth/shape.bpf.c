// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Shaping at tc: departure times, marks, NAT, mirroring, tunnels' keys. */
#include "kit.h"
struct bucket { struct bpf_spin_lock lock; __u64 tokens, last; __u32 rate; };
struct edt { __u64 next; __u64 bps; };
struct nat { __u32 addr; __u16 port; __u16 pad; };
MAP(buckets, BPF_MAP_TYPE_HASH, __u32, struct bucket, 256);
MAP(edts, BPF_MAP_TYPE_HASH, __u32, struct edt, 256);
MAP(nats, BPF_MAP_TYPE_HASH, struct nat, struct nat, 1024);
MAP(drops, BPF_MAP_TYPE_ARRAY, __u32, __u64, 8);
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } samples SEC(".maps");
#define OK 0
#define SHOT 2
INLINE void drop(__u32 why) { __u64 *n = bpf_map_lookup_elem(&drops, &why); if (n) __sync_fetch_and_add(n, 1); }
SEC("tc") int pace(struct __sk_buff *skb) {
	__u32 k = skb->mark; struct edt *e = bpf_map_lookup_elem(&edts, &k); __u64 now, delay, at;
	if (!e || !e->bps) return OK;
	now = bpf_ktime_get_ns(); delay = (__u64)skb->wire_len * 1000000000ull / e->bps; at = skb->tstamp;
	if (at < now) at = now;
	if (e->next < at) { e->next = at + delay; return OK; }
	if (e->next - now > 2000000000ull) { drop(1); return SHOT; }
	skb->tstamp = e->next; e->next += delay;
	return OK;
}
SEC("tc") int police(struct __sk_buff *skb) {
	__u32 k = skb->ifindex; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); __u64 now = bpf_ktime_get_ns(); int pass;
	if (!b) return OK;
	bpf_spin_lock(&b->lock);
	b->tokens += (now - b->last) * b->rate / 1000; b->last = now;
	if (b->tokens > 65536) b->tokens = 65536;
	pass = b->tokens >= skb->len;
	if (pass) b->tokens -= skb->len;
	bpf_spin_unlock(&b->lock);
	if (!pass) { drop(2); return SHOT; }
	return OK;
}
SEC("tc") int police_clock(struct __sk_buff *skb) { __u32 k = skb->ifindex; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); if (!b) return OK; bpf_spin_lock(&b->lock); b->last = bpf_ktime_get_ns(); bpf_spin_unlock(&b->lock); return OK; }
SEC("tc") int police_early(struct __sk_buff *skb) { __u32 k = skb->ifindex; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); if (!b) return OK; bpf_spin_lock(&b->lock); if (b->tokens < skb->len) return SHOT; b->tokens -= skb->len; bpf_spin_unlock(&b->lock); return OK; }
SEC("tc") int police_twice(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); if (!b) return OK; bpf_spin_lock(&b->lock); b->tokens = 0; bpf_spin_unlock(&b->lock); bpf_spin_unlock(&b->lock); return OK; }
SEC("tc") int police_drop(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); if (!b) return OK; bpf_spin_lock(&b->lock); if (!b->tokens) drop(3); bpf_spin_unlock(&b->lock); return OK; }
SEC("tc") int police_copy(struct __sk_buff *skb) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k), c; if (!b) return OK; __builtin_memcpy(&c, b, sizeof(c)); return c.tokens ? OK : SHOT; }
SEC("kprobe/__dev_queue_xmit") int BPF_KPROBE(police_probe) { __u32 k = 1; struct bucket *b = bpf_map_lookup_elem(&buckets, &k); if (!b) return 0; bpf_spin_lock(&b->lock); b->tokens++; bpf_spin_unlock(&b->lock); return 0; }
SEC("tc") int dnat(struct __sk_buff *skb) {
	struct ethhdr *eth = DATA(skb); struct iphdr *ip = (void *)(eth + 1); struct tcphdr *t = (void *)(ip + 1); struct nat k = {}, *to; __u32 old;
	if ((void *)(t + 1) > END(skb)) return OK;
	if (skb->protocol != ETH_IP || ip->protocol != 6) return OK;
	k.addr = ip->daddr; k.port = t->dest;
	to = bpf_map_lookup_elem(&nats, &k);
	if (!to) return OK;
	old = ip->daddr;
	bpf_l4_csum_replace(skb, 14 + 20 + 16, old, to->addr, BPF_F_PSEUDO_HDR | 4);
	bpf_l3_csum_replace(skb, 14 + 10, old, to->addr, 4);
	bpf_skb_store_bytes(skb, 14 + 16, &to->addr, 4, 0);
	return OK;
}
SEC("tc") int dnat_stale(struct __sk_buff *skb) {
	struct ethhdr *eth = DATA(skb); struct iphdr *ip = (void *)(eth + 1); struct nat k = {}, *to;
	if ((void *)(ip + 1) > END(skb)) return OK;
	k.addr = ip->daddr;
	to = bpf_map_lookup_elem(&nats, &k);
	if (!to) return OK;
	bpf_skb_store_bytes(skb, 14 + 16, &to->addr, 4, BPF_F_RECOMPUTE_CSUM);
	bpf_l3_csum_replace(skb, 14 + 10, ip->daddr, to->addr, 4);
	return OK;
}
SEC("tc") int dnat_pull(struct __sk_buff *skb) { struct iphdr *ip; if (bpf_skb_pull_data(skb, 34)) return OK; ip = DATA(skb) + 14; if ((void *)(ip + 1) > END(skb)) return OK; ip->ttl--; return OK; }
SEC("tc") int pull_late(struct __sk_buff *skb) { struct iphdr *ip = DATA(skb) + 14; if ((void *)(ip + 1) > END(skb)) return OK; bpf_skb_pull_data(skb, 64); return ip->ttl ? OK : SHOT; }
SEC("tc") int tunnel(struct __sk_buff *skb) { struct bpf_tunnel_key key = { .tunnel_id = 7, .remote_ipv4 = 0x0a000001, .tunnel_ttl = 64 }; return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX) < 0 ? SHOT : OK; }
SEC("tc") int tunnel_unset(struct __sk_buff *skb) { struct bpf_tunnel_key key; key.tunnel_id = 7; return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0) < 0 ? SHOT : OK; }
SEC("tc") int tunnel_get(struct __sk_buff *skb) { struct bpf_tunnel_key key; if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0) < 0) return OK; return key.tunnel_id == 7 ? OK : SHOT; }
SEC("tc") int mirror(struct __sk_buff *skb) { bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS); return OK; }
SEC("tc") int mirror_map(struct __sk_buff *skb) { return bpf_redirect_map(&drops, 0, 0); }
SEC("tc") int neighbour(struct __sk_buff *skb) { return bpf_redirect_neigh(skb->ifindex, 0, 0, 0); }
SEC("tc") int sample(struct __sk_buff *skb) { __u64 head = skb->len; bpf_perf_event_output(skb, &samples, BPF_F_CURRENT_CPU | ((__u64)(skb->len & 127) << 32), &head, 8); return OK; }
SEC("tc") int classify(struct __sk_buff *skb) { skb->tc_classid = 0x10001; skb->priority = 3; skb->mark |= 1; skb->queue_mapping = 2; return OK; }
SEC("tc") int rewrite_len(struct __sk_buff *skb) { skb->len = 60; return OK; }
SEC("tc") int rewrite_protocol(struct __sk_buff *skb) { skb->protocol = ETH_IP; return OK; }
SEC("tc") int note_cb(struct __sk_buff *skb) { skb->cb[0] = skb->hash; skb->cb[4] = 1; return OK; }
SEC("tc") int narrow(struct __sk_buff *skb) { __u16 low = *(volatile __u16 *)&skb->mark; return low ? OK : SHOT; }
SEC("tc") int narrow_data(struct __sk_buff *skb) { __u16 low = *(volatile __u16 *)&skb->data; return low ? OK : SHOT; }
SEC("tc") int wide(struct __sk_buff *skb) { __u64 both = *(volatile __u64 *)&skb->len; return both ? OK : SHOT; }
SEC("tc") int family(struct __sk_buff *skb) { return skb->family == AF_INET ? OK : SHOT; }
SEC("tc") int load_variable(struct __sk_buff *skb) { char b[64]; __u32 n = skb->len; if (n > sizeof(b)) n = sizeof(b); if (bpf_skb_load_bytes(skb, 0, b, n)) return OK; return b[0] ? OK : SHOT; }
SEC("tc") int load_positive(struct __sk_buff *skb) { char b[64] = {}; __u32 n = skb->len; if (n > sizeof(b)) n = sizeof(b); if (!n) return OK; if (bpf_skb_load_bytes(skb, 0, b, n)) return OK; return b[0] ? OK : SHOT; }
SEC("tc") int load_unbounded(struct __sk_buff *skb) { char b[64] = {}; bpf_skb_load_bytes(skb, 0, b, skb->len); return b[0] ? OK : SHOT; }
SEC("tc") int vlan(struct __sk_buff *skb) { if (!skb->vlan_present) return bpf_skb_vlan_push(skb, bpf_htons(0x8100), 100) ? SHOT : OK; return bpf_skb_vlan_pop(skb) ? SHOT : OK; }
SEC("tc") int room(struct __sk_buff *skb) { if (bpf_skb_adjust_room(skb, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4)) return SHOT; return OK; }
SEC("tc") int fib(struct __sk_buff *skb) { struct bpf_fib_lookup p = { .family = AF_INET, .ifindex = skb->ifindex }; if (bpf_fib_lookup(skb, &p, sizeof(p), 0)) return OK; return bpf_redirect(p.ifindex, 0); }
SEC("tc") int fib_short(struct __sk_buff *skb) { struct bpf_fib_lookup p = { .family = AF_INET }; return bpf_fib_lookup(skb, &p, 128, 0) ? OK : SHOT; }
SEC("tc") int pid(struct __sk_buff *skb) { return bpf_get_current_pid_tgid() >> 32 ? OK : SHOT; }
SEC("tc") int probe_read(struct __sk_buff *skb) { __u32 v = 0; bpf_probe_read_kernel(&v, 4, (void *)skb->sk); return v ? OK : SHOT; }
