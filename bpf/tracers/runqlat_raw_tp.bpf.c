// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Run-queue latency through raw tracepoints. */
#include "runqlat_tasks.h"

SEC("raw_tp/sched_wakeup")
int runqlat_wakeup(struct bpf_raw_tracepoint_args *ctx)
{
	task_waits((void *)ctx->args[0], RUNQ_WOKEN);
	return 0;
}

SEC("raw_tp/sched_wakeup_new")
int runqlat_new(struct bpf_raw_tracepoint_args *ctx)
{
	task_waits((void *)ctx->args[0], RUNQ_WOKEN);
	return 0;
}

SEC("raw_tp/sched_switch")
int runqlat_switch(struct bpf_raw_tracepoint_args *ctx)
{
	return tasks_switch(ctx->args);
}
