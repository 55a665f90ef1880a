// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An argument of a raw tracepoint, which is a number to verifiers.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(unsigned long long *ctx)
{
	struct task_struct___guard *task = TASK();
	unsigned long argument = ctx[1];

	HIDE(argument);
	if (!argument)
		return MISS(task);
	return 0;
}
