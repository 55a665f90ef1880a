// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Blocked time through the raw tracepoint. */
#include "offcpu.h"

SEC("raw_tp/sched_switch")
int offcpu_switch(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct___sched *prev = (void *)ctx->args[1], *next = (void *)ctx->args[2];

	thread_leaves(ctx, TASK_FIELD(prev, pid), left_as(ctx->args[0], state_at_switch(ctx->args, prev)));
	thread_enters(TASK_FIELD(next, pid));
	return 0;
}
