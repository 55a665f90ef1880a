// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Traffic control: marks, pacing, rewriting. */
#include "net.h"
struct flow { __u32 from, to; __u16 sport, dport; __u8 proto; };
struct rate { struct bpf_spin_lock lock; __u64 last; __u64 bytes; };
MAP(flows, BPF_MAP_TYPE_HASH, struct flow, struct rate, 1024);
MAP(marks, BPF_MAP_TYPE_ARRAY, __u32, __u32, 256);
SEC("tc") int pace(struct __sk_buff *skb) {
	__u32 k = skb->mark & 255, *m = bpf_map_lookup_elem(&marks, &k);
	if (m && *m) skb->tstamp = bpf_ktime_get_ns() + *m;
	return 0;
}
SEC("tc") int mark(struct __sk_buff *skb) { skb->mark = skb->hash; skb->priority = 3; skb->cb[1] = skb->len; return 0; }
SEC("tc") int shorten(struct __sk_buff *skb) { skb->len = 64; return 0; }
SEC("tc") int by_class(struct __sk_buff *skb) {
	struct flow f = {}; struct rate *r; struct rate first = { .bytes = 0 };
	if (bpf_skb_load_bytes(skb, 26, &f.from, 8) < 0) return 0;
	r = bpf_map_lookup_elem(&flows, &f);
	if (!r) { bpf_map_update_elem(&flows, &f, &first, BPF_NOEXIST); return 0; }
	bpf_spin_lock(&r->lock);
	r->bytes += skb->len;
	bpf_spin_unlock(&r->lock);
	return 0;
}
SEC("tc") int by_class_early(struct __sk_buff *skb) {
	struct flow f = {}; struct rate *r = bpf_map_lookup_elem(&flows, &f);
	if (!r) return 0;
	bpf_spin_lock(&r->lock);
	if (r->bytes > 100000) return 2;
	r->bytes += skb->len;
	bpf_spin_unlock(&r->lock);
	return 0;
}
SEC("tc") int by_class_clock(struct __sk_buff *skb) {
	struct flow f = {}; struct rate *r = bpf_map_lookup_elem(&flows, &f);
	if (!r) return 0;
	bpf_spin_lock(&r->lock);
	r->last = bpf_ktime_get_ns();
	bpf_spin_unlock(&r->lock);
	return 0;
}
SEC("tc") int rewrite(struct __sk_buff *skb) {
	__u32 to = bpf_htonl(0x0a000001), was = 0;
	bpf_skb_load_bytes(skb, 30, &was, 4);
	bpf_l3_csum_replace(skb, 24, was, to, 4);
	return bpf_skb_store_bytes(skb, 30, &to, 4, 0) ? 2 : 0;
}
SEC("tc") int rewrite_direct(struct __sk_buff *skb) {
	struct ethhdr *eth = DATA(skb);
	if ((void *)(eth + 1) > END(skb)) { if (bpf_skb_pull_data(skb, 14)) return 0; eth = DATA(skb); if ((void *)(eth + 1) > END(skb)) return 0; }
	eth->to[0] |= 1;
	return 0;
}
SEC("tc") int rewrite_after_pull(struct __sk_buff *skb) {
	struct ethhdr *eth = DATA(skb);
	if ((void *)(eth + 1) > END(skb)) return 0;
	bpf_skb_pull_data(skb, 64);
	eth->to[0] |= 1;
	return 0;
}
SEC("tc") int owner(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk) return 0;
	sk = bpf_sk_fullsock(sk);
	return sk && sk->family == 2 ? 2 : 0;
}
SEC("tc") int owner_at_once(struct __sk_buff *skb) { struct bpf_sock *sk = skb->sk; return sk->family == 2; }
SEC("tc") int tcp_state(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk; struct bpf_tcp_sock *tp;
	if (!sk) return 0;
	tp = bpf_tcp_sock(sk);
	if (!tp) return 0;
	return tp->snd_cwnd > 100 ? 2 : 0;
}
SEC("tc") int cut(struct __sk_buff *skb) { __u8 b[32]; __u32 n = skb->len - 14; if (n > sizeof(b)) n = sizeof(b); return bpf_skb_load_bytes(skb, 14, b, n) ? 0 : b[0]; }
SEC("tc") int cut_some(struct __sk_buff *skb) { __u8 b[32] = {}; __u32 n = skb->len & 31; if (!n) return 0; bpf_skb_load_bytes(skb, 14, b, n); return b[3] == 4 ? 2 : 0; }
SEC("tc") int cut_none(struct __sk_buff *skb) { __u8 b[32] = {}; __u32 n = skb->mark; if (n > 64) return 0; if (n) bpf_skb_load_bytes(skb, 14, b, n); return b[3] == 4 ? 2 : 0; }
SEC("tc") int unset_flow(struct __sk_buff *skb) { struct flow f; f.from = skb->hash; f.proto = 6; return bpf_map_lookup_elem(&flows, &f) ? 2 : 0; }
SEC("tc") int clone(struct __sk_buff *skb) { return bpf_clone_redirect(skb, 1, 0) ? 0 : 2; }
SEC("tc") int tunnel(struct __sk_buff *skb) { struct bpf_tunnel_key key = {}; if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) return 0; return key.tunnel_id == 7 ? 2 : 0; }
SEC("tc") int tunnel_past(struct __sk_buff *skb) { struct bpf_tunnel_key key = {}; if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key) + 8, 0)) return 0; return key.tunnel_id == 7 ? 2 : 0; }
