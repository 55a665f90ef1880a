// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Sockets: sock_ops, sk_msg, sk_skb, sk_lookup, reuseport, flow dissection, light-weight tunnels. */
#include "kit.h"
struct peer { __u32 sip, dip, sport, dport; };
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __uint(max_entries, 4096); __type(key, struct peer); __type(value, __u64); } peers SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } listeners SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } group SEC(".maps");
MAP(rtts, HASH, __u64, __u32, 1024);
MAP(plain, ARRAY, __u32, __u64, 16);
STORE(conn, SK_STORAGE, struct peer);
RING(ev, 65536);

INLINE void key_of(struct bpf_sock_ops *s, struct peer *k) {
	k->sip = s->local_ip4; k->dip = s->remote_ip4; k->sport = bpf_htonl(s->local_port); k->dport = s->remote_port;
}
SEC("sockops") int add_peer(struct bpf_sock_ops *s) {
	struct peer k = {};
	if (s->family != AF_INET) return 0;
	switch (s->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB: case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		key_of(s, &k);
		bpf_sock_hash_update(s, &peers, &k, BPF_NOEXIST);
	}
	return 0;
}
/* The update of a map for the map of hashes. */
SEC("sockops") int add_wrong(struct bpf_sock_ops *s) {
	__u32 k = 0;
	return bpf_sock_map_update(s, &peers, &k, 0);
}
SEC("sockops") int rtt(struct bpf_sock_ops *s) {
	if (s->op == BPF_SOCK_OPS_TCP_CONNECT_CB) return bpf_sock_ops_cb_flags_set(s, BPF_SOCK_OPS_RTT_CB_FLAG), 1;
	if (s->op == BPF_SOCK_OPS_RTT_CB) {
		__u64 c = bpf_get_socket_cookie(s);
		__u32 us = s->srtt_us >> 3;
		bpf_map_update_elem(&rtts, &c, &us, BPF_ANY);
	}
	return 1;
}
SEC("sockops") int reply(struct bpf_sock_ops *s) { s->reply = 5; return 1; }
SEC("sockops") int reply_array(struct bpf_sock_ops *s) { s->replylong[0] = s->args[0]; s->replylong[3] = 1; return 1; }
/* May be read only. */
SEC("sockops") int write_cwnd(struct bpf_sock_ops *s) { s->snd_cwnd = 10; return 1; }
SEC("sockops") int hash_txhash(struct bpf_sock_ops *s) { s->sk_txhash = 7; return 1; }
SEC("sockops") int sock_of_ops(struct bpf_sock_ops *s) {
	struct bpf_sock *sk = s->sk;
	struct peer *p;
	if (!sk) return 1;
	p = bpf_sk_storage_get(&conn, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!p) return 1;
	p->sip = s->local_ip4;
	return 1;
}
SEC("sockops") int sock_of_ops_unchecked(struct bpf_sock_ops *s) {
	struct peer *p = bpf_sk_storage_get(&conn, s->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!p) return 1;
	p->sip = s->local_ip4;
	return 1;
}
SEC("sockops") int opts(struct bpf_sock_ops *s) {
	int win = 65535;
	char cc[] = "reno";
	bpf_setsockopt(s, 6, 13, cc, sizeof(cc));
	return bpf_setsockopt(s, 1, 8, &win, sizeof(win)) == 0;
}
SEC("sockops") int header_room(struct bpf_sock_ops *s) {
	if (s->op == BPF_SOCK_OPS_HDR_OPT_LEN_CB) bpf_reserve_hdr_opt(s, 8, 0);
	if (s->op == BPF_SOCK_OPS_WRITE_HDR_OPT_CB) { __u8 o[8] = { 253, 8, 0xeb, 0x9f, 1 }; bpf_store_hdr_opt(s, o, 8, 0); }
	return 1;
}
SEC("sockops") int header_find(struct bpf_sock_ops *s) {
	__u8 o[4] = { 253, 4 };
	int n = bpf_load_hdr_opt(s, o, sizeof(o), 0);
	return n > 0 ? o[2] : 0;
}
SEC("sockops") int header_packet(struct bpf_sock_ops *s) {
	struct tcphdr *th = s->skb_data;
	if (s->op != BPF_SOCK_OPS_PARSE_HDR_OPT_CB) return 1;
	if ((void *)(th + 1) > s->skb_data_end) return 1;
	return th->syn;
}
/* The end is that of nothing. */
SEC("sockops") int header_packet_open(struct bpf_sock_ops *s) {
	struct tcphdr *th = s->skb_data;
	if (s->op != BPF_SOCK_OPS_PARSE_HDR_OPT_CB || s->skb_len < sizeof(*th)) return 1;
	return th->syn;
}
SEC("sk_msg") int to_peer(struct sk_msg_md *m) {
	struct peer k = {};
	k.sip = m->remote_ip4; k.dip = m->local_ip4; k.sport = m->remote_port; k.dport = bpf_htonl(m->local_port);
	return bpf_msg_redirect_hash(m, &peers, &k, BPF_F_INGRESS);
}
SEC("sk_msg") int to_listener(struct sk_msg_md *m) { return bpf_msg_redirect_map(m, &listeners, m->size & 15, 0); }
/* A hash where a map of sockets is wanted. */
SEC("sk_msg") int to_plain(struct sk_msg_md *m) { return bpf_msg_redirect_map(m, &plain, 0, 0); }
SEC("sk_msg") int inspect(struct sk_msg_md *m) {
	if (bpf_msg_pull_data(m, 0, 8, 0)) return SK_PASS;
	__u8 *d = m->data, *end = m->data_end;
	if (d + 8 > end) return SK_PASS;
	return d[0] == 0x16 ? SK_PASS : SK_DROP;
}
/* Pulled after it was compared. */
SEC("sk_msg") int inspect_stale(struct sk_msg_md *m) {
	__u8 *d = m->data, *end = m->data_end;
	if (d + 8 > end) return SK_PASS;
	if (bpf_msg_pull_data(m, 0, 8, 0)) return SK_PASS;
	return d[0] == 0x16 ? SK_PASS : SK_DROP;
}
SEC("sk_msg") int cork(struct sk_msg_md *m) { bpf_msg_cork_bytes(m, 4096); bpf_msg_apply_bytes(m, m->size); return SK_PASS; }
SEC("sk_msg") int msg_write(struct sk_msg_md *m) { m->size = 7; return SK_PASS; }
SEC("sk_skb/stream_parser") int parser(struct __sk_buff *skb) {
	__u16 n;
	if (bpf_skb_load_bytes(skb, 0, &n, 2)) return 0;
	return bpf_ntohs(n) + 2;
}
SEC("sk_skb/stream_verdict") int verdict(struct __sk_buff *skb) {
	__u32 k = skb->local_port & 15;
	return bpf_sk_redirect_map(skb, &listeners, k, 0);
}
SEC("sk_skb/stream_verdict") int verdict_mark(struct __sk_buff *skb) { return skb->mark ? SK_PASS : SK_DROP; }
SEC("sk_skb/stream_verdict") int verdict_adjust(struct __sk_buff *skb) {
	if (bpf_skb_adjust_room(skb, 4, 0, 0)) return SK_DROP;
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	if (data + 4 > end) return SK_DROP;
	*(__u32 *)data = skb->len;
	return SK_PASS;
}
SEC("sk_lookup") int steer(struct bpf_sk_lookup *ctx) {
	__u32 k = 3;
	struct bpf_sock *sk;
	if (ctx->protocol != PROTO_TCP || ctx->local_port < 7000 || ctx->local_port > 8000) return SK_PASS;
	sk = bpf_map_lookup_elem(&listeners, &k);
	if (!sk) return SK_DROP;
	long e = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return e ? SK_DROP : SK_PASS;
}
/* Where it fails the socket is kept. */
SEC("sk_lookup") int steer_leaks(struct bpf_sk_lookup *ctx) {
	__u32 k = 3;
	struct bpf_sock *sk = bpf_map_lookup_elem(&listeners, &k);
	if (!sk) return SK_DROP;
	if (bpf_sk_assign(ctx, sk, 0)) return SK_DROP;
	bpf_sk_release(sk);
	return SK_PASS;
}
SEC("sk_lookup") int steer_reset(struct bpf_sk_lookup *ctx) { return bpf_sk_assign(ctx, 0, BPF_SK_LOOKUP_F_REPLACE) ? SK_DROP : SK_PASS; }
SEC("sk_lookup") int steer_to_zero(struct bpf_sk_lookup *ctx) { return 0; }
SEC("sk_lookup") int steer_to_two(struct bpf_sk_lookup *ctx) { return ctx->family; }
SEC("sk_lookup") int steer_cookie(struct bpf_sk_lookup *ctx) { return ctx->cookie ? SK_DROP : SK_PASS; }
SEC("sk_lookup") int steer_iif(struct bpf_sk_lookup *ctx) { return ctx->ingress_ifindex == 1 ? SK_DROP : SK_PASS; }
SEC("sk_lookup") int steer_ip6(struct bpf_sk_lookup *ctx) { return ctx->local_ip6[3] == bpf_htonl(1) ? SK_DROP : SK_PASS; }
SEC("sk_lookup") int steer_writes(struct bpf_sk_lookup *ctx) { ctx->local_port = 80; return SK_PASS; }
SEC("sk_reuseport") int pick(struct sk_reuseport_md *r) {
	__u32 k = r->hash & 15;
	return bpf_sk_select_reuseport(r, &group, &k, 0) ? SK_DROP : SK_PASS;
}
SEC("sk_reuseport") int pick_plain(struct sk_reuseport_md *r) {
	__u32 k = r->hash & 15;
	return bpf_sk_select_reuseport(r, &plain, &k, 0) ? SK_DROP : SK_PASS;
}
SEC("sk_reuseport") int pick_payload(struct sk_reuseport_md *r) {
	__u8 *d = r->data, *end = r->data_end;
	__u32 k;
	if (d + 9 > end) return SK_PASS;
	k = d[8] & 15;
	bpf_sk_select_reuseport(r, &group, &k, 0);
	return SK_PASS;
}
SEC("sk_reuseport") int pick_payload_short(struct sk_reuseport_md *r) {
	__u8 *d = r->data, *end = r->data_end;
	__u32 k;
	if (d + 8 > end) return SK_PASS;
	k = d[8] & 15;
	bpf_sk_select_reuseport(r, &group, &k, 0);
	return SK_PASS;
}
SEC("sk_reuseport") int pick_migrate(struct sk_reuseport_md *r) { return r->migrating_sk ? SK_DROP : SK_PASS; }
SEC("flow_dissector") int dissect(struct __sk_buff *skb) {
	struct bpf_flow_keys *k = skb->flow_keys;
	struct iphdr *ip, copy;
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	if (k->n_proto != ETH_IP) return BPF_DROP;
	ip = data + k->thoff;
	if (k->thoff > 64 || (void *)(ip + 1) > end) {
		if (bpf_skb_load_bytes(skb, k->thoff, &copy, sizeof(copy))) return BPF_DROP;
		ip = &copy;
	}
	k->ip_proto = ip->protocol; k->ipv4_src = ip->saddr; k->ipv4_dst = ip->daddr;
	return BPF_OK;
}
/* Beyond the keys. */
SEC("flow_dissector") int dissect_beyond(struct __sk_buff *skb) {
	struct bpf_flow_keys *k = skb->flow_keys;
	*(__u32 *)((void *)k + sizeof(*k)) = 1;
	return BPF_OK;
}
SEC("lwt_xmit") int lwt_push(struct __sk_buff *skb) {
	if (bpf_skb_change_head(skb, 14, 0)) return BPF_DROP;
	struct ethhdr *eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end) return BPF_DROP;
	eth->h_proto = ETH_IP;
	return bpf_redirect(2, 0);
}
SEC("lwt_in") int lwt_enter_writes(struct __sk_buff *skb) {
	__u8 *d = (void *)(long)skb->data;
	if ((void *)(d + 1) > (void *)(long)skb->data_end) return BPF_DROP;
	d[0] = 0x45;
	return BPF_OK;
}
SEC("lwt_out") int lwt_leave(struct __sk_buff *skb) { return bpf_get_route_realm(skb) == 7 ? BPF_DROP : BPF_OK; }
