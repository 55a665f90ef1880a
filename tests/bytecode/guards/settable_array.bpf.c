// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An entry of a `const volatile` table.
#include "guards.h"

const volatile __u32 table[4] = { 10, 20, 30, 50 };

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (table[2] > 40)
		return MISS(task);
	return 0;
}
