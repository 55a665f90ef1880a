// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Blocked time through the typed raw tracepoint: task fields are plain loads. */
#define TASK_FIELD(task, field) ((task)->field)
#include "offcpu.h"

SEC("tp_btf/sched_switch")
int offcpu_switch(__u64 *ctx)
{
	struct task_struct___sched *prev = (void *)ctx[1], *next = (void *)ctx[2];

	thread_leaves(ctx, prev->pid, left_as(ctx[0], state_at_switch(ctx, prev)));
	thread_enters(next->pid);
	return 0;
}
