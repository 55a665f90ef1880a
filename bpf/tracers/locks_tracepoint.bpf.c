// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Contention through classic tracepoints, there since 5.19. */
#include "locks_events.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct trace_event_raw_contention_begin {
	void *lock_addr;
	unsigned int flags;
};

struct trace_event_raw_contention_end {
	void *lock_addr;
	int ret;
};

#pragma clang attribute pop

SEC("tracepoint/lock/contention_begin")
int locks_begin(struct trace_event_raw_contention_begin *ctx)
{
	return lock_wait_begins((unsigned long)ctx->lock_addr, kind_of_flags(ctx->flags));
}

SEC("tracepoint/lock/contention_end")
int locks_end(struct trace_event_raw_contention_end *ctx)
{
	return lock_wait_ends(ctx, (unsigned long)ctx->lock_addr, ctx->ret);
}
