// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A switch chooses a number that is tested later.
#include "guards.h"

const volatile bool wanted = false;

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	int level = 1;

	if (wanted)
		level = 9;
	HIDE(level);
	if (level == 9)
		return MISS(task);
	return 0;
}
