// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The answer goes through arithmetic first.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long x = bpf_core_field_exists(task->preflight_absent);

	HIDE(x);
	x = x * 2 + 1;
	HIDE(x);
	if (x == 3)
		return MISS(task);
	return 0;
}
