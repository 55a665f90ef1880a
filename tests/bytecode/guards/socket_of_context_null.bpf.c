// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The socket that an address is for is always there.
#include "guards.h"

SEC("cgroup/connect4")
int probe(struct bpf_sock_addr *ctx)
{
	struct task_struct___guard *task = TASK();
	struct bpf_sock *socket = ctx->sk;

	HIDE(socket);
	if (!socket)
		return MISS(task) & 1;
	return 1;
}
