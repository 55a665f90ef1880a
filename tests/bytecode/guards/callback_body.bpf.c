// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// In the callback of bpf_loop.
#include "guards.h"

NOINLINE int round(__u32 index, void *ctx)
{
	struct task_struct___guard *task = TASK();

	if (bpf_core_field_exists(task->preflight_absent))
		return MISS(task) & 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	return bpf_loop(10, round, (void *)0, 0);
}
