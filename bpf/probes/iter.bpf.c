// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: an iterator over tasks; it runs only when somebody reads its link. */
#include "kernel.h"
#include "license.h"

SEC("iter/task")
int probe_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	return task && task->pid < 0;
}
