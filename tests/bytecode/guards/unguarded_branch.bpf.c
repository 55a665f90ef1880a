// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Behind a condition on run-time data, which is no guard.
#include "guards.h"

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	if (bpf_get_prandom_u32() & 1)
		return MISS(task);
	return 0;
}
