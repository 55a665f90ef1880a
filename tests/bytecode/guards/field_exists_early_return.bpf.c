// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Returns early when the field is missing.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (!bpf_core_field_exists(task->preflight_absent))
		return 0;
	bpf_printk("here");
	return MISS(task);
}
