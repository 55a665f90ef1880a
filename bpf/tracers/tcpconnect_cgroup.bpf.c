// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attempts to connect, by the hooks of a cgroup: which programs connect to which port.
 * The hook runs before anything is sent, so there is no result and no latency. It lets
 * everything pass.
 */
#include "tcpconnect.h"

#define ALLOW 1

static __always_inline int attempt(struct bpf_sock_addr *ctx, __u16 family)
{
	struct connect_count_key key = {};

	if (ctx->protocol != PROTOCOL_TCP)
		return ALLOW;
	if (early_filter())
		return ALLOW;
	/* The port is in network order, in the low half of the word. */
	key.port = bpf_ntohs((__u16)ctx->user_port);
	if (target_port && key.port != target_port) {
		health_count(HEALTH_FILTERED);
		return ALLOW;
	}
	if (sampled_out())
		return ALLOW;
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	key.operation = TCP_OPERATION_ATTEMPT;
	key.family = family;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	count_connect(&key);
	return ALLOW;
}

SEC("cgroup/connect4")
int tcpconnect_attempt4(struct bpf_sock_addr *ctx)
{
	return attempt(ctx, FAMILY_INET);
}

SEC("cgroup/connect6")
int tcpconnect_attempt6(struct bpf_sock_addr *ctx)
{
	return attempt(ctx, FAMILY_INET6);
}
