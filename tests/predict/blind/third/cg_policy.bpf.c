// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies of a cgroup. */
#include "net.h"
SEC("cgroup/getsockopt") int get(struct bpf_sockopt *ctx) {
	__u8 *v = ctx->optval, *end = ctx->optval_end;
	if (ctx->level != 6) return 1;
	if (v + 1 > end) return 0;
	*v = 3;
	ctx->retval = 0;
	ctx->optlen = 1;
	return 1;
}
SEC("cgroup/setsockopt") int set_unchecked(struct bpf_sockopt *ctx) { __u8 *v = ctx->optval; *v = 3; return 1; }
SEC("cgroup/setsockopt") int set_retval(struct bpf_sockopt *ctx) { ctx->retval = 0; return 1; }
SEC("cgroup/sysctl") int sysctl(struct bpf_sysctl *ctx) { char name[16]; long n = bpf_sysctl_get_name(ctx, name, sizeof(name), 0); return n > 0 && !ctx->write; }
SEC("cgroup/sysctl") int sysctl_write(struct bpf_sysctl *ctx) { ctx->write = 0; return 1; }
SEC("cgroup/dev") int device(struct bpf_cgroup_dev_ctx *ctx) { return ctx->major == 1; }
SEC("cgroup/dev") int device_return(struct bpf_cgroup_dev_ctx *ctx) { return ctx->major; }
SEC("cgroup/connect4") int connect(struct bpf_sock_addr *ctx) { if (ctx->user_port == bpf_htons(53)) ctx->user_ip4 = bpf_htonl(0x7f000001); return 1; }
SEC("cgroup/connect4") int connect_v6(struct bpf_sock_addr *ctx) { ctx->user_ip6[0] = 1; return 1; }
SEC("cgroup/bind4") int bind(struct bpf_sock_addr *ctx) { return bpf_bind(ctx, (void *)ctx, 16) == 0; }
SEC("cgroup/sock_create") int create(struct bpf_sock *ctx) { ctx->mark = 3; ctx->priority = 2; return 1; }
SEC("cgroup/sock_create") int create_port(struct bpf_sock *ctx) { return ctx->src_port > 1024; }
SEC("cgroup/post_bind4") int bound(struct bpf_sock *ctx) { return ctx->src_port > 1024; }
SEC("cgroup/sendmsg4") int send(struct bpf_sock_addr *ctx) { ctx->msg_src_ip4 = 1; return 1; }
SEC("cgroup/connect4") int connect_source(struct bpf_sock_addr *ctx) { ctx->msg_src_ip4 = 1; return 1; }
