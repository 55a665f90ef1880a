// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* tc classifiers: policies, rewriting, sockets, marks, pulled data. */
#include "kit.h"
struct rule { __u32 lock_free; __u32 rate; __u64 tokens, last; };
struct bucket { struct bpf_spin_lock lock; __u32 rate; __u64 tokens, last; };
MAP(rules, HASH, __u32, struct rule, 512);
MAP(buckets, HASH, __u32, struct bucket, 512);
MAP(scratch, PERCPU_ARRAY, __u32, char[256], 1);
struct tun_opts { __u8 b[32]; };
STORE(sk_seen, SK_STORAGE, __u64);
RING(notes, 65536);
TAILS(steps, 4);
#define PKT void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end

SEC("tc") int police(struct __sk_buff *skb) {
	__u32 id = skb->mark;
	__u64 now = bpf_ktime_get_ns();
	struct bucket *b = bpf_map_lookup_elem(&buckets, &id);
	int ok = 0;
	if (!b) return 0;
	bpf_spin_lock(&b->lock);
	if (b->tokens >= skb->len) { b->tokens -= skb->len; ok = 1; }
	b->last = now;
	bpf_spin_unlock(&b->lock);
	return ok ? 0 : 2;
}
/* One way out keeps the lock. */
SEC("tc") int police_kept(struct __sk_buff *skb) {
	__u32 id = skb->mark;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &id);
	if (!b) return 0;
	bpf_spin_lock(&b->lock);
	if (b->tokens < skb->len) return 2;
	b->tokens -= skb->len;
	bpf_spin_unlock(&b->lock);
	return 0;
}
/* The clock is read under the lock. */
SEC("tc") int police_calls(struct __sk_buff *skb) {
	__u32 id = skb->mark;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &id);
	if (!b) return 0;
	bpf_spin_lock(&b->lock);
	b->last = bpf_ktime_get_ns();
	bpf_spin_unlock(&b->lock);
	return 0;
}
/* A lock in a map without one. */
SEC("tc") int police_no_lock(struct __sk_buff *skb) {
	__u32 id = skb->mark;
	struct rule *b = bpf_map_lookup_elem(&rules, &id);
	if (!b) return 0;
	bpf_spin_lock((void *)b);
	b->tokens -= skb->len;
	bpf_spin_unlock((void *)b);
	return 0;
}
/* Two buckets at once. */
SEC("tc") int police_two(struct __sk_buff *skb) {
	__u32 one = 1, two = 2;
	struct bucket *a = bpf_map_lookup_elem(&buckets, &one), *b = bpf_map_lookup_elem(&buckets, &two);
	if (!a || !b) return 0;
	bpf_spin_lock(&a->lock); bpf_spin_lock(&b->lock);
	a->tokens++; b->tokens--;
	bpf_spin_unlock(&b->lock); bpf_spin_unlock(&a->lock);
	return 0;
}
/* The wrong one is given back. */
SEC("tc") int police_other(struct __sk_buff *skb) {
	__u32 one = 1, two = 2;
	struct bucket *a = bpf_map_lookup_elem(&buckets, &one), *b = bpf_map_lookup_elem(&buckets, &two);
	if (!a || !b) return 0;
	bpf_spin_lock(&a->lock);
	a->tokens++;
	bpf_spin_unlock(&b->lock);
	return 0;
}
/* The lock is written over. */
SEC("tc") int police_over(struct __sk_buff *skb) {
	__u32 one = 1;
	struct bucket *a = bpf_map_lookup_elem(&buckets, &one);
	if (!a) return 0;
	*(volatile __u32 *)&a->lock = 0;
	a->rate = 1;
	return 0;
}
SEC("tc") int pull_then_read(struct __sk_buff *skb) {
	if (bpf_skb_pull_data(skb, 54)) return 0;
	PKT;
	if (data + 54 > end) return 2;
	struct tcphdr *th = data + 34;
	return th->syn ? 0 : 2;
}
/* Read before the pull, used after it. */
SEC("tc") int pull_after_read(struct __sk_buff *skb) {
	PKT;
	if (data + 34 > end) return 0;
	struct iphdr *ip = data + 14;
	if (bpf_skb_pull_data(skb, bpf_ntohs(ip->tot_len))) return 0;
	return ip->protocol == PROTO_TCP ? 0 : 2;
}
/* Only the length is kept over the pull. */
SEC("tc") int pull_keeps_number(struct __sk_buff *skb) {
	PKT;
	if (data + 34 > end) return 0;
	struct iphdr *ip = data + 14;
	__u8 proto = ip->protocol;
	bpf_skb_pull_data(skb, 40);
	return proto == PROTO_TCP ? 0 : 2;
}
SUB int make_room(struct __sk_buff *skb) { return bpf_skb_change_head(skb, 14, 0); }
/* A function of its own changes the packet. */
SEC("tc") int stale_by_call(struct __sk_buff *skb) {
	PKT;
	if (data + 14 > end) return 0;
	make_room(skb);
	return *(__u8 *)data ? 0 : 2;
}
GLOBAL int shift_head(struct __sk_buff *skb) { return bpf_skb_change_head(skb, 14, 0); }
/* A global one does. */
SEC("tc") int stale_by_global(struct __sk_buff *skb) {
	PKT;
	if (data + 14 > end) return 0;
	shift_head(skb);
	return *(__u8 *)data ? 0 : 2;
}
SEC("tc") int fresh_after_global(struct __sk_buff *skb) {
	shift_head(skb);
	PKT;
	if (data + 14 > end) return 0;
	return *(__u8 *)data ? 0 : 2;
}
SEC("tc") int copied(struct __sk_buff *skb) {
	struct iphdr ip;
	if (bpf_skb_load_bytes(skb, 14, &ip, sizeof(ip)) < 0) return 0;
	return ip.ttl > 1 ? 0 : 2;
}
/* The length of what is copied is unbounded. */
SEC("tc") int copied_all(struct __sk_buff *skb) {
	char buf[128];
	__u32 n = skb->len;
	if (bpf_skb_load_bytes(skb, 0, buf, n) < 0) return 0;
	return buf[0];
}
SEC("tc") int copied_some(struct __sk_buff *skb) {
	char buf[128] = {};
	__u32 n = skb->len;
	if (n > sizeof(buf) || n == 0) return 0;
	if (bpf_skb_load_bytes(skb, 0, buf, n) < 0) return 0;
	return buf[0] & 1;
}
/* Zero bytes may be asked for. */
SEC("tc") int copied_none(struct __sk_buff *skb) {
	char buf[128] = {};
	__u32 n = skb->len;
	if (n > sizeof(buf)) return 0;
	if (bpf_skb_load_bytes(skb, 0, buf, n) < 0) return 0;
	return buf[0] & 1;
}
SEC("tc") int to_scratch(struct __sk_buff *skb) {
	__u32 zero = 0, n = skb->len;
	char *buf = bpf_map_lookup_elem(&scratch, &zero);
	if (!buf) return 0;
	if (n > 256) n = 256;
	if (n < 1) return 0;
	bpf_skb_load_bytes(skb, 0, buf, n);
	return buf[7] & 1;
}
/* More than the value of the map holds. */
SEC("tc") int to_scratch_long(struct __sk_buff *skb) {
	__u32 zero = 0, n = skb->len;
	char *buf = bpf_map_lookup_elem(&scratch, &zero);
	if (!buf) return 0;
	if (n > 256) n = 256;
	if (n < 1) return 0;
	bpf_skb_load_bytes(skb, 0, buf + 1, n);
	return buf[7] & 1;
}
SEC("tc") int nat(struct __sk_buff *skb) {
	PKT;
	if (data + 34 > end) return 0;
	struct iphdr *ip = data + 14;
	__u32 old = ip->saddr, new = bpf_htonl(0x0a000001);
	bpf_l3_csum_replace(skb, 14 + 10, old, new, 4);
	bpf_l4_csum_replace(skb, 34 + 16, old, new, 4 | BPF_F_PSEUDO_HDR);
	bpf_skb_store_bytes(skb, 14 + 12, &new, 4, 0);
	return 0;
}
/* The old address is read when the packet may have been moved. */
SEC("tc") int nat_stale(struct __sk_buff *skb) {
	PKT;
	if (data + 34 > end) return 0;
	struct iphdr *ip = data + 14;
	__u32 new = bpf_htonl(0x0a000001);
	bpf_skb_store_bytes(skb, 14 + 12, &new, 4, 0);
	bpf_l3_csum_replace(skb, 14 + 10, ip->saddr, new, 4);
	return 0;
}
SEC("tc") int find_listener(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;
	t.ipv4.dport = bpf_htons(443);
	sk = bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk) return 0;
	int st = sk->state;
	bpf_sk_release(sk);
	return st == 10 ? 0 : 2;
}
/* The socket is used when it has been given back. */
SEC("tc") int find_used_late(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk = bpf_sk_lookup_udp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk) return 0;
	bpf_sk_release(sk);
	return sk->mark ? 0 : 2;
}
SEC("tc") int find_leaks(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk = bpf_sk_lookup_udp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk) return 0;
	if (sk->family != AF_INET) return 2;
	bpf_sk_release(sk);
	return 0;
}
SEC("tc") int find_full(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk = bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	struct bpf_tcp_sock *tp;
	__u32 cwnd = 0;
	if (!sk) return 0;
	tp = bpf_tcp_sock(sk);
	if (tp) cwnd = tp->snd_cwnd;
	bpf_sk_release(sk);
	return cwnd > 10 ? 0 : 2;
}
/* What was made from the socket outlives it. */
SEC("tc") int find_full_late(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk = bpf_sk_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	struct bpf_tcp_sock *tp;
	if (!sk) return 0;
	tp = bpf_tcp_sock(sk);
	bpf_sk_release(sk);
	if (!tp) return 0;
	return tp->snd_cwnd > 10 ? 0 : 2;
}
/* The tuple is as long as a v6 one, of which only v4 is there. */
SEC("tc") int find_wrong_len(struct __sk_buff *skb) {
	struct { __u32 s, d; __u16 sp, dp; } t = {};
	struct bpf_sock *sk = bpf_sk_lookup_tcp(skb, (void *)&t, 36, BPF_F_CURRENT_NETNS, 0);
	if (sk) bpf_sk_release(sk);
	return 0;
}
SEC("tc") int owner_mark(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	__u64 *seen;
	if (!sk) return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk) return 0;
	seen = bpf_sk_storage_get(&sk_seen, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (seen) (*seen)++;
	return 0;
}
/* It may be a request or a timewait socket. */
SEC("tc") int owner_not_full(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk) return 0;
	return sk->priority ? 0 : 2;
}
SEC("tc") int owner_unchecked(struct __sk_buff *skb) { struct bpf_sock *sk = skb->sk; return sk->family; }
SEC("tc") int class_by_cgroup(struct __sk_buff *skb) { skb->priority = bpf_skb_cgroup_id(skb) & 0xffff; return 0; }
SEC("tc") int cb_words(struct __sk_buff *skb) { skb->cb[0] = skb->len; skb->cb[4] = skb->hash; return skb->cb[1] & 1; }
SEC("tc") int cb_variable(struct __sk_buff *skb) { __u32 i = skb->queue_mapping & 3; return skb->cb[i] & 1; }
/* Not a field that may be written here. */
SEC("tc") int write_len(struct __sk_buff *skb) { skb->len = 0; return 0; }
SEC("tc") int write_tstamp(struct __sk_buff *skb) { skb->tstamp = bpf_ktime_get_ns() + 1000; return 0; }
SEC("tc") int half_field(struct __sk_buff *skb) { return *(__u16 *)((void *)&skb->mark + 2); }
/* Not aligned to the field. */
SEC("tc") int crooked_field(struct __sk_buff *skb) { return *(__u16 *)((void *)&skb->mark + 3); }
SEC("tc") int goes_on(struct __sk_buff *skb) { bpf_tail_call(skb, &steps, skb->protocol & 3); return 0; }
/* Which map of programs is decided while running. */
SEC("tc") int noted(struct __sk_buff *skb) {
	struct { __u32 len, mark; } *n = bpf_ringbuf_reserve(&notes, sizeof(*n), 0);
	if (!n) return 0;
	n->len = skb->len; n->mark = skb->mark;
	bpf_ringbuf_submit(n, skb->len > 1500 ? BPF_RB_FORCE_WAKEUP : 0);
	return 0;
}
SEC("tc") int noted_twice(struct __sk_buff *skb) {
	__u32 *n = bpf_ringbuf_reserve(&notes, 4, 0);
	if (!n) return 0;
	*n = skb->len;
	if (skb->len > 1500) bpf_ringbuf_submit(n, BPF_RB_FORCE_WAKEUP);
	bpf_ringbuf_discard(n, 0);
	return 0;
}
SEC("tc") int tunnel(struct __sk_buff *skb) {
	struct bpf_tunnel_key key = {};
	struct tun_opts opts;
	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) return 0;
	if (bpf_skb_get_tunnel_opt(skb, &opts, sizeof(opts)) < 0) return 0;
	return key.tunnel_id == opts.b[0] ? 0 : 2;
}
SEC("tc") int tunnel_set(struct __sk_buff *skb) {
	struct bpf_tunnel_key key;
	key.tunnel_id = 7; key.remote_ipv4 = 0x0a000001;
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0) ? 2 : 0;
}
