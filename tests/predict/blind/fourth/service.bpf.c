// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Connections of a service, redirected and remembered. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); } origin SEC(".maps");
SEC("cgroup/connect4") int to_local(struct bpf_sock_addr *ctx) {
	__u64 *o = bpf_sk_storage_get(&origin, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!o) return 0;
	*o = ctx->user_ip4;
	ctx->user_ip4 = bpf_htonl(0x7f000001);
	ctx->user_port = bpf_htons(8080);
	return 1;
}
SEC("cgroup/connect4") int to_local_unchecked(struct bpf_sock_addr *ctx) { __u64 *o = bpf_sk_storage_get(&origin, ctx->sk, 0, 1); *o = ctx->user_ip4; return 1; }
SEC("cgroup/connect6") int six(struct bpf_sock_addr *ctx) { ctx->user_ip6[3] = ctx->user_ip6[2]; return 1; }
SEC("cgroup/connect6") int six_with_four(struct bpf_sock_addr *ctx) { return ctx->user_ip4 != 0; }
SEC("cgroup/getpeername4") int peer(struct bpf_sock_addr *ctx) { ctx->user_port = 5; return 1; }
SEC("cgroup/connect4") int family(struct bpf_sock_addr *ctx) { ctx->family = 2; return 1; }
SEC("cgroup/sock_release") int closed(struct bpf_sock *ctx) { return ctx->mark != 77; }
SEC("cgroup/post_bind6") int bound(struct bpf_sock *ctx) { return ctx->src_ip6[0] == 0; }
SEC("cgroup/post_bind6") int bound_mark(struct bpf_sock *ctx) { ctx->mark = 1; return 1; }
SEC("cgroup/setsockopt") int options(struct bpf_sockopt *ctx) { __u32 *v = ctx->optval; if ((void *)(v + 1) > ctx->optval_end) return 0; ctx->optlen = 4; return *v < 100; }
SEC("cgroup/getsockopt") int options_get(struct bpf_sockopt *ctx) { __u32 *v = ctx->optval; if ((void *)v + 2 > ctx->optval_end) return 0; return *v < 100; }
SEC("sockops") int ops(struct bpf_sock_ops *ctx) { struct bpf_sock *sk = ctx->sk; if (!sk) return 1; __u64 *o = bpf_sk_storage_get(&origin, sk, 0, 0); if (o) ctx->reply = *o; return 1; }
SEC("sockops") int ops_window(struct bpf_sock_ops *ctx) { ctx->snd_cwnd = 10; return 1; }
