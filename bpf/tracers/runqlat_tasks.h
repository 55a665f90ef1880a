// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Run-queue latency where the events pass tasks: tp_btf and raw tracepoints. */
#ifndef PREFLIGHT_RUNQLAT_TASKS_H
#define PREFLIGHT_RUNQLAT_TASKS_H

#include "runqlat.h"
#include "tasks.h"

/* A histogram for each process instead of one for all. */
const volatile bool by_process = false;

static __always_inline void task_waits(struct task_struct___sched *task, enum runq_cause cause)
{
	/* Idle tasks never wait, and all have the id 0. */
	__u32 tid = TASK_FIELD(task, pid);

	if (!tid || early_task_filter(task) || sampled_out())
		return;
	wait_begins(tid, by_process ? TASK_FIELD(task, tgid) : 0, cause);
}

/* `args`: those of sched_switch. */
static __always_inline int tasks_switch(const __u64 *args)
{
	struct task_struct___sched *prev = (void *)args[1], *next = (void *)args[2];

	if (left_as(args[0], state_at_switch(args, prev)) == LEFT_RUNNABLE)
		task_waits(prev, RUNQ_PREEMPTED);
	else
		wait_void(TASK_FIELD(prev, pid));
	wait_ends(TASK_FIELD(next, pid));
	return 0;
}

#endif
