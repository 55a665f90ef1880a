// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Sockets: options of connections, messages between them, chosen listeners, storage of groups. */
#include "kit.h"
struct ck { __u32 lip, rip; __u32 lport, rport; };
struct st { __u64 bytes, pkts; __u32 rtt, state; };
MAP(hash, SOCKHASH, struct ck, __u64, 1024);
MAP(smap, SOCKMAP, __u32, __u64, 16);
MAP(listeners, SOCKMAP, __u32, __u64, 8);
MAP(reuse, REUSEPORT_SOCKARRAY, __u32, __u64, 8);
MAP(plain, ARRAY, __u32, struct st, 8);
STORE(sks, SK_STORAGE, struct st);
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, struct st); } cg SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, struct st); } pcg SEC(".maps");
enum { O_OK, O_REPLY, O_REPLY_LONG, O_HASH, O_HASH_SOCKMAP, O_HASH_KEY, O_SK, O_SK_NULL, O_SK_FULL, O_STORE, O_STORE_NULL, O_HDR, O_HDR_NEG, O_HDR_ZERO, O_CB, O_OPT, O_OPT_GET, O_OPT_GET_VAR, O_WRITE, O_DATA, O_DATA_BARE, O_IPV6_IDX, O_TP, O_CGID, O_NARROW, O_PAST };
INLINE int ops(struct bpf_sock_ops *s, const int way) {
	struct ck k = {};
	int v = 1;
	struct bpf_sock *sk;
	struct st *st;
	switch (s->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB: case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		k.lip = s->local_ip4; k.rip = s->remote_ip4; k.lport = s->local_port; k.rport = s->remote_port;
		if (way == O_HASH_SOCKMAP) bpf_sock_hash_update(s, (void *)&smap, &k, BPF_ANY);
		else if (way == O_HASH_KEY) { __u32 small = 1; bpf_sock_hash_update(s, &hash, &small, BPF_ANY); }
		else bpf_sock_hash_update(s, &hash, &k, BPF_ANY);
		if (way == O_OPT) bpf_setsockopt(s, 6, 2, &v, sizeof(v));
		if (way == O_OPT_GET) { bpf_getsockopt(s, 6, 2, &v, sizeof(v)); s->reply = v; }
		if (way == O_OPT_GET_VAR) { bpf_getsockopt(s, 6, 2, &v, s->args[0] & 7); s->reply = v; }
		bpf_sock_ops_cb_flags_set(s, BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		if (way == O_SK || way == O_SK_NULL || way == O_STORE || way == O_STORE_NULL || way == O_TP || way == O_SK_FULL) {
			sk = s->sk;
			if (way == O_SK_NULL) return sk->state == 1;
			if (!sk) return 1;
			if (way == O_SK_FULL) { sk = bpf_sk_fullsock(sk); return sk->mark == 1; }
			if (way == O_TP) { struct bpf_tcp_sock *t = bpf_tcp_sock(sk); return t ? t->srtt_us > 1000 : 1; }
			st = bpf_sk_storage_get(&sks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
			if (way == O_STORE && !st) return 1;
			st->rtt = s->srtt_us;
		}
		if (way == O_CB) s->bpf_sock_ops_cb_flags = 1;
		if (way == O_WRITE) s->sk_txhash = 7;
		if (way == O_IPV6_IDX) return s->local_ip6[s->args[0] & 3] == 1;
		if (way == O_NARROW) return *(__u8 *)&s->family == AF_INET && *(__u16 *)&s->snd_cwnd > 3;
		if (way == O_PAST) return *(__u32 *)((void *)s + sizeof(*s) + 8);
		break;
	case BPF_SOCK_OPS_PARSE_HDR_OPT_CB:
		if (way == O_HDR || way == O_HDR_NEG || way == O_HDR_ZERO) {
			__u8 o[16] = { 0xfe, 4, 0xeb, 0x9f };
			int n = bpf_load_hdr_opt(s, o, way == O_HDR_ZERO ? 0 : sizeof(o), 0);
			if (way == O_HDR && n < 4) return 1;
			s->reply = way == O_HDR_NEG ? o[n] : o[n & 15];
		}
		if (way == O_DATA || way == O_DATA_BARE) {
			struct tcphdr *th = s->skb_data;
			if (way == O_DATA && (void *)(th + 1) > s->skb_data_end) return 1;
			s->reply = th->window;
		}
		break;
	}
	if (way == O_REPLY) { s->reply = 3; s->replylong[1] = 4; }
	if (way == O_REPLY_LONG) *(__u64 *)&s->replylong[0] = 4;
	if (way == O_CGID) return bpf_get_current_cgroup_id() != 0;
	return 1;
}
#define O(name, n) WAY("sockops", name, struct bpf_sock_ops, ops, n)
O(o_ok, O_OK) O(o_reply, O_REPLY) O(o_reply_long, O_REPLY_LONG) O(o_hash_sockmap, O_HASH_SOCKMAP) O(o_hash_key, O_HASH_KEY) O(o_sk, O_SK) O(o_sk_null, O_SK_NULL) O(o_sk_full, O_SK_FULL) O(o_store, O_STORE) O(o_store_null, O_STORE_NULL)
O(o_hdr, O_HDR) O(o_hdr_neg, O_HDR_NEG) O(o_hdr_zero, O_HDR_ZERO) O(o_cb, O_CB) O(o_opt, O_OPT) O(o_opt_get, O_OPT_GET) O(o_opt_get_var, O_OPT_GET_VAR) O(o_write, O_WRITE) O(o_data, O_DATA) O(o_data_bare, O_DATA_BARE)
O(o_ipv6_idx, O_IPV6_IDX) O(o_tp, O_TP) O(o_cgid, O_CGID) O(o_narrow, O_NARROW) O(o_past, O_PAST)

SEC("sk_msg") int m_redirect(struct sk_msg_md *m) { struct ck k = { m->local_ip4, m->remote_ip4, m->local_port, m->remote_port }; return bpf_msg_redirect_hash(m, &hash, &k, BPF_F_INGRESS); }
SEC("sk_msg") int m_redirect_map(struct sk_msg_md *m) { return bpf_msg_redirect_map(m, (void *)&hash, 1, 0); }
SEC("sk_msg") int m_data(struct sk_msg_md *m) { char *d = m->data, *e = m->data_end; if (d + 4 > e) return SK_PASS; return d[0] == 'G' && d[3] == ' '; }
SEC("sk_msg") int m_data_far(struct sk_msg_md *m) { char *d = m->data, *e = m->data_end; if (d + 4 > e) return SK_PASS; return d[4] == ' '; }
SEC("sk_msg") int m_pull(struct sk_msg_md *m) { char *d; if (bpf_msg_pull_data(m, 0, 8, 0)) return SK_PASS; d = m->data; if (d + 8 > (char *)m->data_end) return SK_PASS; d[0] = 'g'; return SK_PASS; }
SEC("sk_msg") int m_push_stale(struct sk_msg_md *m) { char *d = m->data, *e = m->data_end; if (d + 4 > e) return SK_PASS; if (bpf_msg_push_data(m, 0, 4, 0)) return SK_DROP; d[0] = 1; return SK_PASS; }
SEC("sk_msg") int m_apply(struct sk_msg_md *m) { bpf_msg_apply_bytes(m, m->size); bpf_msg_cork_bytes(m, 4096); return SK_PASS; }
SEC("sk_msg") int m_write(struct sk_msg_md *m) { m->size = 1; return SK_PASS; }
SEC("sk_msg") int m_sk(struct sk_msg_md *m) { struct bpf_sock *s = m->sk; return s ? s->family == 2 : 1; }
SEC("sk_skb/stream_parser") int s_parse(struct __sk_buff *s) { __u8 *d = (void *)(long)s->data; if (d + 4 > (__u8 *)(long)s->data_end) return 0; return 4 + d[2] * 256 + d[3]; }
SEC("sk_skb/stream_parser") int s_parse_len(struct __sk_buff *s) { __u32 n = 0; if (bpf_skb_load_bytes(s, 0, &n, 4)) return 0; return n & 0xffff; }
SEC("sk_skb/stream_parser") int s_parse_long(struct __sk_buff *s) { __u32 n = 0; if (bpf_skb_load_bytes(s, 0, &n, 5)) return 0; return n & 0xffff; }
SEC("sk_skb/stream_verdict") int s_redirect(struct __sk_buff *s) { return bpf_sk_redirect_map(s, &smap, s->remote_port & 15, 0); }
SEC("sk_skb/stream_verdict") int s_redirect_plain(struct __sk_buff *s) { return bpf_sk_redirect_map(s, &plain, 0, 0); }
SEC("sk_skb/stream_verdict") int s_mark(struct __sk_buff *s) { s->mark = 1; return SK_PASS; }
SEC("sk_skb/stream_verdict") int s_prio(struct __sk_buff *s) { s->priority = 1; s->tc_index = 2; return SK_PASS; }
SEC("sk_skb/stream_verdict") int s_lookup(struct __sk_buff *s) { __u32 z = 1; struct bpf_sock *k = bpf_map_lookup_elem(&smap, &z); int r; if (!k) return 1; r = k->state == 1; bpf_sk_release(k); return r; }
SEC("sk_skb/stream_verdict") int s_lookup_leak(struct __sk_buff *s) { __u32 z = 1; struct bpf_sock *k = bpf_map_lookup_elem(&smap, &z); if (!k) return 1; return k->state == 1; }

enum { L_OK, L_NULL, L_LEAK, L_TWICE, L_RELEASE_CTX, L_WRITE, L_PORT, L_FLAGS, L_ARRAY, L_UPDATE, L_V6, L_NULLSEL, L_RET };
INLINE int steer(struct bpf_sk_lookup *c, const int way) {
	struct bpf_sock *s;
	__u32 z = c->local_port & 7;
	long r;
	if (way == L_PORT) return c->local_port == 80 && c->remote_port == 5 && c->ingress_ifindex ? SK_DROP : SK_PASS;
	if (way == L_WRITE) { c->local_port = 80; return SK_PASS; }
	if (way == L_V6) return c->local_ip6[3] == 0 && *(__u16 *)&c->protocol == 6;
	if (way == L_NULLSEL) { bpf_sk_assign(c, 0, BPF_SK_LOOKUP_F_REPLACE); return SK_PASS; }
	if (way == L_RET) return c->family;
	s = bpf_map_lookup_elem(way == L_ARRAY ? (void *)&plain : (void *)&listeners, &z);
	if (way != L_NULL && !s) return SK_PASS;
	r = bpf_sk_assign(c, s, way == L_FLAGS ? 8 : 0);
	if (way != L_LEAK) bpf_sk_release(s);
	if (way == L_TWICE) bpf_sk_release(s);
	if (way == L_RELEASE_CTX) { struct bpf_sock *o = c->sk; if (o) bpf_sk_release(o); }
	if (way == L_UPDATE) bpf_map_update_elem(&listeners, &z, s, 0);
	return r ? SK_DROP : SK_PASS;
}
#define L(name, n) WAY("sk_lookup", name, struct bpf_sk_lookup, steer, n)
L(l_ok, L_OK) L(l_null, L_NULL) L(l_leak, L_LEAK) L(l_twice, L_TWICE) L(l_release_ctx, L_RELEASE_CTX) L(l_write, L_WRITE) L(l_port, L_PORT) L(l_array, L_ARRAY) L(l_update, L_UPDATE) L(l_v6, L_V6) L(l_nullsel, L_NULLSEL) L(l_ret, L_RET)

SEC("sk_reuseport") int p_ok(struct sk_reuseport_md *c) { __u32 k = c->hash & 7; return bpf_sk_select_reuseport(c, &reuse, &k, 0) ? SK_DROP : SK_PASS; }
SEC("sk_reuseport") int p_plain(struct sk_reuseport_md *c) { __u32 k = c->hash & 7; return bpf_sk_select_reuseport(c, &plain, &k, 0) ? SK_DROP : SK_PASS; }
SEC("sk_reuseport") int p_data(struct sk_reuseport_md *c) { struct udphdr *u = c->data; if ((void *)(u + 1) > c->data_end) return SK_DROP; return u->dest != 53; }
SEC("sk_reuseport") int p_data_bare(struct sk_reuseport_md *c) { struct udphdr *u = c->data; return u->dest != 53; }
SEC("sk_reuseport") int p_load(struct sk_reuseport_md *c) { __u8 b[8]; if (bpf_skb_load_bytes((void *)c, 0, b, 8)) return SK_DROP; return b[0] == 1; }
SEC("sk_reuseport") int p_write(struct sk_reuseport_md *c) { c->hash = 1; return SK_PASS; }
SEC("sk_reuseport") int p_key(struct sk_reuseport_md *c) { __u32 k; if (c->len > 3) k = 1; return bpf_sk_select_reuseport(c, &reuse, &k, 0) ? SK_DROP : SK_PASS; }

SEC("cgroup_skb/egress") int g_store(struct __sk_buff *s) { struct st *x = bpf_get_local_storage(&cg, 0), *y = bpf_get_local_storage(&pcg, 0); __sync_fetch_and_add(&x->bytes, s->len); y->pkts++; return 1; }
SEC("cgroup_skb/egress") int g_store_over(struct __sk_buff *s) { struct st *x = bpf_get_local_storage(&cg, 0); (x + 1)->bytes = 1; return 1; }
SEC("cgroup/bind6") int a_bind6(struct bpf_sock_addr *c) { if (c->user_ip6[0] == 0 && c->user_port == bpf_htons(80)) return 0; c->user_ip6[3] = 1; return 1; }
SEC("cgroup/bind4") int a_bind_write(struct bpf_sock_addr *c) { c->family = 2; return 1; }
SEC("cgroup/connect6") int a_src(struct bpf_sock_addr *c) { c->msg_src_ip6[0] = 1; return 1; }
SEC("cgroup/sendmsg6") int a_sendmsg6(struct bpf_sock_addr *c) { c->msg_src_ip6[0] = 1; c->user_ip6[1] = 2; return 1; }
SEC("cgroup/connect4") int a_lookup(struct bpf_sock_addr *c) { struct bpf_sock_tuple t = {}; struct bpf_sock *s; t.ipv4.daddr = c->user_ip4; t.ipv4.dport = c->user_port; s = bpf_sk_lookup_tcp(c, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0); if (!s) return 1; int ok = s->state == 10; bpf_sk_release(s); return ok; }
SEC("cgroup/connect4") int a_lookup_leak(struct bpf_sock_addr *c) { struct bpf_sock_tuple t = {}; struct bpf_sock *s = bpf_sk_lookup_udp(c, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0); return s ? s->state == 10 : 1; }
SEC("cgroup/connect4") int a_lookup_big(struct bpf_sock_addr *c) { struct { __u32 a, b; __u16 p, q; } t = {}; struct bpf_sock *s = bpf_sk_lookup_tcp(c, (void *)&t, sizeof(struct bpf_sock_tuple), 0, 0); if (s) bpf_sk_release(s); return 1; }
