// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The answer lies on the stack for a while.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	volatile unsigned long kept = bpf_core_field_exists(task->preflight_absent);

	bpf_printk("between");
	if (kept)
		return MISS(task);
	return 0;
}
