// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* A proxy's data path: established sockets in a map, messages between them, options, round trip times. */
#include "kit.h"
struct skey { __u32 sip, dip, sport, dport; };
struct rtt { __u64 sum, count; __u32 min; };
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __type(key, struct skey); __type(value, __u64); __uint(max_entries, 1024); } peers SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __type(key, __u32); __type(value, __u64); __uint(max_entries, 64); } listeners SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct rtt); } rtts SEC(".maps");
MAP(totals, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct rtt, 1);
INLINE void key_of(struct bpf_sock_ops *c, struct skey *k) { k->sip = c->local_ip4; k->dip = c->remote_ip4; k->sport = c->local_port; k->dport = bpf_ntohl(c->remote_port); }
SEC("sockops") int track(struct bpf_sock_ops *c) {
	struct skey k = {};
	switch (c->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (c->family != AF_INET) break;
		key_of(c, &k);
		bpf_sock_hash_update(c, &peers, &k, BPF_NOEXIST);
		bpf_sock_ops_cb_flags_set(c, c->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RTT_CB: {
		struct bpf_sock *sk = c->sk; struct rtt *r;
		if (!sk) break;
		r = bpf_sk_storage_get(&rtts, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (!r) break;
		r->sum += c->srtt_us >> 3; r->count++;
		if (!r->min || c->srtt_us < r->min) r->min = c->srtt_us;
		break; }
	}
	return 1;
}
SEC("sockops") int track_sk(struct bpf_sock_ops *c) { struct rtt *r = bpf_sk_storage_get(&rtts, c->sk, 0, 1); if (r) r->count++; return 1; }
SEC("sockops") int track_null(struct bpf_sock_ops *c) { struct bpf_sock *sk = c->sk; struct rtt *r; if (!sk) return 1; r = bpf_sk_storage_get(&rtts, sk, 0, 1); r->count++; return 1; }
SEC("sockops") int track_short(struct bpf_sock_ops *c) { __u64 k = c->remote_port; bpf_sock_hash_update(c, &peers, &k, 0); return 1; }
SEC("sockops") int track_array(struct bpf_sock_ops *c) { __u32 k = 1; bpf_sock_map_update(c, &totals, &k, 0); return 1; }
SEC("sockops") int window(struct bpf_sock_ops *c) { int w = 1 << 16; if (c->op == BPF_SOCK_OPS_TCP_CONNECT_CB) bpf_setsockopt(c, 1, 8, &w, sizeof(w)); c->reply = 10; return 1; }
SEC("sockops") int cc(struct bpf_sock_ops *c) { char cong[] = "reno"; if (c->op == BPF_SOCK_OPS_NEEDS_ECN) bpf_setsockopt(c, 6, 13, cong, sizeof(cong)); return 1; }
SEC("sockops") int write_cwnd(struct bpf_sock_ops *c) { c->snd_cwnd = 10; return 1; }
SEC("sockops") int write_txhash(struct bpf_sock_ops *c) { c->sk_txhash = bpf_get_prandom_u32(); return 1; }
SEC("sockops") int ret_zero(struct bpf_sock_ops *c) { return 0; }
SEC("sockops") int ret_op(struct bpf_sock_ops *c) { return c->op; }
SEC("sockops") int options(struct bpf_sock_ops *c) { __u8 opt[4] = { 253, 4, 1, 2 }; if (c->op == BPF_SOCK_OPS_HDR_OPT_LEN_CB) return bpf_reserve_hdr_opt(c, 4, 0) ? 0 : 1; if (c->op == BPF_SOCK_OPS_WRITE_HDR_OPT_CB) bpf_store_hdr_opt(c, opt, sizeof(opt), 0); return 1; }
SEC("sockops") int options_load(struct bpf_sock_ops *c) { __u8 opt[4] = { 253 }; long n = bpf_load_hdr_opt(c, opt, sizeof(opt), 0); return n > 0 && opt[2] ? 1 : 0; }
SEC("sockops") int options_unset(struct bpf_sock_ops *c) { __u8 opt[4]; opt[0] = 253; bpf_store_hdr_opt(c, opt, sizeof(opt), 0); return 1; }
SEC("sockops") int skb_direct(struct bpf_sock_ops *c) { struct tcphdr *t = (void *)(long)c->skb_data; if ((void *)(t + 1) > (void *)(long)c->skb_data_end) return 1; return t->dest == 5; }
SEC("sk_msg") int forward(struct sk_msg_md *m) { struct skey k = { m->remote_ip4, m->local_ip4, bpf_ntohl(m->remote_port), m->local_port }; return bpf_msg_redirect_hash(m, &peers, &k, BPF_F_INGRESS); }
SEC("sk_msg") int forward_short(struct sk_msg_md *m) { __u32 k = m->remote_ip4; return bpf_msg_redirect_hash(m, &peers, &k, BPF_F_INGRESS); }
SEC("sk_msg") int http(struct sk_msg_md *m) { char *d = m->data; if (d + 4 > (char *)m->data_end) return SK_PASS; return d[0] == 'G' && d[1] == 'E' && d[2] == 'T' ? SK_PASS : SK_DROP; }
SEC("sk_msg") int http_pull(struct sk_msg_md *m) { char *d; if (bpf_msg_pull_data(m, 0, 16, 0)) return SK_PASS; d = m->data; if (d + 16 > (char *)m->data_end) return SK_PASS; d[15] = 'x'; return SK_PASS; }
SEC("sk_msg") int http_stale(struct sk_msg_md *m) { char *d = m->data; if (d + 16 > (char *)m->data_end) return SK_PASS; bpf_msg_pull_data(m, 0, 16, 0); return d[0] == 'G' ? SK_PASS : SK_DROP; }
SEC("sk_msg") int http_blind(struct sk_msg_md *m) { char *d = m->data; return d[0] == 'G' ? SK_PASS : SK_DROP; }
SEC("sk_msg") int apply(struct sk_msg_md *m) { bpf_msg_apply_bytes(m, m->size); bpf_msg_cork_bytes(m, 16); return SK_PASS; }
SEC("sk_msg") int msg_ret(struct sk_msg_md *m) { return m->size; }
SEC("sk_skb/stream_parser") int parser(struct __sk_buff *skb) { __u8 *d = DATA(skb); if (d + 2 > (__u8 *)END(skb)) return 0; return d[0] << 8 | d[1]; }
SEC("sk_skb/stream_parser") int parser_blind(struct __sk_buff *skb) { __u8 *d = DATA(skb); return d[0]; }
SEC("sk_skb/stream_verdict") int verdict(struct __sk_buff *skb) { struct skey k = { skb->remote_ip4, skb->local_ip4, 0, skb->local_port }; return bpf_sk_redirect_hash(skb, &peers, &k, 0); }
SEC("sk_skb/stream_verdict") int verdict_mark(struct __sk_buff *skb) { skb->mark = 1; return SK_PASS; }
SEC("sk_skb/stream_verdict") int verdict_prio(struct __sk_buff *skb) { skb->priority = 1; return SK_PASS; }
SEC("sk_skb/stream_verdict") int verdict_wrong(struct __sk_buff *skb) { return bpf_sk_redirect_map(skb, &peers, 1, 0); }
SEC("sk_lookup") int steer(struct bpf_sk_lookup *c) { __u32 k = 0; struct bpf_sock *s; long e; if (c->local_port < 7000 || c->local_port > 7100) return SK_PASS; s = bpf_map_lookup_elem(&listeners, &k); if (!s) return SK_PASS; e = bpf_sk_assign(c, s, 0); bpf_sk_release(s); return e ? SK_DROP : SK_PASS; }
SEC("sk_lookup") int steer_leak(struct bpf_sk_lookup *c) { __u32 k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&listeners, &k); if (!s) return SK_PASS; if (bpf_sk_assign(c, s, 0)) return SK_DROP; bpf_sk_release(s); return SK_PASS; }
SEC("sk_lookup") int steer_hash(struct bpf_sk_lookup *c) { struct skey k = {}; struct bpf_sock *s = bpf_map_lookup_elem(&peers, &k); if (s) bpf_sk_release(s); return SK_PASS; }
SEC("sk_lookup") int steer_null(struct bpf_sk_lookup *c) { return bpf_sk_assign(c, 0, 0) ? SK_DROP : SK_PASS; }
SEC("sk_reuseport") int spread(struct sk_reuseport_md *c) { __u32 k = c->hash & 63; return bpf_sk_select_reuseport(c, &listeners, &k, 0) ? SK_DROP : SK_PASS; }
SEC("flow_dissector") int dissect(struct __sk_buff *skb) { struct bpf_flow_keys *k = skb->flow_keys; if (k->n_proto == ETH_IP) return 0; k->thoff = k->nhoff + 20; return 1; }
SEC("flow_dissector") int dissect_len(struct __sk_buff *skb) { return skb->len > 60; }
SEC("socket") int filter(struct __sk_buff *skb) { __u8 proto; if (bpf_skb_load_bytes(skb, 23, &proto, 1)) return 0; return proto == 6 ? skb->len : 0; }
SEC("socket") int filter_direct(struct __sk_buff *skb) { __u8 *d = DATA(skb); if (d + 1 > (__u8 *)END(skb)) return 0; return d[0]; }
SEC("socket") int filter_mark(struct __sk_buff *skb) { skb->mark = 1; return skb->len; }
SEC("socket") int filter_count(struct __sk_buff *skb) { __u32 z = 0; struct rtt *r = bpf_map_lookup_elem(&totals, &z); if (r) r->count += skb->len; return 0; }
