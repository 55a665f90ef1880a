// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A variable that may change at run time: no guard, though it is 0.
#include "guards.h"

volatile int wanted = 0;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (wanted)
		return MISS(task);
	return 0;
}
