// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A signed comparison of a negative number.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	long x = bpf_core_field_exists(task->preflight_absent);

	HIDE(x);
	x -= 5;
	HIDE(x);
	if (x > -5)
		return MISS(task);
	return 0;
}
