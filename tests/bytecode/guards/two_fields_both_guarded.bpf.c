// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two missing fields, each with its check.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int sum = 0;

	if (bpf_core_field_exists(task->preflight_absent))
		sum += MISS(task);
	if (bpf_core_field_exists(task->preflight_other))
		sum += OTHER_MISS(task);
	return sum;
}
