// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The read stands in the open.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	return MISS(task);
}
