// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A comparison of 32 bits: the upper half does not matter.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long x = bpf_core_field_exists(task->preflight_absent);
	unsigned int low;

	HIDE(x);
	x |= 1ul << 40;
	HIDE(x);
	low = x;
	if (low)
		return MISS(task);
	return 0;
}
