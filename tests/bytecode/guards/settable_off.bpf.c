// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A `const volatile` switch, off by default.
#include "guards.h"

const volatile bool wanted = false;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (wanted)
		return MISS(task);
	return 0;
}
