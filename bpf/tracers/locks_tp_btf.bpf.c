// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Contention through typed raw tracepoints, there since 5.19. */
#include "locks_events.h"

SEC("tp_btf/contention_begin")
int locks_begin(__u64 *ctx)
{
	return lock_wait_begins(ctx[0], kind_of_flags(ctx[1]));
}

SEC("tp_btf/contention_end")
int locks_end(__u64 *ctx)
{
	return lock_wait_ends(ctx, ctx[0], (int)ctx[1]);
}
