// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Round trip times, asked for by connection. */
#include "net.h"
struct who { __u32 ip, port; };
MAP(rtts, BPF_MAP_TYPE_HASH, struct who, __u32, 256);
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __type(key, struct who); __type(value, __u64); __uint(max_entries, 64); } socks SEC(".maps");
SEC("sockops") int rtt(struct bpf_sock_ops *ctx) {
	struct who who = { ctx->remote_ip4, ctx->remote_port };
	__u32 us = ctx->srtt_us >> 3;
	if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_RTT_CB_FLAG);
	if (ctx->op == BPF_SOCK_OPS_RTT_CB) bpf_map_update_elem(&rtts, &who, &us, 0);
	return 1;
}
SEC("sockops") int keep(struct bpf_sock_ops *ctx) {
	struct who who = { ctx->remote_ip4, ctx->remote_port };
	return bpf_sock_hash_update(ctx, &socks, &who, BPF_NOEXIST) == 0;
}
SEC("sockops") int redirect(struct bpf_sock_ops *ctx) { ctx->remote_ip4 = 0x7f000001; return 1; }
SEC("sockops") int reply(struct bpf_sock_ops *ctx) { ctx->reply = 10; ctx->sk_txhash = 3; return 1; }
SEC("sockops") int plain_update(struct bpf_sock_ops *ctx) {
	struct who who = { 1, 2 };
	struct bpf_sock *sk = ctx->sk;
	if (!sk) return 1;
	bpf_map_update_elem(&socks, &who, sk, 0);
	return 1;
}
SEC("sockops") int family(struct bpf_sock_ops *ctx) {
	struct bpf_sock *sk = ctx->sk;
	return sk->family == 2;
}
