// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Run-queue latency through typed raw tracepoints: task fields are plain loads. */
#define TASK_FIELD(task, field) ((task)->field)
#include "runqlat_tasks.h"

SEC("tp_btf/sched_wakeup")
int runqlat_wakeup(__u64 *ctx)
{
	task_waits((void *)ctx[0], RUNQ_WOKEN);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int runqlat_new(__u64 *ctx)
{
	task_waits((void *)ctx[0], RUNQ_WOKEN);
	return 0;
}

SEC("tp_btf/sched_switch")
int runqlat_switch(__u64 *ctx)
{
	return tasks_switch(ctx);
}
