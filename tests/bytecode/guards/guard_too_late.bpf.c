// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads first, asks afterwards.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int value = MISS(task);

	if (bpf_core_field_exists(task->preflight_absent))
		return value;
	return 0;
}
