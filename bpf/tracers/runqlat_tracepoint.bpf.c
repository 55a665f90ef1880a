// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Run-queue latency through classic tracepoints. They name a task by thread id and command
 * alone, so no other filter can be honoured, and processes cannot be told apart.
 */
#include "runqlat.h"
#include "license.h"

#define TASK_COMM_LEN 16

const volatile __u32 filter_tid = 0;
/* The whole command name, padded with zeros. */
const volatile char filter_comm[TASK_COMM_LEN] __attribute__((aligned(8))) = {};

static __always_inline void named_waits(__u32 tid, const void *comm_of, enum runq_cause cause)
{
	const volatile __u64 *wanted = (const volatile __u64 *)filter_comm;
	__u64 comm[TASK_COMM_LEN / 8] = {};

	if (!tid)
		return;
	health_count(HEALTH_SEEN);
	if (filter_tid && tid != filter_tid) {
		health_count(HEALTH_FILTERED);
		return;
	}
	if (filter_comm[0]) {
		if (bpf_probe_read_kernel_str(comm, sizeof(comm), comm_of) < 0 || comm[0] != wanted[0] ||
		    comm[1] != wanted[1]) {
			health_count(HEALTH_FILTERED);
			return;
		}
	}
	if (sampled_out())
		return;
	wait_begins(tid, 0, cause);
}

SEC("tracepoint/sched/sched_wakeup")
int runqlat_wakeup(struct trace_event_raw_sched_wakeup_template *ctx)
{
	named_waits(ctx->pid, ctx->comm, RUNQ_WOKEN);
	return 0;
}

SEC("tracepoint/sched/sched_wakeup_new")
int runqlat_new(struct trace_event_raw_sched_wakeup_template *ctx)
{
	named_waits(ctx->pid, ctx->comm, RUNQ_WOKEN);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int runqlat_switch(struct trace_event_raw_sched_switch *ctx)
{
	if (left_as_reported(ctx->prev_state) == LEFT_RUNNABLE)
		named_waits(ctx->prev_pid, ctx->prev_comm, RUNQ_PREEMPTED);
	else
		wait_void(ctx->prev_pid);
	wait_ends(ctx->next_pid);
	return 0;
}
