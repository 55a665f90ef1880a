// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Ports of many services, sent to one. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } servers SEC(".maps");
SEC("sk_lookup") int choose(struct bpf_sk_lookup *ctx) {
	__u32 key = 0;
	struct bpf_sock *sk = bpf_map_lookup_elem(&servers, &key);
	if (!sk) return SK_PASS;
	long error = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return error ? SK_DROP : SK_PASS;
}
SEC("sk_lookup") int leak(struct bpf_sk_lookup *ctx) {
	__u32 key = 1;
	struct bpf_sock *sk = bpf_map_lookup_elem(&servers, &key);
	if (!sk) return SK_PASS;
	return bpf_sk_assign(ctx, sk, 0) ? SK_DROP : SK_PASS;
}
SEC("sk_lookup") int leak_on_error(struct bpf_sk_lookup *ctx) {
	__u32 key = 1;
	struct bpf_sock *sk = bpf_map_lookup_elem(&servers, &key);
	if (!sk) return SK_PASS;
	if (bpf_sk_assign(ctx, sk, BPF_SK_LOOKUP_F_REPLACE)) return SK_DROP;
	bpf_sk_release(sk);
	return SK_PASS;
}
SEC("sk_lookup") int ports(struct bpf_sk_lookup *ctx) { return ctx->local_port >= 7000 && ctx->local_port < 8000 ? SK_PASS : SK_DROP; }
SEC("sk_lookup") int verdict(struct bpf_sk_lookup *ctx) { return ctx->local_port; }
SEC("sk_lookup") int write(struct bpf_sk_lookup *ctx) { ctx->local_port = 80; return SK_PASS; }
