// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A test of one bit.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long x = bpf_core_field_exists(task->preflight_absent);

	HIDE(x);
	x = x << 3 | 5;
	HIDE(x);
	if (x & 8)
		return MISS(task);
	return 0;
}
