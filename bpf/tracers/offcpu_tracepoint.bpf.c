// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Blocked time through the classic tracepoint: it has ids and states, no tasks. */
#include "offcpu.h"

SEC("tracepoint/sched/sched_switch")
int offcpu_switch(struct trace_event_raw_sched_switch *ctx)
{
	thread_leaves(ctx, ctx->prev_pid, left_as_reported(ctx->prev_state));
	thread_enters(ctx->next_pid);
	return 0;
}
